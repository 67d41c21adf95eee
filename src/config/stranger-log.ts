/**
 * StrangerLog: who was refused, in the log, without letting strangers fill the disk with it.
 *
 * The first lines of each ten seconds are written, those after them are counted; the count is written with the next line. What a
 * stranger says is never repeated, but for numbers and names that were checked.
 */
import type { World } from '../base';

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 10;

export class StrangerLog {
  private beganAtMs = -Infinity;
  private lines = 0;
  private suppressed = 0;

  /** @param port what it is a port of, in words */
  constructor(
    private readonly world: Pick<World, 'clock' | 'log'>,
    private readonly port: string,
  ) {}

  /** @param address of the stranger. @param reason why it was refused */
  refused(address: string, reason: string): void {
    const nowMs = this.world.clock.monotonicMs();
    if (nowMs - this.beganAtMs >= WINDOW_MS) {
      this.beganAtMs = nowMs;
      this.lines = 0;
    }
    if (this.lines === LINES_PER_WINDOW) {
      this.suppressed++;
      return;
    }
    this.lines++;
    const others = this.suppressed === 0 ? '' : ` (and ${this.suppressed} others before)`;
    this.suppressed = 0;
    this.world.log('warning', `Refused a connection to the port of ${this.port} from ${address}: ${reason}${others}`);
  }
}

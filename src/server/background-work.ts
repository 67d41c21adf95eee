/**
 * BackgroundWork: what a data node does when no client asks: expire keys, free flushed tables, look after idle
 * sessions, sample rates.
 *
 * Work that can be long is done in slices of about a millisecond with pauses between, so that no client waits for it:
 * a tick starts a slice, and an unfinished slice is followed by another 3 ms later, a quarter of a core at most.
 */
import { RATE_SAMPLE_EVERY_MS } from '../metrics';
import type { ExpiryCycle } from '../storage';
import type { DataNode } from './data-node';

const SLICE_MS = 1;
const BETWEEN_SLICES_MS = 3;
const LOOK_AFTER_SESSIONS_EVERY_MS = 1000;

export class BackgroundWork {
  private readonly cancel: (() => void)[] = [];
  private sliceEndMs = 0;
  private slicePending = false;
  private readonly isTimeUp = (): boolean => this.node.world.clock.monotonicMs() >= this.sliceEndMs;

  constructor(
    private readonly node: DataNode,
    private readonly expiry: ExpiryCycle,
  ) {}

  start(): void {
    if (this.cancel.length > 0) return;
    const { timers } = this.node.world;
    const { node } = this;
    const hz = node.settings.values['hz'];
    this.cancel.push(
      timers.every(1000 / hz, () => this.slice()),
      timers.every(RATE_SAMPLE_EVERY_MS, () => node.statistics.sampleRates(node.world.clock.monotonicMs())),
      timers.every(LOOK_AFTER_SESSIONS_EVERY_MS, () => this.lookAfterSessions()),
    );
  }

  stop(): void {
    for (const cancel of this.cancel) cancel();
    this.cancel.length = 0;
  }

  private slice(): void {
    const { node } = this;
    const { clock, timers } = node.world;
    const startMs = clock.monotonicMs();
    this.sliceEndMs = startMs + SLICE_MS;
    node.keyspace.setTime(clock.wallMs());
    if (node.keyspace.needsReclaim) node.keyspace.reclaim(this.isTimeUp);
    if (node.activeExpiry && !this.isTimeUp()) this.expiry.run(this.isTimeUp);
    if (!this.isTimeUp()) node.makeRoom(this.isTimeUp);
    // Who waits for a key may want to know that it is gone, and so does who reads the journal.
    if (node.blocking.isAnyReady || node.journal.isPending) {
      node.beginBatch();
      node.blocking.serve();
      node.endBatch();
    }
    node.statistics.sawTurn(clock.monotonicMs() - startMs);
    if (this.isTimeUp() && !this.slicePending && this.cancel.length > 0) {
      this.slicePending = true;
      timers.after(BETWEEN_SLICES_MS, () => {
        this.slicePending = false;
        this.slice();
      });
    }
  }

  private lookAfterSessions(): void {
    const { node } = this;
    const timeoutMs = node.settings.values['timeout'] * 1000;
    const nowMs = node.world.clock.monotonicMs();
    for (const session of node.sessions.values()) {
      if (timeoutMs > 0 && !session.isWaiting && !session.isReplica && nowMs - session.lastActiveMs > timeoutMs) {
        node.world.log('verbose', `Closing idle client ${session.describe()}`);
        session.kill();
      } else if (session.unsentBytes > 0) {
        node.checkOutputLimit(session);
      }
    }
  }
}

/**
 * Dialing: how a peer is reached that no connection leads to, over and over, after pauses that grow to half a second.
 *
 * The pauses are jittered, so that two that dial each other at the same moment do not go on doing so. An attempt cannot be taken
 * back once it is made: one that is given up is forgotten, and closed should it come to something.
 */
import type { World } from '../../base';
import type { PeerLink } from './peer-link';

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 500;
/** Failures after which the pauses grow no more. */
const DOUBLINGS_MAX = 4;

export class Dialing {
  /** The attempt that is under way. */
  attempt: PeerLink | null = null;
  private failures = 0;
  private cancelRetry: (() => void) | null = null;

  /** @param dial makes one attempt */
  constructor(
    private readonly world: Pick<World, 'timers' | 'random'>,
    private readonly dial: () => PeerLink,
  ) {}

  /** Whether attempts have failed since a link last stood. */
  get isFailing(): boolean {
    return this.failures > 0;
  }

  /** Tries now, unless it does already. */
  begin(): void {
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.attempt ??= this.dial();
  }

  /** The attempt has come to nothing: another is made after a pause. */
  failed(): void {
    this.attempt = null;
    this.failures++;
    const bound = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(this.failures, DOUBLINGS_MAX));
    const delayMs = RETRY_MS_MIN + this.world.random.fraction() * (bound - RETRY_MS_MIN);
    this.cancelRetry?.();
    this.cancelRetry = this.world.timers.after(delayMs, () => this.begin());
  }

  /** A link stands, so no more attempts are made; one that is under way goes on. */
  rest(): void {
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.failures = 0;
  }

  /** No more attempts, and the one that is under way is given up. */
  stop(reason: string): void {
    this.rest();
    const { attempt } = this;
    this.attempt = null;
    attempt?.leave(reason);
  }
}

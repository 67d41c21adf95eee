/**
 * ViewLink: the standing connection to a config server by which a proxy or a data node follows the control plane.
 *
 * Over it come views, pushed at every change, and go renewals of the follower's lease, ten a second. A renewal says which view is *in
 * force*: by which the follower acts, with all its consequences done. That is not the newest one that it was given: a proxy has yet to
 * finish what is in flight to a master that loses its place. The follower says when (`viewInForce`); it is then acknowledged
 * and told to the leader at once, as a change of master may be waiting for it.
 *
 * Any config server will do, as it passes renewals on to the leader. One that is lost, silent, or knows no leader is left for the
 * next, after a pause so short that a lease of 800 ms outlives it, and jittered so that a hundred followers do not come in the same
 * millisecond; where nobody answers, pauses grow to a quarter of a second. Silence is counted in ticks, not in time: a process that
 * was paused finds its answers waiting, and should not blame the other end.
 *
 * The follower goes on with the view that it has while there is no link: who serves and who decides must not fail together.
 * What it may still do then is the business of its lease.
 */
import type { World } from '../base';
import { addressText, type Address } from '../net';
import type { PushReply, Reply } from '../resp';
import { ClusterView } from '../slots';
import { Conversation, type Answered, type Connect, type Words } from './conversation';

/** Between looks at the link, ms; and after how many of them a lease is renewed, and a server given up that answers no renewal. */
const TICK_MS = 50;
const TICKS_PER_RENEWAL = 2;
const SILENT_TICKS_MAX = 3;

/** Pauses before the next server is tried, ms: between the first two while there is one that was not tried; then they grow. */
const PAUSE_MIN_MS = 10;
const PAUSE_ROTATING_MS = 50;
const PAUSE_MAX_MS = 250;

/** How long a farewell is waited for, ms. */
const FAREWELL_MS_MAX = 200;

/** Who follows. Called from the link's events; may call back into the link. */
export interface ViewFollower {
  /** As what it renews its lease. */
  readonly kind: 'PROXY' | 'SERVER';
  /** Forty hexadecimal digits that name this run of the process. */
  readonly runId: string;
  /** The newest view that it has, with which it subscribes; −1 for none. */
  knownVersion(): number;
  /** For the config servers; empty for none. */
  password(): string;
  /**
   * The command by which it makes itself known, said on a first connection and whenever a config server does not know it; null for
   * one that need not. @param localAddress `host:port` of this end of the connection
   */
  introduction(localAddress: string): Words | null;
  /** A view has come; older ones than it has may. Once all its consequences are done, `viewInForce` is to be called. */
  view(view: ClusterView): void;
  /** A renewal was answered. @param sentMs, arrivedMs monotonic; @param answer as the control plane's protocol has it */
  renewed(sentMs: number, arrivedMs: number, answer: readonly Reply[]): void;
}

export class ViewLink {
  private conversation: Conversation | null = null;
  private isConnected = false;
  private isIntroduced = false;
  private isStopped = false;
  private inForce = -1;
  private ticks = 0;
  private silentTicks = 0;
  /** Attempts in a row that came to nothing. */
  private failures = 0;
  /** The last error reply that was no reason to leave: said aloud once. */
  private complaint = '';
  private next: number;
  private cancelTick: (() => void) | null = null;
  private cancelPause: (() => void) | null = null;

  /** @param connect opens connections to config servers; throws a CacheError where that cannot even be tried */
  constructor(
    private readonly world: World,
    private readonly servers: readonly Address[],
    private readonly follower: ViewFollower,
    private readonly connect: Connect,
  ) {
    this.next = world.random.below(servers.length);
  }

  /** The config server that it is connected to, `host:port`; null while it is to none. */
  get connectedTo(): string | null {
    return this.isConnected ? addressText(this.conversation!.address) : null;
  }

  /** The view that the follower acts by, as the leader is told; −1 for none. */
  get versionInForce(): number {
    return this.inForce;
  }

  start(): void {
    this.cancelTick = this.world.timers.every(TICK_MS, () => this.tick());
    this.dial();
  }

  /** Ends the link, having said `farewell` if there is one and anybody to hear it; then calls `done`. */
  stop(farewell: Words | null, done: () => void): void {
    const { conversation } = this;
    this.isStopped = true;
    this.cancelTick?.();
    this.cancelPause?.();
    let isOver = false;
    let cancelWait = (): void => undefined;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      cancelWait();
      this.isConnected = false;
      conversation?.close();
      done();
    };
    if (farewell === null || !this.isConnected) return end();
    cancelWait = this.world.timers.after(FAREWELL_MS_MAX, end, true);
    conversation!.ask(farewell, end);
  }

  /**
   * The follower acts by this view, and all its consequences are done. Never goes back.
   * @param isPressing false: nobody waits for that, and the next renewal in its turn is soon enough
   */
  viewInForce(version: number, isPressing = true): void {
    if (version <= this.inForce) return;
    this.inForce = version;
    if (!this.isConnected) return;
    this.conversation!.tell(['VIEW', 'ACK', version]);
    if (isPressing) this.renew();
  }

  /** Renews at once, for a follower that has reason to doubt that it knows the last word. */
  renewNow(): void {
    this.renew();
  }

  // ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────

  private dial(): void {
    const conversation = new Conversation(this.servers[this.next], {
      opened: () => this.greet(conversation),
      pushed: (message) => this.pushed(message),
      lost: (error) => this.leave(conversation, error.message),
    });
    this.conversation = conversation;
    this.silentTicks = 0;
    try {
      conversation.begin(this.connect);
    } catch (error) {
      this.leave(conversation, (error as Error).message);
    }
  }

  /** All in one go: nothing waits for anything, and the first error that is one ends the attempt. */
  private greet(conversation: Conversation): void {
    const { follower } = this;
    const password = follower.password();
    const mustSucceed: Answered = (answer) => {
      if (answer instanceof Error) this.leave(conversation, answer.message);
    };
    this.isConnected = true;
    this.silentTicks = 0;
    conversation.ask(['HELLO', 3, ...(password === '' ? [] : ['AUTH', 'default', password])], mustSucceed);
    conversation.ask(['VIEW', 'SUBSCRIBE', follower.knownVersion()], (answer) => {
      mustSucceed(answer);
      if (!(answer instanceof Error)) this.world.log('notice', `Following config server ${this.connectedTo}`);
    });
    if (this.inForce >= 0) conversation.tell(['VIEW', 'ACK', this.inForce]);
    this.renew();
  }

  private introduce(conversation: Conversation): void {
    const words = this.follower.introduction(conversation.localAddress);
    this.isIntroduced = true;
    if (words === null) return;
    conversation.ask(words, (answer) => {
      if (!(answer instanceof Error)) return this.renew();
      this.isIntroduced = false;
      this.refused(conversation, answer.message);
    });
  }

  /** Gives this config server up for the next one. */
  private leave(conversation: Conversation, reason: string): void {
    if (conversation !== this.conversation || this.isStopped) return;
    this.log(conversation, reason, this.failures > 0);
    this.conversation = null;
    this.isConnected = false;
    conversation.close();
    this.next = (this.next + 1) % this.servers.length;
    this.cancelPause = this.world.timers.after(this.pauseMs(), () => this.dial());
    this.failures++;
  }

  private pauseMs(): number {
    const rounds = Math.floor(this.failures / this.servers.length);
    const bound = Math.min(PAUSE_MAX_MS, PAUSE_ROTATING_MS * 2 ** Math.min(rounds, 10));
    return PAUSE_MIN_MS + this.world.random.fraction() * (bound - PAUSE_MIN_MS);
  }

  // ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────

  private tick(): void {
    const { conversation } = this;
    if (conversation === null) return;
    this.ticks++;
    this.silentTicks++;
    if (this.silentTicks > SILENT_TICKS_MAX)
      this.leave(conversation, this.isConnected ? 'it is silent' : 'no connection');
    else if (this.isConnected && this.ticks % TICKS_PER_RENEWAL === 0) this.renew();
  }

  private renew(): void {
    const { conversation, follower } = this;
    if (conversation === null || !this.isConnected || this.isStopped) return;
    if (!this.isIntroduced) this.introduce(conversation);
    const { clock } = this.world;
    const sentMs = clock.monotonicMs();
    conversation.ask(['LEASE', 'RENEW', follower.kind, follower.runId, this.inForce], (answer) => {
      if (conversation !== this.conversation) return;
      this.silentTicks = 0;
      if (answer instanceof Error) return this.refused(conversation, answer.message);
      this.failures = 0;
      this.complaint = '';
      if (Array.isArray(answer)) follower.renewed(sentMs, clock.monotonicMs(), answer);
    });
  }

  /** An error for an answer: one without a leader is no use; with any other, views at least go on to come. */
  private refused(conversation: Conversation, reason: string): void {
    if (conversation !== this.conversation) return;
    if (reason.startsWith('NOQUORUM')) return this.leave(conversation, reason);
    this.failures = 0;
    if (reason.startsWith('UNREGISTERED')) this.isIntroduced = false;
    else this.log(conversation, reason, reason === this.complaint);
    this.complaint = reason;
  }

  private log({ address }: Conversation, reason: string, isRepeated: boolean): void {
    this.world.log(isRepeated ? 'verbose' : 'warning', `Config server ${addressText(address)}: ${reason}`);
  }

  private pushed({ values }: PushReply): void {
    if (values[0] !== 'view') return;
    try {
      this.follower.view(ClusterView.parse(values[2]));
    } catch (error) {
      this.world.log('warning', `A config server sent a view that cannot be: ${(error as Error).message}`);
    }
  }
}

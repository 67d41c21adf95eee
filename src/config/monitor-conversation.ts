/**
 * MemberConversation: one config server's standing talk with one data node.
 *
 * PING at a steady pace, and in the place of some of them INFO: four times per second (which costs a stock server 25 µs each), at
 * once when the conversation begins, and when somebody asks. A conversation that is lost is begun anew at once, since that is the quickest
 * way to learn whether the process is gone or only the connection; then at the pace of the pings. One that stays silent is given up
 * and begun anew, too: half-open connections look like that.
 *
 * Any answer is a sign of life, an error as well: a server that loads, is busy, or wants a password is not dead.
 */
import { CacheError } from '../base';
import type { MemberReport } from '../failover';
import type { ControlHost, LinkReply, ServerLink } from './control-host';
import { readInfo, type NodeInfo } from './info-reader';

const INFO_INTERVAL_MS = 250;

export interface ConversationEvents {
  /** It said something. */
  alive(): void;
  /** Nobody listens at its address. */
  refused(): void;
  /** A new INFO has come. */
  informed(): void;
}

export class MemberConversation {
  /** The newest answer to INFO; null while there was none. */
  info: NodeInfo | null = null;
  /** When that was asked for, monotonic ms. */
  askedMs = -Infinity;
  /** When INFO was first asked for of the process that answered it last, monotonic ms. */
  runSinceMs = -Infinity;
  /** The last report of the process that was there before the present one; null where nobody saw another. */
  formerReport: MemberReport | null = null;
  /** When that was asked for, monotonic ms. */
  formerAskedMs = -Infinity;
  /** The last report in which it was connected to its master and had its data; null where it never was. */
  attached: { readonly report: MemberReport; readonly askedMs: number } | null = null;
  /** It can be talked with now. */
  isOpen = false;
  private link: ServerLink | null = null;
  private dialledMs = -Infinity;
  private pingedMs = -Infinity;
  private inquiredMs = -Infinity;
  /** When the oldest command that waits for its answer was sent; null for none. */
  private waitingSinceMs: number | null = null;
  private unanswered = 0;
  private isAsking = false;
  private isEnded = false;

  constructor(
    private readonly host: ControlHost,
    readonly memberId: string,
    private readonly address: { readonly host: string; readonly port: number },
    private readonly events: ConversationEvents,
  ) {}

  /** Must be called often; does what is due. `paceMs`: between pings; `patienceMs`: how long a silent conversation is kept. */
  tick(nowMs: number, paceMs: number, patienceMs: number): void {
    if (this.link === null) {
      if (nowMs - this.dialledMs >= paceMs) this.dial();
      return;
    }
    const silentSinceMs = this.isOpen ? this.waitingSinceMs : this.dialledMs;
    if (silentSinceMs !== null && nowMs - silentSinceMs >= patienceMs) {
      this.hangUp();
      this.dial();
      return;
    }
    if (!this.isOpen) return;
    if (nowMs - this.inquiredMs >= INFO_INTERVAL_MS) this.ask();
    // One that does not answer is not given more to answer.
    if (nowMs - this.pingedMs >= paceMs && this.unanswered < 2) {
      this.pingedMs = nowMs;
      this.command(['PING'], () => {});
    }
  }

  /** Asks for INFO now, unless an answer is awaited already. */
  ask(): void {
    if (!this.isOpen || this.isAsking) return;
    this.isAsking = true;
    const askedMs = this.host.world.clock.monotonicMs();
    this.inquiredMs = askedMs;
    // Who answers that needs no ping meanwhile.
    this.pingedMs = askedMs;
    const { link } = this;
    this.command(['INFO'], (reply) => {
      if (link === this.link) this.isAsking = false;
      if (typeof reply === 'string') this.informed(reply, askedMs);
    });
  }

  /** Sends a command; `done` gets CLOSED where no answer can come. */
  command(words: readonly string[], done: (reply: LinkReply | Error) => void): void {
    const { link } = this;
    if (link === null || !this.isOpen) {
      done(new CacheError('CLOSED', `there is no conversation with ${this.memberId}`));
      return;
    }
    this.unanswered++;
    this.waitingSinceMs ??= this.host.world.clock.monotonicMs();
    link.command(words, (reply) => {
      if (link === this.link) this.answered(reply);
      done(reply);
    });
  }

  end(): void {
    this.isEnded = true;
    this.hangUp();
  }

  private answered(reply: LinkReply | Error): void {
    if (reply instanceof CacheError && reply.code !== 'REPLY') return;
    this.unanswered--;
    this.waitingSinceMs = this.unanswered === 0 ? null : this.host.world.clock.monotonicMs();
    this.events.alive();
  }

  private informed(text: string, askedMs: number): void {
    const info = readInfo(text);
    if (info === null || askedMs < this.askedMs) return;
    if (this.info !== null && this.info.report.runId !== info.report.runId) {
      this.formerReport = this.info.report;
      this.formerAskedMs = this.askedMs;
    }
    const { report } = info;
    if (this.info?.report.runId !== report.runId) this.runSinceMs = askedMs;
    if (report.role === 'replica' && report.isLinkUp && !report.isSyncing) this.attached = { report, askedMs };
    this.info = info;
    this.askedMs = askedMs;
    this.events.informed();
  }

  private dial(): void {
    this.dialledMs = this.host.world.clock.monotonicMs();
    // The events come later, never while it is being dialled.
    const link = this.host.dial(this.address, {
      opened: () => {
        if (this.link === link) this.opened();
      },
      closed: (isRefused) => {
        if (this.link === link) this.closed(isRefused);
      },
    });
    this.link = link;
  }

  private opened(): void {
    this.isOpen = true;
    this.ask();
  }

  private closed(isRefused: boolean): void {
    const wasOpen = this.isOpen;
    this.hangUp();
    if (this.isEnded) return;
    if (isRefused) this.events.refused();
    else if (wasOpen) this.dial();
  }

  private hangUp(): void {
    const { link } = this;
    this.link = null;
    this.isOpen = false;
    this.isAsking = false;
    this.unanswered = 0;
    this.waitingSinceMs = null;
    link?.close();
  }
}

/**
 * Monitor: what this config server sees of the data nodes, and what the config servers together hold for down.
 *
 * Every config server watches every member of every group by itself, over conversations of its own: what one of them cannot reach may
 * be well. Opinions are told to the others when they change, and then again at the pace of the pings as long as anybody is held
 * for down, so that a lost message costs a tenth of `down-after-ms`; they count for three such intervals. So the majority
 * agrees within some milliseconds of the last of its members, and a voice that is cut off fades quickly.
 *
 * Nothing that is seen here is decided here: it is told to whoever asks, and forgotten with the process.
 */
import { Detector, type DownReason, type MemberReport, type MemberSight, type Sighting } from '../failover';
import type { NodeId } from '../raft';
import { MemberConversation } from './monitor-conversation';
import type { ControlHost, Figures, LinkReply, MonitorPart, Opinions } from './control-host';
import type { NodeInfo } from './info-reader';

/** Pings per `down-after-ms`, and looks at the clock per ping. */
const PINGS_PER_DOWN_AFTER = 10;
const TICKS_PER_PING = 2;
/** Opinions count for so many intervals between pings. */
const FRESH_INTERVALS = 3;
/** When all is well, opinions are told this often, ms. */
const CALM_TELL_MS = 1000;
/** A conversation that is silent for so many times `down-after-ms` is begun anew. */
const PATIENCE = 1.5;

export class Monitor implements MonitorPart {
  /** Called, in their order, when something that decisions rest on has changed: a report came, or a health. */
  readonly listeners: ((memberId: string) => void)[] = [];
  private readonly conversations = new Map<string, MemberConversation>();
  private readonly detector: Detector;
  private readonly mastersByGroup = new Map<number, string>();
  private downBefore = '';
  private toldMs = -Infinity;
  private pingMs = 0;
  private cancelTick: (() => void) | null = null;

  constructor(private readonly host: ControlHost) {
    this.detector = new Detector(host.id, this.rules, this.nowMs);
  }

  start(): void {
    this.stateChanged();
  }

  stop(): void {
    this.cancelTick?.();
    this.cancelTick = null;
    this.pingMs = 0;
    for (const conversation of this.conversations.values()) conversation.end();
    this.conversations.clear();
  }

  stateChanged(): void {
    this.setPace();
    const { view } = this.host.state;
    const ids = new Set<string>();
    for (const { id: group, members, master } of view.groups) {
      for (const { id, host, port } of members) {
        ids.add(id);
        if (this.conversations.has(id)) continue;
        this.detector.watch(id, this.nowMs);
        this.converse(id, { host, port });
      }
      const before = this.mastersByGroup.get(group);
      if (master === null) this.mastersByGroup.delete(group);
      else this.mastersByGroup.set(group, master.id);
      if (master !== null && before !== undefined && before !== master.id)
        this.detector.promoted(master.id, this.nowMs);
    }
    for (const [id, conversation] of this.conversations) {
      if (ids.has(id)) continue;
      conversation.end();
      this.conversations.delete(id);
      this.detector.forget(id);
    }
  }

  opinionsCame(from: NodeId, opinions: Opinions): void {
    this.detector.heard(from, opinions, this.nowMs);
    for (const { memberId } of opinions.down) this.announce(memberId);
  }

  /** What its newest INFO told; null while there was none. */
  info(memberId: string): NodeInfo | null {
    return this.conversations.get(memberId)?.info ?? null;
  }

  /** What a change of master needs to know of it. */
  sight(memberId: string): MemberSight {
    const conversation = this.conversations.get(memberId);
    const isDown = this.detector.opinion(memberId, this.nowMs) !== null;
    if (conversation === undefined) return { isReachable: false, isDown: true, report: null, askedMs: -Infinity };
    const { info, askedMs, isOpen } = conversation;
    return { isReachable: isOpen && !isDown, isDown, report: info?.report ?? null, askedMs };
  }

  /**
   * Where that run of a process was last seen as a master; null where nobody here saw it. Its replicas may know of a newer stream than it
   * told itself: a master begins another one with its first replica. They are believed where they were connected to its address
   * later than it was heard, and further on; so what a process that was restarted there sends them is not mistaken for it.
   */
  lastSeenAsMaster(memberId: string, runId: string, replicas: readonly string[]): Sighting | null {
    let seen = this.ownWord(memberId, runId);
    for (const id of replicas) {
      const attached = this.conversations.get(id)?.attached ?? null;
      if (attached === null || `${attached.report.masterHost}:${attached.report.masterPort}` !== memberId) continue;
      const { stream, offset } = attached.report;
      const isNewer = seen === null || attached.askedMs > seen.askedMs;
      if (seen !== null && (offset < seen.offset || (stream !== seen.stream && !isNewer))) continue;
      seen = { stream, offset, askedMs: isNewer ? attached.askedMs : seen!.askedMs };
    }
    return seen;
  }

  /** What that run of a process last said of itself as a master. */
  private ownWord(memberId: string, runId: string): Sighting | null {
    const conversation = this.conversations.get(memberId);
    if (conversation === undefined) return null;
    const { info, askedMs, formerReport, formerAskedMs } = conversation;
    const isIt = (report: MemberReport | undefined | null): report is MemberReport =>
      report !== null && report !== undefined && report.role === 'master' && report.runId === runId;
    if (isIt(info?.report)) return { stream: info.report.stream, offset: info.report.offset, askedMs };
    if (!isIt(formerReport)) return null;
    return { stream: formerReport.stream, offset: formerReport.offset, askedMs: formerAskedMs };
  }

  /** When the process that is there now was first asked what it is, monotonic ms. */
  runSinceMs(memberId: string): number {
    return this.conversations.get(memberId)?.runSinceMs ?? -Infinity;
  }

  /** Whether a majority of the config servers holds it for down. */
  isObjectivelyDown(memberId: string): boolean {
    return this.detector.isObjectivelyDown(memberId, this.host.voters, this.nowMs);
  }

  /** Who of them does, and why. */
  votes(memberId: string): readonly { readonly voter: NodeId; readonly why: DownReason }[] {
    return this.detector.votes(memberId, this.host.voters, this.nowMs);
  }

  /** Milliseconds since its last sign of life here. */
  silentMs(memberId: string): number {
    return this.nowMs - (this.detector.answeredMs(memberId) ?? this.nowMs);
  }

  /** Asks for INFO now; what comes is told to the listeners. */
  ask(memberId: string): void {
    this.conversations.get(memberId)?.ask();
  }

  /** Sends a command; `done` gets CLOSED where there is no conversation or no answer. */
  command(memberId: string, words: readonly string[], done: (reply: LinkReply | Error) => void): void {
    const conversation = this.conversations.get(memberId);
    if (conversation === undefined) done(new Error(`${memberId} is in no group`));
    else conversation.command(words, done);
  }

  describe(memberId: string): Figures {
    const info = this.info(memberId);
    const report = info?.report;
    const opinion = this.detector.opinion(memberId, this.nowMs);
    const isDown = this.isObjectivelyDown(memberId);
    return {
      health: isDown ? 'down' : opinion === null ? 'up' : `seems-down (${opinion.why})`,
      'last-answer-ms': Math.round(this.silentMs(memberId)),
      votes: this.votes(memberId)
        .map(({ voter, why }) => `${voter}:${why}`)
        .join(' '),
      'reported-role': report?.role ?? '',
      stream: report?.stream ?? '',
      offset: report?.offset ?? -1,
      link: report === undefined || report.role === 'master' ? '' : report.isLinkUp ? 'up' : 'down',
      priority: report?.priority ?? -1,
      duty: info?.duty ?? '',
    };
  }

  private converse(memberId: string, address: { readonly host: string; readonly port: number }): void {
    const conversation = new MemberConversation(this.host, memberId, address, {
      alive: () => {
        this.detector.answered(memberId, this.nowMs);
        // An answer can only end that somebody is held for down; that it begins is noticed by the tick.
        if (this.downBefore !== '') this.tellIfChanged();
      },
      refused: () => {
        this.detector.refused(memberId, this.nowMs);
        this.tellIfChanged();
      },
      informed: () => this.announce(memberId),
    });
    this.conversations.set(memberId, conversation);
    conversation.tick(this.nowMs, this.pingMs, this.patienceMs);
  }

  private tick(): void {
    const { nowMs } = this;
    if (this.detector.tick(nowMs)) {
      this.host.world.log('warning', 'This config server did not run for a while; its voice on health is withdrawn.');
    }
    for (const conversation of this.conversations.values()) conversation.tick(nowMs, this.pingMs, this.patienceMs);
    this.tellIfChanged();
    const isCalm = this.downBefore === '';
    if (nowMs - this.toldMs >= (isCalm ? CALM_TELL_MS : this.pingMs)) this.tell();
  }

  private tellIfChanged(): void {
    const { isWithdrawn, down } = this.detector.opinions(this.nowMs);
    const text = `${isWithdrawn ? 'withdrawn ' : ''}${down.map(({ memberId, why }) => `${memberId}=${why}`).join(' ')}`;
    if (text === this.downBefore) return;
    this.downBefore = text;
    this.tell();
    for (const { memberId } of down) this.announce(memberId);
  }

  private announce(memberId: string): void {
    for (const listener of this.listeners) listener(memberId);
  }

  private tell(): void {
    this.toldMs = this.nowMs;
    this.host.tellPeers({ kind: 'opinions', opinions: this.detector.opinions(this.nowMs) });
  }

  /** Follows the setting `down-after-ms`. */
  private setPace(): void {
    const pingMs = this.host.state.settings['down-after-ms'] / PINGS_PER_DOWN_AFTER;
    if (pingMs === this.pingMs) return;
    this.pingMs = pingMs;
    this.detector.rules = this.rules;
    this.cancelTick?.();
    this.cancelTick = this.host.world.timers.every(pingMs / TICKS_PER_PING, () => this.tick());
  }

  private get rules(): { downAfterMs: number; freshMs: number } {
    const downAfterMs = this.host.state.settings['down-after-ms'];
    return { downAfterMs, freshMs: (FRESH_INTERVALS * downAfterMs) / PINGS_PER_DOWN_AFTER };
  }

  private get patienceMs(): number {
    return PATIENCE * this.host.state.settings['down-after-ms'];
  }

  private get nowMs(): number {
    return this.host.world.clock.monotonicMs();
  }
}

/**
 * ClusterChecks: the promises of failover, looked at from outside while it happens.
 *
 *  F1 at most one master acknowledges, at every instant: acknowledgements of a group never go back to the master of an earlier epoch nor
 *  come from two servers in one; and when a server is promoted, nobody else holds a lease, or a proxy's trust · F2 nothing is acknowledged after the end of the
 *  lease, counted from the sending of its renewal in the time of the simulation · F3 no master that is well is replaced, and not twice in
 *  a row; epochs grow with each change of master · F4/F5 every acknowledged write is accounted for: it is there, or nobody who was well
 *  had it when the master changed; none is missing where a quorum had it · F6 who is elected has all that others have who are well · C2
 *  what an operator asks for once is done once · C5 config servers agree on every version · a master that comes back with less
 *  does not take its replicas' data (engine slotcache).
 */
import type { ConfigState } from '../../config';
import { Probes } from '../probes';
import type { SimulatedTime } from '../simulated-time';
import { demand } from '../violation';
import type { ConfigMember } from './config-member';
import type { ClusterSwarm } from './cluster-swarm';
import type { ModelProxy } from './model-proxy';
import type { ModelServer } from './model-server';

/** How long after a trouble a server still suffers from it, beside what is set: a lost connection, a synchronization. */
const CONVALESCENCE_MS = 2000;
const CLOCK_ROUNDING_MS = 0.01;
const DEAD_FOR_MS = 100;
/** In that time the config servers have asked every server where it stands. */
const SEEN_MS = 500;

interface Acknowledger {
  readonly memberId: string;
  readonly epoch: number;
  /** Who acknowledged before it in this epoch: one that gave its place away. */
  readonly formers: readonly string[];
}

export class ClusterChecks {
  servers: readonly ModelServer[] = [];
  proxies: readonly ModelProxy[] = [];
  readonly probes = new Probes();
  private newest: ConfigState | null = null;
  private readonly acknowledgers = new Map<number, Acknowledger>();
  /** Of each group, tokens that were acknowledged and not lost in a way that is allowed, and when. */
  private readonly tokens = new Map<number, Map<number, number>>();
  /** Tokens that may be lost, though their acknowledgements may be on their way yet. */
  private readonly forgiven = new Set<number>();
  /** Until when something that was done to a server, or to a config server's network, has its effect. */
  private readonly troubles = new Map<object, number>();
  private readonly deaths = new Map<ModelServer, number>();
  private readonly texts = new Map<number, string>();
  private readonly orders = new Map<string, number>();
  /** By group, the term in which the last change of master began. */
  private readonly begunInTerm = new Map<number, number>();
  /** When each group was given another master, and why. */
  private readonly changed = new Map<number, { readonly atMs: number; readonly kind: string }>();

  constructor(
    private readonly time: SimulatedTime,
    private readonly swarm: ClusterSwarm,
  ) {}

  /** The newest state that any config server has. */
  get state(): ConfigState | null {
    return this.newest;
  }

  /** Something is done to a machine, or its network, that lasts until that moment. */
  trouble(whom: object, untilMs: number): void {
    this.troubles.set(whom, Math.max(this.troubles.get(whom) ?? 0, untilMs));
  }

  /**
   * Its process has ended. Tokens that were only in its memory are gone from it, and nobody promised to keep those, unless a replica was seen to
   * have them; of stock servers, nobody promises that their replicas keep what they have.
   */
  died(server: ModelServer, tokensTorn: readonly number[], isPowerLost: boolean): void {
    const { group, engine } = server.plan;
    this.deaths.set(server, this.time.nowMs);
    this.wasMaster.delete(server);
    if (!isPowerLost && engine === 'slotcache') return;
    for (const token of tokensTorn) {
      if (engine === 'slotcache' && this.isSeenElsewhere(server, token)) continue;
      this.forgiven.add(token);
      this.tokensOf(group).delete(token);
    }
  }

  /** Whether nothing was wrong with it for a while. */
  isSound(whom: object, forMs = CONVALESCENCE_MS): boolean {
    return (this.troubles.get(whom) ?? -Infinity) + forMs < this.time.nowMs;
  }

  // ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** A server acknowledges a write. Of a server with a lease this is the moment that counts; how late the answer comes is the network's affair. */
  executed(server: ModelServer, token: number): void {
    const { link, id, plan, epoch } = server;
    if (link === null) return;
    const endsMs = link.grantedSentMs + link.grantedForMs;
    demand(
      this.time.nowMs <= endsMs + CLOCK_ROUNDING_MS,
      'F2',
      () => `${id} acknowledges ${token} ${(this.time.nowMs - endsMs).toFixed(1)} ms after the end of its lease`,
    );
    this.noteAcknowledged(plan.group, token, id, epoch);
  }

  /** A proxy lets an acknowledgement pass. Of stock servers this is the moment that counts: theirs is the proxies' lease. */
  acknowledged(group: number, token: number, memberId: string, epoch: number, { link, state }: ModelProxy): void {
    const endsMs = link.grantedSentMs + link.grantedForMs;
    demand(
      this.time.nowMs <= endsMs + CLOCK_ROUNDING_MS,
      'F2',
      () => `a proxy lets ${token} pass after the end of its lease`,
    );
    if (this.serverOf(memberId).plan.engine === 'redis') return this.noteAcknowledged(group, token, memberId, epoch);
    const known = state!.view.group(group)!;
    const isFit = known.epoch <= epoch || known.state === 'switching';
    demand(isFit, 'F1', () => `a proxy that knows of epoch ${known.epoch} lets ${token} pass, which is of ${epoch}`);
  }

  private noteAcknowledged(group: number, token: number, memberId: string, epoch: number): void {
    const last = this.acknowledgers.get(group);
    const { engine } = this.serverOf(memberId).plan;
    // An epoch begins while the former master may still serve, and nobody else does.
    const isNext = engine === 'slotcache' && epoch === last?.epoch && !last.formers.includes(memberId);
    const isFit = last === undefined || epoch > last.epoch || memberId === last.memberId || isNext;
    demand(
      isFit,
      'F1',
      () => `${memberId} acknowledges at epoch ${epoch} after ${last!.memberId} did at ${last!.epoch}`,
    );
    const isSame = last !== undefined && last.epoch >= epoch;
    const formers = isSame ? last.formers : [];
    this.acknowledgers.set(group, {
      memberId,
      epoch: Math.max(epoch, last?.epoch ?? 0),
      formers: isSame && last.memberId !== memberId ? [...formers, last.memberId] : formers,
    });
    if (!this.forgiven.has(token)) this.tokensOf(group).set(token, this.time.nowMs);
  }

  // ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A replica is told to be master. */
  promoted(server: ModelServer): void {
    const { group, engine } = server.plan;
    const present = this.newest?.view.group(group);
    // An order that was on its way until the change of master was over, with another one: it will be told again whom to follow. Meanwhile
    // no proxy asks it, and one of ours has no lease.
    if (present?.state === 'serving' && present.master!.id !== server.id) return;
    for (const other of this.servers) {
      if (other.plan.group !== group || other === server) continue;
      if (engine === 'slotcache') {
        const isLive = other.runId !== '' && other.isMaster && other.link?.isHeld === true && !other.isHeld;
        demand(!isLive, 'F1', () => `${server.id} is promoted, and ${other.id} holds a lease`);
      } else {
        const trusting = this.proxies.find((proxy) => proxy.runId !== '' && proxy.trusts(group, other.id));
        demand(trusting === undefined, 'F1', () => `${server.id} is promoted, and a proxy trusts ${other.id}`);
      }
    }
    this.account(server);
  }

  /** A replica is given another's data in the place of its own. */
  filled(server: ModelServer, tokens: readonly number[]): void {
    const { group, engine } = server.plan;
    const isFormerMaster = this.formerMasters.has(server);
    if (
      isFormerMaster &&
      server.data.tokens.length > 0 &&
      server.data.tokens.at(-1) !== tokens[server.data.tokens.length - 1]
    )
      this.probes.saw('former master came back with more');
    const isInnocent = engine === 'slotcache' && this.isSound(server, 5000) && !this.wasMaster.has(server);
    if (!isInnocent) return;
    const left = new Set(tokens);
    const known = this.tokensOf(group);
    const lost = server.data.tokens.find((token) => known.has(token) && !left.has(token));
    demand(lost === undefined, 'F4', () => `${server.id} is filled anew and loses ${lost}, which was acknowledged`);
  }

  /** Servers that were masters since their last start. */
  readonly wasMaster = new Set<ModelServer>();

  private readonly formerMasters = new Set<ModelServer>();

  // ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A config server has applied something. `bootedAtMs`: when the last of them was started. */
  stateChanged({ plane }: ConfigMember, bootedAtMs: number, configs: readonly ConfigMember[]): void {
    const { state } = plane!;
    const { view } = state;
    const known = this.texts.get(view.version);
    const text = JSON.stringify(view);
    demand(known === undefined || known === text, 'C5', () => `two views have the version ${view.version}`);
    this.texts.set(view.version, text);
    const before = this.newest;
    if (before !== null && view.version <= before.view.version) return;
    this.newest = state;
    if (before === null) return;
    this.checkGroups(before, state);
    this.checkOrders(before, state);
    this.watchRare(before, state, plane!.raft.term);
    for (const change of state.failovers.values()) {
      if (before.failovers.get(change.group)?.epoch === change.epoch) continue;
      this.probes.saw(`${change.kind} change`);
      if (change.kind === 'automatic') this.checkCause(change.group, change.formerMaster, state, bootedAtMs, configs);
    }
  }

  /** What is there in the end is what was acknowledged and not lost in a way that is allowed. */
  checkTokens(): void {
    for (const { id, master } of this.newest!.view.groups) {
      const server = this.serverOf(master!.id);
      const has = new Set(server.data.tokens);
      const missing = [...this.tokensOf(id).keys()].find((token) => !has.has(token));
      demand(
        missing === undefined,
        'F4',
        () => `${missing} was acknowledged in group ${id}, and ${server.id} has it not`,
      );
    }
  }

  serverOf(memberId: string): ModelServer {
    return this.servers.find(({ id }) => id === memberId)!;
  }

  private checkGroups(before: ConfigState, state: ConfigState): void {
    for (const group of state.view.groups) {
      const former = before.view.group(group.id)!;
      demand(group.epoch >= former.epoch, 'F3', () => `the epoch of group ${group.id} falls`);
      const master = this.serverOf(group.master!.id);
      if (group.master!.id !== former.master!.id) {
        demand(
          group.epoch > former.epoch || former.state !== 'serving',
          'F3',
          () => `group ${group.id} changes its master in one epoch`,
        );
        this.formerMasters.add(this.serverOf(former.master!.id));
        const kind = state.reports.filter((report) => report.group === group.id).at(-1)?.kind ?? '';
        this.changed.set(group.id, { atMs: this.time.nowMs, kind });
        this.checkPromoted(master);
        this.account(master);
      }
      const [runBefore, run] = [before, state].map(({ members }) => members.get(master.id)?.runId);
      // A master that was restarted is accepted as it is: with what it lost, if nobody else has it.
      const isAccepted = group.master!.id === former.master!.id && run === master.runId;
      if (runBefore !== run) this.account(master, isAccepted && master.plan.engine === 'slotcache');
    }
  }

  /** The state says that it is the master: so it must be, and its data go on where they were. */
  private checkPromoted(server: ModelServer): void {
    // A stock server may be told otherwise by an order that was on its way, and is told again.
    if (!this.isSound(server, 500) || server.plan.engine === 'redis') return;
    demand(server.isMaster, 'F3', () => `the state makes ${server.id} the master, and it is none`);
  }

  /** Situations that a run must have had. `term`: of whoever knows the state first. */
  private watchRare(before: ConfigState, state: ConfigState, term: number): void {
    for (const group of before.failovers.keys()) {
      if (state.failovers.has(group)) continue;
      if (this.begunInTerm.get(group) !== term) this.probes.saw('change of master ended by another leader');
    }
    for (const group of state.failovers.keys()) if (!before.failovers.has(group)) this.begunInTerm.set(group, term);
    const [had, has] = [before, state].map(({ configs }) => configs.map(({ id }) => id));
    this.probes.saw('config server joins', has.filter((id) => !had.includes(id)).length);
    this.probes.saw('config server leaves', had.filter((id) => !has.includes(id)).length);
    if (had.join() !== has.join() && state.failovers.size > 0)
      this.probes.saw('config servers changed during a change of master');
  }

  /** An order of an operator that has a name is carried out once. */
  private checkOrders(before: ConfigState, state: ConfigState): void {
    for (const { version, text } of state.events) {
      if (version <= before.view.version || !text.toLowerCase().includes('switch-timeout-ms')) continue;
      const first = this.orders.get(text);
      demand(
        first === undefined || first === version,
        'C2',
        () => `"${text}" is done twice, at ${first} and ${version}`,
      );
      this.orders.set(text, version);
    }
  }

  /** A master is given up only for a cause. */
  private checkCause(
    group: number,
    formerMaster: string,
    state: ConfigState,
    bootedAtMs: number,
    configs: readonly ConfigMember[],
  ): void {
    const { nowMs } = this.time;
    const server = this.serverOf(formerMaster);
    const graceMs = 3 * this.swarm.downAfterMs + CONVALESCENCE_MS;
    // Where most config servers are cut off and come back, nobody can tell who is away.
    const blind = configs.filter((config) => !this.isSound(config, graceMs)).length;
    // A process that the state does not know is another, and may lack data.
    const isOther = state.members.get(formerMaster)?.runId !== server.runId;
    const isSound = this.isSound(server, graceMs) && blind * 2 < configs.length;
    demand(!isSound || isOther, 'F3', () => `group ${group} gives up ${formerMaster}, which is well`);
    const last = this.changed.get(group);
    const isGone = last === undefined || (this.deaths.get(server) ?? -Infinity) >= last.atMs - CONVALESCENCE_MS;
    // Who was started after the last change knows of no reason to wait.
    if (isGone || isOther || bootedAtMs >= last.atMs) return;
    const sinceMs = nowMs - last.atMs;
    const intervalMs = last.kind === 'automatic' ? state.settings['failover-interval-ms'] : 0;
    const patienceMs = 0.9 * Math.max(intervalMs, 2 * this.swarm.downAfterMs);
    demand(sinceMs >= patienceMs, 'F3', () => `group ${group} changes its master again after ${sinceMs.toFixed(0)} ms`);
  }

  /** A server goes on as master with what it has: what is lost thereby must be allowed to be. */
  private account(server: ModelServer, isRestarted = false): void {
    const { group, replicasToAck } = server.plan;
    const known = this.tokensOf(group);
    const has = new Set(server.data.tokens);
    const lost = [...known.keys()].filter((token) => !has.has(token));
    for (const token of lost) known.delete(token);
    if (lost.length === 0) return;
    this.probes.saw('writes lost', lost.length);
    // Who died after it was chosen has no longer what it was chosen for.
    const hasDied = this.time.nowMs - (this.deaths.get(server) ?? -Infinity) < SEEN_MS;
    if (hasDied && !isRestarted) return;
    const others = this.servers.filter((one) => one.plan.group === group && one !== server);
    const former = this.newest?.view.group(group)?.master?.id;
    const missing = others.filter((one) => one.id !== former && !this.isSound(one, 5000)).length;
    const isSafe =
      replicasToAck > 0 && missing < replicasToAck && this.isSound(server, 5000) && !this.wasMaster.has(server);
    demand(!isSafe, 'F5', () => `${server.id} lacks ${lost[0]}, which ${replicasToAck} replicas had`);
    if (!isRestarted && !others.some((one) => this.isLongDead(one))) return;
    for (const other of this.witnessesOf(server)) {
      const better = lost.find((token) => other.data.tokens.includes(token));
      demand(
        better === undefined,
        'F6',
        () => `${server.id} is chosen, and ${other.id} has ${better}, which it has not`,
      );
    }
  }

  /** It has been dead for so long that nothing of it is under way any more. */
  private isLongDead(server: ModelServer): boolean {
    return !server.machine.isUp && this.time.nowMs - (this.deaths.get(server) ?? this.time.nowMs) > DEAD_FOR_MS;
  }

  /** A replica that is well has that token, for so long that the config servers have seen it. */
  private isSeenElsewhere(server: ModelServer, token: number): boolean {
    const atMs = this.tokensOf(server.plan.group).get(token) ?? Infinity;
    return (
      this.time.nowMs - atMs > SEEN_MS &&
      this.witnessesOf(server).some(({ data: { tokens } }) => tokens.includes(token))
    );
  }

  /** The other members of its group that were well for long, and are nothing but replicas. */
  private witnessesOf(server: ModelServer): ModelServer[] {
    return this.servers.filter(
      (one) =>
        one.plan.group === server.plan.group &&
        one !== server &&
        one.machine.isWell &&
        this.isSound(one, 5000) &&
        !this.wasMaster.has(one),
    );
  }

  private tokensOf(group: number): Map<number, number> {
    let tokens = this.tokens.get(group);
    if (tokens === undefined) this.tokens.set(group, (tokens = new Map()));
    return tokens;
  }
}

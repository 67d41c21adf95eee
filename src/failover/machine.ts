/**
 * FailoverMachine: one change of master, from the decision that it begins to the decision how it ended.
 *
 * Both decisions are entries of the log; what lies between is deeds that may be done twice. The machine is asked again and again what is
 * to be done (`next`), looks at what can be seen, and returns work. It keeps nothing that could not be found out anew: a leader that
 * takes over makes a machine of its own and comes to the same point by itself. Phases:
 *
 *     fencing      until the former master can acknowledge nothing any more: its lease has lapsed, or it is held (engine slotcache);
 *                  all proxies have the view in which it is given up, or have lost their leases (engine redis)
 *     holding      planned: the master is told to stand still, and says where
 *     catching up  planned: until the target stands there, too
 *     asking       else: all other members are asked for their offsets; stragglers get 500 ms
 *     promoting    REPLICAOF NO ONE, until the chosen one says that it is a master, and that its data go on where they were
 *     ending       the second decision is on its way
 *
 * Where nobody can be chosen the former master may go on, if it is well again: the same process, as nothing was promoted; another one
 * where it lacks nothing that anybody has (returning.ts). One that has come back with more than the best of the others is taken
 * back as well, as less is lost by that.
 *
 * What always holds: nobody is asked for its offset before the fence stands, and nobody is promoted before it was asked: what has been
 * acknowledged was written before, so an answer that comes after the fence shows all of it. And no answer is believed
 * that was asked for before the deed whose effect it is to show. Times are monotonic ms.
 */
import { isPlanted } from '../base';
import { chooseReplica, type Candidate } from './choose';
import { isBefore, type Lineage } from './lineage';
import { positionOf, type MemberReport, type Position } from './report';
import { holdsData, mayReturn } from './returning';
import { candidateOf, isNewerThan, type MemberSight, type Sighting } from './sight';

export interface FailoverPlan {
  readonly kind: 'automatic' | 'forced' | 'planned';
  readonly engine: 'slotcache' | 'redis';
  readonly formerMaster: string;
  /** The run of its process that had the place; '' where nobody knows. */
  readonly formerRunId: string;
  /** Who is to be master; '' for the best. */
  readonly target: string;
  /** Of the group, but the former master. */
  readonly others: readonly string[];
  /** The streams that it has had, as far as they were noted. */
  readonly lineage: Lineage;
  readonly lagLimitBytes: number;
  /** Planned: it is given up when it takes longer. */
  readonly switchTimeoutMs: number;
  /** For how long the former master is to stand still; longer than any lease that it may hold. */
  readonly holdMs: number;
}

export interface Surroundings {
  readonly nowMs: number;
  /** When the lease of the former master has certainly lapsed. */
  readonly leaseEndsMs: number;
  /** Proxies that may still send commands to it. */
  readonly proxiesBehind: number;
  /** Whether a majority holds whoever is at that place for down. */
  readonly isObjectivelyDown: (memberId: string) => boolean;
  /** Where the former master was last seen, and when that was asked for; null where nobody saw it. */
  readonly lastSeen: Sighting | null;
  readonly member: (memberId: string) => MemberSight;
}

/** What is to be done now; all of it may be done twice. */
export type FailoverWork =
  | { readonly does: 'ask'; readonly memberId: string }
  /** Make it stand still, for so long; its answer goes to {@link FailoverMachine.heldAt}. */
  | { readonly does: 'hold'; readonly memberId: string; readonly holdMs: number }
  | { readonly does: 'promote'; readonly memberId: string }
  | {
      readonly does: 'end';
      readonly newMaster: string;
      /** The run of its process that is a master now. */
      readonly runId: string;
      /** The one that it began. */
      readonly stream: string;
      readonly parting: Position;
      readonly bytesLostAtMost: number;
    }
  /** The former master goes on, as that run of its process. */
  | { readonly does: 'abandon'; readonly reason: string; readonly runId: string };

export type FailoverPhase = 'fencing' | 'holding' | 'catching-up' | 'asking' | 'promoting' | 'ending';

const STRAGGLERS_MS = 500;
const ASK_AGAIN_MS = 50;
const WATCH_AGAIN_MS = 3;
const COMMAND_AGAIN_MS = 200;
const PROMOTION_PATIENCE_MS = 2000;
const TARGET_PATIENCE_MS = 2000;
const IN_VAIN_MS = 3000;

export class FailoverMachine {
  phase: FailoverPhase = 'fencing';
  /** The phases that are over, and how long each took, ms. */
  readonly phases: { readonly phase: string; readonly ms: number }[] = [];
  /** `host:port offset` of who answered before the choice. */
  offsets: readonly string[] = [];
  private phaseSinceMs: number;
  private heldPosition: (Position & { readonly atMs: number }) | null = null;
  private chosen: Candidate | null = null;
  /** Who was promoted in vain and has not become a master. */
  private readonly failed = new Set<string>();
  /** Since when another process than before is well at the former master's place; Infinity: it is not. */
  private returnedMs = Infinity;
  /** When each deed was last asked for, by its name and member. */
  private readonly doneAtMs = new Map<string, number>();

  constructor(
    readonly plan: FailoverPlan,
    private readonly beganMs: number,
  ) {
    this.phaseSinceMs = beganMs;
  }

  /** The former master stands still at that place, and will for as long as it was told to. */
  heldAt(position: Position, nowMs: number): void {
    this.heldPosition ??= { ...position, atMs: nowMs };
  }

  /** The second decision was not taken, or nobody knows: it is to be proposed again. */
  retryEnd(): void {
    this.doneAtMs.clear();
  }

  /** For a while nobody could be chosen: people should know. */
  isInVain(nowMs: number): boolean {
    return this.phase === 'asking' && nowMs - this.phaseSinceMs >= IN_VAIN_MS;
  }

  /** What is to be done, as far as can be seen now. */
  next(seen: Surroundings): FailoverWork[] {
    const { kind, switchTimeoutMs } = this.plan;
    if (kind === 'planned' && this.phase !== 'ending' && seen.nowMs - this.beganMs >= switchTimeoutMs) {
      return this.once('abandon', this.plan.formerMaster, seen.nowMs, {
        does: 'abandon',
        reason: `not finished within ${switchTimeoutMs} ms; it was ${this.phase}`,
        runId: this.plan.formerRunId,
      });
    }
    for (;;) {
      const { phase } = this;
      const work = this.workOf(phase, seen);
      if (this.phase === phase) return work;
    }
  }

  private workOf(phase: FailoverPhase, seen: Surroundings): FailoverWork[] {
    switch (phase) {
      case 'fencing':
        return this.fence(seen);
      case 'holding':
        return this.holdStill(seen);
      case 'catching-up':
        return this.catchUp(seen);
      case 'asking':
        return this.askAll(seen);
      case 'promoting':
        return this.promote(seen);
      case 'ending':
        return this.end(seen);
    }
  }

  private fence(seen: Surroundings): FailoverWork[] {
    const { kind, engine } = this.plan;
    if (kind === 'planned') {
      if (seen.proxiesBehind > 0) return [];
      return this.enter('holding', seen.nowMs);
    }
    if (this.stands(engine, seen)) return this.enter('asking', seen.nowMs);
    // A master that is well and is given up all the same may as well stand still: less is lost, and sooner.
    return kind === 'forced' ? this.hold(seen) : [];
  }

  private stands(engine: FailoverPlan['engine'], seen: Surroundings): boolean {
    if (engine === 'redis') return seen.proxiesBehind === 0 || isPlanted('proxies-not-waited');
    return this.heldPosition !== null || seen.nowMs >= seen.leaseEndsMs || isPlanted('promote-before-lease-expiry');
  }

  private holdStill(seen: Surroundings): FailoverWork[] {
    if (this.heldPosition !== null) return this.enter('catching-up', seen.nowMs);
    return this.hold(seen);
  }

  private hold({ nowMs, member }: Surroundings): FailoverWork[] {
    const { formerMaster, holdMs } = this.plan;
    if (this.heldPosition !== null || !member(formerMaster).isReachable) return [];
    const work: FailoverWork = { does: 'hold', memberId: formerMaster, holdMs };
    return this.once('hold', formerMaster, nowMs, work);
  }

  private catchUp(seen: Surroundings): FailoverWork[] {
    const { target } = this.plan;
    const held = this.heldPosition!;
    const { report, askedMs, isDown } = seen.member(target);
    if (report !== null && !isDown && askedMs >= held.atMs && !report.isSyncing && !report.isLoading) {
      const { stream, offset } = positionOf(report);
      if (stream === held.stream && offset >= held.offset) {
        this.choose({ ...this.candidate(target, seen), stream, offset: held.offset }, seen);
        return [];
      }
    }
    return this.once('watch', target, seen.nowMs, { does: 'ask', memberId: target });
  }

  private askAll(seen: Surroundings): FailoverWork[] {
    const { nowMs } = seen;
    const waitedMs = nowMs - this.phaseSinceMs;
    const wanted = this.wanted(waitedMs);
    const answered = wanted.filter((id) => isNewerThan(seen.member(id), this.phaseSinceMs));
    const silent = wanted.filter((id) => !answered.includes(id));
    // A former master that can be reached again may have more than any of them.
    const former = seen.member(this.plan.formerMaster);
    const isFormerAwaited = former.isReachable && !isNewerThan(former, this.phaseSinceMs);
    // That it is down in the eyes of this observer alone is no reason not to wait for it: it may be back in a moment.
    const isComplete = !isFormerAwaited && silent.every((id) => seen.isObjectivelyDown(id));
    if (isComplete || waitedMs >= STRAGGLERS_MS) {
      const chosen = this.pick(answered, seen);
      const returned = this.restore(chosen, seen);
      if (returned !== null && returned !== 'wait') return returned;
      const best = returned === 'wait' ? null : (chosen ?? this.pickOfAll(answered, seen));
      if (best !== null) {
        this.choose(best, seen);
        return [];
      }
    }
    return [...silent, ...answered, this.plan.formerMaster].flatMap((memberId) =>
      seen.member(memberId).isReachable ? this.once('ask', memberId, nowMs, { does: 'ask', memberId }) : [],
    );
  }

  /** Who may be chosen: after a while the best instead of a target that cannot be. */
  private wanted(waitedMs: number): readonly string[] {
    const { target, others } = this.plan;
    return target === '' || waitedMs >= TARGET_PATIENCE_MS ? others : others.filter((id) => id === target);
  }

  private pick(answered: readonly string[], seen: Surroundings): Candidate | null {
    const { lineage, lagLimitBytes, kind, target } = this.plan;
    const candidates = answered.map((id) => this.candidate(id, seen));
    this.offsets = candidates.map(({ memberId, offset }) => `${memberId} ${offset}`);
    const fit = candidates.filter(({ memberId }) => !this.failed.has(memberId));
    if (fit.length === 0) this.failed.clear();
    // Who is named by an operator is taken as it is, whatever is lost by that.
    const named =
      kind === 'forced' ? fit.find(({ memberId, isHealthy }) => memberId === target && isHealthy) : undefined;
    if (named !== undefined) return named;
    return chooseReplica(fit, {
      stream: this.streamOf(seen),
      lineage,
      masterOffset: seen.lastSeen?.offset ?? -1,
      lagLimitBytes,
      isForced: kind === 'forced',
    });
  }

  /**
   * Nobody stands in the stream of the former master, which may have ended before anybody followed it, and the former master cannot go
   * on. When all members have answered, it too, nobody need be waited for who might have more: the best of those who are here, which
   * is who stands in the newest stream.
   */
  private pickOfAll(answered: readonly string[], seen: Surroundings): Candidate | null {
    const { lineage, others, formerMaster } = this.plan;
    const former = seen.member(formerMaster);
    const isFormerKnown = isNewerThan(former, this.phaseSinceMs) && !former.report!.isLoading;
    if (!isFormerKnown || answered.length < others.length) return null;
    const fit = answered.filter((id) => !this.failed.has(id));
    const candidates = fit.map((id) => this.candidate(id, seen));
    const newestFirst = [...lineage].reverse();
    const era = newestFirst.find(({ stream }) => candidates.some((one) => one.stream === stream));
    const stream = era?.stream ?? '';
    return chooseReplica(candidates, { stream, lineage, masterOffset: -1, lagLimitBytes: 0, isForced: false });
  }

  /**
   * The stream of the former master. It may have changed after it was last seen here: somebody else may have noted that; or its files tell,
   * where it was restarted from them. Offsets go on where streams change, so the newer of both is the further one.
   */
  private streamOf(seen: Surroundings): string {
    const { lastSeen } = seen;
    const { lineage } = this.plan;
    const former = this.formerReport(seen);
    const noted = lineage.at(-1)?.stream ?? '';
    const stream = lastSeen === null || isBefore(lineage, lastSeen.stream, noted) ? noted : lastSeen.stream;
    if (former === null || former.runId === this.plan.formerRunId || !holdsData(former)) return stream;
    const left = positionOf(former);
    return left.stream !== '' && left.offset >= (lastSeen?.offset ?? -1) ? left.stream : stream;
  }

  /** What whoever is at the former master's place says, if it is well again and a master; null where it is not. */
  private formerReport(seen: Surroundings): MemberReport | null {
    const sight = seen.member(this.plan.formerMaster);
    if (!sight.isReachable || !isNewerThan(sight, this.phaseSinceMs)) return null;
    const report = sight.report!;
    return report.role === 'master' && !report.isLoading && report.runId !== '' ? report : null;
  }

  /** The former master goes on: where nobody else can, or where it was restarted and has more than the best of the others. */
  private restore(best: Candidate | null, seen: Surroundings): FailoverWork[] | 'wait' | null {
    const { formerMaster, formerRunId, kind } = this.plan;
    const report = this.formerReport(seen);
    if (report === null) {
      this.returnedMs = Infinity;
      return null;
    }
    const { runId } = report;
    const isSame = runId === formerRunId;
    if (!isSame) this.returnedMs = Math.min(this.returnedMs, seen.nowMs);
    if (best !== null) {
      const { stream, offset } = positionOf(report);
      const hasMore = stream === best.stream && offset > best.offset;
      if (isSame || kind === 'forced' || !hasMore) return null;
    }
    const returns = isSame ? 'at once' : this.returns(report, seen);
    if (returns === 'not') return null;
    // It would be given up again as long as a majority holds it for down: opinions take a moment to change.
    const hasJustCome = !isSame && seen.nowMs - this.returnedMs < STRAGGLERS_MS;
    if (returns === 'later' || seen.isObjectivelyDown(formerMaster))
      return hasJustCome || best === null ? 'wait' : null;
    const reason =
      best === null
        ? `nobody else could be promoted, and the former master is ${isSame ? 'well again' : 'back'}`
        : 'the former master is back, and has more than anybody else';
    return this.once('abandon', formerMaster, seen.nowMs, { does: 'abandon', reason, runId });
  }

  /** Whether the restarted master may go on; `later`, while who was restarted together with it has not said what it has. */
  private returns(report: MemberReport, seen: Surroundings): 'at once' | 'later' | 'not' {
    const { others, lineage } = this.plan;
    const reached = others.map((id) => seen.member(id)).filter(({ isReachable }) => isReachable);
    if (!reached.every((sight) => isNewerThan(sight, this.phaseSinceMs))) return 'later';
    const reports = reached.map((sight) => sight.report!);
    const areAll = reached.length === others.length;
    if (!mayReturn(report, reports, areAll, lineage)) return 'not';
    return areAll || seen.nowMs - this.returnedMs >= STRAGGLERS_MS ? 'at once' : 'later';
  }

  private candidate(memberId: string, { member, lastSeen }: Surroundings): Candidate {
    return candidateOf(memberId, member(memberId), this.plan.formerMaster, lastSeen);
  }

  private choose(chosen: Candidate, { nowMs }: Surroundings): void {
    this.chosen = chosen;
    this.enter('promoting', nowMs);
  }

  private promote(seen: Surroundings): FailoverWork[] {
    const { nowMs } = seen;
    const { memberId, stream, offset } = this.chosen!;
    const sight = seen.member(memberId);
    if (isPlanted('end-without-role-check') && this.doneAtMs.has(`promote ${memberId}`)) {
      return this.enter('ending', nowMs);
    }
    if (isNewerThan(sight, this.phaseSinceMs) && sight.report!.role === 'master') {
      const reached = positionOf(sight.report!);
      if (reached.stream === stream && reached.offset >= offset) {
        // It may have been restarted since it was chosen, and has what it had.
        this.chosen = { ...this.chosen!, runId: sight.report!.runId };
        return this.enter('ending', nowMs);
      }
      return this.chooseAgain(nowMs);
    }
    if (sight.isDown || nowMs - this.phaseSinceMs >= PROMOTION_PATIENCE_MS) return this.chooseAgain(nowMs);
    if (!sight.isReachable) return [];
    return [
      ...this.once('promote', memberId, nowMs, { does: 'promote', memberId }),
      ...this.once('watch', memberId, nowMs, { does: 'ask', memberId }),
    ];
  }

  private chooseAgain(nowMs: number): FailoverWork[] {
    this.failed.add(this.chosen!.memberId);
    // The target of a planned switch was chosen by somebody else: it is tried again until the time is over.
    return this.enter(this.plan.kind === 'planned' ? 'catching-up' : 'asking', nowMs);
  }

  private end(seen: Surroundings): FailoverWork[] {
    const { memberId, runId, stream, offset } = this.chosen!;
    const { report } = seen.member(memberId);
    const reached = report === null || report.role === 'replica' ? { stream, offset } : positionOf(report);
    const parting = reached.stream === stream ? reached : { stream, offset };
    return this.once('end', memberId, seen.nowMs, {
      does: 'end',
      newMaster: memberId,
      runId,
      stream: report?.role === 'master' ? report.stream : '',
      parting,
      bytesLostAtMost: this.lostAtMost(parting, seen.lastSeen),
    });
  }

  private lostAtMost(parting: Position, lastSeen: Position | null): number {
    const last = this.heldPosition ?? lastSeen;
    return last === null || last.stream !== parting.stream ? -1 : Math.max(0, last.offset - parting.offset);
  }

  private enter(phase: FailoverPhase, nowMs: number): FailoverWork[] {
    this.phases.push({ phase: this.phase, ms: Math.round(nowMs - this.phaseSinceMs) });
    this.phase = phase;
    this.phaseSinceMs = nowMs;
    this.doneAtMs.clear();
    return [];
  }

  /** The work, unless it was returned a moment ago. */
  private once(deed: string, memberId: string, nowMs: number, work: FailoverWork): FailoverWork[] {
    const key = `${deed} ${memberId}`;
    const pauseMs = deed === 'ask' ? ASK_AGAIN_MS : deed === 'watch' ? WATCH_AGAIN_MS : COMMAND_AGAIN_MS;
    if (nowMs - (this.doneAtMs.get(key) ?? -Infinity) < pauseMs) return [];
    this.doneAtMs.set(key, nowMs);
    return [work];
  }
}

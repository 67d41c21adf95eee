/**
 * FailoverDriver: makes changes of master happen, on the leader.
 *
 * It decides that one begins (the master is objectively down or its process was replaced, and the policy allows it; or an operator says
 * so), and proposes that. From then on the decision is in the state, and a machine (failover/machine.ts) tells what is to be done; the
 * driver does it and shows the machine what came of it. A leader that takes over finds the same decision in its state and makes a
 * machine of its own. What runs is decided by the state alone: machines are made and thrown away as it changes.
 *
 * A master whose process was restarted has forgotten what it had not on disk. It may go on where it lacks nothing that any replica has
 * or where it has no replicas; else it is treated as dead at once, although it answers.
 *
 * How soon: the conditions are looked at when news come, of members and of proxies, and twenty times per `down-after-ms`; a running
 * change every 5 ms.
 */
import { FailoverMachine, whyNotNow, type FailoverWork } from '../failover';
import type { Group } from '../slots';
import type { ControlHost, FailoverDriverPart, LinkReply, SwitchOutcome } from './control-host';
import { SwitchRequests } from './failover-requests';
import { isReplaced } from './restarted-master';
import type { LeaseBook } from './lease-book';
import type { Monitor } from './monitor';
import type { FailoverKind, RunningFailover } from './records';
import type { Acceptance, Refusal } from './state';

/** Between looks at the masters, per `down-after-ms`. */
const LOOKS_PER_DOWN_AFTER = 20;
/** Between steps of changes that run. */
const STEP_MS = 5;
/** A proposal whose fate nobody knows is made again after this; the guards of the state let only one of them pass. */
const PROPOSE_AGAIN_MS = 500;
const LEASES_OF_HOLD = 2;

interface Running {
  readonly epoch: number;
  readonly machine: FailoverMachine;
  /** The view in which it began, or a newer one: proxies that have it send nothing to the former master. */
  readonly version: number;
  /** Monotonic ms of the last proposal to end it; −Infinity while there is none. */
  proposedAtMs: number;
  wasHeld: boolean;
}

export class FailoverDriver implements FailoverDriverPart {
  private readonly running = new Map<number, Running>();
  private readonly requests: SwitchRequests;
  /** Groups whose change was proposed and is not decided. */
  private readonly beginning = new Set<number>();
  /** When the last automatic change of a group ended, monotonic ms, as seen here. */
  private readonly endedAtMs = new Map<number, number>();
  /** Ends that were seen, as `group epoch`. */
  private reported = new Set<string>();
  /** What was logged last of groups whose masters are down and stay so. */
  private readonly said = new Map<number, string>();
  private cancelLook: (() => void) | null = null;
  private cancelStep: (() => void) | null = null;

  constructor(
    private readonly host: ControlHost,
    private readonly monitor: Monitor,
    private readonly leases: LeaseBook,
  ) {
    this.requests = new SwitchRequests(host, monitor);
    monitor.listeners.push((memberId) => this.news(memberId));
    leases.onCaughtUp = () => this.stepAll();
  }

  start(): void {
    this.reported = new Set(this.host.state.reports.map(({ group, epoch }) => `${group} ${epoch}`));
    this.leadershipChanged();
  }

  stop(): void {
    this.cancelLook?.();
    this.cancelLook = null;
    this.rest();
    this.running.clear();
  }

  leadershipChanged(): void {
    this.cancelLook?.();
    this.cancelLook = null;
    this.beginning.clear();
    this.running.clear();
    if (!this.host.isLeader) {
      this.requests.fail(
        'NOQUORUM',
        'this config server does not lead any more; the change of master goes on without it',
      );
      this.rest();
      return;
    }
    const lookMs = this.host.state.settings['down-after-ms'] / LOOKS_PER_DOWN_AFTER;
    this.cancelLook = this.host.world.timers.every(lookMs, () => this.look());
    this.stateChanged();
  }

  stateChanged(): void {
    this.noteReports();
    const { failovers, view } = this.host.state;
    for (const [group, { epoch }] of this.running) {
      if (failovers.get(group)?.epoch !== epoch) this.finished(group);
    }
    if (!this.host.isLeader) return;
    for (const change of failovers.values()) {
      this.beginning.delete(change.group);
      if (!this.running.has(change.group)) this.running.set(change.group, this.resume(change, view.version));
    }
    if (this.running.size === 0) {
      this.rest();
      return;
    }
    const { timers } = this.host.world;
    this.cancelStep ??= timers.every(STEP_MS, () => this.stepAll());
    // Not now: the state is told of in the middle of applying the log, and a step may propose.
    timers.after(0, () => this.stepAll());
  }

  /** News of a member have come: what waits for them goes on. */
  private news(memberId: string): void {
    if (!this.host.isLeader) return;
    const group = this.host.state.view.groups.find(({ members }) => members.some(({ id }) => id === memberId));
    if (group === undefined) return;
    const running = this.running.get(group.id);
    if (running !== undefined) this.step(group.id, running);
    else if (group.master?.id === memberId) this.judge(group);
  }

  request(
    kind: Exclude<FailoverKind, 'automatic'>,
    group: number,
    target: string,
    by: string,
    done: (outcome: SwitchOutcome) => void,
  ): void {
    const plan = this.requests.plan(kind, group, target);
    if ('refusal' in plan) {
      done({ isDone: false, code: 'REFUSED', message: plan.refusal });
      return;
    }
    const running = this.running.get(group);
    if (running === undefined) this.requests.wait(group, done);
    if (running === undefined) this.begin(plan.group, kind, plan.target, 'an operator asked for it', by);
    else this.override(group, running, plan.target, by, done);
  }

  /** An operator takes over from a change that does not end: that one is given up, and before anything is granted his begins. */
  private override(
    id: number,
    running: Running,
    target: string,
    by: string,
    done: (outcome: SwitchOutcome) => void,
  ): void {
    this.beginning.add(id);
    const { formerRunId } = running.machine.plan;
    const abandon = abandonment(id, running, 'an operator took over', formerRunId);
    const takeOver = (outcome: Acceptance | Refusal | null): void => {
      this.beginning.delete(id);
      const group = this.host.state.view.group(id);
      if (outcome === null || !outcome.accepted || group === null || group.state !== 'serving') {
        const message = `what became of the change of master that was under way in group ${id} is not known; try again`;
        done({ isDone: false, code: 'REFUSED', message });
        return;
      }
      this.requests.wait(id, done);
      this.begin(group, 'forced', target, 'an operator took over', by);
    };
    // Not at once: the state may be told of after the answer, and the end of the former change would be taken for that of this one.
    this.host.propose(abandon, by, (outcome) => this.host.world.timers.after(0, () => takeOver(outcome)));
  }

  /** How far the change of master in that group has come here; '' where none runs here. */
  phase(group: number): string {
    return this.running.get(group)?.machine.phase ?? '';
  }

  private look(): void {
    for (const group of this.host.state.view.groups) this.judge(group);
  }

  /** Begins an automatic change where one is called for. */
  private judge(group: Group): void {
    const { master, members, state, id } = group;
    if (master === null || state !== 'serving' || this.beginning.has(id)) return;
    const why = isReplaced(this.host.state, this.monitor, group)
      ? 'restarted'
      : this.monitor.isObjectivelyDown(master.id)
        ? 'down'
        : null;
    if (why === null) {
      this.said.delete(id);
      return;
    }
    if (members.length < 2) {
      this.say(id, `${master.id} is ${why}, and there is no replica to promote`);
      return;
    }
    const { settings, failovers, view } = this.host.state;
    const votes = this.monitor.votes(master.id);
    const reluctance = whyNotNow(
      { intervalMs: settings['failover-interval-ms'], atOncePercent: settings['failovers-at-once-percent'] },
      {
        sinceLastMs: this.nowMs - (this.endedAtMs.get(id) ?? -Infinity),
        isProcessGone: why === 'restarted' || votes.some((vote) => vote.why === 'refused'),
        isPaused: this.host.state.isPaused(id),
        running: failovers.size + this.beginning.size,
        groups: view.groups.filter((one) => one.master !== null).length,
      },
    );
    if (reluctance !== null) {
      this.say(id, `${master.id} is ${why}, and no failover begins: ${reluctance}`);
      return;
    }
    const reason = why === 'restarted' ? `${master.id} was restarted and lacks data` : `${master.id} is down`;
    this.begin(group, 'automatic', '', reason, 'failover');
  }

  /** Logs what keeps a group without its master, once. */
  private say(group: number, text: string): void {
    if (this.said.get(group) === text) return;
    this.said.set(group, text);
    this.host.world.log('warning', `Group ${group}: ${text}`);
  }

  private begin(group: Group, kind: FailoverKind, target: string, reason: string, by: string): void {
    const { id, master, epoch } = group;
    this.beginning.add(id);
    this.leases.hold(id);
    const votes = this.monitor.votes(master!.id).map(({ voter, why }) => `${voter}:${why}`);
    const detectedAfterMs = kind === 'planned' ? 0 : Math.round(this.monitor.silentMs(master!.id));
    const beganAtMs = this.host.world.clock.wallMs();
    this.host.propose(
      { does: 'begin-failover', group: id, kind, epoch, target, reason, votes, beganAtMs, detectedAfterMs },
      by,
      (outcome) => {
        if (outcome === null) this.beginAgain(group, kind, target, reason, by);
        if (outcome === null || outcome.accepted) return;
        this.beginning.delete(id);
        if (!this.running.has(id)) this.leases.release(id);
        this.requests.settle(id, { isDone: false, code: outcome.code, message: outcome.message });
      },
    );
  }

  /**
   * Nobody knows whether it was decided. No lease may be granted before that is known, so the question is put again, be the master
   * well by now or not: the guard of the epoch lets one of both pass, and the answer to the second tells of the first.
   */
  private beginAgain(group: Group, kind: FailoverKind, target: string, reason: string, by: string): void {
    this.host.world.timers.after(PROPOSE_AGAIN_MS, () => {
      const present = this.host.state.view.group(group.id);
      const isOpen = present !== null && present.epoch === group.epoch && present.state === 'serving';
      if (this.host.isLeader && isOpen && this.beginning.has(group.id)) this.begin(group, kind, target, reason, by);
    });
  }

  private resume(change: RunningFailover, version: number): Running {
    const { state, world } = this.host;
    const { members, engine } = state.view.group(change.group)!;
    const { settings } = state;
    const machine = new FailoverMachine(
      {
        kind: change.kind,
        engine,
        formerMaster: change.formerMaster,
        formerRunId: state.members.get(change.formerMaster)?.runId ?? '',
        target: change.target,
        others: members.map(({ id }) => id).filter((id) => id !== change.formerMaster),
        lineage: state.lineages.get(change.group) ?? [],
        lagLimitBytes: settings['lag-limit-bytes'],
        switchTimeoutMs: settings['switch-timeout-ms'],
        holdMs: Math.max(LEASES_OF_HOLD * settings['lease-ms'], LEASES_OF_HOLD * settings['switch-timeout-ms']),
      },
      this.nowMs,
    );
    world.log(
      'notice',
      `Group ${change.group}: ${change.kind} change of master at epoch ${change.epoch}; ${change.reason}`,
    );
    return { epoch: change.epoch, machine, version, proposedAtMs: -Infinity, wasHeld: false };
  }

  private stepAll(): void {
    for (const [group, running] of this.running) this.step(group, running);
  }

  private step(group: number, running: Running): void {
    const { machine, version } = running;
    const { formerMaster, formerRunId } = machine.plan;
    const { nowMs, monitor, leases } = this;
    // While the end is proposed, nothing else is done until its fate is known, or has taken too long.
    if (nowMs - running.proposedAtMs < PROPOSE_AGAIN_MS) return;
    const work = machine.next({
      nowMs,
      leaseEndsMs: leases.serverFenceEndsMs(formerMaster) - leases.nowMs + nowMs,
      proxiesBehind: leases.proxiesBehind(version),
      isObjectivelyDown: (memberId) => monitor.isObjectivelyDown(memberId),
      lastSeen: monitor.lastSeenAsMaster(formerMaster, formerRunId, machine.plan.others),
      member: (memberId) => monitor.sight(memberId),
    });
    for (const one of work) this.carryOut(group, running, one);
    if (machine.isInVain(nowMs)) {
      const seen = machine.offsets.length === 0 ? 'no replica answers' : `seen: ${machine.offsets.join(', ')}`;
      this.say(
        group,
        `nobody can be made master without loss of what ${formerMaster} had (${seen}). It goes on when somebody who has the data is ` +
          `back; or take the loss: GROUP FAILOVER ${group} TO host:port FORCE`,
      );
    }
  }

  private carryOut(group: number, running: Running, work: FailoverWork): void {
    switch (work.does) {
      case 'ask':
        this.monitor.ask(work.memberId);
        return;
      case 'hold':
        this.holdStill(group, running, work.memberId, work.holdMs);
        return;
      case 'promote':
        this.monitor.command(work.memberId, ['REPLICAOF', 'NO', 'ONE'], () => this.monitor.ask(work.memberId));
        return;
      case 'end': {
        const { newMaster, runId, stream, parting, bytesLostAtMost } = work;
        const { phases, offsets } = running.machine;
        const report = { phases: [...phases], offsets, bytesLostAtMost };
        const { epoch } = running;
        this.proposeEnd(running, { does: 'end-failover', group, epoch, newMaster, runId, stream, parting, report });
        return;
      }
      case 'abandon':
        this.proposeEnd(running, abandonment(group, running, work.reason, work.runId));
    }
  }

  private proposeEnd(running: Running, command: Parameters<ControlHost['propose']>[0]): void {
    running.proposedAtMs = this.nowMs;
    this.host.propose(command, 'failover', (outcome) => {
      if (outcome !== null) return;
      running.proposedAtMs = -Infinity;
      running.machine.retryEnd();
    });
  }

  /** Makes the former master stand still, and learns where it does. */
  private holdStill(group: number, running: Running, memberId: string, holdMs: number): void {
    running.wasHeld = true;
    const { monitor } = this;
    const stands = (stream: string, offset: number): void => {
      if (this.running.get(group) !== running) return;
      running.machine.heldAt({ stream, offset }, this.nowMs);
      this.step(group, running);
    };
    if (this.host.state.view.group(group)?.engine === 'slotcache') {
      monitor.command(memberId, ['SLOTCACHE', 'HOLD', String(running.epoch), String(holdMs)], (reply) => {
        if (Array.isArray(reply) && reply.length >= 2) stands(String(reply[0]), Number(reply[1]));
      });
      return;
    }
    monitor.command(memberId, ['CLIENT', 'PAUSE', String(holdMs), 'WRITE'], (paused: LinkReply | Error) => {
      if (paused !== 'OK') return;
      const askedMs = this.nowMs;
      const waitForReport = (): void => {
        const { report, askedMs: reportMs } = monitor.sight(memberId);
        if (report !== null && reportMs >= askedMs && report.role === 'master') stands(report.stream, report.offset);
      };
      monitor.ask(memberId);
      // The conversation answers in order: when this PING is answered, so was INFO.
      monitor.command(memberId, ['PING'], waitForReport);
    });
  }

  /** The state says that the change of that group has ended. */
  private finished(group: number): void {
    const { machine, wasHeld, epoch } = this.running.get(group)!;
    this.running.delete(group);
    this.leases.release(group);
    const report = this.host.state.reports.filter((one) => one.group === group && one.epoch === epoch).at(-1) ?? null;
    this.requests.ended(group, report);
    if (wasHeld) {
      const engine = this.host.state.view.group(group)?.engine;
      const words = engine === 'slotcache' ? ['SLOTCACHE', 'RELEASE'] : ['CLIENT', 'UNPAUSE'];
      // Who has become a replica is freed by that; who is still the master goes on at once.
      if (report?.newMaster === '') this.monitor.command(machine.plan.formerMaster, words, () => {});
    }
  }

  /** Keeps when automatic changes ended, on this process' own clock: the wall clock may jump. */
  private noteReports(): void {
    const reported = new Set<string>();
    for (const { group, epoch, kind, outcome } of this.host.state.reports) {
      const name = `${group} ${epoch}`;
      reported.add(name);
      if (this.reported.has(name)) continue;
      if (kind === 'automatic' && outcome === 'promoted') this.endedAtMs.set(group, this.nowMs);
    }
    this.reported = reported;
  }

  private rest(): void {
    this.cancelStep?.();
    this.cancelStep = null;
  }

  private get nowMs(): number {
    return this.host.world.clock.monotonicMs();
  }
}

function abandonment(group: number, { epoch }: Running, reason: string, runId: string) {
  return { does: 'abandon-failover', group, epoch, reason, runId } as const;
}

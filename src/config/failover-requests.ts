/**
 * SwitchRequests: changes of master that operators ask for: whether one can be made, to whom, and what is told when it has ended.
 *
 * A planned switch promises that nothing is lost, so it is begun only where all of it can be expected to work: the master is well, and
 * the target follows it. A forced failover promises only that it will be tried.
 */
import { chooseReplica, positionOf } from '../failover';
import type { Group } from '../slots';
import type { ControlHost, SwitchOutcome } from './control-host';
import type { Monitor } from './monitor';
import type { FailoverKind, FailoverReport } from './records';

type Plan = { readonly group: Group; readonly target: string } | { readonly refusal: string };

export class SwitchRequests {
  private readonly waiting = new Map<number, (outcome: SwitchOutcome) => void>();

  constructor(
    private readonly host: ControlHost,
    private readonly monitor: Monitor,
  ) {}

  /** What is to be begun for a request, or why it cannot be. */
  plan(kind: Exclude<FailoverKind, 'automatic'>, id: number, target: string): Plan {
    const group = this.host.state.view.group(id);
    if (!this.host.isLeader) return { refusal: 'this config server does not lead' };
    if (group === null) return { refusal: `there is no group ${id}` };
    const { master, members, state } = group;
    if (master === null || members.length < 2) return { refusal: `group ${id} has no replica that could be master` };
    // A planned switch ends by itself, soon; what else does not end is overridden by force.
    const isOverridden = kind === 'forced' && state === 'failing-over';
    if ((state !== 'serving' && !isOverridden) || this.waiting.has(id))
      return { refusal: `group ${id} is changing its master already` };
    if (target === master.id) return { refusal: `${target} is the master of group ${id} already` };
    if (target !== '' && !members.some((member) => member.id === target)) {
      return { refusal: `${target} is not a member of group ${id}` };
    }
    if (kind === 'forced') return { group, target };
    if (!this.monitor.sight(master.id).isReachable) {
      return { refusal: `${master.id} does not answer; a failover by force would not wait for it` };
    }
    const chosen = this.best(group, target);
    if (chosen === null) {
      const who = target === '' ? `no replica of group ${id}` : target;
      return { refusal: `${who} is online and follows ${master.id}` };
    }
    return { group, target: chosen };
  }

  /** `done` is called when the change of that group has ended. */
  wait(group: number, done: (outcome: SwitchOutcome) => void): void {
    this.waiting.set(group, done);
  }

  /** Answers who waits for that group. */
  settle(group: number, outcome: SwitchOutcome): void {
    const done = this.waiting.get(group);
    this.waiting.delete(group);
    done?.(outcome);
  }

  /** The change of that group has ended; `report` is null where the group has gone with it. */
  ended(group: number, report: FailoverReport | null): void {
    if (report === null || report.outcome === 'abandoned') {
      this.settle(group, { isDone: false, code: 'ABANDONED', message: report?.reason ?? `group ${group} is gone` });
      return;
    }
    const { newMaster, phases, bytesLostAtMost } = report;
    const times = phases.map(({ phase, ms }) => `${phase} ${ms} ms`).join(', ');
    const lost = bytesLostAtMost < 0 ? 'an unknown number of' : String(bytesLostAtMost);
    this.settle(group, {
      isDone: true,
      newMaster,
      text: `${newMaster} is master (${times}); at most ${lost} bytes lost`,
    });
  }

  /** Answers everybody who waits. */
  fail(code: string, message: string): void {
    for (const group of this.waiting.keys()) this.settle(group, { isDone: false, code, message });
  }

  private best({ master, members }: Group, target: string): string | null {
    const stream = this.monitor.info(master!.id)?.report.stream ?? '';
    const candidates = members.flatMap(({ id }) => {
      const { report, isReachable } = this.monitor.sight(id);
      if (id === master!.id || report === null || report.role === 'master') return [];
      if (target !== '' && id !== target) return [];
      const isHealthy = isReachable && report.isLinkUp && !report.isLoading && !report.isSyncing;
      // Who is named may be one that is not to be promoted by itself.
      const priority = target === '' ? report.priority : 1;
      const { runId } = report;
      return [{ memberId: id, isHealthy, priority, ...positionOf(report), runId, isFollower: true, isPromoted: false }];
    });
    const rules = { stream, lineage: [], masterOffset: -1, lagLimitBytes: 0, isForced: false };
    return chooseReplica(candidates, rules)?.memberId ?? null;
  }
}

/**
 * Operations: requests that take the leader more than to propose one command.
 *
 * Each is answered once, after the last of its deeds, and is safe to be begun again by the next leader: what is decided goes through the
 * log under the name of the request, and what is done between can be done twice. A request that has an outcome already is not begun.
 */
import type { World } from '../base';
import { membersOf, votersOf, type NodeId, type RaftNode } from '../raft';
import { refusalText, type Operation } from './config-reply';
import type { Applied } from './config-machine';
import type { ControlParts, ServerDialer } from './control-host';
import { checkEntry } from './entry-check';
import type { Verdict } from './passing';
import type { ConfigCommand, ConfigMember } from './records';
import type { ConfigState } from './state';

/** The config server that carries them out. */
export interface OperationsHost {
  readonly id: NodeId;
  readonly world: World;
  readonly state: ConfigState;
  readonly raft: RaftNode;
  readonly parts: ControlParts;
  readonly dial: ServerDialer;
  /** As `ControlHost.propose`, under the name of a request. */
  proposeNamed(
    command: ConfigCommand,
    by: string,
    requestId: string,
    done: (applied: Applied | 'not-leader' | 'lost') => void,
  ): void;
}

type Answered = (verdict: Verdict) => void;
type Of<Does extends Operation['does']> = Extract<Operation, { does: Does }>;

/** Between looks at what is awaited, ms, and how long that is looked at. */
const LOOK_MS = 50;
const AWAITED_MS_MAX = 50_000;

export class Operations {
  /** Names of the requests by which operators began a change of master, by group. */
  private readonly switching = new Map<number, string>();

  constructor(private readonly host: OperationsHost) {}

  /** The name under which the beginning of a change of master in that group is to be proposed. */
  nameOf(group: number): string {
    return this.switching.get(group) ?? '';
  }

  run(operation: Operation, by: string, requestId: string, answered: Answered): void {
    switch (operation.does) {
      case 'renew':
        return this.renew(operation, answered);
      case 'add-member':
        return this.addMember(operation, by, requestId, answered);
      case 'change-master':
        return this.changeMaster(operation, by, requestId, answered);
      case 'add-config':
        return this.addConfig(operation.member, by, requestId, answered);
      case 'remove-config':
        return this.removeConfig(operation.id, by, requestId, answered);
      case 'lead':
        return this.lead(operation.id, answered);
    }
  }

  /** A command with the version, or the refusal, for an answer. */
  propose(command: ConfigCommand, by: string, requestId: string, answered: Answered): void {
    this.host.proposeNamed(command, by, requestId, (applied) => {
      answered(typeof applied === 'string' ? { kind: applied } : answerOf(applied.answer));
    });
  }

  private renew({ holder, runId, version }: Of<'renew'>, answered: Answered): void {
    const { leases } = this.host.parts;
    const answer = holder === 'PROXY' ? leases.renewProxy(runId, version) : leases.renewServer(runId, version);
    answered('error' in answer ? { kind: 'error', text: answer.error } : { kind: 'value', value: answer.values });
  }

  private addMember(operation: Of<'add-member'>, by: string, requestId: string, answered: Answered): void {
    const { group, member, engine, isForced, isChecked } = operation;
    const present = this.host.state.view.group(group);
    const add = (found: typeof engine, runId: string): void => {
      const command = { does: 'add-member', group, member, engine: found ?? 'redis', runId } as const;
      this.propose(command, by, requestId, answered);
    };
    // What would be refused anyway is refused without asking anybody.
    const rehearsal = this.host.state.apply(
      { does: 'add-member', group, member, engine: engine ?? present?.engine ?? 'redis', runId: '' },
      { atMs: 0, by },
    );
    if (!rehearsal.accepted) return answered({ kind: 'error', text: refusalText(rehearsal) });
    if (!isChecked) return add(engine ?? present?.engine ?? null, '');
    const master = member.role === 'master' ? null : (present?.master ?? null);
    checkEntry(this.host.world, this.host.dial, { ...member, master, isForced }, (finding) => {
      if (finding.isFit) add(engine ?? finding.engine, finding.runId);
      else answered({ kind: 'error', text: refusalText(finding) });
    });
  }

  private changeMaster(operation: Of<'change-master'>, by: string, requestId: string, answered: Answered): void {
    const { kind, group, target } = operation;
    if (this.switching.get(group) === requestId) return this.awaitChangeOfMaster(operation, requestId, answered);
    if (this.switching.has(group)) {
      const message = `a change of master in group ${group} is being made`;
      return answered({ kind: 'error', text: refusalText({ code: 'REFUSED', message }) });
    }
    this.switching.set(group, requestId);
    this.host.parts.driver.request(kind, group, target, by, (outcome) => {
      this.switching.delete(group);
      if (outcome.isDone) answered({ kind: 'value', value: { group, master: outcome.newMaster, how: outcome.text } });
      else answered({ kind: 'error', text: refusalText(outcome) });
    });
  }

  /** The same request is making a change of master, or has: what came of it, when it is over. */
  awaitChangeOfMaster({ group }: Of<'change-master'>, requestId: string, answered: Answered): void {
    this.await(
      () => !this.switching.has(group) && !this.host.state.failovers.has(group),
      (isOver) => {
        // Where it was refused before it began there is no outcome, and it may be tried again.
        if (this.host.state.outcomeOf(requestId) === null) return answered({ kind: 'not-leader' });
        const report = this.host.state.reports.filter((each) => each.group === group).at(-1);
        if (!isOver || report === undefined) return answered({ kind: 'lost' });
        if (report.outcome === 'promoted') {
          answered({ kind: 'value', value: { group, master: report.newMaster, how: report.reason } });
        } else answered({ kind: 'error', text: refusalText({ code: 'ABANDONED', message: report.reason }) });
      },
    );
  }

  private addConfig(member: ConfigMember, by: string, requestId: string, answered: Answered): void {
    const { id } = member;
    this.propose({ does: 'add-config', member }, by, requestId, (verdict) => {
      if (verdict.kind !== 'value') return answered(verdict);
      const late = `TIMEOUT config server ${id} is known, but does not vote yet: is it up, with 'join yes'?`;
      this.await(
        () => votersOf(this.host.raft.membership).includes(id),
        (isVoter) => answered(isVoter ? verdict : { kind: 'error', text: late }),
      );
    });
  }

  private removeConfig(id: NodeId, by: string, requestId: string, answered: Answered): void {
    const { raft } = this.host;
    this.propose({ does: 'remove-config', id }, by, requestId, (verdict) => {
      if (verdict.kind !== 'value') return answered(verdict);
      this.await(
        () => !membersOf(raft.membership).includes(id),
        () => answered(verdict),
      );
    });
  }

  private lead(id: NodeId, answered: Answered): void {
    const { raft } = this.host;
    if (!votersOf(raft.membership).includes(id)) {
      return answered({ kind: 'error', text: `REFUSED config server ${id} does not vote` });
    }
    if (id === raft.id) return answered({ kind: 'value', value: 'OK' });
    raft.transferTo(id, (isDone) => {
      const failed: Verdict = { kind: 'error', text: `REFUSED config server ${id} did not take over` };
      answered(isDone ? { kind: 'value', value: 'OK' } : failed);
    });
  }

  /** Calls `done` when that is so, or has not come to be in time, or this node leads no more. */
  private await(isSo: () => boolean, done: (isSo: boolean) => void): void {
    const { world, raft } = this.host;
    const untilMs = world.clock.monotonicMs() + AWAITED_MS_MAX;
    const look = (): void => {
      if (isSo()) done(true);
      else if (!raft.isLeader || world.clock.monotonicMs() >= untilMs) done(false);
      else world.timers.after(LOOK_MS, look);
    };
    look();
  }
}

/** The answer of which the state remembers the text. */
export function answerOf(text: string): Verdict {
  if (text.startsWith(':')) return { kind: 'value', value: Number(text.slice(1)) };
  const space = text.indexOf(' ');
  return { kind: 'error', text: refusalText({ code: text.slice(1, space), message: text.slice(space + 1) }) };
}

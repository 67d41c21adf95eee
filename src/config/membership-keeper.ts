/**
 * MembershipKeeper: makes Raft's membership what the state says, on the leader.
 *
 * The state names the config servers; who votes is Raft's own. The leader compares the two now and then, and takes one step at a time: who
 * is named and unknown to Raft becomes a learner; a learner that has shown itself, which it does when it has got the log far enough
 * to read its own name in it, becomes a voter; who is not named any more is removed. So it does not matter which leader began what,
 * and a config server is never counted on before it has the log.
 */
import type { World } from '../base';
import { isJoint, membersOf, votersOf, type MembershipStep, type RaftNode } from '../raft';
import type { ConfigState } from './state';

const TICK_MS = 100;

export class MembershipKeeper {
  private isBusy = false;
  private cancelTick: (() => void) | null = null;

  constructor(
    private readonly world: Pick<World, 'timers' | 'log'>,
    private readonly raft: RaftNode,
    private readonly state: () => ConfigState,
  ) {}

  start(): void {
    this.cancelTick = this.world.timers.every(TICK_MS, () => this.look());
  }

  stop(): void {
    this.cancelTick?.();
  }

  /** Takes the next step, if this node leads and there is one. */
  look(): void {
    const { raft } = this;
    if (this.isBusy || !raft.isLeader || isJoint(raft.membership)) return;
    const step = this.nextStep();
    if (step === null) return;
    this.isBusy = true;
    raft.changeMembership([step], (outcome) => {
      this.isBusy = false;
      if (outcome.kind === 'applied') this.world.log('notice', `Config servers: ${step.does} ${step.node}`);
    });
  }

  private nextStep(): MembershipStep | null {
    const { raft } = this;
    const { configs } = this.state();
    const members = membersOf(raft.membership);
    const voters = votersOf(raft.membership);
    for (const { id, incarnation } of configs) {
      if (!members.includes(id)) return { does: 'add-learner', node: id };
      if (!voters.includes(id) && incarnation !== '') return { does: 'add-voter', node: id };
    }
    // This node may be the one: Raft gives its place away when it is gone.
    const gone = members.find((id) => !configs.some((config) => config.id === id));
    return gone === undefined ? null : { does: 'remove', node: gone };
  }
}

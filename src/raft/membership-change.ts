/**
 * Changes of membership: from one configuration to the next (§6; dissertation §4).
 *
 * Pure arithmetic on sets, with the rules of etcd's raft, whose test data it passes. A simple change moves at most one voter in or
 * out, so that a majority before and a majority after always share a node. Anything larger goes through a joint configuration:
 * enter it with all steps at once, leave it when that is committed. A voter that becomes a learner while the configuration is joint
 * goes on voting in the outgoing one, and is a learner from when that is left.
 *
 * Always: no node is a voter of the incoming configuration and a learner; `learnersNext` is part of `votersOutgoing`; there is at
 * least one voter. Steps about what is so already, or about nobody (0), change nothing.
 */
import { isJoint } from './membership';
import { NOBODY, type Membership, type MembershipStep, type NodeId } from './types';

/** Why a change is refused. */
export type MembershipFault =
  | 'already joint' // a change is under way
  | 'not joint' // nothing to leave
  | 'no voters to begin with' // there is nothing that could become joint
  | 'no voters left'
  | 'more than one voter'; // would need a joint configuration

/** Adds, moves or removes by the steps, in their order, with at most one voter of difference. */
export function changeSimply(membership: Membership, steps: readonly MembershipStep[]): Membership | MembershipFault {
  if (isJoint(membership)) return 'already joint';
  const next = take(membership, [], steps);
  if (next.voters.length === 0) return 'no voters left';
  return votersOfDifference(membership.voters, next.voters) > 1 ? 'more than one voter' : next;
}

/** Enters the joint configuration between this one and that after the steps. */
export function enterJoint(
  membership: Membership,
  steps: readonly MembershipStep[],
  autoLeave: boolean,
): Membership | MembershipFault {
  if (isJoint(membership)) return 'already joint';
  if (membership.voters.length === 0) return 'no voters to begin with';
  const next = take(membership, membership.voters, steps);
  return next.voters.length === 0 ? 'no voters left' : { ...next, autoLeave };
}

/** Leaves a joint configuration: the incoming voters decide alone. */
export function leaveJoint(membership: Membership): Membership | MembershipFault {
  if (!isJoint(membership)) return 'not joint';
  const { voters, learners, learnersNext } = membership;
  const all = inOrder(new Set([...learners, ...learnersNext]));
  return { voters, votersOutgoing: [], learners: all, learnersNext: [], autoLeave: false };
}

/**
 * The change that these steps need: a simple one where it is one step, and else into a joint configuration that the leader will
 * leave by itself.
 */
export function changeMembership(
  membership: Membership,
  steps: readonly MembershipStep[],
): Membership | MembershipFault {
  return steps.length === 1 ? changeSimply(membership, steps) : enterJoint(membership, steps, true);
}

function take(membership: Membership, votersOutgoing: readonly NodeId[], steps: readonly MembershipStep[]): Membership {
  const voters = new Set(membership.voters);
  const learners = new Set(membership.learners);
  const learnersNext = new Set(membership.learnersNext);
  for (const { does, node } of steps) {
    if (node === NOBODY) continue;
    if (does === 'add-learner' && learners.has(node)) continue;
    voters.delete(node);
    learners.delete(node);
    learnersNext.delete(node);
    if (does === 'add-voter') voters.add(node);
    if (does === 'add-learner') (votersOutgoing.includes(node) ? learnersNext : learners).add(node);
  }
  return {
    voters: inOrder(voters),
    votersOutgoing,
    learners: inOrder(learners),
    learnersNext: inOrder(learnersNext),
    autoLeave: false,
  };
}

function votersOfDifference(before: readonly NodeId[], after: readonly NodeId[]): number {
  const left = before.filter((node) => !after.includes(node));
  const came = after.filter((node) => !before.includes(node));
  return left.length + came.length;
}

function inOrder(nodes: ReadonlySet<NodeId>): NodeId[] {
  return [...nodes].sort((a, b) => a - b);
}

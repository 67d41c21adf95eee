/**
 * Membership: who votes and who listens, as questions to it.
 *
 * A configuration is joint while it has outgoing voters: elections and commits then need a majority of the voters that come and
 * one of those that go (§6). Who is in either set is a voter in every other respect, too.
 */
import type { Membership, NodeId } from './types';

/** The membership of a node that has been told nothing yet: it waits to be added by others. */
export const NO_MEMBERS: Membership = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** The membership that a cluster begins with: these vote, nobody else is there. */
export function membershipOf(voters: readonly NodeId[]): Membership {
  return { ...NO_MEMBERS, voters: [...new Set(voters)].sort((a, b) => a - b) };
}

/** Whether two majorities decide (§6). */
export function isJoint(membership: Membership): boolean {
  return membership.votersOutgoing.length > 0;
}

/** Whether this node votes, in the incoming or in the outgoing configuration. */
export function isVoter({ voters, votersOutgoing }: Membership, node: NodeId): boolean {
  return voters.includes(node) || votersOutgoing.includes(node);
}

/** All who vote, each once; the incoming ones first. */
export function votersOf({ voters, votersOutgoing }: Membership): NodeId[] {
  return [...new Set([...voters, ...votersOutgoing])];
}

/** All who receive the log, each once. */
export function membersOf(membership: Membership): NodeId[] {
  return [...new Set([...votersOf(membership), ...membership.learners])];
}

/**
 * Whether two memberships can decide apart from each other: what changes of membership must never allow (§6).
 *
 * A joint membership needs a majority on each side, so it is enough that one side of the one and one side of the other always meet. A majority of one set and
 * a majority of another share a node when both together are more than there are nodes.
 */
import type { Membership, NodeId } from '../../raft';

/** Whether every quorum of the one has a node in common with every quorum of the other. */
export function quorumsMeet(one: Membership, other: Membership): boolean {
  return sidesOf(one).some((side) => sidesOf(other).some((otherSide) => majoritiesMeet(side, otherSide)));
}

function sidesOf({ voters, votersOutgoing }: Membership): (readonly NodeId[])[] {
  return votersOutgoing.length === 0 ? [voters] : [voters, votersOutgoing];
}

function majoritiesMeet(one: readonly NodeId[], other: readonly NodeId[]): boolean {
  return majorityOf(one) + majorityOf(other) > new Set([...one, ...other]).size;
}

function majorityOf({ length }: readonly NodeId[]): number {
  return (length >> 1) + 1;
}

/**
 * Quorums: what a majority agrees on, and both majorities of a joint configuration (§6).
 *
 * An empty set of voters agrees with everything: so a configuration that is not joint is a joint one whose outgoing side is empty,
 * and there is one way to count. The rules and the test data are those of etcd's raft, package quorum.
 */
import { isPlanted } from '../base';
import type { Membership, NodeId } from './types';

export type VoteResult = 'won' | 'pending' | 'lost';

/** Who decides: of a membership these two. */
export type Voters = Pick<Membership, 'voters' | 'votersOutgoing'>;

/**
 * The greatest number that a quorum has reached, each voter having reached `reachedBy(voter)` (0: unknown): an index of the log, a
 * round, a time. Infinity where nobody votes.
 */
export function reachedByQuorum({ voters, votersOutgoing }: Voters, reachedBy: (node: NodeId) => number): number {
  const incoming = reachedByMajority(voters, reachedBy);
  if (votersOutgoing.length === 0 || isPlanted('single-quorum-in-joint')) return incoming;
  return Math.min(incoming, reachedByMajority(votersOutgoing, reachedBy));
}

/** What these votes amount to; a voter that is not in them has not voted yet. */
export function voteResult({ voters, votersOutgoing }: Voters, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVote(voters, votes);
  if (votersOutgoing.length === 0 || isPlanted('single-quorum-in-joint')) return incoming;
  const outgoing = majorityVote(votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}

/** What voters have reached, in descending order: kept, as this is asked for each message. */
const reached: number[] = [];

function reachedByMajority(voters: readonly NodeId[], reachedBy: (node: NodeId) => number): number {
  if (voters.length === 0) return Infinity;
  for (let count = 0; count < voters.length; count++) {
    const number = reachedBy(voters[count]);
    let at = count;
    for (; at > 0 && reached[at - 1] < number; at--) reached[at] = reached[at - 1];
    reached[at] = number;
  }
  return reached[voters.length >> 1];
}

function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return 'won';
  const needed = (voters.length >> 1) + 1;
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

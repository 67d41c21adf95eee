/**
 * Election: one attempt of one node to be elected, or to learn whether it would be; and the form of answers to such.
 *
 * A pre-vote (dissertation §9.6) asks about the term that would begin and changes nobody's term or vote: so it is granted in the words
 * of that term and refused in those of the present one. A node's first answer counts; those of others' elections do not.
 */
import { voteResult, type VoteResult } from './quorum';
import type { Membership, NodeId, VoteReply, VoteRequest } from './types';

export class Election {
  private readonly votes = new Map<NodeId, boolean>();

  /** Begins with the vote of `candidate` for itself, in `term`: of a pre-vote, the term that would begin. */
  constructor(
    readonly type: VoteRequest['type'],
    private readonly term: number,
    candidate: NodeId,
  ) {
    this.votes.set(candidate, true);
  }

  /** Takes an answer; whether it was one to this. */
  count({ type, from, term, isGranted }: VoteReply): boolean {
    if (type !== `${this.type}-reply` || this.votes.has(from)) return false;
    const termExpected = this.type === 'pre-vote' && !isGranted ? this.term - 1 : this.term;
    if (term !== termExpected) return false;
    this.votes.set(from, isGranted);
    return true;
  }

  /** How it stands by this membership. */
  result(membership: Membership): VoteResult {
    return voteResult(membership, this.votes);
  }
}

/** The answer to a request by who is in `term`. */
export function voteReply(request: VoteRequest, term: number, isGranted: boolean): VoteReply {
  const { from: to, to: from } = request;
  if (request.type === 'vote') return { type: 'vote-reply', from, to, term, isGranted };
  return { type: 'pre-vote-reply', from, to, term: isGranted ? request.term : term, isGranted };
}

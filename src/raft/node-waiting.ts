/**
 * Those who wait for a Raft node: for what they proposed to be carried out, and for a moment at which it is safe to read.
 *
 * Everybody is answered once. Who proposed is told *applied* when an entry of that index and that term is applied, as two entries
 * with both are the same (log matching, §5.3); *lost* as soon as that can no more happen here: an entry of a later term was applied
 * (terms only grow along a log), or a snapshot came in its place. Lost is not undone: the entry may have been carried out.
 *
 * Answers are collected and given when the node has finished what it is doing, as they bring new proposals.
 */
import type { Entry, NodeId } from './types';

/** What became of a proposal. */
export type Outcome =
  /** Carried out here; `result` is what the state machine returned. */
  | { readonly kind: 'applied'; readonly index: number; readonly result: unknown }
  /** Nothing was done. `leader`: who might; the node itself where it is too busy, or is giving its place away: try again later. */
  | { readonly kind: 'not-leader'; readonly leader: NodeId }
  /** It may have been carried out, and may yet be. */
  | { readonly kind: 'lost' };

type Answer = () => void;

interface Proposal {
  readonly term: number;
  readonly done: (outcome: Outcome) => void;
}

interface ConfirmedReads {
  readonly index: number;
  readonly waiting: readonly ((isCurrent: boolean) => void)[];
}

const LOST: Outcome = { kind: 'lost' };

export class Waiting {
  /** By index, in the order in which they were proposed. */
  private readonly proposals = new Map<number, Proposal>();
  private readonly answers: Answer[] = [];
  /** Reads that the core has not been asked for. */
  private newReads: ((isCurrent: boolean) => void)[] = [];
  /** By the number under which the core was asked. */
  private readonly askedReads = new Map<number, ConfirmedReads['waiting']>();
  private confirmedReads: ConfirmedReads[] = [];
  private appliedTerm = 0;

  proposed(index: number, term: number, done: (outcome: Outcome) => void): void {
    // One under that index is of an earlier term, when this node led before and its entry was overwritten.
    if (this.proposals.has(index)) this.lose((_, at) => at >= index);
    this.proposals.set(index, { term, done });
  }

  /** An entry was carried out. */
  applied({ index, term }: Entry, result: unknown): void {
    const proposal = this.proposals.get(index);
    if (proposal?.term === term) {
      this.proposals.delete(index);
      this.answers.push(() => proposal.done({ kind: 'applied', index, result }));
    }
    if (term > this.appliedTerm) this.loseBefore(term);
    this.appliedTerm = term;
  }

  /** The state after an entry came as a whole. */
  restored(index: number): void {
    this.lose((_, at) => at <= index);
  }

  /** Gives up waiting for proposals of terms before `term`. */
  loseBefore(term: number): void {
    this.lose((proposal) => proposal.term < term);
  }

  /** Nothing more will happen here. */
  loseAll(): void {
    this.lose(() => true);
    this.refuse(this.newReads);
    for (const waiting of this.askedReads.values()) this.refuse(waiting);
    for (const { waiting } of this.confirmedReads) this.refuse(waiting);
    this.newReads = [];
    this.askedReads.clear();
    this.confirmedReads = [];
  }

  get hasProposals(): boolean {
    return this.proposals.size > 0;
  }

  read(done: (isCurrent: boolean) => void): void {
    this.newReads.push(done);
  }

  get hasNewReads(): boolean {
    return this.newReads.length > 0;
  }

  /** Asks the core for all new reads at once; `request` gives the number of that, or null where it does not lead. */
  ask(request: () => number | null): void {
    const number = request();
    if (number === null) this.refuse(this.newReads);
    else this.askedReads.set(number, this.newReads);
    this.newReads = [];
  }

  /** A quorum has confirmed the leader after they were asked for: they may be done when `index` is applied; −1: it leads no more. */
  confirmed(number: number, index: number): void {
    const waiting = this.askedReads.get(number) ?? [];
    this.askedReads.delete(number);
    if (index < 0) this.refuse(waiting);
    else this.confirmedReads.push({ index, waiting });
  }

  /** Lets those read who waited for entries up to `applied`. */
  readable(applied: number): void {
    if (this.confirmedReads.length === 0) return;
    const isReady = ({ index }: ConfirmedReads): boolean => index <= applied;
    for (const reads of this.confirmedReads) {
      if (isReady(reads)) for (const done of reads.waiting) this.answers.push(() => done(true));
    }
    this.confirmedReads = this.confirmedReads.filter((reads) => !isReady(reads));
  }

  /** Answers those who can be. */
  answer(): void {
    for (const answer of this.answers.splice(0)) answer();
  }

  private refuse(reads: ConfirmedReads['waiting']): void {
    for (const done of reads) this.answers.push(() => done(false));
  }

  private lose(isLost: (proposal: Proposal, index: number) => boolean): void {
    for (const [index, proposal] of this.proposals) {
      if (!isLost(proposal, index)) continue;
      this.proposals.delete(index);
      this.answers.push(() => proposal.done(LOST));
    }
  }
}

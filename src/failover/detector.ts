/**
 * Detector: who is down, in the eyes of one observer and of the majority.
 *
 * An observer hears answers and refusals, each with the moment (monotonic ms) at which it came. A node that was silent for
 * `downAfterMs`, or whose machine says that nobody listens there, is *subjectively* down. Observers tell each other what they hold for
 * down; a node that a majority of all voters holds for down, in opinions that are fresh, is *objectively* down. That is the only
 * ground for an automatic change of master: one observer with a bad cable convinces nobody.
 *
 * Two things make an observer distrust itself. Whoever notices that it was not running for a while (`downAfterMs` / 2 between two
 * calls) has heard nobody because it did not listen: all its observations start anew, its voice is withdrawn for `downAfterMs`, and
 * what it hears of others within `freshMs` is not believed, as it may have waited all that time to be heard.
 * And opinions of others count from their arrival for `freshMs` only, so a voice that is cut off falls silent instead of going on.
 *
 * A master that was promoted a moment ago may be busy with just that; silence of it is judged after twice the time. (Sentinel without
 * such a grace promotes twice in 6 of 7 incidents at 300 ms.) Refusal needs no grace: that process is gone.
 */
import { isPlanted } from '../base';

/** Why an observer holds a node for down. */
export type DownReason = 'silent' | 'refused';

/** One node that an observer holds for down. */
export interface DownOpinion {
  readonly memberId: string;
  /** Milliseconds since the last sign of life, on the observer's clock. */
  readonly forMs: number;
  readonly why: DownReason;
}

/** All that one observer says. */
export interface OpinionsOfOne {
  /** Its voice does not count at the moment. */
  readonly isWithdrawn: boolean;
  readonly down: readonly DownOpinion[];
}

/** The rules, ms. */
export interface DetectorRules {
  /** Silence after which a node is subjectively down. */
  readonly downAfterMs: number;
  /** For how long an opinion of somebody else counts after its arrival. */
  readonly freshMs: number;
}

interface Observation {
  answeredMs: number;
  isRefused: boolean;
  /** Silence is no reason before this moment, whoever speaks of it. */
  graceUntilMs: number;
  /** When it became a master: opinions that came before were of something else. */
  promotedMs: number;
}

interface Heard {
  readonly atMs: number;
  readonly opinions: ReadonlyMap<string, DownOpinion>;
}

/** A fresh master is judged by its silence after this many times `downAfterMs`. */
const GRACE = 2;

export class Detector {
  private readonly nodes = new Map<string, Observation>();
  private readonly others = new Map<number, Heard>();
  private calledMs: number;
  private withdrawnUntilMs = -Infinity;
  /** Opinions that come before this moment may be old. */
  private deafUntilMs = -Infinity;

  /** @param self number of this observer among the voters */
  constructor(
    private readonly self: number,
    public rules: DetectorRules,
    nowMs: number,
  ) {
    this.calledMs = nowMs;
  }

  /** Observes this node from now on; nothing changes where it did before. */
  watch(memberId: string, nowMs: number): void {
    if (this.nodes.has(memberId)) return;
    this.nodes.set(memberId, { answeredMs: nowMs, isRefused: false, graceUntilMs: -Infinity, promotedMs: -Infinity });
  }

  forget(memberId: string): void {
    this.nodes.delete(memberId);
  }

  /** It said something, whatever it was: an error reply is a sign of life, too. */
  answered(memberId: string, nowMs: number): void {
    this.tick(nowMs);
    const node = this.nodes.get(memberId);
    if (node === undefined) return;
    node.answeredMs = nowMs;
    node.isRefused = false;
  }

  /** Its machine answered, and nobody listens there. */
  refused(memberId: string, nowMs: number): void {
    this.tick(nowMs);
    const node = this.nodes.get(memberId);
    if (node !== undefined) node.isRefused = true;
  }

  /** It is the master of its group since now. */
  promoted(memberId: string, nowMs: number): void {
    const node = this.nodes.get(memberId);
    if (node === undefined || isPlanted('second-failover-of-fresh-master')) return;
    node.graceUntilMs = nowMs + GRACE * this.rules.downAfterMs;
    node.promotedMs = nowMs;
  }

  /** Must be called at least every `downAfterMs` / 4. Returns whether this observer has just noticed a stall of its own. */
  tick(nowMs: number): boolean {
    const hasStalled = nowMs - this.calledMs > this.rules.downAfterMs / 2 && !isPlanted('own-stall-counts');
    this.calledMs = nowMs;
    if (!hasStalled) return false;
    for (const node of this.nodes.values()) {
      node.answeredMs = nowMs;
      node.isRefused = false;
    }
    this.withdrawnUntilMs = nowMs + this.rules.downAfterMs;
    this.deafUntilMs = nowMs + this.rules.freshMs;
    this.others.clear();
    return true;
  }

  /** What another observer says; replaces all that it said before. */
  heard(from: number, { isWithdrawn, down }: OpinionsOfOne, nowMs: number): void {
    this.tick(nowMs);
    if (nowMs < this.deafUntilMs) return;
    const opinions = new Map(isWithdrawn ? [] : down.map((opinion) => [opinion.memberId, opinion]));
    this.others.set(from, { atMs: nowMs, opinions });
  }

  /** What this observer has to say. */
  opinions(nowMs: number): OpinionsOfOne {
    const down: DownOpinion[] = [];
    for (const memberId of this.nodes.keys()) {
      const opinion = this.opinion(memberId, nowMs);
      if (opinion !== null) down.push(opinion);
    }
    return { isWithdrawn: nowMs < this.withdrawnUntilMs, down };
  }

  /** Whether and why this observer holds the node for down, whether or not its voice counts; null where it does not. */
  opinion(memberId: string, nowMs: number): DownOpinion | null {
    const node = this.nodes.get(memberId);
    if (node === undefined) return null;
    const forMs = nowMs - node.answeredMs;
    if (node.isRefused) return { memberId, forMs, why: 'refused' };
    if (forMs < this.rules.downAfterMs || nowMs < node.graceUntilMs) return null;
    return { memberId, forMs, why: 'silent' };
  }

  /** Those of the voters whose fresh opinion is that the node is down, and why. */
  votes(
    memberId: string,
    voters: readonly number[],
    nowMs: number,
  ): { readonly voter: number; readonly why: DownReason }[] {
    return voters.flatMap((voter) => {
      const opinion = voter === this.self ? this.ownVote(memberId, nowMs) : this.voteOf(voter, memberId, nowMs);
      return opinion === null ? [] : [{ voter, why: opinion.why }];
    });
  }

  /** Whether a majority of all voters holds the node for down. */
  isObjectivelyDown(memberId: string, voters: readonly number[], nowMs: number): boolean {
    const needed = isPlanted('minority-is-enough') ? 1 : Math.floor(voters.length / 2) + 1;
    return voters.length > 0 && this.votes(memberId, voters, nowMs).length >= needed;
  }

  /** When its last sign of life came; null where it is not observed. */
  answeredMs(memberId: string): number | null {
    return this.nodes.get(memberId)?.answeredMs ?? null;
  }

  private ownVote(memberId: string, nowMs: number): DownOpinion | null {
    return nowMs < this.withdrawnUntilMs ? null : this.opinion(memberId, nowMs);
  }

  private voteOf(voter: number, memberId: string, nowMs: number): DownOpinion | null {
    const heard = this.others.get(voter);
    if (heard === undefined) return null;
    if (nowMs - heard.atMs > this.rules.freshMs && !isPlanted('stale-opinions-count')) return null;
    const opinion = heard.opinions.get(memberId);
    const node = this.nodes.get(memberId);
    if (opinion === undefined || node === undefined || heard.atMs < node.promotedMs) return null;
    // Whoever has not heard of the promotion yet knows of no grace.
    return opinion.why === 'silent' && nowMs < node.graceUntilMs ? null : opinion;
  }
}

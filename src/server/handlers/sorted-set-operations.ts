/**
 * Unions, intersections and differences of sorted sets, in which plain sets take part with scores of 1; replied, counted or stored.
 *
 * Sources are walked with a cursor each. Results are made in a draft, off the heap: they must be in order before the first member
 * can be replied, and complete before a destination is touched that may be one of the sources. A draft is large from the
 * start, because its members come in any order, and packed in the end if it is stored and fits. All of this is O(N), and
 * one command: who combines millions of members makes others wait, as in Redis.
 *
 * Sources are taken from the smallest to the largest, which makes intersections short, and which clients can tell: sums of
 * scores may round differently in another order.
 */
import { Bytes, parseDouble } from '../../base';
import { replyName, type Handlers, type sortedSet } from '../../commands';
import { MemberSet, SortedSet, TYPE_SET, TYPE_SORTED_SET } from '../../storage';
import type { Call, Handler } from '../call';
import { BAD_WEIGHT, LIMIT_NEGATIVE, noInputKey, WRONG_TYPE } from '../error-replies';
import { FLAT_SCORES, NO_SCORES, replyMembers, SCORES_IN_PAIRS, storeDraft, withDraft } from './sorted-set-replies';

/** What becomes of two scores of one member. */
type Aggregate = (score: number, other: number) => number;

/** Infinities that cancel each other out leave 0. */
const sum: Aggregate = (score, other) => orZero(score + other);
const least: Aggregate = (score, other) => (other < score ? other : score);
const greatest: Aggregate = (score, other) => (other > score ? other : score);

/** What a command combines, and how. */
interface Combination {
  /** As the command names them. */
  readonly sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  /** Of ZINTERCARD; 0 for none. */
  limit: number;
}

/** Which options a command has. */
interface Options {
  readonly weights?: boolean;
  readonly withScores?: boolean;
  readonly limit?: boolean;
}

const DIFFERENCE: Options = { withScores: true };
const COMBINED: Options = { weights: true, withScores: true };
const COMBINED_AND_STORED: Options = { weights: true };

type Make = (combination: Combination, result: SortedSet) => void;

/** Cursors that are kept for the next command. */
const CURSORS_KEPT = 16;

type Names = 'ZDIFF' | 'ZDIFFSTORE' | 'ZINTER' | 'ZINTERCARD' | 'ZINTERSTORE' | 'ZUNION' | 'ZUNIONSTORE';

export const sortedSetOperationHandlers: Pick<Handlers<typeof sortedSet, Handler>, Names> = {
  ZDIFF(call) {
    replyResult(call, DIFFERENCE, subtract);
  },

  ZDIFFSTORE(call) {
    storeResult(call, {}, subtract);
  },

  ZINTER(call) {
    replyResult(call, COMBINED, intersect);
  },

  ZINTERCARD(call) {
    const combination = parse(call, 1, { limit: true });
    if (combination === null) return;
    const { limit } = combination;
    const [smallest, ...others] = smallestFirst(combination.sources);
    let found = 0;
    for (smallest.start(); (limit === 0 || found < limit) && smallest.next();) {
      if (isInAll(smallest.name(member), others)) found++;
    }
    call.reply.integer(found);
  },

  ZINTERSTORE(call) {
    storeResult(call, COMBINED_AND_STORED, intersect);
  },

  ZUNION(call) {
    replyResult(call, COMBINED, unite);
  },

  ZUNIONSTORE(call) {
    storeResult(call, COMBINED_AND_STORED, unite);
  },
};

/** The member at hand. */
const member = new Bytes();

/** A set or sorted set that is combined with others. */
class Source {
  weight = 1;

  constructor(private readonly set: MemberSet | SortedSet) {}

  get length(): number {
    return this.set.length;
  }

  start(): void {
    this.set.start();
  }

  next(): boolean {
    return this.set.next();
  }

  name(into: Bytes): Bytes {
    return this.set.name(into);
  }

  has(name: Bytes): boolean {
    return this.set.has(name);
  }

  /** The score where the walk stands. */
  get score(): number {
    return this.set instanceof SortedSet ? this.set.score : 1;
  }

  /** The score of a member; NaN where it is not there. */
  scoreOf(name: Bytes): number {
    if (this.set instanceof SortedSet) return this.set.scoreOf(name);
    return this.set.has(name) ? 1 : NaN;
  }
}

function unite({ sources, aggregate }: Combination, result: SortedSet): void {
  for (const source of smallestFirst(sources)) {
    for (source.start(); source.next();) {
      const name = source.name(member);
      const score = orZero(source.score * source.weight);
      const known = result.scoreOf(name);
      const merged = Number.isNaN(known) ? score : aggregate(known, score);
      // For `add` it has that score already; but -0 and 0 together are 0, and clients see the sign.
      if (merged === 0 && Object.is(known, -0)) result.delete(name);
      result.add(merged, name);
    }
  }
}

function intersect({ sources, aggregate }: Combination, result: SortedSet): void {
  const [smallest, ...others] = smallestFirst(sources);
  search: for (smallest.start(); smallest.next();) {
    const name = smallest.name(member);
    let score = orZero(smallest.score * smallest.weight);
    for (const source of others) {
      const other = source.scoreOf(name);
      if (Number.isNaN(other)) continue search;
      score = aggregate(score, other * source.weight);
    }
    result.add(score, name);
  }
}

function subtract({ sources: [first, ...others] }: Combination, result: SortedSet): void {
  for (first.start(); first.next();) {
    const name = first.name(member);
    if (!isInAny(name, others)) result.add(first.score, name);
  }
}

function isInAll(name: Bytes, sources: readonly Source[]): boolean {
  for (const source of sources) if (!source.has(name)) return false;
  return true;
}

function isInAny(name: Bytes, sources: readonly Source[]): boolean {
  for (const source of sources) if (source.has(name)) return true;
  return false;
}

function smallestFirst(sources: readonly Source[]): Source[] {
  return [...sources].sort((a, b) => a.length - b.length);
}

function orZero(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}

function replyResult(call: Call, options: Options, make: Make): void {
  const combination = parse(call, 1, options);
  if (combination === null) return;
  withDraft(call, (result) => {
    result.expect(Infinity);
    make(combination, result);
    const scores = !combination.withScores ? NO_SCORES : call.reply.protocol === 3 ? SCORES_IN_PAIRS : FLAT_SCORES;
    replyMembers(call, result, 0, result.length, false, scores);
  });
}

function storeResult(call: Call, options: Options, make: Make): void {
  const combination = parse(call, 2, options);
  if (combination === null) return;
  storeDraft(call, 1, (result) => {
    result.expect(Infinity);
    make(combination, result);
    result.packIfSmall();
  });
}

/** Reads the arguments from `numkeys` at i on; null after the error reply. Keys are looked up before options are read. */
function parse(call: Call, i: number, options: Options): Combination | null {
  const count = call.clampedInteger(i);
  if (Number.isNaN(count)) return null;
  if (count < 1) {
    call.reply.error(noInputKey(replyName(call.spec)));
    return null;
  }
  if (count > call.argc - i - 1) {
    call.syntaxError();
    return null;
  }
  const sources = openAll(call, i + 1, count);
  if (sources === null) return null;
  const combination: Combination = { sources, aggregate: sum, withScores: false, limit: 0 };
  for (let at = i + 1 + count; at < call.argc;) {
    const taken = parseOption(call, at, options, combination);
    if (taken === 0) return null;
    at += taken;
  }
  return combination;
}

/** Reads the option at argument i; how many arguments it has taken, 0 after the error reply. */
function parseOption(call: Call, i: number, options: Options, combination: Combination): number {
  const { sources } = combination;
  const left = call.argc - i;
  if (options.weights === true && left > sources.length && call.is(i, 'weights')) {
    for (const [index, source] of sources.entries()) {
      source.weight = parseDouble(call.arg(i + 1 + index));
      if (!Number.isNaN(source.weight)) continue;
      call.reply.error(BAD_WEIGHT);
      return 0;
    }
    return 1 + sources.length;
  }
  if (options.weights === true && left > 1 && call.is(i, 'aggregate')) {
    const aggregate = aggregateAt(call, i + 1);
    if (aggregate === null) return 0;
    combination.aggregate = aggregate;
    return 2;
  }
  if (options.withScores === true && call.is(i, 'withscores')) {
    combination.withScores = true;
    return 1;
  }
  if (options.limit === true && left > 1 && call.is(i, 'limit')) {
    combination.limit = call.natural(i + 1, LIMIT_NEGATIVE);
    return Number.isNaN(combination.limit) ? 0 : 2;
  }
  call.syntaxError();
  return 0;
}

function aggregateAt(call: Call, i: number): Aggregate | null {
  if (call.is(i, 'sum')) return sum;
  if (call.is(i, 'min')) return least;
  if (call.is(i, 'max')) return greatest;
  call.syntaxError();
  return null;
}

/** The sources under `count` keys, of which argument `first` is the first; null after the error reply. */
function openAll(call: Call, first: number, count: number): Source[] | null {
  const { sets, sortedSets, keyspace } = call;
  if (sets.length > CURSORS_KEPT) sets.length = CURSORS_KEPT;
  if (sortedSets.length > CURSORS_KEPT) sortedSets.length = CURSORS_KEPT;
  const sources: Source[] = [];
  let setCount = 0;
  for (let i = first; i < first + count; i++) {
    const record = call.lookup(i);
    const type = record === 0 ? TYPE_SORTED_SET : keyspace.records.type(record);
    if (type !== TYPE_SORTED_SET && type !== TYPE_SET) {
      call.reply.error(WRONG_TYPE);
      return null;
    }
    const collection =
      type === TYPE_SET
        ? (sets[setCount++] ??= new MemberSet(keyspace))
        : (sortedSets[sources.length - setCount] ??= new SortedSet(keyspace));
    collection.open(call.database, call.arg(i), record);
    sources.push(new Source(collection));
  }
  return sources;
}

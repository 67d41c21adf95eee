/**
 * History: what one connection does to a server, what was acknowledged of it, and what may be left of it after a disaster.
 *
 * An operation is a function of a seed and its number, and each leaves its number somewhere: a list of unique tokens, a
 * counter, members of large collections, keys of a transaction that must agree. A server executes and journals the commands of
 * one connection in order. So whatever has happened, what is left must be exactly what the first so many operations leave:
 * anything lost in between, doubled, out of order or half done is seen by comparison with that. Refused operations left nothing.
 *
 * `judge` finds how many these are, and what that means for what was acknowledged.
 */
import { Random } from '../../src/base';

/** One command. */
export type Words = readonly string[];

export type Content = string | string[] | Map<string, string>;

/** Keys and what they hold. */
export type State = Map<string, Content>;

export interface Verdict {
  /** The state is what this many operations leave. */
  readonly kept: number;
  /** Operations that were acknowledged, had to be kept, and are gone. */
  readonly lost: number;
  /** When the first of them was acknowledged, of the monotonic clock; null where none is lost. */
  readonly oldestLostMs: number | null;
  /** What is there though no number of operations leaves it, or what should be there; null where all is well. */
  readonly problem: string | null;
}

const REGISTERS = 64;
const FIELDS = 5000;
const PADDING = 'x'.repeat(20_000);
const LONG_VALUES_ONE_IN = 200;

/** Keys of a history, without its prefix, by the type of what they hold. */
const STRINGS = [...Array.from({ length: REGISTERS }, (_, i) => `register:${i}`), 'counter', 'left'] as const;
const LISTS = ['list', 'right'] as const;
const HASH = 'hash';
const SORTED_SET = 'sorted';

export class History {
  /** Operations that were sent, answered or not. */
  sent = 0;
  /** By number, when each was answered. */
  private readonly answeredMs: number[] = [];
  private readonly refused = new Set<number>();
  /** How many answered ones are promised to be kept; null for all of them. */
  private promised: number | null = 0;
  private isSealed = false;

  /** @param prefix of all its keys; no other history has it. */
  constructor(
    readonly prefix: string,
    private readonly seed: number,
  ) {}

  /** The commands of an operation; more than one are a transaction. */
  operation(number: number): readonly Words[] {
    const random = new Random(this.seed + number);
    const kind = random.below(20);
    const key = (name: string): string => this.prefix + name;
    const token = String(number);
    const field = `field:${random.below(FIELDS)}`;
    if (kind < 6) return [['SET', key(`register:${random.below(REGISTERS)}`), this.longer(token, random)]];
    if (kind < 9) return [['RPUSH', key('list'), token]];
    if (kind < 12) return [['INCR', key('counter')]];
    if (kind < 15) return [['HSET', key(HASH), field, token]];
    if (kind < 18) return [['ZADD', key(SORTED_SET), token, field]];
    const pair = [
      ['SET', key('left'), token],
      ['RPUSH', key('right'), token],
      ['HDEL', key(HASH), field],
    ];
    return [['MULTI'], ...pair, ['EXEC']];
  }

  noteAnswer(number: number, nowMs: number, isRefused: boolean): void {
    if (this.isSealed) return;
    this.answeredMs[number] = nowMs;
    if (isRefused) this.refused.add(number);
  }

  /** From now on nothing counts as acknowledged any more. */
  seal(): void {
    this.isSealed = true;
  }

  get answered(): number {
    return this.answeredMs.length;
  }

  get acknowledged(): number {
    return this.answered - this.refused.size;
  }

  /** What is answered until now, or ever where `isForAll`, must be kept whatever happens. */
  promise(answered: number | 'all'): void {
    this.promised = answered === 'all' ? null : answered;
  }

  /** Compares with what is left. */
  judge(state: State): Verdict {
    const kept = this.leastKept(state);
    let lost = 0;
    let oldestLostMs: number | null = null;
    for (let number = kept; number < (this.promised ?? this.answered); number++) {
      if (this.refused.has(number)) continue;
      lost++;
      oldestLostMs ??= this.answeredMs[number];
    }
    const problem =
      kept > this.sent ? `operation ${kept - 1} was never sent` : difference(this.stateAfter(kept), state);
    return { kept, lost, oldestLostMs, problem };
  }

  /** What the first `count` operations leave. */
  stateAfter(count: number): State {
    const state: State = new Map();
    for (let number = 0; number < count; number++) {
      if (this.refused.has(number)) continue;
      for (const words of this.operation(number)) apply(state, words);
    }
    return state;
  }

  /** Commands whose replies `stateOf` understands. */
  questions(): Words[] {
    const key = (name: string): string => this.prefix + name;
    return [
      ['MGET', ...STRINGS.map(key)],
      ...LISTS.map((name) => ['LRANGE', key(name), '0', '-1']),
      ['HGETALL', key(HASH)],
      ['ZRANGE', key(SORTED_SET), '0', '-1', 'WITHSCORES'],
    ];
  }

  stateOf(replies: readonly unknown[]): State {
    const [strings, list, right, hash, sorted] = replies as (string | null)[][];
    const state: State = new Map();
    STRINGS.forEach((name, i) => strings[i] !== null && state.set(this.prefix + name, strings[i]));
    [list, right].forEach((each, i) => each.length > 0 && state.set(this.prefix + LISTS[i], each as string[]));
    if (hash.length > 0) state.set(this.prefix + HASH, pairs(hash as string[]));
    if (sorted.length > 0) state.set(this.prefix + SORTED_SET, pairs(sorted as string[]));
    return state;
  }

  /** All keys that it may have made. */
  keys(): string[] {
    return [...STRINGS, ...LISTS, HASH, SORTED_SET].map((name) => this.prefix + name);
  }

  private longer(token: string, random: Random): string {
    const isLong = random.below(LONG_VALUES_ONE_IN) === 0;
    return `${token}:${PADDING.slice(0, random.below(isLong ? PADDING.length : 40))}`;
  }

  /** One more than the number of the last operation of which there is a trace. */
  private leastKept(state: State): number {
    let last = -1;
    for (const [key, content] of state) {
      if (key === `${this.prefix}counter`) last = Math.max(last, this.numberOfIncrement(Number(content)));
      else if (typeof content === 'string') last = Math.max(last, Number.parseInt(content, 10));
      else for (const token of content.values()) last = Math.max(last, Number(token));
    }
    return last + 1;
  }

  private numberOfIncrement(count: number): number {
    let number = -1;
    for (let seen = 0; seen < count && number <= this.sent;) {
      number++;
      if (!this.refused.has(number) && this.operation(number)[0][0] === 'INCR') seen++;
    }
    return number;
  }
}

/** Does to a model of a keyspace what a server does. */
function apply(state: State, [name, key, first, second]: Words): void {
  const content = state.get(key);
  if (name === 'SET') state.set(key, first);
  else if (name === 'INCR') state.set(key, String(Number(content ?? 0) + 1));
  else if (name === 'RPUSH') state.set(key, pushed(content as string[] | undefined, first));
  else if (name === 'HSET') state.set(key, withEntry(content, first, second));
  else if (name === 'ZADD') state.set(key, withEntry(content, second, first));
  else if (name === 'HDEL' && content !== undefined) {
    (content as Map<string, string>).delete(first);
    if ((content as Map<string, string>).size === 0) state.delete(key);
  }
}

function pushed(list: string[] = [], token: string): string[] {
  list.push(token);
  return list;
}

function withEntry(content: Content | undefined, field: string, value: string): Content {
  return ((content ?? new Map()) as Map<string, string>).set(field, value);
}

function pairs(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
  return map;
}

/** The first difference between two states, in words; null where there is none. */
function difference(expected: State, found: State): string | null {
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [should, is] = [expected.get(key), found.get(key)];
    const what = should === undefined || is === undefined ? compared(should, is) : contentDifference(should, is);
    if (what !== null) return `${key}: ${what}`;
  }
  return null;
}

function contentDifference(should: Content, is: Content): string | null {
  if (typeof should === 'string' || typeof is === 'string') return should === is ? null : compared(should, is);
  const [a, b] = [new Map<string | number, string>(should.entries()), new Map<string | number, string>(is.entries())];
  for (const at of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(at) !== b.get(at)) return `at ${at} ${compared(a.get(at), b.get(at))}`;
  }
  return null;
}

function compared(should: Content | undefined, is: Content | undefined): string {
  return `is ${shown(is)}, should be ${shown(should)}`;
}

function shown(content: Content | undefined): string {
  if (content === undefined) return 'not there';
  return typeof content === 'string' ? JSON.stringify(content.slice(0, 40)) : 'a collection';
}

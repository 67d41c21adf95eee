/**
 * The slot feed: at equal offsets the receiver has these slots as their owner has them, and all its others as it had them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { commands } from '../../src/commands';
import { SlotFeed } from '../../src/replication';
import { encodeCommand } from '../../src/resp';
import { slotOf } from '../../src/slots';
import { ExpiryCycle } from '../../src/storage';
import { isSpoken } from '../fuzz/comparison';
import { manyElements } from '../fuzz/many-elements';
import { randomSentence, type Sentence } from '../fuzz/sentences';
import { TIGHT_LIMITS } from '../fuzz/upheavals';
import { KEYS, one } from '../fuzz/words';
import { contentsOf, entriesOf, JournaledNode, type DirectClient } from '../server/journaled';
import { SlotReceiver } from './slot-receiver';

const RUNS = 100;
const SENTENCES = 150;
/** Values with more elements than this are large. */
const LARGE = { elements: 4, nodes: 1, streamNodes: Infinity };
const SETTINGS = Object.fromEntries(Object.entries(TIGHT_LIMITS).map(([name, value]) => [name, String(value)]));
const NEVER = (): boolean => false;
const ALWAYS = (): boolean => true;

const RARE: ReadonlySet<string> = new Set(['FLUSHALL', 'FLUSHDB', 'SWAPDB']);
const SPECS = commands.all.filter((spec) => spec.isWrite && isSpoken(spec) && !RARE.has(spec.name));
/** Commands with several keys: those that cross the border of the slots. */
const CROSSING = SPECS.filter(({ name }) =>
  /^(DEL|UNLINK|MSET|MSETNX|RENAME|RENAMENX|COPY|MOVE|SMOVE|LMOVE|RPOPLPUSH|SORT|BITOP|PFMERGE|GEOSEARCHSTORE|.*(UNION|INTER|DIFF|RANGE)STORE)$/.test(
    name,
  ),
);

/** The same key, in a slot of its own. */
const apart = (word: string): string => word.replace('{t}', '');

/** An owner of slots under random commands, and who follows some of them. */
class Trial {
  readonly random: Random;
  readonly owner: JournaledNode;
  readonly slots: readonly number[];
  readonly receiver: SlotReceiver;
  readonly client: DirectClient;
  private readonly cycle: ExpiryCycle;
  private readonly before: Readonly<Record<string, string>>;
  feed: SlotFeed | null = null;

  constructor(seed: number) {
    this.random = new Random(seed);
    const policy = seed % 4 === 0 ? 'allkeys-lfu' : 'noeviction';
    this.owner = new JournaledNode(seed, { ...SETTINGS, 'maxmemory-policy': policy });
    this.client = this.owner.client();
    this.cycle = new ExpiryCycle(this.owner.node.keyspace);
    this.slots = KEYS.filter(() => this.random.fraction() < 0.5).map((key) => slotOf(apart(key)));
    this.receiver = new SlotReceiver(this.slots, SETTINGS);
    const other = this.receiver.subject.client();
    for (const key of KEYS) other.say('SET', apart(key), 'the receiver’s own');
    this.before = this.outside(contentsOf(this.receiver.subject, other));
  }

  speak(sentence: Sentence): void {
    const words = sentence.map(apart);
    this.client.say(...words);
  }

  disturb(): void {
    const { random, owner } = this;
    const chance = random.fraction();
    if (chance < 0.04) owner.nowMs += random.below(3000);
    else if (chance < 0.05) this.cycle.run(NEVER);
    else if (chance < 0.07) this.evictOne();
    else if (chance < 0.075) this.speak(one(random, [['FLUSHDB'], ['SWAPDB', '0', '1'], ['FLUSHALL']]));
    else if (chance < 0.1) this.speak(['SELECT', String(random.below(3))]);
    else if (chance < 0.14) this.speak(['PEXPIRE', one(random, KEYS), String(1 + random.below(3000))]);
    else if (chance < 0.18) this.speak(['MULTI']);
    else if (chance < 0.24) this.speak(['EXEC']);
    else if (chance < 0.34) this.speak(manyElements(random));
    else if (chance < 0.6) this.speak(randomSentence(random, one(random, CROSSING)));
    else if (!this.client.waits) this.speak(randomSentence(random, one(random, SPECS)));
    if (this.client.waits) this.client.say('CLIENT', 'UNBLOCK', 'nobody');
  }

  /** As if memory were full. */
  private evictOne(): void {
    const database = this.owner.node.keyspace.database(this.random.below(3));
    const record = database.randomRecord();
    if (record !== 0) database.evict(record);
  }

  slice(): void {
    let looks = this.random.below(4);
    this.feed?.run(() => --looks < 0);
  }

  /** Lets the receiver come to where the owner is, and compares them. */
  compare(): void {
    const { owner, receiver, feed } = this;
    const observer = owner.client();
    // What is due goes now, and the receiver hears of it.
    owner.node.keyspace.setTime(owner.nowMs);
    this.cycle.run(NEVER);
    const expected = this.inside(contentsOf(owner, observer));
    observer.leave();
    owner.node.journal.commit();
    while (!feed!.run(ALWAYS));
    expect(feed!.offset).toBe(owner.node.journal.offset);
    expect(feed!.pendingBytes).toBe(0);
    const contents = contentsOf(receiver.subject, receiver.subject.client());
    expect(this.inside(contents)).toEqual(expected);
    expect(this.outside(contents)).toEqual(this.before);
  }

  private inside(contents: Readonly<Record<string, string>>): Record<string, string> {
    return this.divide(contents, true);
  }

  private outside(contents: Readonly<Record<string, string>>): Record<string, string> {
    return this.divide(contents, false);
  }

  private divide(contents: Readonly<Record<string, string>>, isInside: boolean): Record<string, string> {
    const chosen = (name: string): boolean =>
      this.slots.includes(slotOf(Buffer.from(name.slice(name.indexOf(' ') + 1), 'latin1')));
    return Object.fromEntries(Object.entries(contents).filter(([name]) => chosen(name) === isInside));
  }

  begin(): void {
    const { node } = this.owner;
    this.feed = new SlotFeed(node, this.slots, this.receiver, LARGE);
  }
}

test('whatever is said to the owner, the receiver is equal at equal offsets, and its other slots are untouched', () => {
  fc.assert(
    fc.property(fc.noShrink(fc.nat()), (seed) => {
      const trial = new Trial(seed);
      for (let i = 0; i < SENTENCES / 3; i++) trial.disturb();
      trial.begin();
      for (let i = 0; i < SENTENCES; i++) {
        trial.disturb();
        const chance = trial.random.fraction();
        if (chance < 0.3) trial.owner.node.journal.commit();
        if (chance < 0.1) trial.slice();
        if (chance > 0.97) trial.compare();
      }
      trial.compare();
      trial.feed!.close();
      expect(trial.owner.node.keyspace.walks.isAny).toBe(false);
    }),
    { numRuns: Number(process.env.RUNS ?? RUNS), seed: Number(process.env.SEED ?? 20_261_122) },
  );
}, 60_000);

describe('of what changes', () => {
  /** What the feed of `a`, `b` and `c` hands on of these turns, the first of which came before it. */
  function handedOn(before: string, ...turns: readonly string[]): string[] {
    const owner = new JournaledNode();
    const { node } = owner;
    const client = owner.client();
    const say = (turn: string): void => {
      for (const line of turn.split('; ')) client.say(...line.split(' '));
      node.journal.commit();
    };
    const chunks: Buffer[] = [];
    say(before);
    const feed = new SlotFeed(node, ['a', 'b', 'c'].map(slotOf), {
      begin: () => void chunks.push(encodeCommand(['begin'])),
      write: (bytes) => chunks.push(Buffer.from(bytes)) > 0,
    });
    while (!feed.run(NEVER));
    chunks.length = 0;
    for (const turn of turns) {
      say(turn);
      feed.run(NEVER);
      expect(feed.offset).toBe(node.journal.offset);
    }
    feed.close();
    const entries = entriesOf(Buffer.concat(chunks));
    return entries.map(([name, ...words]) => [name, ...(name === 'RESTORE' ? words.slice(0, 1) : words)].join(' '));
  }

  test.each([
    ['what is inside is handed on as it is', '', 'SET a 1; LPUSH b x', 'SELECT 0; SET a 1; LPUSH b x'],
    ['what is outside is not', '', 'SET x 1; DEL x', ''],
    ['what only reads what is inside is not', 'SADD a 1', 'SUNIONSTORE x a; COPY a y', ''],
    [
      'a unit stays one for what remains',
      '',
      'MULTI; SET a 1; SET x 1; SET b 1; EXEC',
      'SELECT 0; MULTI; SET a 1; SET b 1; EXEC',
    ],
    ['a unit of which nothing remains is none', '', 'MULTI; SET x 1; SET y 1; EXEC', ''],
    [
      'databases are said where they change',
      '',
      'SELECT 3; SET a 1; SET x 1; SELECT 0; SET x 1; SELECT 3; SET b 1',
      'SELECT 3; SET a 1; SET b 1',
    ],
    [
      'a database that is changed within a unit',
      '',
      'MULTI; SET a 1; SELECT 2; SET b 1; EXEC',
      'SELECT 0; MULTI; SET a 1; SELECT 2; SET b 1; EXEC',
    ],
    ['DEL is divided', 'MSET a 1 x 1 b 1', 'UNLINK x a b', 'SELECT 0; DEL a b'],
    ['MSET is divided', '', 'MSET x 1 a 2 y 3 c 4', 'SELECT 0; MSET a 2 c 4'],
    ['MSETNX is what it did', '', 'MSETNX x 1 a 2', 'SELECT 0; MSET a 2'],
    ['a result from outside is a state', 'SADD x 1', 'SUNIONSTORE b a x', 'SELECT 0; RESTORE b'],
    [
      'what goes across is gone, what comes is a state',
      'SET a 1; SET x 2',
      'RENAME a y; RENAME x c',
      'SELECT 0; DEL a; SELECT 0; SET c 2',
    ],
    [
      'what follows for a state is in it',
      'SADD x 1',
      'COPY x a; SADD a 2; SADD b 1',
      'SELECT 0; SADD b 1; SELECT 0; RESTORE a',
    ],
    [
      'what is computed from a state is one',
      'SADD x 1',
      'COPY x a; SUNIONSTORE b a; SADD c 1',
      'SELECT 0; SADD c 1; SELECT 0; RESTORE a; RESTORE b',
    ],
    ['COPY goes to another database', 'SET x 1', 'COPY x a DB 2', 'SELECT 0; DEL a; SELECT 2; SET a 1'],
    ['MOVE is about a key in two databases', 'SET x 1', 'COPY x a; MOVE a 4', 'SELECT 0; DEL a; SELECT 4; SET a 1'],
    [
      'what SORT stores may depend on any key',
      'RPUSH a 2 1; MSET w1 2 w2 1',
      'SORT a BY w* STORE b',
      'SELECT 0; RESTORE b',
    ],
    [
      'the database is said again after a state',
      'SELECT 1; SET x 1; SELECT 0; SET x 1',
      'SET a 1; SELECT 1; COPY x b; SELECT 0',
      'SELECT 0; SET a 1; SELECT 1; SET b 1; SELECT 0; SET c 1',
      'SET c 1',
    ],
    [
      'the copy begins anew when all keys of a database went',
      'SET a 1; SET x 1',
      'SET b 1; SELECT 5; FLUSHDB',
      'begin; SELECT 0; SET a 1; SET b 1',
    ],
    ['and when databases change places', 'SET a 1', 'SWAPDB 0 3', 'begin; SELECT 3; SET a 1'],
  ])('%s', (_, before, say, handed, sayThen = '') => {
    expect(handedOn(before, say, sayThen).join('; ')).toBe(handed);
  });
});

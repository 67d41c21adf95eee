/**
 * Traffic: random writes of all families to a master, from several clients at once: sentences of the fuzzer, transactions, other
 * databases, values that grow large, keys that expire in a moment, clients that wait for others, and now and then a database that
 * is flushed or swapped.
 *
 * What it leaves is not known beforehand: replicas are compared with their master.
 */
import { CacheError, Random } from '../../src/base';
import { commands, FLAG_WRITE, type CommandSpec } from '../../src/commands';
import type { Client } from '../../src/net';
import { isSpoken, mustNotWait } from '../fuzz/comparison';
import { manyElements, type Elements } from '../fuzz/many-elements';
import { randomSentence, type Sentence } from '../fuzz/sentences';
import { KEYS, one } from '../fuzz/words';
import { DATABASES } from './keyspaces';
import { sleep } from './load';
import type { Member } from './member';

/** Beyond the limits up to which values are packed. */
export const LARGE: Elements = { most: 60, names: 200, longest: 3000 };

const CLIENTS = 4;
/** Sentences on their way, of each client; and how long it rests after each, as servers of different speed are to be compared. */
const DEPTH = 4;
const REST_MS = 1;
const UPHEAVAL = 0.0005;

/** Spoken too: chance is the master's here, and replicas are told what it has chosen; what is counted may be kept. */
const SPOKEN_TOO: ReadonlySet<string> = new Set(['SPOP', 'PFCOUNT']);
const SPECS = commands.all.filter(
  (spec) => SPOKEN_TOO.has(spec.name) || (isSpoken(spec) && (spec.flags & FLAG_WRITE) !== 0),
);

const UPHEAVALS: readonly Sentence[] = [
  ['FLUSHDB'],
  ['FLUSHALL'],
  ['SWAPDB', '0', '1'],
  ['SWAPDB', '2', '1'],
  ['SWAPDB', '1', '3'],
];

const WAITS: readonly Sentence[] = [
  ['BLPOP', '{t}l1', '{t}l2', '0.05'],
  ['BRPOP', '{t}l3', '0.05'],
  ['BLMOVE', '{t}l1', '{t}l3', 'LEFT', 'RIGHT', '0.05'],
  ['BLMPOP', '0.05', '2', '{t}l2', '{t}l3', 'LEFT', 'COUNT', '2'],
  ['BZPOPMIN', '{t}z1', '{t}z2', '0.05'],
  ['BZMPOP', '0.05', '1', '{t}z3', 'MAX', 'COUNT', '3'],
  ['XREADGROUP', 'GROUP', 'g1', 'c1', 'BLOCK', '50', 'STREAMS', '{t}x1', '>'],
];

export class Traffic {
  /** Sentences that were answered, by whatever but an error; and by one. */
  done = 0;
  refused = 0;
  private isEnding = false;
  private readonly writing: Promise<void>[] = [];

  private constructor(private readonly random: Random) {}

  static async begin(member: Member, seed: number): Promise<Traffic> {
    const traffic = new Traffic(new Random(seed));
    for (let i = 0; i <= CLIENTS; i++) {
      const client = await member.connect();
      // The last one waits, one sentence at a time.
      const depth = i < CLIENTS ? DEPTH : 1;
      traffic.writing.push(traffic.write(client, depth, i < CLIENTS ? randomSentences : waitingSentence));
    }
    return traffic;
  }

  /** Everything is answered, or the server has gone, when this resolves. */
  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.all(this.writing);
  }

  private async write(client: Client, depth: number, next: (random: Random) => Sentence[]): Promise<void> {
    const lane = async (): Promise<void> => {
      while (!this.isEnding) {
        await Promise.all(next(this.random).map((words) => this.send(client, words)));
        await sleep(REST_MS);
      }
    };
    try {
      await Promise.all(Array.from({ length: depth }, lane));
    } catch (error) {
      if (!(error instanceof CacheError) || error.code !== 'CLOSED') throw error;
    } finally {
      await client.close();
    }
  }

  private async send(client: Client, words: Sentence): Promise<void> {
    try {
      await client.command(...words);
      this.done++;
    } catch (error) {
      if (!(error instanceof CacheError) || error.code !== 'REPLY') throw error;
      this.refused++;
    }
  }
}

function waitingSentence(random: Random): Sentence[] {
  return [one(random, WAITS)];
}

/** What is said at once, in this order. */
function randomSentences(random: Random): Sentence[] {
  if (random.fraction() < UPHEAVAL) return [one(random, UPHEAVALS)];
  const chance = random.fraction();
  if (chance < 0.04) return [['SELECT', String(random.below(DATABASES))]];
  if (chance < 0.1) return [['SET', `brief:${random.below(50)}`, 'v', 'PX', String(1 + random.below(300))]];
  if (chance < 0.14) return [['PEXPIRE', one(random, KEYS), String(1 + random.below(300))]];
  if (chance < 0.24) return [manyElements(random, LARGE)];
  if (chance < 0.3) return [['SET', `key:${random.below(500)}`, 'x'.repeat(random.below(600))]];
  if (chance < 0.4) return [['MULTI'], ...Array.from({ length: random.below(5) }, () => sentence(random)), ['EXEC']];
  const spec = one<CommandSpec>(random, SPECS);
  const words = randomSentence(random, spec);
  return mustNotWait(spec) ? [['MULTI'], words, ['EXEC']] : [words];
}

function sentence(random: Random): Sentence {
  return randomSentence(random, one<CommandSpec>(random, SPECS));
}

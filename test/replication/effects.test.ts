/**
 * Whatever clients do to a master, its replica has the same keyspace at the same offset: random commands of all families by
 * several clients, transactions, clients that wait, expiry while time goes on, and a link that is cut now and then.
 *
 * Values are compared by their digests, with expiry and what is known of a stream, and by DUMP where the bytes are the value's own:
 * hash tables have an order that each process draws. A failing run names its seed.
 */
import { afterAll, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { commands } from '../../src/commands';
import { LARGE } from '../drill/traffic';
import { manyElements } from '../fuzz/many-elements';
import { isSpoken } from '../fuzz/comparison';
import { randomSentence, type Sentence } from '../fuzz/sentences';
import { TIGHT_LIMITS, UPHEAVALS } from '../fuzz/upheavals';
import { KEYS, one } from '../fuzz/words';
import { SEED } from '../oracle/oracle-stage';
import { contentsOf, type DirectClient } from '../server/journaled';
import { StillPair } from './still-pair';

const RUNS = 200;
const SENTENCES_MAX = 120;
const CLIENTS = 3;
const CHANCES: ReadonlySet<string> = new Set(['SPOP']);
const SPECS = commands.all.filter((spec) => isSpoken(spec) || CHANCES.has(spec.name));

const pair = new StillPair(SEED, TIGHT_LIMITS);
afterAll(() => pair.stop());

test('a replica has what its master has, at the same offset', () => {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const spoken: string[] = [];
    try {
      run(new Random(seed), spoken);
      const [should, is] = [contents(pair.master), contents(pair.replica)];
      expect(is, `seed ${seed}`).toEqual(should);
    } catch (error) {
      console.log(`seed ${seed}:\n${spoken.join('\n')}`);
      throw error;
    }
  }
});

function run(random: Random, spoken: string[]): void {
  const clients = Array.from({ length: CLIENTS }, () => pair.client(pair.master));
  clients[0].say('FLUSHALL');
  for (let left = random.below(SENTENCES_MAX); left > 0; left--) {
    const chance = random.fraction();
    if (chance < 0.05) {
      const durationMs = random.below(400);
      spoken.push(`${durationMs} ms go by`);
      pair.advance(durationMs);
    } else if (chance < 0.06) {
      spoken.push('the link is cut');
      pair.cutLink();
    } else {
      const free = clients.filter((client) => !client.waits);
      if (free.length === 0) break;
      const client = one(random, free);
      const words = next(random);
      spoken.push(`${clients.indexOf(client)}: ${words.map((word) => JSON.stringify(word)).join(' ')}`);
      client.say(...words);
      if (random.fraction() < 0.5) pair.settle();
    }
  }
  for (const client of clients) client.leave();
  pair.join();
}

function next(random: Random): Sentence {
  const chance = random.fraction();
  if (chance < 0.02) return one(random, UPHEAVALS);
  if (chance < 0.08) return [one(random, ['MULTI', 'MULTI', 'EXEC', 'EXEC', 'EXEC', 'DISCARD'])];
  if (chance < 0.12) return ['PEXPIRE', one(random, KEYS), String(1 + random.below(500))];
  if (chance < 0.14) return ['WATCH', one(random, KEYS)];
  if (chance < 0.24) return manyElements(random, LARGE);
  return randomSentence(random, one(random, SPECS));
}

/** By key; and by DUMP, but for tables, and streams, which know when consumers were seen. */
function contents(node: typeof pair.master): Record<string, string> {
  const client = pair.client(node);
  const known = contentsOf({ node }, client);
  for (const name of Object.keys(known)) {
    const [, database, key] = /^(\d+) ([^]*)$/.exec(name)!;
    client.say('SELECT', database);
    if (isInOrder(client, key)) known[name] += client.say('DUMP', key);
  }
  client.leave();
  return known;
}

function isInOrder(client: DirectClient, key: string): boolean {
  return !/hashtable|stream/.test(client.say('OBJECT', 'ENCODING', key));
}

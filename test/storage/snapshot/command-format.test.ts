/**
 * Snapshots as commands: who runs them, one of our nodes or a real Redis, has what there was when the walk began.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import { commands } from '../../../src/commands';
import { isSpoken, mustNotWait } from '../../fuzz/comparison';
import { randomSentence, type Sentence } from '../../fuzz/sentences';
import { OracleStage } from '../../oracle/oracle-stage';
import { openRivals } from '../../oracle/rivals';
import { contentsOf, entriesOf, follow } from '../../server/journaled';
import { InProcessStage } from '../../transcripts/our-stages';
import { command } from '../../transcripts/session';
import { Walked } from './walked';

const SEEDS = Array.from({ length: 12 }, (_, i) => 1 + i);
const SENTENCES = 150;
const SPECS = commands.all.filter((spec) => isSpoken(spec) && !mustNotWait(spec) && spec.name !== 'SELECT');
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** One of everything, small and large. */
const EVERYTHING = [
  'SET text hello',
  'SET number 12345',
  'SET expiring soon PXAT 1900000000000',
  'RPUSH packed 1 two 3',
  `RPUSH list ${range(200).join(' ')}`,
  'EXPIREAT list 1900000000',
  'SADD integers 3 1 2',
  'SADD set one',
  `SADD large-set ${range(100)
    .map((i) => `m${i}`)
    .join(' ')}`,
  'ZADD scores 1.5 a -inf b 1e30 c -0.0 d 0.1 e',
  `ZADD large-scores ${range(100)
    .map((i) => `${i / 7} m${i}`)
    .join(' ')}`,
  'HSET hash field value',
  `HSET large-hash ${range(100)
    .map((i) => `f${i} ${'v'.repeat(i)}`)
    .join(' ')}`,
  'XADD stream 1-1 a 1 b 2',
  'XADD stream 2-1 a 1 b 2',
  'XADD stream 3-1 c 3',
  'XDEL stream 2-1',
  'XGROUP CREATE stream group 0 ENTRIESREAD 0',
  'XREADGROUP GROUP group alice COUNT 1 STREAMS stream >',
  'XGROUP CREATECONSUMER stream group bob',
  'XGROUP CREATE empty-stream group $ MKSTREAM',
  ...range(50).map((i) => `XADD large-stream ${i + 1}-0 name ${i} ${i % 3 === 0 ? 'other' : 'name'} value`),
  'XGROUP CREATE large-stream group 7-0',
  'XREADGROUP GROUP group alice COUNT 20 STREAMS large-stream >',
  'XDEL large-stream 2-0 40-0',
  'SELECT 3',
  'SET elsewhere 1',
];

/** Values whose elements have an order. */
const ORDERED = [
  'SET text hello',
  'SET number 12345',
  'SET expiring soon PXAT 1900000000000',
  'RPUSH list 1 two 3',
  'SADD integers 3 1 2',
  'ZADD scores 1.5 a -inf b 1e30 c 7 d',
  'HSET hash field value other 1',
  'XADD stream 1-1 a 1 b 2',
  'XADD stream 2-1 a 1 b 2',
  'XADD stream 3-1 c 3',
  'XDEL stream 2-1',
  'XGROUP CREATE stream group 0 ENTRIESREAD 0',
  'XGROUP CREATE stream other 1-1 ENTRIESREAD 5',
  'XREADGROUP GROUP group alice COUNT 1 STREAMS stream >',
  'XGROUP CREATECONSUMER stream group bob',
  'XGROUP CREATE empty-stream group $ MKSTREAM',
  'EXPIREAT stream 1900000000',
];

describe('commands', () => {
  test('load libraries of functions first', () => {
    const walked = new Walked();
    walked.say('SET key value');
    walked.beginCommands([Buffer.from('#!lua name=library')]);
    expect(entriesOf(walked.finish())).toEqual([
      ['FUNCTION', 'LOAD', '#!lua name=library'],
      ['SELECT', '0'],
      ['SET', 'key', 'value'],
    ]);
  });

  test('have 64 elements at most', () => {
    const walked = new Walked();
    walked.keyspace.limits['list-max-listpack-size'] = -2;
    walked.say(`RPUSH list ${range(130).join(' ')}`, `SADD set ${range(130).join(' ')}`);
    walked.beginCommands();
    const lengths = entriesOf(walked.finish()).map(([name, , ...elements]) => [name, elements.length]);
    for (const name of ['RPUSH', 'SADD']) {
      expect(lengths.filter((each) => each[0] === name)).toEqual([64, 64, 2].map((length) => [name, length]));
    }
  });

  test.each(SEEDS)('make the same keyspace again, whatever happens while they are written: seed %i', (seed) => {
    const random = new Random(seed);
    const walked = new Walked();
    const { subject } = walked;
    const client = subject.client();
    if (seed % 2 === 0) walked.say(...EVERYTHING);
    for (let left = SENTENCES; left > 0; left--) walked.speak(sentenceOf(random));
    walked.say('DISCARD');
    forgetLostEntries(walked);
    const contents = contentsOf(subject, client);
    walked.beginCommands();
    for (let left = SENTENCES; left > 0; left--) {
      walked.speak(sentenceOf(random));
      if (random.fraction() < 0.2) walked.slice(1 + random.below(50));
    }
    const follower = follow(walked.finish(), 0);
    expect(contentsOf(follower, follower.client())).toEqual(contents);
    walked.expectNothingLeft();
  });
});

describe.skipIf(new OracleStage(2).skipped !== null)('a real Redis', () => {
  const rivals = openRivals(new InProcessStage(), new OracleStage(2, 'judge'));

  test('writes the same', async () => {
    const { oracle } = rivals;
    const walked = new Walked();
    for (const line of ORDERED) {
      walked.say(line);
      expect(await oracle.send(command(...line.split(' ')))).not.toContain('(error)');
    }
    walked.beginCommands();
    await oracle.send(command('CONFIG', 'SET', 'aof-use-rdb-preamble', 'no'));
    await oracle.send(command('CONFIG', 'SET', 'appendonly', 'yes'));
    const shown = await oracle.send(command('CONFIG', 'GET', 'dir'));
    const folder = /"(\/.*)"/.exec(shown)![1];
    const base = join(folder, 'appendonlydir', 'appendonly.aof.1.base.aof');
    while (!existsSync(base)) await new Promise((resolve) => setTimeout(resolve, 10));
    await oracle.send(command('CONFIG', 'SET', 'appendonly', 'no'));
    expect(linesOf(walked.finish())).toEqual(linesOf(readFileSync(base)));
    await oracle.send(command('FLUSHALL'));
  });

  test('takes all of them, and has then what we have', async () => {
    const { tested: ours, oracle } = rivals;
    const walked = new Walked();
    walked.say(...EVERYTHING);
    walked.beginCommands();
    for (let i = 0; !walked.slice(1); i++)
      walked.say(`LSET list ${i} new`, `HSET large-hash f${i} new`, 'XTRIM large-stream MAXLEN 30');
    for (const words of entriesOf(walked.finish())) {
      const bytes = words.map((word) => Buffer.from(word, 'latin1'));
      const [reply, judged] = await Promise.all([ours.send(command(...bytes)), oracle.send(command(...bytes))]);
      expect(judged, words.join(' ')).not.toContain('(error)');
      expect(reply).toBe(judged);
    }
    for (const index of ['0', '3']) {
      await ask('SELECT', index);
      await ask('DEBUG', 'DIGEST');
      await ask('DBSIZE');
    }
    await ask('SELECT', '0');
    for (const key of ['expiring', 'list']) await ask('PEXPIRETIME', key);
    for (const key of ['stream', 'empty-stream', 'large-stream']) {
      await ask('XINFO', 'GROUPS', key);
      await ask('XPENDING', key, 'group');
    }
    expect(await ask('LINDEX', 'list', '3')).toBe('"3"');
    expect(await ask('XLEN', 'large-stream')).toBe('(integer) 48');
  });

  /** What both reply, which must be the same. */
  async function ask(...words: string[]): Promise<string> {
    const { tested: ours, oracle } = rivals;
    const [reply, judged] = await Promise.all([ours.send(command(...words)), oracle.send(command(...words))]);
    expect(reply, words.join(' ')).toBe(judged);
    return reply;
  }
});

/** The commands in an order of their own, but for the times of what is pending. */
function linesOf(journal: Buffer): string[] {
  const lines = entriesOf(journal).map((entry) => entry.join(' ').replace(/ TIME \d+ /, ' TIME then '));
  return lines.sort();
}

function sentenceOf(random: Random): Sentence {
  if (random.fraction() < 0.02) return ['SELECT', String(random.below(2))];
  return randomSentence(random, SPECS[random.below(SPECS.length)]);
}

/** Ends what is pending of entries that are gone: commands cannot say it. */
function forgetLostEntries(walked: Walked): void {
  for (const index of walked.keyspace.usedDatabases().map((database) => String(database.index))) {
    walked.speak(['SELECT', index]);
    for (const key of wordsOf(walked.speak(['KEYS', '*']))) {
      const info = walked.speak(['XINFO', 'GROUPS', key]);
      for (const [, group] of info.matchAll(/\$4\r\nname\r\n\$\d+\r\n(.*)\r\n/g)) {
        walked.speak(['XAUTOCLAIM', key, group, 'janitor', '9999999999999', '0', 'COUNT', '9999', 'JUSTID']);
      }
    }
  }
}

function wordsOf(reply: string): string[] {
  return reply === '*0\r\n' ? [] : entriesOf(Buffer.from(reply, 'latin1'))[0];
}

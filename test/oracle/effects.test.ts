/**
 * What each command leaves in the journal, beside what a real redis-server writes to its append-only file.
 *
 * Both are told the same; after each command what the files have grown by must be the same commands, but for how SELECT is said,
 * for capitals, and for the moment. Where ours differs on purpose, the line (in effects.ts) says what it leaves and why: newer than
 * the judge (7.0), or more exact, so that who follows has the same to the last byte.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EFFECTS } from './effects';
import { entriesOf, JournaledNode, type DirectClient } from '../server/journaled';
import { command, type StageSession } from '../transcripts/session';
import { OracleStage } from './oracle-stage';

class JudgedFile {
  private readonly oracle = new OracleStage(2, 'journaling oracle');
  private session!: StageSession;
  private waiter!: StageSession;
  private path = '';
  private read = 0;

  get skipped(): string | null {
    return this.oracle.skipped;
  }

  async open(): Promise<void> {
    this.session = await this.oracle.open();
    this.waiter = await this.oracle.open();
    await this.say('CONFIG SET auto-aof-rewrite-percentage 0 appendfsync always');
    await this.say('CONFIG SET appendonly yes');
    await this.say('DEBUG SET-ACTIVE-EXPIRE 0');
    const folder = /"([^"]*)"\s*$/.exec(await this.say('CONFIG GET dir'))![1];
    await this.until(async () => (await this.say('INFO persistence')).includes('aof_rewrite_in_progress:0'));
    const files = join(folder, 'appendonlydir');
    this.path = join(
      files,
      readdirSync(files).find((name) => name.endsWith('.incr.aof'))!,
    );
  }

  /** What a command has left in the file. */
  async entries(line: string): Promise<string[][]> {
    if (line.startsWith('b: ')) {
      void this.waiter.send(command(...line.slice(3).split(' ')));
      await this.until(async () => (await this.say('INFO clients')).includes('blocked_clients:1'));
    } else {
      await this.say(line);
    }
    const bytes = readFileSync(this.path);
    const entries = entriesOf(bytes.subarray(this.read));
    this.read = bytes.length;
    return entries;
  }

  async close(): Promise<void> {
    await Promise.all([this.session.close(), this.waiter.close()]);
    await this.oracle.close();
  }

  private say(line: string): Promise<string> {
    return this.session.send(command(...line.split(' ')));
  }

  private async until(isTrue: () => Promise<boolean>): Promise<void> {
    while (!(await isTrue())) await pause(5);
  }
}

class OurJournal {
  private readonly leader = new JournaledNode();
  private readonly client: DirectClient = this.leader.client();
  private readonly waiter: DirectClient = this.leader.client();
  private read = 0;

  entries(line: string, nowMs: number): string[][] {
    this.leader.nowMs = nowMs;
    const client = line.startsWith('b: ') ? this.waiter : this.client;
    client.say(...line.replace('b: ', '').split(' '));
    const bytes = this.leader.taken();
    const entries = entriesOf(bytes.subarray(this.read));
    this.read = bytes.length;
    return entries;
  }
}

/** Entries as lines, without what may differ. */
function comparable(entries: readonly (readonly string[])[], nowMs: number): string[] {
  const lines: string[] = [];
  for (const words of entries) {
    const [name, ...more] = words.map((word) => momentOf(word, nowMs).toLowerCase());
    if (name === 'select') continue;
    const isDrawn = name === 'srem' && more[0] === 's' && more[1] !== 'a' && more[1] !== 'missing';
    lines.push([name, ...more.map((word, i) => (isDrawn && i > 0 ? '<member>' : word))].join(' '));
  }
  return lines;
}

/** A time near now, or the id of an entry that has one, as how far away it is: in tens of seconds, as tests may be slow. */
function momentOf(word: string, nowMs: number): string {
  const match = /^(\d{13})(-\d+)?$/.exec(word);
  if (match === null) return word;
  const seconds = Math.round((Number(match[1]) - nowMs) / 10_000) * 10;
  return Math.abs(seconds) > 86_400 ? word : `now+${seconds}s${match[2] ?? ''}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const judge = new JudgedFile();

describe.skipIf(judge.skipped !== null)('the journal and the append-only file of a redis-server', () => {
  beforeAll(() => judge.open());
  afterAll(() => judge.close());

  test.each(Object.keys(EFFECTS))('%s', async (topic) => {
    const ours = new OurJournal();
    await judge.entries('FLUSHALL');
    for (const line of EFFECTS[topic]) {
      const say = typeof line === 'string' ? line : line.say;
      if (say === 'wait') {
        await pause(60);
        continue;
      }
      const nowMs = Date.now();
      const left = comparable(ours.entries(say, nowMs), nowMs);
      const judged = comparable(await judge.entries(say), nowMs);
      if (typeof line === 'string') {
        expect({ say, left }).toEqual({ say, left: judged });
      } else {
        expect({ say, left }).toEqual({ say, left: line.ours });
        expect(left, `${say} does not differ any more`).not.toEqual(judged);
      }
    }
  });
});

/**
 * A duel: the same sentences to our data node and to a real redis-server, reply by reply and then key by key.
 *
 * Sentences come in rounds, each on an empty keyspace and from a seed of its own, so that a round can be spoken again. At the end
 * of a round all keys are compared: content, encoding, time to live; each server must restore what the other dumped; and when
 * ours has deleted its keys, no byte of its keyspace may be taken.
 * A round that ends in a difference is made as short as possible: sentences are left out as long as a difference remains.
 */
import { Bytes, Random, realWorld, splitArguments } from '../../src/base';
import { commands, type CommandSpec } from '../../src/commands';
import { DataNode, serverSettings } from '../../src/server';
import { forEachKey } from '../../src/storage';
import { OracleStage } from '../oracle/oracle-stage';
import { MemorySession } from '../transcripts/our-stages';
import { command, type StageSession } from '../transcripts/session';
import { areSame, comparable, isSpoken, mustNotWait } from './comparison';
import { inspection } from './inspection';
import { randomSentence, type Sentence } from './sentences';

export interface Difference {
  /** What was said, as short as it could be made; the last sentence is the one that was answered differently. */
  readonly sentences: readonly Sentence[];
  readonly ours: string;
  readonly theirs: string;
}

/** Small limits let collections change their encoding within a round. */
const SMALL_LIMITS = [
  ['hash-max-listpack-entries', '6'],
  ['set-max-intset-entries', '6'],
  ['zset-max-listpack-entries', '6'],
  ['list-max-listpack-size', '4'],
  ['stream-node-max-entries', '3'],
] as const;
const USUAL_LIMITS = [
  ['hash-max-listpack-entries', '128'],
  ['set-max-intset-entries', '512'],
  ['zset-max-listpack-entries', '128'],
  ['list-max-listpack-size', '-2'],
  ['stream-node-max-entries', '100'],
] as const;

export class Duel {
  private readonly node: DataNode;
  private readonly judge = new OracleStage(2, 'judge');
  private readonly specs: readonly CommandSpec[];
  private ours!: StageSession;
  private theirs!: StageSession;
  /** Whether something was sorted in this round. */
  private hasSorted = false;
  /** Sentences spoken so far, by each. */
  spoken = 0;

  constructor(families: readonly string[]) {
    const settings = serverSettings();
    settings.assign({ port: 0, 'enable-debug-command': 'yes' });
    this.node = new DataNode(realWorld(), settings);
    this.specs = commands.all.filter(
      (spec) => isSpoken(spec) && (families.length === 0 || families.includes(spec.family)),
    );
  }

  async open(): Promise<void> {
    this.ours = new MemorySession(this.node.connectInMemory());
    this.theirs = await this.judge.open();
  }

  async close(): Promise<void> {
    await this.theirs.close();
    await this.judge.close();
    await this.node.stop();
  }

  /** Speaks `count` sentences and compares; the first difference, made short, or null. */
  async round(seed: number, count: number): Promise<Difference | null> {
    const random = new Random(seed);
    const sentences: Sentence[] = limits(seed);
    for (let i = 0; i < count; i++) {
      const spec = this.specs[random.below(this.specs.length)];
      const sentence = randomSentence(random, spec);
      if (mustNotWait(spec)) sentences.push(['MULTI'], sentence, ['EXEC']);
      else sentences.push(sentence);
    }
    this.spoken += count;
    const difference = await this.play(sentences);
    return difference === null ? null : await this.shorten(difference);
  }

  /** The first difference that a conversation ends in, with what led to it; null where there is none. */
  private async play(sentences: readonly Sentence[]): Promise<Difference | null> {
    // The last conversation may have ended in a transaction.
    await this.both(['DISCARD']);
    await this.both(['FLUSHALL']);
    this.hasSorted = false;
    const said = await this.speak(sentences);
    if (said !== null) return said;
    const keys = await this.everyKey();
    const seen = await this.speak(inspection(keys));
    if (seen !== null) return { ...seen, sentences: [...sentences, seen.sentences[seen.sentences.length - 1]] };
    return this.exchange(sentences, keys);
  }

  /** Each server restores what the other dumped, and must find the same value in it. */
  private async exchange(sentences: readonly Sentence[], keys: readonly string[]): Promise<Difference | null> {
    const dumps = keys.map((key): Sentence => ['DUMP', key]);
    const [ours, theirs] = await Promise.all([tell(this.ours, dumps), tell(this.theirs, dumps)]);
    const [here, there] = await Promise.all([restored(this.ours, keys, theirs), restored(this.theirs, keys, ours)]);
    for (const [said, name] of [
      [here, 'ours, of their dump'],
      [there, 'theirs, of our dump'],
    ] as const) {
      const wrong = said.findIndex(([value, copy]) => value !== copy);
      if (wrong < 0) continue;
      const [value, copy] = said[wrong];
      return { sentences, ours: `${name} of ${keys[wrong]}: ${copy}`, theirs: `should be: ${value}` };
    }
    const bytes = this.bytesLeft();
    if (bytes !== 0) return { sentences, ours: `${bytes} bytes are taken when all keys are deleted`, theirs: '0' };
    return null;
  }

  private async speak(sentences: readonly Sentence[]): Promise<Difference | null> {
    const [ours, theirs] = await Promise.all([tell(this.ours, sentences), tell(this.theirs, sentences)]);
    for (let i = 0; i < sentences.length; i++) {
      // What EXEC replies is the reply to what was queued before it.
      const said = i > 0 && sentences[i][0] === 'EXEC' ? sentences[i - 1] : sentences[i];
      const spec = specOf(said);
      const [a, b] = [comparable(spec, ours[i]), comparable(spec, theirs[i])];
      // Redis unpacks a sorted set for good when it sorts it.
      if (spec?.name.startsWith('SORT') === true) this.hasSorted = true;
      if (this.hasSorted && spec?.name === 'OBJECT ENCODING' && b === '"skiplist"') continue;
      if (!areSame(said, a, b)) return { sentences: sentences.slice(0, i + 1), ours: a, theirs: b };
    }
    return null;
  }

  /** Deletes our keys, one by one; what the keyspace takes then. */
  private bytesLeft(): number {
    const { keyspace } = this.node;
    for (const database of keyspace.usedDatabases()) {
      const names: Buffer[] = [];
      forEachKey(database, (record) => names.push(keyspace.records.key(record, new Bytes()).copy()));
      for (const name of names) database.delete(new Bytes(name));
    }
    keyspace.reclaim(() => false);
    return keyspace.arena.usedBytes;
  }

  /** Leaves out sentences, many at a time and then one by one, as long as there is a difference. */
  private async shorten(difference: Difference): Promise<Difference> {
    let best = difference;
    for (let size = best.sentences.length >> 1; size >= 1; size >>= 1) {
      for (let from = Math.max(0, best.sentences.length - 1 - size); ; from -= size) {
        const start = Math.max(0, from);
        const last = best.sentences.length - 1;
        const shorter = [...best.sentences.slice(0, start), ...best.sentences.slice(Math.min(last, start + size))];
        if (shorter.length < best.sentences.length) best = (await this.play(withoutWaits(shorter))) ?? best;
        if (start === 0) break;
      }
    }
    return best;
  }

  private async everyKey(): Promise<string[]> {
    const reply = await this.theirs.send(command('KEYS', '*'));
    return [...reply.matchAll(/^\s*\d+[)~] "(\{t\}[a-z]\d)"$/gm)].map((match) => match[1]);
  }

  private async both(sentence: Sentence): Promise<void> {
    await Promise.all([this.ours.send(command(...sentence)), this.theirs.send(command(...sentence))]);
  }
}

/** Without a MULTI or EXEC whose partner was left out, and without commands that would wait outside of them. */
function withoutWaits(sentences: readonly Sentence[]): Sentence[] {
  const kept: Sentence[] = [];
  for (let i = 0; i < sentences.length; i++) {
    const [name] = sentences[i];
    if (name === 'MULTI' && (sentences[i + 2]?.[0] ?? 'EXEC') === 'EXEC') {
      kept.push(...sentences.slice(i, i + 3));
      i += 2;
    } else if (name !== 'MULTI' && name !== 'EXEC') {
      const spec = specOf(sentences[i]);
      if (spec === undefined || !mustNotWait(spec)) kept.push(sentences[i]);
    }
  }
  return kept;
}

function limits(seed: number): Sentence[] {
  return (seed % 2 === 0 ? SMALL_LIMITS : USUAL_LIMITS).map(([name, value]) => ['CONFIG', 'SET', name, value]);
}

/** Restores a dump for each key beside it; the digests of the value that is there and of the one that was restored. */
async function restored(
  session: StageSession,
  keys: readonly string[],
  dumps: readonly string[],
): Promise<[value: string, copy: string][]> {
  const replies = await tell(
    session,
    keys.flatMap((key, i): Sentence[] => [
      ['RESTORE', COPY, '0', payloadOf(dumps[i]), 'REPLACE'],
      // A digest tells that there is a time to live; it has been compared.
      ['PERSIST', key],
      ['DEBUG', 'DIGEST-VALUE', key],
      ['DEBUG', 'DIGEST-VALUE', COPY],
    ]),
  );
  return keys.map((_, i) => {
    const [outcome, , value, copy] = replies.slice(i * 4, i * 4 + 4);
    return [value, outcome === 'OK' ? copy : outcome];
  });
}

const COPY = '{t}copy';

/** The bytes of a bulk string that a session shows quoted, one character each. */
function payloadOf(shown: string): string {
  return splitArguments(Buffer.from(shown))?.[0]?.toString('latin1') ?? '';
}

function tell(session: StageSession, sentences: readonly Sentence[]): Promise<string[]> {
  return Promise.all(sentences.map((words) => session.send(words.map((word) => Buffer.from(word, 'latin1')))));
}

function specOf(sentence: Sentence): CommandSpec | undefined {
  const name = sentence[0].toUpperCase();
  return specs.get(`${name} ${sentence[1]?.toUpperCase()}`) ?? specs.get(name);
}

const specs = new Map(commands.all.map((spec) => [spec.name, spec]));

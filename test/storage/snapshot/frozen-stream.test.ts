/**
 * Streams in snapshots: whatever happens to their entries and groups while a walk goes on, it writes what they were.
 *
 * What only changes groups is no change to WATCH; a walk must hear of it all the same.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Address } from '../../../src/storage';
import { Stream } from '../../../src/storage/stream';
import { StreamId } from '../../../src/storage/stream-id';
import { bytes } from '../store';
import { load, valuesOf, Walked } from './walked';

const key = fc.constantFrom('a', 'b', 'c');
const group = fc.constantFrom('one', 'two');
const consumer = fc.constantFrom('alice', 'bob', 'carol');
const id = fc.integer({ min: 1, max: 40 }).map((ms) => `${ms}-0`);
const ids = fc.array(id, { minLength: 1, maxLength: 4 });
const value = fc.constantFrom('1', 'text', 'x'.repeat(30), 'y'.repeat(400));
const count = fc.constantFrom('1', '3', '10');
const is = fc.constant<string>;

function words(...parts: fc.Arbitrary<string | string[]>[]): fc.Arbitrary<string[]> {
  return fc.tuple(...parts).map((found) => found.flat());
}

const add = words(is('XADD'), key, is('*'), is('name'), value, is('other'), value);
const read = fc.oneof(
  words(is('XREADGROUP'), is('GROUP'), group, consumer, is('COUNT'), count, is('STREAMS'), key, is('>')),
  words(is('XREADGROUP'), is('GROUP'), group, consumer, is('NOACK'), is('STREAMS'), key, is('>')),
  words(is('XREADGROUP'), is('GROUP'), group, consumer, is('COUNT'), count, is('STREAMS'), key, is('0')),
);
const command = fc.oneof(
  { weight: 8, arbitrary: add },
  {
    weight: 3,
    arbitrary: words(is('XADD'), key, is('MAXLEN'), fc.constantFrom('=', '~'), count, is('*'), is('n'), value),
  },
  { weight: 5, arbitrary: words(is('XDEL'), key, ids) },
  {
    weight: 3,
    arbitrary: words(is('XTRIM'), key, fc.constantFrom('MAXLEN', 'MINID'), fc.constantFrom('=', '~'), count),
  },
  { weight: 8, arbitrary: read },
  { weight: 5, arbitrary: words(is('XACK'), key, group, ids) },
  { weight: 3, arbitrary: words(is('XCLAIM'), key, group, consumer, is('0'), ids, fc.constantFrom('FORCE', 'JUSTID')) },
  { weight: 2, arbitrary: words(is('XCLAIM'), key, group, consumer, is('0'), ids, is('LASTID'), is('50-0')) },
  { weight: 3, arbitrary: words(is('XAUTOCLAIM'), key, group, consumer, is('0'), id, is('COUNT'), count) },
  { weight: 1, arbitrary: words(is('XGROUP'), is('CREATE'), key, group, fc.constantFrom('0', '$'), is('MKSTREAM')) },
  { weight: 1, arbitrary: words(is('XGROUP'), is('DESTROY'), key, group) },
  { weight: 1, arbitrary: words(is('XGROUP'), is('SETID'), key, group, id, is('ENTRIESREAD'), count) },
  { weight: 1, arbitrary: words(is('XGROUP'), is('CREATECONSUMER'), key, group, consumer) },
  { weight: 1, arbitrary: words(is('XGROUP'), is('DELCONSUMER'), key, group, consumer) },
  { weight: 1, arbitrary: words(is('XSETID'), key, is('60-0'), is('ENTRIESADDED'), is('100')) },
  { weight: 1, arbitrary: words(is('XSETID'), key, is('60-0'), is('MAXDELETEDID'), id) },
  { weight: 1, arbitrary: words(fc.constantFrom('RENAME', 'COPY'), key, key) },
  { weight: 1, arbitrary: words(fc.constantFrom('DEL', 'PERSIST'), key) },
  { weight: 1, arbitrary: fc.constantFrom(['FLUSHALL'], ['SWAPDB', '0', '1']) },
);
const slice = fc.constantFrom(0, 0, 1, 2, 3, 300, 700);

/** A stream with entries 1-0 … and two groups, one of which has handed all but two out. */
function fill(walked: Walked, name: string, entries: number): void {
  for (let i = 1; i <= entries; i++) walked.say(`XADD ${name} ${i}-0 name ${i} other ${'v'.repeat(i)}`);
  walked.say(`XGROUP CREATE ${name} one 0 MKSTREAM`, `XGROUP CREATE ${name} two $`);
  if (entries > 2) walked.say(`XREADGROUP GROUP one alice COUNT ${entries - 2} STREAMS ${name} >`);
}

const id1 = new StreamId().setMs(1);
const id6 = new StreamId().setMs(6);

/** All by which a stream is changed without its entries. */
const DEEDS: ((stream: Stream, group: Address, consumer: Address) => void)[] = [
  (stream) => stream.setLastId(id6),
  (stream) => stream.setMaxDeletedId(id1),
  (stream) => void (stream.entriesAdded = 7),
  (stream) => void stream.createGroup(bytes('new'), id1, 0),
  (stream, group) => stream.destroyGroup(group),
  (stream, group) => stream.noteRead(group, id6),
  ({ groups }, group) => groups.setLastId(group, id1),
  ({ groups }, group) => groups.setEntriesRead(group, 1),
  ({ groups }, group) => void groups.createConsumer(group, bytes('new'), 1),
  ({ groups }, group, consumer) => groups.deleteConsumer(group, consumer),
  ({ groups }, _, consumer) => groups.setSeen(consumer, 1),
  ({ groups }, _, consumer) => groups.setActive(consumer, 1),
  ({ groups }, group, consumer) => void groups.handOut(group, consumer, id1, 1),
  ({ groups }, group, consumer) => void groups.addPending(group, consumer, id6, 1, 1),
  ({ groups }, group) => void groups.addUnassigned(group, id6, 1, 1),
  ({ groups }, group) => groups.removePending(group, groups.findPending(group, id1), id1),
  ({ groups }, group) => groups.pending.setDelivered(groups.findPending(group, id1), 1),
  ({ groups }, group) => groups.pending.setDeliveries(groups.findPending(group, id1), 9),
];

describe('a walk writes streams as they were when it began', () => {
  test('whatever is done to them', () => {
    const walked = new Walked();
    const during = fc.array(fc.tuple(command, slice), { maxLength: 40 });
    const sizes = fc.tuple(...['a', 'b', 'c'].map(() => fc.constantFrom(0, 3, 8, 25)));
    fc.assert(
      fc.property(
        sizes,
        fc.array(command, { maxLength: 8 }),
        during,
        fc.boolean(),
        (counts, before, deeds, isAbandoned) => {
          walked.clear();
          counts.forEach((entries, i) => fill(walked, 'abc'[i], entries));
          for (const line of before) walked.speak(line);
          const values = valuesOf(walked.keyspace);
          walked.beginRdb();
          for (const [line, looks] of deeds) {
            walked.subject.nowMs += 10;
            walked.keyspace.setTime(walked.subject.nowMs);
            walked.speak(line);
            if (looks > 0) walked.slice(looks);
          }
          if (!isAbandoned) expect(valuesOf(load(walked.finish()))).toEqual(values);
          walked.expectNothingLeft();
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([6, 60])('where only a group of a stream of %i entries changes', (entries) => {
    for (const line of GROUP_CHANGES) {
      const walked = new Walked();
      fill(walked, 'a', entries);
      walked.say('XGROUP CREATECONSUMER a one idle');
      const values = valuesOf(walked.keyspace);
      const walk = walked.beginRdb();
      walked.keyspace.setTime((walked.subject.nowMs += 1000));
      walked.say(line);
      expect(valuesOf(walked.keyspace), line).not.toEqual(values);
      expect(walk.keysDone, line).toBe(1);
      expect(valuesOf(load(walked.finish())), line).toEqual(values);
    }
  });

  test('where others take the memory of nodes that go', () => {
    const walked = new Walked();
    fill(walked, 'a', 60);
    const values = valuesOf(walked.keyspace);
    walked.beginRdb();
    walked.say('XTRIM a MAXLEN 30', 'XDEL a 58-0 59-0 60-0', 'COPY a b', 'COPY a c', 'COPY a d');
    expect(valuesOf(load(walked.finish()))).toEqual(values);
  });

  test.each(DEEDS.map((deed) => [String(deed), deed] as const))('and hears before %s', (_, deed) => {
    const walked = new Walked();
    fill(walked, 'a', 6);
    const values = valuesOf(walked.keyspace);
    const database = walked.keyspace.database(0);
    const stream = new Stream(walked.keyspace);
    const walk = walked.beginRdb();
    stream.open(database, bytes('a'), database.peek(bytes('a')));
    const group = stream.findGroup(bytes('one'));
    expect(walk.keysDone).toBe(0);
    deed(stream, group, stream.groups.findConsumer(group, bytes('alice')));
    expect(walk.keysDone).toBe(1);
    expect(valuesOf(load(walked.finish()))).toEqual(values);
  });

  test('and WATCH sees none of that', () => {
    const walked = new Walked();
    fill(walked, 'a', 6);
    walked.beginRdb();
    const other = walked.subject.client();
    other.say('WATCH', 'a');
    for (const line of GROUP_CHANGES) walked.say(line);
    other.say('MULTI');
    other.say('PING');
    expect(other.say('EXEC')).toBe('*1\r\n+PONG\r\n');
  });
});

/** Each changes only the group `one` of stream `a`, or what the stream says of itself. */
const GROUP_CHANGES = [
  'XREADGROUP GROUP one alice COUNT 1 STREAMS a >',
  'XREADGROUP GROUP one alice COUNT 1 STREAMS a 0',
  'XREADGROUP GROUP one new COUNT 1 STREAMS a 0',
  'XREADGROUP GROUP one idle NOACK COUNT 1 STREAMS a >',
  'XACK a one 1-0',
  'XCLAIM a one bob 0 2-0',
  'XCLAIM a one alice 0 2-0 JUSTID RETRYCOUNT 9',
  'XAUTOCLAIM a one idle 0 0',
  'XGROUP CREATE a three 0',
  'XGROUP SETID a one 1-0',
  'XGROUP CREATECONSUMER a one another',
  'XGROUP DELCONSUMER a one alice',
  'XSETID a 90-0 ENTRIESADDED 900 MAXDELETEDID 1-0',
];

test('a walk keeps of a large stream one node for what is added, and what is not nodes', () => {
  const walked = new Walked();
  for (let i = 1; i <= 300; i++) walked.say(`XADD a ${i}-0 name value`);
  const walk = walked.beginRdb();
  for (let i = 0; i < 100; i++) walked.say('XADD a * name value');
  expect(walk.asideBytes).toBeGreaterThan(0);
  expect(walk.asideBytes).toBeLessThan(100);
  walked.finish();
  expect(walk.asideBytes).toBe(0);
});

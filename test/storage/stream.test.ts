/**
 * Streams against a plain list of entries, and their groups against plain maps, with nodes of all sizes.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { Stream, StreamId, type EntryFields, type StreamWalk, type Trim } from '../../src/storage';
import { Int64 } from '../../src/storage/int64';
import { bytes, checkDatabase, Store } from './store';

const KEY = 'a stream';
const MAX = 2n ** 64n - 1n;

interface Entry {
  readonly id: bigint;
  readonly fields: readonly string[];
}

/** An id as one number of 128 bits. */
const idOf = (ms: bigint, sequence: bigint): bigint => (ms << 64n) | sequence;
const first = idOf(0n, 0n);
const last = idOf(MAX, MAX);

function streamId(id: bigint): StreamId {
  const into = new StreamId();
  expect(into.parse(bytes(`${id >> 64n}-${id & MAX}`))).toBe(true);
  return into;
}

function numberOf(id: StreamId): bigint {
  const [ms, sequence] = id.toString().split('-');
  return idOf(BigInt(ms), BigInt(sequence));
}

/** Texts as the arguments of a command lie: one behind the other, after something else. */
function argumentsOf(texts: readonly string[]): EntryFields {
  const buffer = Buffer.from(['XADD', ...texts].join(''), 'latin1');
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 'XADD'.length;
  for (const text of texts) {
    starts.push(at);
    ends.push((at += text.length));
  }
  return { buffer, starts, ends };
}

class Subject {
  readonly store = new Store();
  readonly stream = new Stream(this.store.keyspace);
  entries: Entry[] = [];
  lastId = 0n;
  added = 0;

  open(key = KEY): Stream {
    const name = bytes(key);
    this.stream.open(this.store.database(), name, this.store.database().find(name));
    return this.stream;
  }

  append(id: bigint, fields: readonly string[]): void {
    this.open().append(streamId(id), argumentsOf(fields), 0, fields.length / 2);
    this.entries.push({ id, fields });
    this.lastId = id;
    this.added++;
  }

  delete(id: bigint): void {
    const left = this.entries.filter((entry) => entry.id !== id);
    expect(this.open().delete(streamId(id))).toBe(left.length < this.entries.length);
    this.entries = left;
  }

  trim(options: Partial<Trim>, kept: (entry: Entry, i: number) => boolean): void {
    const trim = { length: -1, firstId: new StreamId(), isAbout: false, limit: 0, ...options };
    const left = this.entries.filter(kept);
    const trimmed = this.open().trim(trim);
    if (trim.isAbout) {
      expect(trimmed).toBeLessThanOrEqual(this.entries.length - left.length);
      this.entries = this.entries.slice(trimmed);
    } else {
      expect(trimmed).toBe(this.entries.length - left.length);
      this.entries = left;
    }
  }

  range(from: bigint, to: bigint, isBackwards: boolean, key = KEY): Entry[] {
    return this.open(key).exists ? entriesOf(this.stream.range(streamId(from), streamId(to), isBackwards)) : [];
  }

  check(from: bigint, to: bigint): void {
    expect(this.range(first, last, false)).toEqual(this.entries);
    expect(this.range(first, last, true)).toEqual([...this.entries].reverse());
    const between = this.entries.filter(({ id }) => id >= from && id <= to);
    expect(this.range(from, to, false)).toEqual(between);
    expect(this.range(from, to, true)).toEqual([...between].reverse());
    const stream = this.open();
    expect(stream.length).toBe(this.entries.length);
    if (stream.exists) {
      expect(numberOf(stream.lastId(new StreamId()))).toBe(this.lastId);
      expect(numberOf(stream.firstId(new StreamId()))).toBe(this.entries[0]?.id ?? 0n);
      expect(stream.entriesAdded).toBe(this.added);
    }
    for (const { id } of this.entries) expect(stream.has(streamId(id))).toBe(true);
    checkDatabase(this.store);
  }

  end(): void {
    this.store.delete(KEY);
    this.store.keyspace.reclaim(() => false);
    expect(this.store.usedBytes).toBe(0);
  }
}

function entriesOf(walk: StreamWalk): Entry[] {
  const found: Entry[] = [];
  const view = new Bytes();
  while (walk.next()) {
    const fields: string[] = [];
    for (let i = 0; i < walk.fieldCount; i++) {
      fields.push(walk.name(view).toLatin1(), walk.value(view).toLatin1());
    }
    found.push({ id: numberOf(walk.id), fields });
  }
  return found;
}

const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '', '0', '-1', '127', '128', '4095', '-4096', '65536') },
  { weight: 1, arbitrary: fc.constantFrom('9223372036854775807', '00', '1.5', 'x'.repeat(64), 'y'.repeat(5000)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 70 }) },
);
const fields = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('a'), text, fc.constant('b'), text) },
  { weight: 1, arbitrary: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }).map((pairs) => pairs.flat()) },
);
/** How far an id is from the one before: most often little, seldom in the next millisecond or much later. */
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: 3n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 1n << 66n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 1n << 110n }) },
);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append' as const), gap, fields }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), place }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('trim' as const), place, isById: fc.boolean(), isAbout: fc.boolean() }),
  },
);

describe('is a list of entries by id', () => {
  test.each([
    [1, 0],
    [3, 0],
    [0, 200],
    [100, 4096],
  ])('in nodes of %i entries and %i bytes', (entries, nodeBytes) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), place, place, (steps, from, to) => {
        const subject = new Subject();
        subject.store.keyspace.limits['stream-node-max-entries'] = entries;
        subject.store.keyspace.limits['stream-node-max-bytes'] = nodeBytes;
        /** The id of the entry at that place of the list, or one near the end of all ids. */
        const near = (at: number): bigint => subject.entries[Math.floor(at * subject.entries.length)]?.id ?? 5n;
        for (const each of steps) {
          if (each.kind === 'append') {
            const id = subject.lastId + each.gap;
            if (id <= last) subject.append(id, each.fields);
          } else if (each.kind === 'delete') {
            subject.delete(near(each.place));
          } else if (each.isById) {
            const id = near(each.place);
            subject.trim({ firstId: streamId(id), isAbout: each.isAbout }, (entry) => entry.id >= id);
          } else {
            const count = subject.entries.length;
            const length = Math.floor(each.place * count);
            subject.trim({ length, isAbout: each.isAbout }, (_, i) => i >= count - length);
          }
        }
        subject.check(near(from), near(to) + 1n);
        subject.end();
      }),
      { numRuns: 60 },
    );
  });

  test('of thousands of entries', () => {
    const subject = new Subject();
    for (let i = 0; i < 2000; i++) subject.append(idOf(BigInt(i >> 2), BigInt(i & 3) + 1n), ['n', `${i}`]);
    expect(subject.open().nodeCount).toBe(20);
    subject.check(idOf(100n, 2n), idOf(400n, 1n));
    for (let i = 0; i < 2000; i += 2) subject.delete(idOf(BigInt(i >> 2), BigInt(i & 3) + 1n));
    subject.check(idOf(100n, 2n), idOf(400n, 1n));
    subject.trim({ length: 444 }, (_, i) => i >= 1000 - 444);
    subject.check(idOf(100n, 2n), idOf(400n, 1n));
    subject.trim({ length: 0 }, () => false);
    expect(subject.open().nodeCount).toBe(0);
    expect(subject.open().exists).toBe(true);
    subject.append(last, ['n', 'last']);
    subject.check(first, last);
    subject.end();
  });
});

test('walks on where the fields of an entry were not read, or not all', () => {
  const subject = new Subject();
  for (let i = 1; i <= 9; i++) subject.append(BigInt(i), i % 3 === 0 ? ['c', 'd', 'e', 'f'] : ['a', `${i}`, 'b', 'x']);
  const walk = subject.open().range(streamId(first), streamId(last), false);
  const view = new Bytes();
  for (let i = 1; i <= 9; i++) {
    expect(walk.next()).toBe(true);
    expect(numberOf(walk.id)).toBe(BigInt(i));
    if (i % 2 === 0) expect(walk.name(view).toLatin1()).toBe(i % 3 === 0 ? 'c' : 'a');
    if (i % 4 === 0) expect(walk.value(view).toLatin1()).toBe(`${i}`);
  }
  expect(walk.next()).toBe(false);
  expect(walk.next()).toBe(false);
});

test('has nodes that lose the room they do not need', () => {
  const subject = new Subject();
  const empty = (subject.open().create(), subject.store.usedBytes);
  for (let i = 1; i <= 100; i++) subject.append(BigInt(i), ['field', 'value']);
  subject.append(101n, ['field', 'value']);
  let listpackBytes = 0;
  subject.open().eachNode((_, listpack) => (listpackBytes += listpack.length));
  expect(subject.store.usedBytes - empty).toBeLessThan(listpackBytes * 1.15 + 400);
});

// ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is pending, by id: for whom, since when, how often. */
type Pending = Map<bigint, { consumer: string; deliveredMs: number; deliveries: number }>;

class GroupSubject extends Subject {
  readonly pending: Pending = new Map();
  readonly consumers = new Set<string>();

  constructor() {
    super();
    this.open().create();
    this.stream.createGroup(bytes('a group'), new StreamId(), 0);
  }

  private get group(): number {
    return this.groupOf(KEY);
  }

  private groupOf(key: string): number {
    return this.open(key).findGroup(bytes('a group'));
  }

  private consumer(name: string): number {
    const { groups } = this.stream;
    const { group } = this;
    this.consumers.add(name);
    return groups.findConsumer(group, bytes(name)) || groups.createConsumer(group, bytes(name), 1000);
  }

  handOut(id: bigint, name: string, nowMs: number): void {
    this.stream.groups.handOut(this.group, this.consumer(name), streamId(id), nowMs);
    this.pending.set(id, { consumer: name, deliveredMs: nowMs, deliveries: 1 });
  }

  acknowledge(id: bigint): void {
    const entry = this.stream.groups.findPending(this.group, streamId(id));
    expect(entry !== 0).toBe(this.pending.delete(id));
    if (entry !== 0) this.stream.groups.removePending(this.group, entry, streamId(id));
  }

  give(id: bigint, name: string): void {
    const entry = this.stream.groups.findPending(this.group, streamId(id));
    const known = this.pending.get(id);
    expect(entry !== 0).toBe(known !== undefined);
    if (known === undefined) return;
    this.stream.groups.givePending(entry, streamId(id), this.consumer(name));
    known.consumer = name;
  }

  copy(key: string): void {
    this.store.database().putCopy(bytes(key), this.store.record(KEY));
  }

  deleteConsumer(name: string): void {
    const consumer = this.stream.groups.findConsumer(this.group, bytes(name));
    expect(consumer !== 0).toBe(this.consumers.delete(name));
    if (consumer !== 0) this.stream.groups.deleteConsumer(this.group, consumer);
    for (const [id, { consumer: owner }] of this.pending) if (owner === name) this.pending.delete(id);
  }

  checkGroup(key = KEY): void {
    const group = this.groupOf(key);
    const { groups } = this.stream;
    const view = new Bytes();
    const named = (consumer: number): string => groups.consumerName(consumer, view).toLatin1();
    const told: Pending = new Map();
    let walk = groups.pendingFrom(group, new StreamId());
    while (walk.next()) {
      told.set(numberOf(walk.id), {
        consumer: named(groups.pending.consumer(walk.entry)),
        deliveredMs: groups.pending.delivered(walk.entry),
        deliveries: groups.pending.deliveries(walk.entry),
      });
    }
    const ascending = [...this.pending].sort(([a], [b]) => (a < b ? -1 : 1));
    expect([...told]).toEqual(ascending);
    expect(groups.pendingOfGroup(group)).toBe(told.size);
    const consumers = groups.consumersOf(group);
    expect(consumers.map(named)).toEqual([...this.consumers].sort());
    for (const consumer of consumers) {
      const own = ascending.filter(([, entry]) => entry.consumer === named(consumer)).map(([id]) => id);
      const ids: bigint[] = [];
      walk = groups.pendingOfConsumerFrom(consumer, new StreamId());
      while (walk.next()) ids.push(numberOf(walk.id));
      expect(ids).toEqual(own);
      expect(groups.pendingOfConsumer(consumer)).toBe(own.length);
    }
  }
}

const pendingId = fc.bigInt({ min: 1n, max: 60n }).map((n) => (n % 3n === 0n ? n << 70n : n));
const name = fc.constantFrom('', 'alice', 'bob', 'a consumer of a longer name');
const groupStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('handOut' as const), id: pendingId, name, nowMs: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), id: pendingId, name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('give' as const), id: pendingId, name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteConsumer' as const), name }) },
);

describe('has groups that know what is pending for whom', () => {
  test('whatever happens, and in copies', () => {
    fc.assert(
      fc.property(fc.array(groupStep, { maxLength: 100 }), (steps) => {
        const subject = new GroupSubject();
        for (const each of steps) {
          if (each.kind === 'handOut') subject.handOut(each.id, each.name, each.nowMs);
          else if (each.kind === 'deleteConsumer') subject.deleteConsumer(each.name);
          else subject[each.kind](each.id, each.name);
        }
        subject.checkGroup();
        subject.copy('a copy');
        subject.checkGroup('a copy');
        subject.store.delete('a copy');
        subject.checkGroup();
        subject.end();
      }),
      { numRuns: 100 },
    );
  });

  test('and are freed in pieces, with thousands of entries', () => {
    const subject = new GroupSubject();
    for (let i = 1; i <= 2000; i++) {
      subject.append(BigInt(i), ['n', `${i}`]);
      subject.handOut(BigInt(i), `consumer ${i % 7}`, i);
    }
    subject.checkGroup();
    subject.copy('a copy');
    subject.checkGroup('a copy');
    expect(subject.range(first, last, false, 'a copy')).toEqual(subject.entries);
    const { keyspace } = subject.store;
    subject.store.delete(KEY);
    subject.store.delete('a copy');
    let pieces = 0;
    for (; keyspace.needsReclaim; pieces++) keyspace.reclaim(() => true);
    expect(pieces).toBeGreaterThan(10);
    expect(subject.store.usedBytes).toBe(0);
  });
});

// ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const part = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX }),
  fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 63n, MAX),
);
const anyId = fc.tuple(part, part).map(([ms, sequence]) => idOf(ms, sequence));

describe('an id', () => {
  test('is read, spelled, compared, counted on and kept as a number of 128 bits', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        const id = streamId(a);
        expect(numberOf(id)).toBe(a);
        expect(Math.sign(id.compare(streamId(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(id.increment()).toBe(a !== last);
        expect(numberOf(id)).toBe(a === last ? 0n : a + 1n);
        expect(id.decrement()).toBe(a !== last);
        expect(numberOf(id)).toBe(a);
        expect([id.isZero, id.isMax]).toEqual([a === 0n, a === last]);
        const name = id.name();
        expect(BigInt(`0x${name.copy().toString('hex')}`)).toBe(a);
        expect(numberOf(new StreamId().readName(name.buffer, name.start))).toBe(a);
        const words = new Uint32Array(6);
        id.write(words, 1);
        expect(numberOf(new StreamId().read(words, 1))).toBe(a);
        expect(Math.sign(id.score - streamId(b).score) * (a < b ? -1 : 1)).toBeGreaterThanOrEqual(0);
        const sum = streamId(b);
        sum.addMs(id.msSince(sum, new Int64()));
        sum.addSequence(id.sequenceSince(sum, new Int64()));
        expect(numberOf(sum)).toBe(a);
      }),
    );
  });

  test.each([
    '',
    '-',
    '+',
    '-1',
    '1-',
    '1--1',
    '1-1-1',
    'x',
    '1 ',
    '1-x',
    '18446744073709551616',
    '0x1',
    `${'0'.repeat(127)}1`,
  ])('is not %j', (text) => {
    expect(new StreamId().parse(bytes(text))).toBe(false);
  });

  test('may lack the sequence number, and have zeros, blanks or a plus sign before its numbers', () => {
    const id = new StreamId();
    expect(id.parse(bytes('5'))).toBe(true);
    expect(id.toString()).toBe('5-0');
    expect(id.parse(bytes('5'), true)).toBe(true);
    expect(id.toString()).toBe('5-18446744073709551615');
    expect(id.parse(bytes('007- +00000000000000000000012'))).toBe(true);
    expect(id.toString()).toBe('7-12');
    expect(id.parseMs(bytes('7-1'))).toBe(false);
    expect(id.setMs(1_700_000_000_123).toString()).toBe('1700000000123-0');
  });
});

/**
 * Lists against an array, while they are packed, outgrow that, shrink back, and shrink to nothing. What happens between the nodes
 * of a large one is in chain.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { ENCODING_NAMES, List } from '../../src/storage';
import { bytes, checkDatabase, Store } from './store';

const KEY = 'a list';

class Subject {
  readonly store = new Store();
  readonly list = new List(this.store.keyspace);
  readonly model: string[] = [];

  constructor(limit = -2) {
    this.store.keyspace.limits['list-max-listpack-size'] = limit;
  }

  open(key = KEY): List {
    const name = bytes(key);
    this.list.open(this.store.database(), name, this.store.database().find(name));
    return this.list;
  }

  push(texts: readonly string[], atHead = false): void {
    const list = this.open();
    list.expect(
      texts.reduce((sum, text) => sum + text.length, 0),
      texts.length,
    );
    for (const text of texts) {
      if (atHead) list.pushHead(bytes(text));
      else list.pushTail(bytes(text));
    }
    if (atHead) this.model.unshift(...[...texts].reverse());
    else this.model.push(...texts);
  }

  insert(index: number, text: string, after: boolean): void {
    const list = this.open();
    expect(list.seek(index)).toBe(true);
    list.insert(bytes(text), after);
    this.model.splice(after ? index + 1 : index, 0, text);
  }

  replace(index: number, text: string): void {
    const list = this.open();
    expect(list.seek(index)).toBe(true);
    list.replace(bytes(text));
    list.repack();
    this.model[index] = text;
  }

  remove(index: number, forward: boolean): void {
    const list = this.open();
    expect(list.seek(index)).toBe(true);
    const stands = list.remove(forward);
    this.model.splice(index, 1);
    expect(stands ? list.read(new Bytes()).toLatin1() : undefined).toBe(this.model[forward ? index : index - 1]);
    list.repack();
  }

  removeRange(index: number, count: number): void {
    const list = this.open();
    list.removeRange(index, count);
    list.repack();
    this.model.splice(index, count);
  }

  content(key = KEY): string[] {
    const list = this.open(key);
    const content: string[] = [];
    for (let stands = list.first(); stands; stands = list.next()) content.push(list.read(new Bytes()).toLatin1());
    expect(content.length).toBe(list.length);
    return content;
  }

  check(): void {
    expect(this.content()).toEqual(this.model);
    const list = this.open();
    const backwards: string[] = [];
    for (let stands = list.last(); stands; stands = list.previous()) {
      backwards.unshift(list.read(new Bytes()).toLatin1());
      expect(list.isAt(bytes(backwards[0]))).toBe(true);
    }
    expect(backwards).toEqual(this.model);
    expect(list.exists).toBe(this.model.length > 0);
    checkDatabase(this.store);
  }

  get encoding(): string {
    return ENCODING_NAMES[this.store.keyspace.records.encoding(this.store.record(KEY))];
  }
}

const element = fc.oneof(
  fc.constantFrom('', '0', '-1', '9223372036854775807', '00', 'x'.repeat(70), 'y'.repeat(3000), 'z'.repeat(9000)),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
);
const place = fc.double({ min: 0, max: 0.999, noNaN: true });

type Deed = (subject: Subject) => void;
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.tuple(fc.array(element, { minLength: 1, maxLength: 6 }), fc.boolean()).map(
    ([texts, atHead]): Deed =>
      (subject) =>
        subject.push(texts, atHead),
  ),
  fc.tuple(place, element, fc.boolean()).map(([at, text, after]): Deed => (subject) => {
    if (subject.model.length > 0) subject.insert(Math.floor(at * subject.model.length), text, after);
  }),
  fc.tuple(place, element).map(([at, text]): Deed => (subject) => {
    if (subject.model.length > 0) subject.replace(Math.floor(at * subject.model.length), text);
  }),
  fc.tuple(place, fc.boolean()).map(([at, forward]): Deed => (subject) => {
    if (subject.model.length > 0) subject.remove(Math.floor(at * subject.model.length), forward);
  }),
  fc.tuple(place, place).map(([from, share]): Deed => (subject) => {
    const index = Math.floor(from * subject.model.length);
    subject.removeRange(index, Math.floor(share * (subject.model.length - index)));
  }),
);

test.each([-1, -2, 1, 5])('a list does what an array does, in nodes of %i', (limit) => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 40, size: 'max' }), (deeds) => {
      const subject = new Subject(limit);
      for (const change of deeds) {
        change(subject);
        subject.check();
      }
      subject.removeRange(0, subject.model.length);
      expect(subject.store.database().size).toBe(0);
    }),
    { numRuns: 30 },
  );
});

describe('encodings', () => {
  test('a list is packed while it fits into one node, by the estimate of what is added', () => {
    const subject = new Subject();
    subject.push(['x'.repeat(8185)]);
    expect(subject.encoding).toBe('listpack');
    subject.push(['']);
    expect(subject.encoding).toBe('quicklist');
    expect(subject.open().nodeCount).toBe(2);
  });

  test('it is packed again at half the limit', () => {
    const subject = new Subject(10);
    subject.push(Array.from({ length: 11 }, (_, i) => `${i}`));
    expect(subject.encoding).toBe('quicklist');
    subject.removeRange(6, 5);
    expect([subject.encoding, subject.model.length]).toEqual(['quicklist', 6]);
    subject.removeRange(0, 1);
    expect([subject.encoding, subject.model.length]).toEqual(['listpack', 5]);
    subject.check();
  });

  test('a large first element makes a large list at once', () => {
    const subject = new Subject();
    subject.push(['x'.repeat(9000)]);
    expect(subject.encoding).toBe('quicklist');
    subject.replace(0, 'small');
    expect(subject.encoding).toBe('listpack');
    subject.check();
  });
});

describe('large lists as a whole', () => {
  test('are copied, moved and freed with their keys', () => {
    const subject = new Subject(2);
    const { store } = subject;
    const before = store.usedBytes;
    subject.push(Array.from({ length: 100 }, (_, i) => `element ${i}`));
    store.database().putCopy(bytes('copy'), store.record(KEY));
    subject.removeRange(0, 50);
    expect(subject.content('copy').length).toBe(100);
    expect(subject.content().length).toBe(50);
    store.delete('copy');
    subject.open().removeKey();
    expect(store.database().size).toBe(0);
    store.keyspace.reclaim(() => false);
    expect(store.usedBytes - before).toBeLessThan(1500);
  });
});

/**
 * Chains against an array, with limits so small that nodes split and join all the time, and what must hold between the row,
 * the nodes' listpacks and the arena after every deed.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { Arena } from '../../src/storage/arena';
import { Chain, exceedsNode } from '../../src/storage/chain';
import { LISTPACK_HEADER_BYTES, NOWHERE } from '../../src/storage/listpack';
import { Reclaimer } from '../../src/storage/reclaimer';
import { Walks } from '../../src/storage/snapshot/walks';
import { bytes } from './store';

class List {
  readonly arena = new Arena();
  readonly chain: Chain;
  readonly root: number;
  readonly model: string[] = [];
  /** Bytes of other chains in the arena. */
  others = 0;
  private readonly view = new Bytes();

  constructor(readonly limit: number) {
    this.chain = new Chain(this.arena, { 'list-max-listpack-size': limit }, new Walks(new Reclaimer()));
    this.root = this.chain.create();
  }

  pushTail(...texts: string[]): void {
    for (const text of texts) this.chain.pushTail(bytes(text));
    this.model.push(...texts);
  }

  pushHead(text: string): void {
    this.chain.pushHead(bytes(text));
    this.model.unshift(text);
  }

  insert(index: number, text: string, after: boolean): void {
    expect(this.chain.seek(index)).toBe(true);
    this.chain.insert(bytes(text), after);
    this.model.splice(after ? index + 1 : index, 0, text);
  }

  replace(index: number, text: string): void {
    expect(this.chain.seek(index)).toBe(true);
    this.chain.replace(bytes(text));
    this.model[index] = text;
  }

  /** Removes one element, and says that the cursor then stands where it should. */
  remove(index: number, forward: boolean): void {
    expect(this.chain.seek(index)).toBe(true);
    const stands = this.chain.remove(forward);
    this.model.splice(index, 1);
    const neighbour = this.model[forward ? index : index - 1];
    expect(stands ? this.text() : undefined).toBe(neighbour);
  }

  removeRange(index: number, count: number): void {
    this.chain.removeRange(index, count);
    this.model.splice(index, count);
  }

  text(): string {
    return this.chain.read(this.view).toLatin1();
  }

  check(): void {
    const { chain, model } = this;
    expect(chain.count).toBe(model.length);
    const texts: string[] = [];
    for (let stands = chain.first(); stands; stands = chain.next()) texts.push(this.text());
    expect(texts).toEqual(model);
    const backwards: string[] = [];
    for (let stands = chain.last(); stands; stands = chain.previous()) backwards.unshift(this.text());
    expect(backwards).toEqual(model);
    let total = 0;
    for (let i = 0; i < chain.nodeCount; i++) {
      const pack = chain.openNode(i);
      let count = 0;
      let at = LISTPACK_HEADER_BYTES;
      for (let next = pack.first(); next !== NOWHERE; next = pack.next(next)) {
        at = next + pack.sizeAt(next);
        count++;
      }
      expect([pack.count, pack.length, pack.u8[pack.base + pack.length - 1]]).toEqual([count, at + 1, 0xff]);
      expect(count).toBeGreaterThan(0);
      if (count > 1) expect(exceedsNode(this.limit, pack.length, count)).toBe(false);
      total += count;
    }
    expect(total).toBe(model.length);
    expect(this.arena.usedBytes).toBe(Math.ceil(chain.bytes / 8) * 8 + this.others);
  }

  free(): void {
    expect(this.chain.over(this.root).free(() => false)).toBe(true);
    expect(this.arena.usedBytes).toBe(0);
  }
}

const element = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -200, max: 200 }).map(String) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 90 }).map((length) => 'e'.repeat(length)) },
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '', '0', '-1', '01', 'x'.repeat(1500)),
  fc.constantFrom('y'.repeat(4090), 'z'.repeat(9000), 'w'.repeat(130000)),
);

type Deed = (list: List) => void;
const place = fc.double({ min: 0, max: 0.999, noNaN: true });

const deed: fc.Arbitrary<Deed> = fc.oneof(
  element.map(
    (text): Deed =>
      (list) =>
        list.pushTail(text),
  ),
  element.map(
    (text): Deed =>
      (list) =>
        list.pushHead(text),
  ),
  fc.tuple(place, element, fc.boolean()).map(([at, text, after]): Deed => (list) => {
    if (list.model.length > 0) list.insert(Math.floor(at * list.model.length), text, after);
  }),
  fc.tuple(place, element).map(([at, text]): Deed => (list) => {
    if (list.model.length > 0) list.replace(Math.floor(at * list.model.length), text);
  }),
  fc.tuple(place, fc.boolean()).map(([at, forward]): Deed => (list) => {
    if (list.model.length > 0) list.remove(Math.floor(at * list.model.length), forward);
  }),
  fc.tuple(place, place).map(([from, share]): Deed => (list) => {
    const index = Math.floor(from * list.model.length);
    list.removeRange(index, Math.floor(share * share * (list.model.length - index)));
  }),
  fc.tuple(fc.integer({ min: 1, max: 60 }), element).map(([count, text]): Deed => (list) => {
    list.pushTail(...Array.from({ length: count }, () => text.slice(0, 300)));
  }),
  fc.boolean().map((atHead): Deed => (list) => {
    for (let count = list.model.length >> 1; count > 0; count--) list.remove(atHead ? 0 : list.model.length - 1, true);
  }),
);

describe('a chain does what an array does', () => {
  test.each([-1, -2, -5, 1, 2, 7, 0, 40000])('nodes of %i', (limit) => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 40, size: 'max' }), (deeds) => {
        const list = new List(limit);
        for (const change of deeds) {
          change(list);
          list.check();
        }
        list.free();
      }),
      { numRuns: 30 },
    );
  });
});

describe('finding elements', () => {
  test('by index from both ends, across nodes', () => {
    const list = new List(3);
    list.pushTail(...Array.from({ length: 100 }, (_, i) => `e${i}`));
    expect(list.chain.nodeCount).toBe(34);
    for (let i = 0; i < 100; i++) {
      expect(list.chain.seek(i) && list.text()).toBe(`e${i}`);
      expect(list.chain.seek(i - 100) && list.text()).toBe(`e${i}`);
    }
    for (const index of [100, -101, 1e9]) expect(list.chain.seek(index)).toBe(false);
  });

  test('by what they are', () => {
    const list = new List(-2);
    list.pushTail('one', '2', 'x'.repeat(5000));
    for (const text of list.model) {
      const found: string[] = [];
      for (let stands = list.chain.first(); stands; stands = list.chain.next()) {
        if (list.chain.isAt(bytes(text))) found.push(list.text());
      }
      expect(found).toEqual([text]);
    }
  });
});

describe('as a queue', () => {
  test.each([true, false])('memory stays what a few nodes need', (fromHead) => {
    const list = new List(-1);
    let most = 0;
    for (let i = 0; i < 20000; i++) {
      if (fromHead) list.chain.pushHead(bytes(`job:${i}`));
      else list.chain.pushTail(bytes(`job:${i}`));
      if (i < 500) continue;
      if (fromHead) list.chain.last();
      else list.chain.first();
      expect(list.text()).toBe(`job:${i - 500}`);
      list.chain.remove(true);
      most = Math.max(most, list.arena.usedBytes);
    }
    expect(list.chain.count).toBe(500);
    expect(most).toBeLessThan(20000);
  });
});

describe('whole chains', () => {
  test('a copy has the same nodes and leaves the first alone', () => {
    const list = new List(4);
    list.pushTail(...Array.from({ length: 50 }, (_, i) => `element ${i}`));
    const before = list.arena.usedBytes;
    const copy = list.chain.copy();
    list.others = list.arena.usedBytes - before;
    list.check();
    list.removeRange(10, 30);
    list.check();
    list.chain.over(copy);
    expect([list.chain.count, list.chain.nodeCount]).toEqual([50, 13]);
    expect(list.chain.seek(20) && list.text()).toBe('element 20');
    expect(list.chain.free(() => false)).toBe(true);
    list.others = 0;
    list.chain.over(list.root);
    list.check();
    list.free();
  });

  test('are freed in slices', () => {
    const list = new List(1);
    list.pushTail(...Array.from({ length: 1000 }, (_, i) => `${i}`));
    let slices = 1;
    while (!list.chain.free(() => true)) slices++;
    expect(slices).toBe(16);
    expect(list.arena.usedBytes).toBe(0);
  });

  test('a listpack becomes a node as it is', () => {
    const from = new List(-2);
    from.pushTail('a', 'b', '77');
    const { u8, base, length } = from.chain.openNode(0);
    const list = new List(-2);
    list.chain.appendNode(new Bytes(u8, base, base + length), 3);
    list.model.push('a', 'b', '77');
    list.check();
  });
});

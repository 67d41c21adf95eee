/**
 * Ordered trees against a sorted array: random sentences of operations, after each of which everything that always holds
 * is checked: order, sizes, smallest elements, the chain of leaves, fill, and that no block is lost.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, CacheError, Random } from '../../src/base';
import { Arena, type Address } from '../../src/storage/arena';
import { Members } from '../../src/storage/members';
import { OrderedTree } from '../../src/storage/ordered-tree';
import { TreeCursor } from '../../src/storage/tree-cursor';
import { capacityMax } from '../../src/storage/tree-nodes';
import { TREE_WORDS } from '../../src/storage/tree-path';
import { bytes } from './store';

/** Where the tree's header lies in its words. */
const AT = 3;

interface Element {
  score: number;
  name: string;
  member: Address;
}

/** An arena that has no memory after so many allocations. */
class ScarceArena extends Arena {
  allocationsLeft = Infinity;

  override allocate(size: number): Address {
    if (this.allocationsLeft-- <= 0) throw new CacheError('OUT_OF_MEMORY', 'none left');
    return super.allocate(size);
  }
}

class Tree {
  readonly arena = new ScarceArena();
  readonly members = new Members(this.arena, 8, 'none');
  readonly tree = new OrderedTree(this.arena, this.members);
  readonly cursor = new TreeCursor(this.tree);
  readonly words = new Uint32Array(AT + TREE_WORDS);
  /** What must be in it, in order. */
  readonly model: Element[] = [];
  /** Whether every node must have its fill. */
  isCompact = true;

  find(name: string): Element | undefined {
    return this.model.find((element) => element.name === name);
  }

  /** Elements of the model that lie before a bound. */
  rank(score: number, name: string | null, isAfter: boolean): number {
    return this.model.filter((element) => {
      if (element.score !== score) return element.score < score;
      if (name === null) return isAfter;
      return element.name < name || (isAfter && element.name === name);
    }).length;
  }

  insert(score: number, name: string): void {
    const member = this.members.create(bytes(name), 0);
    this.tree.insert(this.words, AT, score, member);
    this.model.splice(this.rank(score, name, false), 0, { score, name, member });
  }

  remove(name: string): void {
    const element = this.find(name);
    if (element === undefined) {
      expect(this.tree.remove(this.words, AT, 1, bytes(name))).toBe(0);
      return;
    }
    expect(this.tree.remove(this.words, AT, element.score, bytes(name))).toBe(element.member);
    this.forget(element);
  }

  removeAtRank(rank: number): void {
    const element = this.model[rank];
    expect(this.tree.removeAtRank(this.words, AT, rank)).toBe(element.member);
    this.forget(element);
  }

  move(name: string, score: number): void {
    const element = this.find(name);
    if (element === undefined) {
      expect(this.tree.move(this.words, AT, 1, bytes(name), score)).toBe(0);
      return;
    }
    expect(this.tree.move(this.words, AT, element.score, bytes(name), score)).toBe(element.member);
    this.model.splice(this.model.indexOf(element), 1);
    this.model.splice(this.rank(score, name, false), 0, { ...element, score });
  }

  replace(name: string): void {
    const element = this.find(name);
    const member = this.members.create(bytes(name), 0);
    const replaced = this.tree.replaceMember(this.words, AT, element?.score ?? 1, bytes(name), member);
    expect(replaced).toBe(element?.member ?? 0);
    this.spoil(element === undefined ? member : replaced);
    if (element !== undefined) element.member = member;
  }

  seek(score: number, name: string | null, isAfter: boolean): void {
    const rank = this.rank(score, name, isAfter);
    const bound = name === null ? null : bytes(name);
    expect(this.tree.seek(this.words, AT, score, bound, isAfter, this.cursor)).toBe(rank);
    this.expectCursorAt(rank);
    const isPrevious = this.cursor.previous();
    expect(isPrevious).toBe(rank > 0);
    this.expectCursorAt(rank - 1);
    expect(this.cursor.next()).toBe(rank < this.model.length);
    this.expectCursorAt(rank);
  }

  seekRank(rank: number): void {
    this.tree.seekRank(this.words, AT, rank, this.cursor);
    this.expectCursorAt(rank);
  }

  /** Frees all, `leaves` at a time. */
  free(leaves: number): void {
    const freed: Address[] = [];
    const onMember = (member: Address): void => {
      freed.push(member);
      this.spoil(member);
    };
    for (let isDone = false; !isDone;) {
      let left = leaves;
      isDone = this.tree.free(this.words, AT, onMember, () => --left <= 0);
      expect(this.tree.count(this.words, AT)).toBe(this.model.length - freed.length);
      expect(isDone).toBe(freed.length === this.model.length);
    }
    expect(freed.sort((a, b) => a - b)).toEqual(this.model.map(({ member }) => member).sort((a, b) => a - b));
    this.model.length = 0;
  }

  check(): void {
    const { nodes } = this.tree;
    const root = this.words[AT];
    const height = this.words[AT + 1];
    expect(this.tree.count(this.words, AT)).toBe(this.model.length);
    expect(this.words.slice(0, AT)).toEqual(new Uint32Array(AT));
    if (this.model.length === 0) expect(this.words).toEqual(new Uint32Array(AT + TREE_WORDS));
    const leaves: Address[] = [];
    const elements: { score: number; member: Address }[] = [];
    let nodeBytes = 0;
    const visit = (node: Address, level: number, isLast: boolean): number => {
      const count = nodes.count(node);
      if (nodes.level(node) !== level) expect.fail(`a node of level ${nodes.level(node)} at level ${level}`);
      if (count === 0 || count > nodes.capacity(node) || nodes.capacity(node) > capacityMax(level)) {
        expect.fail(`${count} entries in a node of ${nodes.capacity(node)}`);
      }
      if (this.isCompact && !isLast && count * 3 < capacityMax(level))
        expect.fail(`${count} entries at level ${level}`);
      if (this.isCompact && level > 0 && count < 2) expect.fail('an only child');
      nodeBytes += 16 + nodes.capacity(node) * (level === 0 ? 12 : 20);
      if (level === 0) {
        leaves.push(node);
        for (let i = 0; i < count; i++) elements.push({ score: nodes.score(node, i), member: nodes.member(node, i) });
        return count;
      }
      let size = 0;
      for (let i = 0; i < count; i++) {
        const first = elements.length;
        const childSize = visit(nodes.child(node, i), level - 1, isLast && i === count - 1);
        if (nodes.size(node, i) !== childSize) expect.fail(`size ${nodes.size(node, i)} instead of ${childSize}`);
        expect([nodes.score(node, i), nodes.member(node, i)]).toEqual([elements[first].score, elements[first].member]);
        size += childSize;
      }
      return size;
    };
    if (root !== 0) visit(root, height - 1, true);
    expect(elements).toEqual(this.model.map(({ score, member }) => ({ score, member })));
    leaves.forEach((leaf, i) => {
      expect([nodes.previous(leaf), nodes.next(leaf)]).toEqual([leaves[i - 1] ?? 0, leaves[i + 1] ?? 0]);
    });
    const memberBytes = this.model.reduce((sum, { name }) => sum + blockBytes(8 + 1 + name.length), 0);
    expect(this.arena.usedBytes).toBe(nodeBytes + memberBytes);
  }

  private expectCursorAt(rank: number): void {
    const element = this.model.at(rank < 0 ? Infinity : rank);
    expect(this.cursor.isAtElement).toBe(element !== undefined);
    if (element === undefined) return;
    expect([this.cursor.score, this.cursor.member]).toEqual([element.score, element.member]);
  }

  private forget(element: Element): void {
    this.model.splice(this.model.indexOf(element), 1);
    this.spoil(element.member);
  }

  /** Frees a block, whose bytes then mislead whoever still reads it. */
  private spoil(member: Address): void {
    const name = this.members.key(member, new Bytes());
    name.buffer.fill(0xff, name.start, name.end);
    this.members.free(member);
  }
}

function blockBytes(size: number): number {
  return (size + 7) & ~7;
}

type Step = (tree: Tree) => void;

/** Sentences of operations over these scores and names. */
function stepsOf(scores: fc.Arbitrary<number>, names: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const ranks = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const put = fc.tuple(scores, names).map(([score, name]): Step => (tree) => {
    if (tree.find(name) === undefined) tree.insert(score, name);
    else tree.move(name, score);
  });
  const steps: { arbitrary: fc.Arbitrary<Step>; weight: number }[] = [
    { arbitrary: put, weight: 12 },
    {
      arbitrary: names.map(
        (name): Step =>
          (tree) =>
            tree.remove(name),
      ),
      weight: 6,
    },
    {
      arbitrary: ranks.map((share): Step => (tree) => {
        if (tree.model.length > 0) tree.removeAtRank(Math.floor(share * tree.model.length));
      }),
      weight: 4,
    },
    {
      arbitrary: ranks.map((share): Step => (tree) => {
        if (tree.model.length > 0) tree.seekRank(Math.floor(share * tree.model.length));
      }),
      weight: 1,
    },
    {
      arbitrary: fc.tuple(names, scores).map(
        ([name, score]): Step =>
          (tree) =>
            tree.move(name, score),
      ),
      weight: 4,
    },
    {
      arbitrary: names.map(
        (name): Step =>
          (tree) =>
            tree.replace(name),
      ),
      weight: 2,
    },
    {
      arbitrary: names.map((name): Step => (tree) => {
        const element = tree.find(name);
        const rank = element === undefined ? -1 : tree.model.indexOf(element);
        expect(tree.tree.rankOf(tree.words, AT, element?.score ?? 1, bytes(name))).toBe(rank);
      }),
      weight: 2,
    },
    {
      arbitrary: fc.tuple(scores, fc.option(names), fc.boolean()).map(
        ([score, name, isAfter]): Step =>
          (tree) =>
            tree.seek(score, name, isAfter),
      ),
      weight: 3,
    },
  ];
  return fc.oneof(...steps);
}

const anyScore = fc.double({ noNaN: true });
const fewScores = fc.constantFrom(-Infinity, -1.5, -0, 0, 1, Infinity);
/** Names that begin others, and names with all bytes. */
const nested = fc.tuple(fc.constantFrom('', 'a', 'b', '\xff'), fc.nat(40)).map(([tail, n]) => 'a'.repeat(n) + tail);
const manyNames = fc.nat(5000).map((n) => `member:${n}`);

describe.each([
  ['any scores', anyScore, manyNames],
  ['few scores', fewScores, manyNames],
  ['one score, names that begin others', fc.constant(0), nested],
])('%s', (_, scores, names) => {
  test('says what a sorted array says, and stays whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 }),
        fc.integer(),
        fc.array(stepsOf(scores, names), { maxLength: 120, size: 'max' }),
        fc.integer({ min: 1, max: 9 }),
        (size, seed, steps, leaves) => {
          const tree = grown(size, seed);
          tree.check();
          for (const step of steps) {
            step(tree);
            tree.check();
          }
          tree.free(leaves);
          expect(tree.arena.usedBytes).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** A tree of so many elements, of few and of many scores. */
function grown(size: number, seed: number): Tree {
  const tree = new Tree();
  const random = new Random(seed);
  for (let i = 0; i < size; i++) tree.insert(random.below(2) === 0 ? random.below(3) : random.below(1e6), `grown:${i}`);
  return tree;
}

const SIZE = 6000;

const ORDERS: [string, (n: number) => number][] = [
  ['ascending', (n) => n],
  ['descending', (n) => -n],
  ['scattered', (n) => (n * 7919) % SIZE],
];

describe.each(ORDERS)('grown in %s order', (_, scoreOf) => {
  const fresh = (): Tree => {
    const tree = new Tree();
    const elements: Element[] = [];
    for (let n = 0; n < SIZE; n++) {
      const member = tree.members.create(bytes(`${n}`), 0);
      tree.tree.insert(tree.words, AT, scoreOf(n), member);
      elements.push({ score: scoreOf(n), name: `${n}`, member });
    }
    tree.model.push(...elements.sort((a, b) => a.score - b.score));
    return tree;
  };

  test('has several levels and few bytes per element', () => {
    const tree = fresh();
    tree.check();
    expect(tree.words[AT + 1]).toBeGreaterThanOrEqual(3);
    const memberBytes = tree.model.reduce((sum, { name }) => sum + blockBytes(9 + name.length), 0);
    expect((tree.arena.usedBytes - memberBytes) / SIZE).toBeLessThan(20);
  });

  test('is walked from either end', () => {
    const tree = fresh();
    const walked: Address[] = [];
    expect(tree.tree.seekFirst(tree.words, AT, tree.cursor)).toBe(true);
    do walked.push(tree.cursor.member);
    while (tree.cursor.next());
    expect(walked).toEqual(tree.model.map(({ member }) => member));
    expect(tree.cursor.next()).toBe(false);
    expect(tree.tree.seekLast(tree.words, AT, tree.cursor)).toBe(true);
    do expect(tree.cursor.member).toBe(walked.pop());
    while (tree.cursor.previous());
    expect(tree.cursor.previous()).toBe(false);
    expect(walked).toEqual([]);
  });

  test.each([
    ['the first', () => 0],
    ['the last', (size: number) => size - 1],
    ['the middle', (size: number) => size >> 1],
    ['any', (size: number, random: Random) => random.below(size)],
  ])('is emptied by removing %s', (_where, rankOf) => {
    const tree = fresh();
    const random = new Random(7);
    while (tree.model.length > 0) {
      tree.removeAtRank(rankOf(tree.model.length, random));
      if (tree.model.length % 250 === 0) tree.check();
    }
    expect(tree.arena.usedBytes).toBe(0);
  });

  test('is freed in slices of a leaf', () => {
    const tree = fresh();
    tree.free(1);
    tree.check();
    expect(tree.arena.usedBytes).toBe(0);
  });

  test('gives every element its rank, and finds it by rank', () => {
    const tree = fresh();
    for (let rank = 0; rank < SIZE; rank += 13) {
      const { score, name } = tree.model[rank];
      expect(tree.tree.rankOf(tree.words, AT, score, bytes(name))).toBe(rank);
      tree.seekRank(rank);
    }
  });
});

test('an empty tree has nothing at either end and nothing to free', () => {
  const tree = new Tree();
  expect(tree.tree.seekFirst(tree.words, AT, tree.cursor)).toBe(false);
  expect(tree.tree.seekLast(tree.words, AT, tree.cursor)).toBe(false);
  expect([tree.cursor.next(), tree.cursor.previous(), tree.cursor.isAtElement]).toEqual([false, false, false]);
  tree.seek(0, null, true);
  tree.remove('a');
  tree.free(1);
  expect(() => tree.removeAtRank(0)).toThrow();
  tree.check();
});

test('ascending elements leave full leaves behind', () => {
  const tree = new Tree();
  for (let n = 0; n < 2000; n++) tree.insert(n, `${n}`);
  const { nodes } = tree.tree;
  let leaf = tree.words[AT];
  while (nodes.level(leaf) > 0) leaf = nodes.child(leaf, 0);
  for (; nodes.next(leaf) !== 0; leaf = nodes.next(leaf)) expect(nodes.count(leaf)).toBeGreaterThanOrEqual(63);
});

test('running out of memory at any moment leaves a whole tree, and removals still work', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 900 }),
      fc.integer(),
      fc.array(fc.tuple(fc.constantFrom('insert', 'ascend', 'drain', 'move'), fc.nat(2), fc.nat(70)), {
        minLength: 5,
        maxLength: 30,
        size: 'max',
      }),
      (size, seed, phases) => {
        const tree = grown(size, seed);
        const random = new Random(seed);
        const { model } = tree;
        tree.isCompact = false;
        for (const [phase, allocations, length] of phases) {
          const start = random.below(model.length + 1);
          for (let i = 0; i < length; i++) {
            if (phase === 'drain') {
              tree.arena.allocationsLeft = 0;
              if (model.length > 0) tree.removeAtRank(Math.min(start, model.length - 1));
              continue;
            }
            attempt(tree, allocations, () => {
              if (phase === 'insert') insertOrFree(tree, random.below(1e6));
              else if (phase === 'ascend') insertOrFree(tree, 1e6 + names);
              else if (model.length > 0) tree.move(model[random.below(model.length)].name, random.below(1e6));
            });
          }
          tree.check();
        }
        tree.arena.allocationsLeft = Infinity;
        tree.free(3);
        expect(tree.arena.usedBytes).toBe(0);
      },
    ),
    { numRuns: 30 },
  );
});

/** Ranks at which a tree of a size is emptied. */
const ENDS: [string, (size: number) => number][] = [
  ['the start', () => 0],
  ['the middle', (size) => size >> 1],
  ['the end', (size) => size - 1],
];

describe.each(ENDS)('without memory, from %s', (_, rankOf) => {
  const empty = (tree: Tree): void => {
    tree.isCompact = false;
    tree.check();
    tree.arena.allocationsLeft = 0;
    while (tree.model.length > 0) {
      tree.removeAtRank(rankOf(tree.model.length));
      if (tree.model.length % 50 === 0) tree.check();
    }
    expect(tree.arena.usedBytes).toBe(0);
  };

  test('a tree of full leaves beside small ones, which find no room for their share, is emptied', () => {
    const tree = new Tree();
    for (let n = 0; n < 100 * 63; n++) tree.insert(n, `${n}`);
    for (let n = 0; n < 100 * 63; n += 2 * 63) for (let i = 22; i < 63; i++) tree.remove(`${n + i}`);
    empty(tree);
  });

  // With full nodes only, so that the next element needs new nodes on one level, and on two.
  test.each([64, 47 * 63 + 64])('a tree of %d that found no memory to grow is emptied', (size) => {
    for (let allocations = 0; allocations < 4; allocations++) {
      const tree = new Tree();
      for (let n = 0; n < size; n++) tree.insert(n, `${n}`);
      attempt(tree, allocations, () => insertOrFree(tree, 1e6));
      empty(tree);
    }
  });
});

/** Runs a deed with so many allocations; that it finds no memory is well. */
function attempt(tree: Tree, allocations: number, deed: () => void): void {
  tree.arena.allocationsLeft = allocations;
  try {
    deed();
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
  } finally {
    tree.arena.allocationsLeft = Infinity;
  }
}

let names = 0;

/** Inserts an element of a new name, and frees its block if it found no place. */
function insertOrFree(tree: Tree, score: number): void {
  const name = `new:${names++}`;
  const allocations = tree.arena.allocationsLeft;
  tree.arena.allocationsLeft = Infinity;
  const member = tree.members.create(bytes(name), 0);
  tree.arena.allocationsLeft = allocations;
  try {
    tree.tree.insert(tree.words, AT, score, member);
  } catch (error) {
    tree.members.free(member);
    throw error;
  }
  tree.model.splice(tree.rank(score, name, false), 0, { score, name, member });
}

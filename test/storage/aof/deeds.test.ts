/** Sequences of deeds, at once and by other threads: the same is done in the same order, and the same is caught. */
import { expect, test } from 'vitest';
import { CacheError } from '../../../src/base';
import { doNow, Errands, removing, renaming, type Deed, type Deeds, type Done } from '../../../src/storage/aof/deeds';
import { bytesOf, newDisk } from './files';

const FAILURE = new CacheError('FILE_FAILED', 'no');

/** Deeds that write down what was done, and wait for a test to let a thread do them. */
class Bench {
  readonly done: string[] = [];
  readonly pending: (() => void)[] = [];
  readonly failing = new Set<string>();

  deed(name: string, mustNotLag = false): Deed {
    const now = (): void => {
      this.done.push(name);
      if (this.failing.has(name)) throw FAILURE;
    };
    const later = (done: Done): void => {
      this.pending.push(() => {
        this.done.push(`${name} later`);
        done(this.failing.has(name) ? FAILURE : null);
      });
    };
    return { now, later, mustNotLag };
  }

  *deeds(...names: string[]): Deeds {
    try {
      for (const name of names) yield this.deed(name, name.startsWith('!'));
    } catch (error) {
      yield this.deed('tidy');
      throw error;
    } finally {
      this.done.push('closed');
    }
  }

  errands(): Errands {
    return new Errands((task) => task());
  }

  runAll(): void {
    while (this.pending.length > 0) this.pending.shift()!();
  }
}

test('at once', () => {
  const bench = new Bench();
  doNow(bench.deeds('a', 'b'));
  bench.failing.add('c');
  expect(() => doNow(bench.deeds('c', 'd'))).toThrow(FAILURE);
  expect(bench.done).toEqual(['a', 'b', 'closed', 'c', 'tidy', 'closed']);
});

test('by other threads, one sequence after the other, what is added by the end of one included', () => {
  const bench = new Bench();
  const errands = bench.errands();
  const ends: unknown[] = [];
  bench.failing.add('c');
  errands.add(bench.deeds('a', 'b'), (error) => {
    ends.push(error);
    errands.add(bench.deeds('e'), (last) => ends.push(last));
  });
  errands.add(bench.deeds('c', 'd'), (error) => ends.push(error));
  expect(bench.pending).toHaveLength(1);
  bench.runAll();
  const all = ['a later', 'b later', 'closed', 'c later', 'tidy later', 'closed', 'e later', 'closed'];
  expect(bench.done).toEqual(all);
  expect(ends).toEqual([null, FAILURE, null]);
});

test('in a hurry: the rest is done at once, and the late answer of a thread is of no interest', () => {
  const bench = new Bench();
  const errands = bench.errands();
  let isOver = false;
  errands.add(bench.deeds('a', 'b'), () => (isOver = true));
  errands.add(bench.deeds('c', 'd'), () => undefined);
  errands.hurry(() => isOver);
  expect(bench.done).toEqual(['a', 'b', 'closed']);
  bench.runAll();
  expect(bench.done).toEqual(['a', 'b', 'closed', 'a later', 'c later', 'd later', 'closed']);
});

test('closed: nothing more is begun, and what must not lag is over', () => {
  const bench = new Bench();
  const errands = bench.errands();
  errands.add(bench.deeds('!a', 'b'), () => expect.fail('nobody is told'));
  errands.add(bench.deeds('c'), () => expect.fail('nobody is told'));
  errands.close();
  expect(bench.done).toEqual(['!a', 'closed']);
  bench.runAll();
  expect(bench.done).toEqual(['!a', 'closed', '!a later']);
});

test('a rename that is begun twice is done once, whoever is faster; a removal does no harm', () => {
  for (const isThreadFaster of [false, true]) {
    const disk = newDisk();
    disk.create('/a').write(Buffer.from('x'), 0, 1);
    disk.create('/b');
    const deed = renaming(disk, '/a', '/b');
    deed.later(() => undefined);
    if (isThreadFaster) disk.runPending();
    deed.now();
    disk.runPending();
    expect(disk.list('/')).toEqual(['b']);
    expect(bytesOf(disk, '/b').toString()).toBe('x');
    doNow(
      (function* (): Deeds {
        yield removing(disk, '/b');
        yield removing(disk, '/b');
      })(),
    );
    expect(() => renaming(disk, '/a', '/b').now()).toThrow(CacheError);
  }
});

/**
 * The machine stops at every deed of every short life of a set of files. What is found afterwards opens, holds everything that
 * was synced, and holds what it holds in order: a prefix of what was written.
 */
import { describe, expect, test } from 'vitest';
import { Random, silentLog } from '../../../src/base';
import { DiskCrash, SimulatedDisk } from '../../../src/sim';
import { AofDirectory } from '../../../src/storage/aof/directory';
import { AofWriter } from '../../../src/storage/aof/writer';
import { beginRewrite, finishRewrite, load, resp } from './files';

const OPERATIONS = [
  'write',
  'write long',
  'sync later',
  'begin',
  'finish',
  'abandon',
  'hurry',
  'disk: one',
  'disk: all',
] as const;
type Operation = (typeof OPERATIONS)[number];

/** How far a rewrite is when a story begins. */
const BEGINNINGS: readonly (readonly Operation[])[] = [
  ['write', 'sync later'],
  ['write', 'begin', 'disk: one', 'write', 'disk: one', 'disk: one'],
  ['write', 'begin', 'disk: all'],
  ['write', 'begin', 'disk: all', 'write', 'finish', 'write', 'disk: one'],
];

/** So that a long write has several sectors. */
const PADDING = 'x'.repeat(30);

/** A node in short: it numbers its changes, and an old set is there when it starts. */
class Life {
  readonly directory: AofDirectory;
  /** Numbers of changes that were made, and of those that certainly survive. */
  written = 0;
  durable = 0;
  private writer: AofWriter | null = null;
  /** The last change that is in a file, while the next ones are held; else null. */
  private heldAfter: number | null = null;
  /** The walk of a rewrite: where to, and how many changes it has seen. */
  private walk: { base: string; increment: string; written: number } | null = null;
  private isRewriting = false;
  private readonly order: Random;

  constructor(
    private readonly disk: SimulatedDisk,
    seed: number,
  ) {
    this.order = new Random(seed);
    this.directory = new AofDirectory(disk, { directory: '/data', dirname: 'set', filename: 'a', log: silentLog });
  }

  begin(): void {
    this.directory.open();
    this.goOnIn(this.directory.startIncrement());
  }

  run(operation: Operation): void {
    if (operation === 'write') this.write(1);
    else if (operation === 'write long') this.write(40);
    else if (operation === 'sync later') this.syncLater();
    else if (operation === 'begin' && !this.isRewriting) this.beginRewrite();
    else if (operation === 'finish' && this.walk !== null) this.finishRewrite(this.walk);
    else if (operation === 'abandon' && this.heldAfter === null) this.abandonRewrite();
    else if (operation === 'hurry') this.directory.hurry(() => this.heldAfter === null);
    else if (operation === 'disk: one') this.disk.runPending(1, this.order);
    else if (operation === 'disk: all') this.disk.runPending(Infinity, this.order);
  }

  private write(count: number): void {
    const first = this.written + 1;
    this.written += count;
    if (this.heldAfter === null) put(this.writer!, first, this.written);
  }

  private sync(): void {
    this.writer!.sync();
    this.durable = this.heldAfter ?? this.written;
  }

  private syncLater(): void {
    const written = this.heldAfter ?? this.written;
    this.writer!.syncLater(() => (this.durable = Math.max(this.durable, written)));
    this.write(1);
  }

  private beginRewrite(): void {
    this.isRewriting = true;
    this.directory.beginRewrite(
      false,
      (paths) => ({
        now: () => this.sync(),
        later: (done) => {
          this.heldAfter = this.written;
          this.walk = { ...paths, written: this.written };
          this.writer!.syncLater(done);
        },
      }),
      () => this.letGo(),
    );
  }

  private letGo(): void {
    const { heldAfter, walk } = this;
    this.heldAfter = null;
    if (walk === null || heldAfter === null) return;
    if (this.directory.endsWith(walk.increment)) {
      this.durable = heldAfter;
      this.goOnIn(walk.increment);
    }
    if (this.written > heldAfter) put(this.writer!, heldAfter + 1, this.written);
  }

  private finishRewrite({ base, written }: { base: string; written: number }): void {
    const file = new AofWriter(this.disk.create(base));
    put(file, 1, written);
    file.sync();
    this.walk = this.heldAfter === null ? null : this.walk;
    this.directory.finishRewrite(false, () => (this.isRewriting = false));
  }

  private abandonRewrite(): void {
    if (this.walk === null) return;
    this.walk = null;
    this.isRewriting = false;
    this.directory.abandonRewrite();
  }

  private goOnIn(increment: string): void {
    this.writer = new AofWriter(this.disk.append(increment));
  }
}

function put(writer: AofWriter, first: number, last: number): void {
  const commands = Array.from({ length: last - first + 1 }, (_, i) => resp(`RPUSH log ${first + i} ${PADDING}`));
  const bytes = Buffer.concat(commands);
  writer.write(bytes, 0, bytes.length, null);
}

/** What a set holds, torn tails cut off; as the numbers of its changes. */
function recover(disk: SimulatedDisk): number[] {
  const directory = new AofDirectory(disk, { directory: '/data', dirname: 'set', filename: 'a', log: silentLog });
  directory.open();
  const numbers: number[] = [];
  const { parts } = directory;
  parts.forEach(({ path }, i) => {
    const outcome = load(disk.open(path), { mayBeCut: i === parts.length - 1 });
    if (outcome.refusal !== null) throw new Error(outcome.refusal);
    if (outcome.cutAt !== null) disk.append(path).truncate(outcome.cutAt);
    numbers.push(...outcome.commands.map((command) => Number(command.split(' ')[2])));
  });
  return numbers;
}

function expectSurvivor(life: Life, disk: SimulatedDisk, story: string): void {
  const { durable, written } = life;
  const seed = disk.deeds;
  const ends = [disk.crash(new Random(seed), 'process'), disk.crash(new Random(seed), 'power')];
  ends.forEach((end, i) => {
    const numbers = recover(end);
    const isPrefix = numbers.every((number, at) => number === at + 1);
    // A change that is being written when the machine stops may be there or not.
    const isEnough = numbers.length >= durable && numbers.length <= written;
    if (!isPrefix || !isEnough)
      expect({ story, i, durable, written, numbers }).toBe('a prefix with all that was durable');
    if (i === 1 && recover(end).length !== numbers.length) expect(story).toBe('the same when it is opened again');
  });
}

/** All lists of up to so many operations. */
function storiesOf(length: number): Operation[][] {
  if (length === 0) return [[]];
  const shorter = storiesOf(length - 1);
  const longest = shorter.filter((story) => story.length === length - 1);
  return [...shorter, ...longest.flatMap((story) => OPERATIONS.map((operation) => [...story, operation]))];
}

/** A new life on a new disk, in which nothing has gone wrong yet. */
function livedThrough(seed: number, isHarsh: boolean, operations: readonly Operation[]): [Life, SimulatedDisk] {
  const disk = new SimulatedDisk(new Random(seed), { isHarsh, directories: ['/data'] });
  const life = new Life(disk, seed);
  if (operations.length === 0) return [life, disk];
  life.begin();
  for (const operation of operations) life.run(operation);
  return [life, disk];
}

describe.each([false, true])('with names that survive in any order: %s', (isHarsh) => {
  test('every stop in a first start leaves nothing or an empty set', () => {
    for (let stop = 1, isOver = false; !isOver; stop++) {
      const [life, disk] = livedThrough(stop, isHarsh, []);
      isOver = !stopsIn(disk, stop, () => life.begin());
      expectSurvivor(life, disk, `the start; stop at deed ${stop}`);
    }
  });

  // What happens before the last deed of a story is in another story.
  test('every stop in every life leaves the old set or the new one', () => {
    let ends = 0;
    for (const beginning of BEGINNINGS) {
      for (const story of storiesOf(2)) {
        const before = [...beginning, ...story];
        const last = before.pop()!;
        for (let stop = 1, isOver = false; !isOver; stop++, ends++) {
          const [life, disk] = livedThrough(stop, isHarsh, before);
          isOver = !stopsIn(disk, stop, () => life.run(last));
          expectSurvivor(life, disk, `${before.join(', ')}, ${last}; stop at deed ${stop}`);
        }
      }
    }
    expect(ends).toBeGreaterThan(700);
  });

  test('long lives, other threads being quick or slow', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const [life, disk] = livedThrough(seed, isHarsh, ['write']);
      stopsIn(disk, 1 + random.below(100), () => {
        for (let i = 0; i < 60; i++) life.run(OPERATIONS[random.below(OPERATIONS.length)]);
      });
      expectSurvivor(life, disk, `seed ${seed}`);
    }
  });
});

/** Whether the machine stopped in the `stop`-th deed of something. */
function stopsIn(disk: SimulatedDisk, stop: number, deeds: () => void): boolean {
  disk.crashAfter(stop);
  try {
    deeds();
    return false;
  } catch (error) {
    if (!(error instanceof DiskCrash)) throw error;
    return true;
  }
}

test('a set that says nothing about the present is replaced as a whole, or not at all', () => {
  for (let stop = 1, isOver = false; !isOver; stop++) {
    for (const isHarsh of [false, true]) {
      const disk = new SimulatedDisk(new Random(stop), { isHarsh, directories: ['/data'] });
      const before = new Life(disk, stop);
      before.begin();
      before.run('write');
      before.run('sync later');
      before.run('disk: all');
      const directory = new AofDirectory(disk, { directory: '/data', dirname: 'set', filename: 'a', log: silentLog });
      directory.open();
      let isFinished = false;
      isOver = !stopsIn(disk, stop, () => {
        const { base, increment } = beginRewrite(directory, true);
        const writer = new AofWriter(disk.append(increment));
        put(writer, 102, 103);
        const file = new AofWriter(disk.create(base));
        put(file, 100, 101);
        file.sync();
        writer.sync();
        finishRewrite(directory, false);
        isFinished = true;
        put(writer, 104, 104);
        writer.sync();
      });
      for (const kill of ['process', 'power'] as const) {
        const text = recover(disk.crash(new Random(stop), kill)).join();
        const allowed = isOver ? ['100,101,102,103,104'] : ['100,101,102,103', '100,101,102,103,104'];
        if (!isFinished) allowed.push('1', '1,2');
        expect({ stop, allowed: allowed.includes(text), text }).toMatchObject({ allowed: true });
      }
    }
  }
});

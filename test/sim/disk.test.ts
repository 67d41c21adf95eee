/** The simulated disk keeps what it promised, loses all else in every way, and does the same for the same seed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random, type WritableFile } from '../../src/base';
import { DiskCrash, SimulatedDisk, type Deed, type DiskOptions } from '../../src/sim';
import { expectFailure, fill, testFiles, textOf } from '../base/files-conformance';

const SEEDS = 300;

function newDisk(options: DiskOptions = {}, seed = 1): SimulatedDisk {
  return new SimulatedDisk(new Random(seed), { directories: ['/data'], ...options });
}

function write(file: WritableFile, text: string): void {
  file.write(Buffer.from(text, 'latin1'), 0, text.length);
}

/** What losses of power leave of something, each kind once. */
function endsOf(disk: SimulatedDisk, look: (left: SimulatedDisk) => string): Set<string> {
  const ends = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) ends.add(look(disk.crash(new Random(seed), 'power')));
  return ends;
}

const names = (disk: SimulatedDisk): string => disk.list('/data').join(' ');

testFiles(() => {
  const disk = newDisk();
  return { files: disk, directory: '/data', settle: () => void disk.runPending() };
});

test('paths have one spelling', () => {
  const disk = newDisk({ directories: ['./here/'] });
  fill(disk, 'here/./a', 'text');
  expect(disk.size('./here//a')).toBe(4);
  expect(disk.list('here/')).toEqual(['a']);
  expect(disk.list('.')).toEqual(['here']);
});

describe('bytes', () => {
  test('what was synced survives every loss of power, whatever is done around it', () => {
    const step = fc.record({
      deed: fc.constantFrom('write', 'write', 'sync', 'cut'),
      amount: fc.integer({ min: 0, max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.integer(), (steps, seed) => {
        const disk = newDisk();
        const file = disk.create('/data/a');
        disk.syncDirectory('/data');
        let text = '';
        let safe = 0;
        for (const [i, { deed, amount }] of steps.entries()) {
          if (deed === 'write') {
            const more = String.fromCharCode(97 + i).repeat(amount);
            write(file, more);
            text += more;
          } else if (deed === 'sync') {
            file.sync();
            safe = text.length;
          } else {
            text = text.slice(0, Math.max(0, text.length - amount));
            file.truncate(text.length);
            safe = Math.min(safe, text.length);
          }
        }
        expect(textOf(disk.crash(new Random(seed), 'process'), '/data/a')).toBe(text);
        const left = textOf(disk.crash(new Random(seed), 'power'), '/data/a');
        expect(left.slice(0, safe)).toBe(text.slice(0, safe));
        if (steps.at(-1)?.deed === 'sync') expect(left).toBe(text);
      }),
      { numRuns: 400 },
    );
  });

  test('what was not synced is lost in every way', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'safe');
    disk.syncDirectory('/data');
    const file = disk.append('/data/a');
    write(file, 'x'.repeat(1600));
    const ends = [...endsOf(disk, (left) => textOf(left, '/data/a'))];
    expect(ends).toContain('safe');
    expect(ends).toContain(`safe${'x'.repeat(1600)}`);
    expect(ends.every((end) => end.startsWith('safe'))).toBe(true);
    const kinds = { prefix: /^safex{1,1599}$/, hole: /^safex*\0{512}x/, zeros: /^safe\0+$/, garbage: /[^safex\0]/ };
    for (const kind of Object.values(kinds)) expect(ends.some((end) => kind.test(end))).toBe(true);
  });

  test('a cut that was not synced may be undone, and what follows it torn', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'abcdef');
    disk.syncDirectory('/data');
    const file = disk.append('/data/a');
    file.truncate(2);
    expect(endsOf(disk, (left) => textOf(left, '/data/a'))).toContain('abcdef');
    write(file, 'X');
    const ends = endsOf(disk, (left) => textOf(left, '/data/a'));
    for (const end of ['abcdef', 'abX', 'ab']) expect(ends).toContain(end);
    file.sync();
    expect([...endsOf(disk, (left) => textOf(left, '/data/a'))]).toEqual(['abX']);
  });

  test('a sync on another thread is for what was written before it, and nothing before it is done', () => {
    const disk = newDisk();
    const file = disk.create('/data/a');
    disk.syncDirectory('/data');
    const heard: string[] = [];
    write(file, 'one');
    file.syncLater(() => heard.push('synced'));
    write(file, 'two');
    expect(endsOf(disk, (left) => textOf(left, '/data/a'))).toContain('');
    expect(disk.runPending()).toBe(1);
    expect(heard).toEqual(['synced']);
    const ends = endsOf(disk, (left) => textOf(left, '/data/a'));
    expect(ends).toContain('one');
    expect([...ends].every((end) => end.startsWith('one'))).toBe(true);
  });

  test('a sync on another thread does not vouch for a cut that came after it', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'abcdef');
    disk.syncDirectory('/data');
    const file = disk.append('/data/a');
    file.syncLater(() => {});
    file.truncate(3);
    disk.runPending();
    expect(endsOf(disk, (left) => textOf(left, '/data/a'))).toContain('abcdef');
  });

  test('the death of the process alone loses nothing that was written, and makes none of it safe', () => {
    const disk = newDisk();
    write(disk.create('/data/a'), 'text');
    const next = disk.crash(new Random(1), 'process');
    expect(textOf(next, '/data/a')).toBe('text');
    expect(endsOf(next, names)).toContain('');
    write(next.append('/data/a'), ' more');
    expect(textOf(disk, '/data/a')).toBe('text');
  });
});

describe('names', () => {
  const ORDERLY = new Set(['', 'a', 'a b', 'a b c']);

  test('names that were not synced are lost from the last on; in the harsh way, any of them', () => {
    for (const isHarsh of [false, true]) {
      const disk = newDisk({ isHarsh });
      for (const name of ['a', 'b', 'c']) fill(disk, `/data/${name}`, 'text');
      const ends = endsOf(disk, names);
      expect(ends.size).toBe(isHarsh ? 8 : 4);
      if (!isHarsh) expect(ends).toEqual(ORDERLY);
      disk.syncDirectory('/data');
      disk.remove('/data/a');
      expect(endsOf(disk, names)).toEqual(new Set(['a b c', 'b c']));
    }
  });

  test('what replaces another file has its bytes, but in the harsh way', () => {
    for (const isHarsh of [false, true]) {
      const disk = newDisk({ isHarsh });
      fill(disk, '/data/a', 'old');
      disk.syncDirectory('/data');
      write(disk.create('/data/b'), 'new');
      disk.rename('/data/b', '/data/a');
      const ends = endsOf(disk, (left) => textOf(left, '/data/a'));
      if (!isHarsh) expect(ends).toEqual(new Set(['old', 'new']));
      else expect(ends).toContain('');
    }
  });

  test('a file is lost with its directory', () => {
    const disk = newDisk();
    disk.makeDirectory('/data/inner');
    fill(disk, '/data/inner/a', 'text');
    disk.syncDirectory('/data/inner');
    const look = (left: SimulatedDisk): string => `${names(left)}: ${left.list('/data/inner').join(' ')}`;
    expect(endsOf(disk, look)).toEqual(new Set([': ', 'inner: a']));
    disk.syncDirectory('/data');
    expect(endsOf(disk, look)).toEqual(new Set(['inner: a']));
  });

  test('a name that came from another directory is safe with the directory that it came to', () => {
    const disk = newDisk({ directories: ['/data', '/other'] });
    fill(disk, '/other/a', 'text');
    disk.rename('/other/a', '/data/b');
    disk.syncDirectory('/data');
    const look = (left: SimulatedDisk): string => `${names(left)}, ${left.list('/other').join(' ')}`;
    expect(endsOf(disk, look)).toEqual(new Set(['b, ']));
  });

  test('a lock ends with the process', () => {
    const disk = newDisk();
    disk.lock('/data');
    for (const kill of ['process', 'power'] as const) disk.crash(new Random(1), kill).lock('/data');
    expect(() => disk.lock('/data')).toThrow('another process uses it');
  });
});

describe('faults', () => {
  test('a full disk takes what it has room for, and goes on when there is more', () => {
    const disk = newDisk({ capacityBytes: 10 });
    fill(disk, '/data/a', 'six of');
    const file = disk.create('/data/b');
    expectFailure(() => write(file, 'text'.repeat(2)), 'ENOSPC', "cannot write '/data/b': No space left on device");
    expect(file.size).toBe(4);
    expectFailure(() => write(file, 'x'), 'ENOSPC');
    disk.remove('/data/a');
    write(file, '123456');
    disk.capacityBytes = 11;
    write(file, '!');
    expect(textOf(disk, '/data/b')).toBe('text123456!');
    expectFailure(() => write(disk.crash(new Random(1), 'process').append('/data/b'), '?'), 'ENOSPC');
  });

  test('a sync that fails loses what it was for, though the next one succeeds', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'safe');
    disk.syncDirectory('/data');
    const file = disk.append('/data/a');
    write(file, 'lost');
    disk.failNext('sync', 'EIO');
    expectFailure(() => file.sync(), 'EIO');
    file.sync();
    write(file, 'kept');
    file.sync();
    expect(textOf(disk, '/data/a')).toBe('safelostkept');
    expect([...endsOf(disk, (left) => textOf(left, '/data/a'))]).toEqual(['safe\0\0\0\0kept']);
  });

  test('a sync on another thread that fails loses nothing that was written after it', () => {
    const disk = newDisk();
    const file = disk.create('/data/a');
    disk.syncDirectory('/data');
    write(file, 'lost');
    file.syncLater(() => {});
    write(file, 'kept');
    disk.failNext('sync', 'EIO');
    disk.runPending();
    file.sync();
    expect([...endsOf(disk, (left) => textOf(left, '/data/a'))]).toEqual(['\0\0\0\0kept']);
  });

  test('any deed fails when it is told to, once, and changes nothing but what it had written', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'text');
    const file = disk.append('/data/a');
    const reader = disk.open('/data/a');
    const deeds: Readonly<Record<Deed, () => unknown>> = {
      open: () => disk.open('/data/a'),
      read: () => reader.read(Buffer.alloc(1), 0, 1, 0),
      size: () => disk.size('/data/a'),
      list: () => disk.list('/data'),
      lock: () => disk.lock('/data'),
      create: () => disk.create('/data/a'),
      append: () => disk.append('/data/a'),
      sync: () => file.sync(),
      truncate: () => file.truncate(0),
      rename: () => disk.rename('/data/a', '/data/b'),
      remove: () => disk.remove('/data/a'),
      makeDirectory: () => disk.makeDirectory('/data/inner'),
      syncDirectory: () => disk.syncDirectory('/data'),
      write: () => write(file, 'more'),
    };
    for (const [deed, perform] of Object.entries(deeds)) {
      disk.failNext(deed as Deed, 'EROFS');
      expectFailure(perform, 'EROFS', 'Read-only file system');
    }
    expect(names(disk)).toBe('a');
    expect(`textmore`.startsWith(textOf(disk, '/data/a'))).toBe(true);
    expect(file.size).toBe(disk.size('/data/a'));
    write(file, '!');
  });

  test('deeds fail at a rate, and the callbacks of later ones hear of it', () => {
    const disk = newDisk();
    const file = disk.create('/data/a');
    disk.failAtRate(1);
    const heard: unknown[] = [];
    file.writeLater(Buffer.from('text'), (error) => heard.push(error));
    file.syncLater((error) => heard.push(error));
    expect(disk.pendingDeeds).toBe(2);
    expect(disk.runPending(1)).toBe(1);
    disk.runPending();
    expect(heard).toMatchObject([{ code: 'FILE_FAILED' }, { code: 'FILE_FAILED' }]);
    disk.failAtRate(0.5);
    let failures = 0;
    for (let i = 0; i < 1000; i++) {
      try {
        disk.syncDirectory('/data');
      } catch {
        failures++;
      }
    }
    expect(failures).toBeGreaterThan(400);
    expect(failures).toBeLessThan(600);
  });

  test('one bit is turned, for good', () => {
    const disk = newDisk();
    fill(disk, '/data/a', 'aaa');
    disk.syncDirectory('/data');
    disk.flip('/data/a', 8 + 6);
    expect(textOf(disk, '/data/a')).toBe('aca');
    expect(textOf(disk.crash(new Random(1), 'power'), '/data/a')).toBe('aca');
    expect(() => disk.flip('/data/a', 24)).toThrow('there is a bit');
    expect(() => disk.flip('/data/none', 0)).toThrow('there is a bit');
  });
});

describe('crashes', () => {
  /** Replaces a file as it should be done, or with one of the deeds left out. */
  function replace(disk: SimulatedDisk, leftOut: 'nothing' | 'sync' | 'syncDirectory' = 'nothing'): void {
    const file = disk.create('/data/new');
    write(file, 'new'.repeat(1000));
    if (leftOut !== 'sync') file.sync();
    file.close();
    disk.rename('/data/new', '/data/file');
    if (leftOut !== 'syncDirectory') disk.syncDirectory('/data');
  }

  function readyDisk(seed: number, isHarsh: boolean): SimulatedDisk {
    const disk = newDisk({ isHarsh }, seed);
    fill(disk, '/data/file', 'old');
    disk.syncDirectory('/data');
    return disk;
  }

  /** What is found after a loss of power in each of the deeds of a replacement, and after the last. */
  function foundAfter(
    isHarsh: boolean,
    leftOut?: 'sync' | 'syncDirectory',
  ): { during: Set<string>; after: Set<string> } {
    const probe = readyDisk(0, isHarsh);
    const before = probe.deeds;
    replace(probe, leftOut);
    const count = probe.deeds - before;
    const found = { during: new Set<string>(), after: new Set<string>() };
    for (let death = 1; death <= count + 1; death++) {
      for (let seed = 0; seed < 60; seed++) {
        const disk = readyDisk(seed, isHarsh);
        disk.crashAfter(death);
        if (death <= count) expect(() => replace(disk, leftOut)).toThrow(DiskCrash);
        else replace(disk, leftOut);
        const text = textOf(disk.crash(new Random(seed), 'power'), '/data/file');
        const what = text === 'old' ? 'old' : text === 'new'.repeat(1000) ? 'new' : 'neither';
        found[death <= count ? 'during' : 'after'].add(what);
      }
    }
    return found;
  }

  test.each([false, true])('a replacement done right leaves the old file or the new one; harsh: %s', (isHarsh) => {
    const { during, after } = foundAfter(isHarsh);
    expect(during).toEqual(new Set(['old', 'new']));
    expect(after).toEqual(new Set(['new']));
  });

  test('one done wrong is found out', () => {
    expect(foundAfter(true, 'sync').after).toContain('neither');
    expect(foundAfter(false, 'syncDirectory').after).toContain('old');
  });

  test('a machine that has stopped does nothing more', () => {
    const disk = readyDisk(1, false);
    const file = disk.append('/data/file');
    file.syncLater(() => expect.fail('nobody is told'));
    const { deeds } = disk;
    disk.crashAfter(1);
    expect(() => disk.runPending()).toThrow(/the machine stopped .* deed \d+: sync '\/data\/file'/);
    expect(() => disk.list('/data')).toThrow(/sync '\/data\/file'/);
    expect(() => write(file, 'x')).toThrow(DiskCrash);
    file.close();
    expect(disk.deeds).toBe(deeds + 1);
    expect(disk.crash(new Random(1), 'process').pendingDeeds).toBe(0);
  });

  test('a write is torn when the process dies in the middle of it', () => {
    const left = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const disk = readyDisk(seed, false);
      const file = disk.append('/data/file');
      disk.crashAfter(1);
      expect(() => write(file, '12345')).toThrow(DiskCrash);
      left.add(textOf(disk.crash(new Random(seed), 'process'), '/data/file').length);
    }
    expect(left).toEqual(new Set([3, 4, 5, 6, 7, 8]));
  });

  test('the same seed leaves the same disk', () => {
    const run = (seed: number): string => {
      const disk = newDisk({ isHarsh: seed % 2 === 0 }, seed);
      for (const name of ['a', 'b', 'c']) write(disk.create(`/data/${name}`), name.repeat(3000));
      disk.failAtRate(0.1);
      disk.crashAfter(7);
      for (let i = 0; i < 10; i++) {
        try {
          write(disk.append('/data/a'), String(i).repeat(700));
        } catch {
          // Failures are a part of the run.
        }
      }
      const left = disk.crash(new Random(seed), 'power');
      return left
        .list('/data')
        .map((name) => `${name}=${textOf(left, `/data/${name}`)}`)
        .join();
    };
    const ends = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      expect(run(seed)).toBe(run(seed));
      ends.add(run(seed));
    }
    expect(ends.size).toBeGreaterThan(20);
  });
});

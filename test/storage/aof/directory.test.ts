/**
 * The set of files: how it changes, what is refused, and what an old Redis leaves.
 */
import { describe, expect, test } from 'vitest';
import { CacheError, Random, silentLog } from '../../../src/base';
import type { SimulatedDisk } from '../../../src/sim';
import { AofDirectory } from '../../../src/storage/aof/directory';
import { AofWriter } from '../../../src/storage/aof/writer';
import { beginRewrite, finishRewrite, bytesOf, load, newDisk, resp } from './files';

const SET = '/appendonlydir';

function directoryOn(disk: SimulatedDisk): AofDirectory {
  return new AofDirectory(disk, { directory: '', dirname: 'appendonlydir', filename: 'a.aof', log: silentLog });
}

/** A set of one increment. */
function founded(): { disk: SimulatedDisk; directory: AofDirectory } {
  const disk = newDisk();
  const directory = directoryOn(disk);
  directory.open();
  directory.startIncrement();
  return { disk, directory };
}

function put(disk: SimulatedDisk, path: string, text: string): void {
  const file = disk.create(path);
  file.write(Buffer.from(text), 0, text.length);
  file.close();
}

function manifestOf(disk: SimulatedDisk): string {
  // Its last line is its CRC.
  return bytesOf(disk, `${SET}/a.aof.manifest`)
    .toString()
    .replace(/#CRC:[^]*$/, '');
}

const part = (name: string, kind: 'base' | 'incremental', isRdb = false): object => ({
  path: `${SET}/${name}`,
  kind,
  isRdb,
});

test('nothing is there, and an increment begins', () => {
  const disk = newDisk();
  const directory = directoryOn(disk);
  expect(directory.open()).toBe(false);
  expect(directory.parts).toEqual([]);
  expect(directory.startIncrement()).toBe(`${SET}/a.aof.1.incr.aof`);
  expect(directory.startIncrement()).toBe(`${SET}/a.aof.2.incr.aof`);
  expect(manifestOf(disk)).toBe('file a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n');
  const again = directoryOn(disk);
  expect(again.open()).toBe(true);
  expect(again.parts).toEqual([part('a.aof.1.incr.aof', 'incremental'), part('a.aof.2.incr.aof', 'incremental')]);
  expect(load(disk.open(again.parts[0].path))).toMatchObject({ commands: [], cutAt: null, refusal: null });
});

test('a rewrite replaces what was before it, and keeps what came after', () => {
  const { disk, directory } = founded();
  const { base, increment } = beginRewrite(directory);
  expect(increment).toBe(`${SET}/a.aof.2.incr.aof`);
  directory.startIncrement();
  put(disk, base, 'REDIS0011');
  finishRewrite(directory, true);
  const parts = [
    part('a.aof.1.base.rdb', 'base', true),
    part('a.aof.2.incr.aof', 'incremental'),
    part('a.aof.3.incr.aof', 'incremental'),
  ];
  expect(directory.parts).toEqual(parts);
  disk.runPending();
  const again = directoryOn(disk);
  again.open();
  expect(again.parts).toEqual(parts);
  expect(disk.list(SET)).toEqual(['a.aof.1.base.rdb', 'a.aof.2.incr.aof', 'a.aof.3.incr.aof', 'a.aof.manifest']);
  const second = beginRewrite(again);
  put(disk, second.base, '');
  finishRewrite(again, false);
  disk.runPending();
  expect(manifestOf(disk)).toBe('file a.aof.2.base.aof seq 2 type b\nfile a.aof.4.incr.aof seq 4 type i\n');
});

test('a rewrite that is abandoned leaves its increment', () => {
  const { disk, directory } = founded();
  put(disk, beginRewrite(directory).base, 'half');
  directory.abandonRewrite();
  directory.abandonRewrite();
  disk.runPending();
  expect(disk.list(SET)).toEqual(['a.aof.1.incr.aof', 'a.aof.2.incr.aof', 'a.aof.manifest']);
  expect(() => finishRewrite(directory, false)).toThrow('given up');
});

test('one that is abandoned while another begins does the other no harm', () => {
  const { disk, directory } = founded();
  put(disk, beginRewrite(directory).base, 'half');
  directory.abandonRewrite();
  const { base } = beginRewrite(directory);
  put(disk, base, 'REDIS0011');
  disk.runPending(Infinity, new Random(1));
  finishRewrite(directory, true);
  disk.runPending();
  expect(disk.list(SET)).toEqual(['a.aof.1.base.rdb', 'a.aof.3.incr.aof', 'a.aof.manifest']);
});

test('a rewrite that starts anew changes nothing before its end', () => {
  const { disk, directory } = founded();
  const before = manifestOf(disk);
  beginRewrite(directory, true);
  expect(manifestOf(disk)).toBe(before);
  directory.abandonRewrite();
  disk.runPending();
  expect(disk.list(SET)).toEqual(['a.aof.1.incr.aof', 'a.aof.manifest']);
  const { base, increment } = beginRewrite(directory, true);
  const writer = new AofWriter(disk.append(increment));
  put(disk, base, '');
  finishRewrite(directory, false);
  writer.write(resp('SET a 1'), 0, resp('SET a 1').length, null);
  expect(directory.parts).toEqual([part('a.aof.1.base.aof', 'base'), part('a.aof.2.incr.aof', 'incremental')]);
  expect(load(disk.open(directory.parts[1].path)).commands).toEqual(['SET a 1']);
});

test('what is made for a rewrite is removed when it cannot begin', () => {
  for (const startsAnew of [false, true]) {
    const { disk, directory } = founded();
    const before = disk.list(SET);
    const failure = new CacheError('FILE_FAILED', 'no');
    let told: Error | null = null;
    directory.beginRewrite(
      startsAnew,
      () => ({ now: () => undefined, later: (done) => done(failure) }),
      (error) => (told = error),
    );
    disk.runPending();
    expect(told).toBe(failure);
    expect(disk.list(SET)).toEqual(before);
  }
});

test('a rewrite whose end fails is abandoned, and the next one does it', () => {
  for (const startsAnew of [false, true]) {
    for (const deed of ['rename', 'create', 'write', 'sync', 'syncDirectory'] as const) {
      const { disk, directory } = founded();
      put(disk, beginRewrite(directory, startsAnew).base, '');
      const { parts } = directory;
      disk.runPending();
      disk.failNext(deed, 'EIO');
      expect(() => finishRewrite(directory, false)).toThrow(CacheError);
      expect(directory.parts).toEqual(parts);
      disk.runPending();
      expect(disk.list(SET)).toHaveLength(parts.length + 1);
      put(disk, beginRewrite(directory).base, '');
      finishRewrite(directory, false);
      disk.runPending();
      const again = directoryOn(disk);
      again.open();
      expect(again.parts).toEqual(directory.parts);
      expect(directory.parts.map(({ kind }) => kind)).toEqual(['base', 'incremental']);
      expect(disk.list(SET)).toHaveLength(3);
    }
  }
});

test('a set that is closed is not touched any more', () => {
  const { disk, directory } = founded();
  put(disk, beginRewrite(directory).base, '');
  disk.runPending();
  for (let deeds = 0; deeds < 4; deeds++) disk.runPending(1);
  directory.finishRewrite(false, () => expect.fail('nobody is told'));
  directory.close();
  const before = disk.list(SET);
  disk.runPending();
  expect(disk.list(SET)).toEqual(before);
  expect(directoryOn(disk).open()).toBe(true);
});

test('temporary files and history are removed, others are left alone', () => {
  const { disk } = founded();
  for (const name of [
    'temp-a.aof.base',
    'temp-a.aof.incr',
    'temp-a.aof.manifest',
    'temp-a.aof.12.base',
    'temp-b',
    'old',
    'a.aof.9.incr.aof',
  ]) {
    put(disk, `${SET}/${name}`, 'x');
  }
  put(disk, `${SET}/a.aof.manifest`, `file old seq 1 type h\n${manifestOf(disk)}`);
  directoryOn(disk).open();
  expect(disk.list(SET)).toEqual(['a.aof.1.incr.aof', 'a.aof.9.incr.aof', 'a.aof.manifest', 'temp-b']);
  expect(manifestOf(disk)).toBe('file a.aof.1.incr.aof seq 1 type i\n');
});

describe('refused is', () => {
  test('a manifest that names what is not there', () => {
    for (const kind of ['b', 'i']) {
      const disk = newDisk();
      disk.makeDirectory(SET);
      put(disk, `${SET}/a.aof.manifest`, `file gone seq 1 type ${kind}\n`);
      expect(() => directoryOn(disk).open()).toThrow("names the file 'gone'");
    }
  });

  test('a manifest that is gone, or empty', () => {
    const { disk } = founded();
    disk.remove(`${SET}/a.aof.manifest`);
    expect(() => directoryOn(disk).open()).toThrow("has the file 'a.aof.1.incr.aof', but the manifest");
    put(disk, `${SET}/a.aof.manifest`, '');
    expect(() => directoryOn(disk).open()).toThrow('the manifest is empty');
  });
});

describe('a single file of before Redis 7', () => {
  test('becomes the base, whatever moment the machine stops at', () => {
    for (const text of ['*1\r\n$4\r\nPING\r\n', 'REDIS0009...']) {
      for (let deeds = 0; ; deeds++) {
        const disk = newDisk();
        put(disk, '/a.aof', text);
        disk.crashAfter(deeds === 0 ? Infinity : deeds);
        try {
          expect(directoryOn(disk).open()).toBe(true);
          expect(disk.list('/')).toEqual(['appendonlydir']);
          if (deeds > 0) break;
        } catch {
          const survivor = disk.crash(new Random(deeds), 'process');
          const directory = directoryOn(survivor);
          expect(directory.open()).toBe(true);
          expect(directory.parts).toEqual([part('a.aof', 'base', text.startsWith('REDIS'))]);
          expect(bytesOf(survivor, `${SET}/a.aof`).toString()).toBe(text);
        }
      }
    }
  });

  test('is left where it is if there is a set already', () => {
    const { disk, directory } = founded();
    put(disk, '/a.aof', 'old');
    const again = directoryOn(disk);
    again.open();
    expect(again.parts).toEqual(directory.parts);
    expect(disk.size('/a.aof')).toBe(3);
  });
});

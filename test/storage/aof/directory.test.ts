/**
 * The set of files: how it changes, what is refused, and what an old Redis leaves.
 */
import { describe, expect, test } from 'vitest';
import { CacheError, Random, silentLog } from '../../../src/base';
import type { SimulatedDisk } from '../../../src/sim';
import { AofDirectory } from '../../../src/storage/aof/directory';
import { AofWriter } from '../../../src/storage/aof/writer';
import { bytesOf, load, newDisk, resp } from './files';

const SET = '/appendonlydir';

function directoryOn(disk: SimulatedDisk): AofDirectory {
  return new AofDirectory(disk, { directory: '', dirname: 'appendonlydir', filename: 'a.aof', log: silentLog });
}

function put(disk: SimulatedDisk, path: string, text: string): void {
  const file = disk.create(path);
  file.write(Buffer.from(text), 0, text.length);
  file.close();
}

function manifestOf(disk: SimulatedDisk): string {
  return bytesOf(disk, `${SET}/a.aof.manifest`).toString();
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
  const disk = newDisk();
  const directory = directoryOn(disk);
  directory.open();
  directory.startIncrement();
  const { base, increment } = directory.beginRewrite();
  expect(increment).toBe(`${SET}/a.aof.2.incr.aof`);
  directory.startIncrement();
  put(disk, base, 'REDIS0011');
  directory.finishRewrite(true);
  const parts = [
    part('a.aof.1.base.rdb', 'base', true),
    part('a.aof.2.incr.aof', 'incremental'),
    part('a.aof.3.incr.aof', 'incremental'),
  ];
  expect(directory.parts).toEqual(parts);
  const again = directoryOn(disk);
  again.open();
  expect(again.parts).toEqual(parts);
  expect(disk.list(SET)).toEqual(['a.aof.1.base.rdb', 'a.aof.2.incr.aof', 'a.aof.3.incr.aof', 'a.aof.manifest']);
  const second = again.beginRewrite();
  put(disk, second.base, '');
  again.finishRewrite(false);
  expect(manifestOf(disk)).toBe('file a.aof.2.base.aof seq 2 type b\nfile a.aof.4.incr.aof seq 4 type i\n');
});

test('a rewrite that is abandoned leaves its increment', () => {
  const disk = newDisk();
  const directory = directoryOn(disk);
  directory.open();
  directory.startIncrement();
  put(disk, directory.beginRewrite().base, 'half');
  expect(directory.isRewriting).toBe(true);
  directory.abandonRewrite();
  expect(directory.isRewriting).toBe(false);
  expect(disk.list(SET)).toEqual(['a.aof.1.incr.aof', 'a.aof.2.incr.aof', 'a.aof.manifest']);
});

test('a rewrite that starts anew changes nothing before its end', () => {
  const disk = newDisk();
  const directory = directoryOn(disk);
  directory.open();
  directory.startIncrement();
  const before = manifestOf(disk);
  const first = directory.beginRewrite(true);
  expect(manifestOf(disk)).toBe(before);
  directory.abandonRewrite();
  expect(disk.list(SET)).toEqual(['a.aof.1.incr.aof', 'a.aof.manifest']);
  const { base, increment } = directory.beginRewrite(true);
  expect({ base, increment }).toEqual(first);
  const writer = new AofWriter(disk.append(increment));
  put(disk, base, '');
  directory.finishRewrite(false);
  writer.write(resp('SET a 1'), 0, resp('SET a 1').length, null);
  expect(directory.parts).toEqual([part('a.aof.1.base.aof', 'base'), part('a.aof.2.incr.aof', 'incremental')]);
  expect(load(disk.open(directory.parts[1].path)).commands).toEqual(['SET a 1']);
});

test('a rewrite whose end fails can be ended by another try, or abandoned', () => {
  for (const isAbandoned of [false, true]) {
    for (const deed of ['rename', 'create', 'write', 'sync', 'syncDirectory'] as const) {
      const disk = newDisk();
      const directory = directoryOn(disk);
      directory.open();
      directory.startIncrement();
      put(disk, directory.beginRewrite().base, '');
      disk.failNext(deed, 'EIO');
      expect(() => directory.finishRewrite(false)).toThrow(CacheError);
      expect(directory.isRewriting).toBe(true);
      if (isAbandoned) directory.abandonRewrite();
      else directory.finishRewrite(false);
      const again = directoryOn(disk);
      again.open();
      expect(again.parts).toEqual(directory.parts);
      expect(directory.parts.map(({ kind }) => kind)).toEqual([isAbandoned ? 'incremental' : 'base', 'incremental']);
      expect(disk.list(SET)).toHaveLength(3);
    }
  }
});

test('temporary files and history are removed, others are left alone', () => {
  const disk = newDisk();
  const directory = directoryOn(disk);
  directory.open();
  directory.startIncrement();
  for (const name of [
    'temp-a.aof.base',
    'temp-a.aof.incr',
    'temp-a.aof.manifest',
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
    const disk = newDisk();
    const directory = directoryOn(disk);
    directory.open();
    directory.startIncrement();
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
    const disk = newDisk();
    const directory = directoryOn(disk);
    directory.open();
    directory.startIncrement();
    put(disk, '/a.aof', 'old');
    const again = directoryOn(disk);
    again.open();
    expect(again.parts).toEqual(directory.parts);
    expect(disk.size('/a.aof')).toBe(3);
  });
});

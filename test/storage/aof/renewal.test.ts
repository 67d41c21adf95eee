/**
 * What makes a file durable that was read after somebody's sync had failed; and what a seal is.
 */
import { expect, test } from 'vitest';
import { Random, silentLog } from '../../../src/base';
import { DiskCrash, type SimulatedDisk } from '../../../src/sim';
import { AofDirectory } from '../../../src/storage/aof/directory';
import { AofWriter } from '../../../src/storage/aof/writer';
import { bytesOf, fileOf, load, newDisk, resp } from './files';

const DIRECTORY = 'set';
const LAST = `${DIRECTORY}/a.1.incr.aof`;

function openSet(disk: SimulatedDisk): AofDirectory {
  const directory = new AofDirectory(disk, { directory: '.', dirname: DIRECTORY, filename: 'a', log: silentLog });
  directory.open();
  return directory;
}

/** A disk that shows what it has not, as a sync has failed. */
function deceptiveDisk(seed: number): SimulatedDisk {
  const disk = newDisk(seed);
  const writer = new AofWriter(disk.append(openSet(disk).startIncrement()));
  const command = resp(`SET key ${'x'.repeat(1500)}`);
  writer.write(command, 0, command.length, null);
  disk.failNext('sync', 'EIO');
  expect(() => writer.sync()).toThrow('cannot sync');
  return disk.crash(new Random(seed), 'process');
}

test('another sync does not bring back what one has lost, and a renewal does', () => {
  const disk = deceptiveDisk(1);
  const bytes = bytesOf(disk, LAST);
  disk.append(LAST).sync();
  expect(bytesOf(disk.crash(new Random(1), 'power'), LAST)).not.toEqual(bytes);
  openSet(disk).renewLast(null);
  const survivor = disk.crash(new Random(1), 'power');
  expect(bytesOf(survivor, LAST)).toEqual(bytes);
  expect(survivor.list(DIRECTORY)).toEqual(['a.1.incr.aof', 'a.manifest']);
});

test('wherever a renewal stops, or fails, nothing that can be read is lost', () => {
  for (let stop = 1, isOver = false; !isOver; stop++) {
    const disk = deceptiveDisk(stop);
    const bytes = bytesOf(disk, LAST);
    const directory = openSet(disk);
    disk.crashAfter(stop);
    try {
      directory.renewLast(null);
      isOver = true;
    } catch (error) {
      expect(error).toBeInstanceOf(DiskCrash);
    }
    const survivor = disk.crash(new Random(stop), 'process');
    openSet(survivor);
    expect(bytesOf(survivor, LAST)).toEqual(bytes);
    expect(survivor.list(DIRECTORY)).toEqual(['a.1.incr.aof', 'a.manifest']);
  }
  for (const deed of ['create', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
    const disk = deceptiveDisk(1);
    const bytes = bytesOf(disk, LAST);
    const directory = openSet(disk);
    disk.failNext(deed, 'EIO');
    expect(() => directory.renewLast(null)).toThrow('Input/output error');
    expect(bytesOf(disk, LAST)).toEqual(bytes);
    expect(disk.list(DIRECTORY)).toEqual(['a.1.incr.aof', 'a.manifest']);
  }
});

test('a seal is an empty batch at the end before which all is durable', () => {
  const full = { commands: ['SET a 1'], isSynced: true };
  const empty = { commands: [] };
  const end = fileOf([full]).length;
  const sealed = fileOf([full, empty]);
  expect(load(sealed)).toMatchObject({ sealStart: end, refusal: null });
  // What is torn goes, and the seal before it stays.
  expect(load(fileOf([full, empty, full]).subarray(0, sealed.length + 20))).toMatchObject({
    sealStart: end,
    cutAt: sealed.length,
  });
  for (const batches of [
    [full],
    [empty],
    [full, empty, full],
    [{ ...full, isSynced: false }, empty],
    [full, full, { commands: ['SET b 2'] }],
  ]) {
    expect(load(fileOf(batches))).toMatchObject({ sealStart: null, refusal: null });
  }
  expect(load(sealed.subarray(0, -1))).toMatchObject({ sealStart: null, cutAt: end });
  expect(load(Buffer.concat([sealed, resp('SET a 2')]))).toMatchObject({ sealStart: null, endsWithBatch: false });
});

test('a seal that is cut off leaves all before it', () => {
  const disk = newDisk();
  const path = openSet(disk).startIncrement();
  const writer = new AofWriter(disk.append(path));
  const command = resp('SET a 1');
  writer.write(command, 0, command.length, null);
  writer.sync();
  const before = bytesOf(disk, path);
  writer.write(command, 0, 0, null);
  openSet(disk).renewLast(before.length);
  expect(bytesOf(disk.crash(new Random(1), 'power'), path)).toEqual(before);
});

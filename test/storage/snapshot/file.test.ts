/**
 * A snapshot on its way into a file: whole and durable when it says so, gone where it fails, and never more of it in memory
 * than the disk is behind.
 */
import { describe, expect, test } from 'vitest';
import { Bytes, Random } from '../../../src/base';
import { defaultProtocolLimits } from '../../../src/resp';
import { SimulatedDisk } from '../../../src/sim';
import {
  AofLoader,
  Digests,
  Keyspace,
  NO_EXPIRY,
  RdbLoader,
  SnapshotFile,
  Strings,
  type SnapshotOptions,
} from '../../../src/storage';

const PATH = './snapshot';
const OPTIONS: SnapshotOptions = {
  kind: 'rdb',
  compresses: true,
  checksum: true,
  version: 10,
  aux: [['redis-ver', '7.2.5']],
  functions: [],
};
const ALWAYS = (): boolean => true;
const NEVER = (): boolean => false;

function keyspaceOf(count: number, textBytes = 20): Keyspace {
  const keyspace = new Keyspace({ random: new Random(1) });
  keyspace.setTime(1000);
  const strings = new Strings(keyspace);
  for (let i = 0; i < count; i++) {
    strings.set(keyspace.database(0), Bytes.of(`key:${i}`), Bytes.of(String(i).padEnd(textBytes, 'x')), NO_EXPIRY);
  }
  return keyspace;
}

/** A snapshot, and what became of it. */
function begin(keyspace: Keyspace, disk: SimulatedDisk, options = OPTIONS) {
  const outcome: { error: Error | null | undefined } = { error: undefined };
  const file = new SnapshotFile(keyspace, disk, PATH, options, (error) => (outcome.error = error));
  return { file, outcome };
}

function digestOfFile(disk: SimulatedDisk): string {
  const keyspace = new Keyspace({ random: new Random(2) });
  keyspace.setTime(1000);
  const loader = new RdbLoader(keyspace, disk.open(PATH), { keepsExpired: true });
  while (!loader.step(NEVER));
  return new Digests(keyspace).ofAll();
}

describe('a snapshot file', () => {
  test('is whole and survives a loss of power when it is done', () => {
    const keyspace = keyspaceOf(5000);
    const disk = new SimulatedDisk(new Random(1));
    const { file, outcome } = begin(keyspace, disk);
    while (outcome.error === undefined) {
      file.run(ALWAYS);
      disk.runPending();
    }
    expect(outcome.error).toBeNull();
    expect(file.isWalking).toBe(false);
    disk.syncDirectory('.');
    expect(digestOfFile(disk.crash(new Random(3), 'power'))).toBe(new Digests(keyspace).ofAll());
  });

  test('may be written at once', () => {
    const keyspace = keyspaceOf(5000, 300);
    const disk = new SimulatedDisk(new Random(1));
    begin(keyspace, disk).file.runToEnd();
    expect(digestOfFile(disk)).toBe(new Digests(keyspace).ofAll());
    expect(keyspace.walks.isAny).toBe(false);
  });

  test('waits for a disk that is behind', () => {
    const keyspace = keyspaceOf(40_000, 1000);
    const disk = new SimulatedDisk(new Random(1));
    const { file } = begin(keyspace, disk, { ...OPTIONS, compresses: false });
    for (let i = 0; i < 1000; i++) file.run(forAWhile());
    const { keysDone } = file;
    expect(keysDone).toBeGreaterThan(0);
    expect(keysDone).toBeLessThan(20_000);
    for (let i = 0; i < 100; i++) file.run(forAWhile());
    expect(file.keysDone).toBe(keysDone);
    disk.runPending();
    file.run(ALWAYS);
    expect(file.keysDone).toBeGreaterThan(keysDone);
    file.abandon();
  });

  test.each(['writeLater', 'syncLater'] as const)('is removed where the disk fails (%s)', (deed) => {
    const keyspace = keyspaceOf(5000);
    const disk = new SimulatedDisk(new Random(1));
    const { file, outcome } = begin(keyspace, disk);
    disk.failNext(deed === 'writeLater' ? 'write' : 'sync', 'EIO');
    while (outcome.error === undefined) {
      file.run(ALWAYS);
      disk.runPending();
    }
    expect(outcome.error?.message).toContain('Input/output error');
    expect(disk.size(PATH)).toBeNull();
    expect(keyspace.walks.isAny).toBe(false);
    expect(keyspace.observer).toBeNull();
  });

  test('is removed where it is abandoned, also while a block is under way', () => {
    const keyspace = keyspaceOf(5000, 300);
    const disk = new SimulatedDisk(new Random(1));
    const { file, outcome } = begin(keyspace, disk);
    for (let i = 0; i < 20; i++) file.run(ALWAYS);
    file.abandon();
    disk.runPending();
    expect(outcome.error).toBeUndefined();
    expect(disk.size(PATH)).toBeNull();
    expect(keyspace.walks.isAny).toBe(false);
  });

  test('of commands consists of batches with their CRC', () => {
    const keyspace = keyspaceOf(3000);
    const disk = new SimulatedDisk(new Random(1));
    begin(keyspace, disk, { ...OPTIONS, kind: 'commands' }).file.runToEnd();
    expect(commandsIn(disk)).toBe(1 + 3000);
    disk.flip(PATH, 8 * 1000 + 3);
    expect(() => commandsIn(disk)).toThrow(expect.objectContaining({ code: 'BAD_AOF' }));
  });
});

function commandsIn(disk: SimulatedDisk): number {
  let count = 0;
  const loader = new AofLoader(
    disk.open(PATH),
    { path: PATH, from: 0, mayBeCut: false, limits: defaultProtocolLimits() },
    () => void count++,
  );
  while (!loader.step(NEVER));
  return count;
}

/** Time for many keys, though not for all. */
function forAWhile(): () => boolean {
  let looks = 0;
  return () => ++looks > 4;
}

/**
 * Writing: batches, what is known to be durable, and disks that fail.
 */
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/base';
import { AofWriter } from '../../../src/storage/aof/writer';
import { bytesOf, fileOf, load, newDisk, PATH, resp } from './files';

function write(writer: AofWriter, line: string): void {
  const bytes = Buffer.concat([Buffer.from('xx'), resp(line), Buffer.from('yy')]);
  writer.write(bytes, 2, bytes.length - 2, null);
}

test('a batch looks like this', () => {
  const text = fileOf([
    { commands: ['SET a 1'], isSynced: true },
    { commands: ['PING'], unixSeconds: 1700000000 },
  ]).toString();
  expect(text.replace(/[0-9a-f]{16}/g, 'crc')).toBe(
    '#SYNC:0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n#CRC:crc 36\r\n' +
      '#SYNC:62\r\n#TS:1700000000\r\n*1\r\n$4\r\nPING\r\n#CRC:crc 40\r\n',
  );
});

test('a batch is one write, however long', () => {
  const disk = newDisk();
  const writer = new AofWriter(disk.append(PATH));
  const before = disk.deeds;
  write(writer, `SET a ${'x'.repeat(1_000_000)}`);
  write(writer, 'SET b 1');
  expect(disk.deeds - before).toBe(2);
  expect(load(bytesOf(disk, PATH)).commands).toHaveLength(2);
});

test('a file is gone on with', () => {
  const disk = newDisk();
  const first = new AofWriter(disk.append(PATH));
  write(first, 'SET a 1');
  first.close();
  const second = new AofWriter(disk.append(PATH));
  expect(second.writtenBytes).toBe(first.writtenBytes);
  expect(second.syncedBytes).toBe(0);
  write(second, 'SET b 2');
  expect(load(bytesOf(disk, PATH))).toMatchObject({ commands: ['SET a 1', 'SET b 2'], cutAt: null, refusal: null });
});

describe('a disk that fails', () => {
  test('leaves nothing of a batch, and needs no more than another try', () => {
    const disk = newDisk();
    const writer = new AofWriter(disk.append(PATH));
    write(writer, 'SET a 1');
    const { writtenBytes } = writer;
    disk.capacityBytes = writtenBytes + 20;
    expect(() => write(writer, 'SET b 2')).toThrow(CacheError);
    expect(disk.size(PATH)).toBe(writtenBytes);
    expect(writer.writtenBytes).toBe(writtenBytes);
    disk.capacityBytes = Infinity;
    write(writer, 'SET c 3');
    expect(load(bytesOf(disk, PATH))).toMatchObject({ commands: ['SET a 1', 'SET c 3'], cutAt: null, refusal: null });
  });

  test('so that it cannot even be cut back, is cut back before the next write', () => {
    const disk = newDisk();
    const writer = new AofWriter(disk.append(PATH));
    write(writer, 'SET a 1');
    disk.capacityBytes = writer.writtenBytes + 20;
    disk.failNext('truncate', 'EIO');
    expect(() => write(writer, 'SET b 2')).toThrow('No space left');
    expect(load(bytesOf(disk, PATH)).cutAt).toBe(writer.writtenBytes);
    disk.capacityBytes = Infinity;
    disk.failNext('truncate', 'EIO');
    expect(() => write(writer, 'SET c 3')).toThrow(CacheError);
    write(writer, 'SET d 4');
    expect(load(bytesOf(disk, PATH))).toMatchObject({ commands: ['SET a 1', 'SET d 4'], cutAt: null, refusal: null });
  });

  test('to sync is never believed again', () => {
    const disk = newDisk();
    const writer = new AofWriter(disk.append(PATH));
    write(writer, 'SET a 1');
    disk.failNext('sync', 'EIO');
    expect(() => writer.sync()).toThrow(CacheError);
    expect(() => writer.sync()).toThrow(CacheError);
    let answer: Error | null = null;
    writer.syncLater((error) => (answer = error));
    disk.runPending();
    expect(String(answer)).toContain('cannot sync');
    expect(writer.syncedBytes).toBe(0);
  });
});

test('a later sync counts for what was written before it', () => {
  const disk = newDisk();
  const writer = new AofWriter(disk.append(PATH));
  write(writer, 'SET a 1');
  const { writtenBytes } = writer;
  const answers: (Error | null)[] = [];
  writer.syncLater((error) => answers.push(error));
  write(writer, 'SET b 2');
  expect(writer.syncedBytes).toBe(0);
  disk.runPending();
  expect(answers).toEqual([null]);
  expect(writer.syncedBytes).toBe(writtenBytes);
  write(writer, 'SET c 3');
  expect(bytesOf(disk, PATH).toString()).toContain(`#SYNC:${writtenBytes}\r\n`);
});

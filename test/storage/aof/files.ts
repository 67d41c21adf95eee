/**
 * What the tests of append-only files share: a disk, files made of batches, and what a loader says of them.
 */
import { CacheError, Random, type ReadableFile } from '../../../src/base';
import { defaultProtocolLimits, encodeCommand, type ReceivedCommand } from '../../../src/resp';
import { SimulatedDisk } from '../../../src/sim';
import type { AofDirectory, RewritePaths } from '../../../src/storage/aof/directory';
import type { Done } from '../../../src/storage/aof/deeds';
import { AofLoader } from '../../../src/storage/aof/loader';
import { AofWriter } from '../../../src/storage/aof/writer';
import type { StreamPlace } from '../../../src/storage';

export const PATH = '/file.aof';

export function newDisk(seed = 1): SimulatedDisk {
  return new SimulatedDisk(new Random(seed));
}

/** A command in RESP from words divided by blanks. */
export function resp(line: string): Buffer {
  return encodeCommand(line.split(' '));
}

/** One batch of a file: its commands, and whether the file is synced after it. */
export interface Batch {
  readonly commands: readonly string[];
  readonly isSynced?: boolean;
  readonly unixSeconds?: number | undefined;
  readonly place?: StreamPlace;
}

/** The bytes of a file of ours; behind `before`, if given. */
export function fileOf(batches: readonly Batch[], before: Uint8Array = Buffer.alloc(0)): Buffer {
  const disk = newDisk();
  const file = disk.append(PATH);
  if (before.length > 0) file.write(before, 0, before.length);
  const writer = new AofWriter(file);
  for (const { commands, isSynced = false, unixSeconds = null, place = null } of batches) {
    const bytes = Buffer.concat(commands.map(resp));
    writer.write(bytes, 0, bytes.length, unixSeconds, place);
    if (isSynced) writer.sync();
  }
  return bytesOf(disk, PATH);
}

export function bytesOf(disk: SimulatedDisk, path: string): Buffer {
  const file = disk.open(path);
  const bytes = Buffer.alloc(file.size);
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}

/** Begins a rewrite at once, of a set that nobody writes to. */
export function beginRewrite(directory: AofDirectory, startsAnew = false): RewritePaths {
  let paths: RewritePaths | null = null;
  const settle = (given: RewritePaths): { now: () => void; later: (done: Done) => void } => {
    paths = given;
    return { now: () => undefined, later: (done) => done(null) };
  };
  atOnce(directory, (done) => directory.beginRewrite(startsAnew, settle, done));
  return paths!;
}

/** Ends it at once. */
export function finishRewrite(directory: AofDirectory, isRdb: boolean): void {
  atOnce(directory, (done) => directory.finishRewrite(isRdb, done));
}

function atOnce(directory: AofDirectory, begin: (done: Done) => void): void {
  let outcome: Error | null | undefined;
  begin((error) => (outcome = error));
  directory.hurry(() => outcome !== undefined);
  if (outcome !== null) throw outcome;
}

/** Bytes as a file that is read. */
export function readable(bytes: Uint8Array): ReadableFile {
  return {
    size: bytes.length,
    read(into, start, end, position) {
      const part = bytes.subarray(position, position + end - start);
      into.set(part, start);
      return part.length;
    },
    close: () => {},
  };
}

export interface Outcome {
  readonly commands: string[];
  readonly cutAt: number | null;
  readonly refusal: string | null;
  readonly endsWithBatch: boolean;
  readonly sealStart: number | null;
  readonly place: StreamPlace | null;
}

export interface LoadOptions {
  readonly mayBeCut?: boolean;
  readonly from?: number;
  /** What was said of the data before the file. */
  readonly placeBefore?: StreamPlace;
}

/** What comes of loading these bytes, in slices that are as short as can be. */
export function load(
  bytes: Uint8Array | ReadableFile,
  { mayBeCut = true, from = 0, placeBefore }: LoadOptions = {},
): Outcome {
  const commands: string[] = [];
  const file = bytes instanceof Uint8Array ? readable(bytes) : bytes;
  const options = { path: PATH, from, mayBeCut, limits: defaultProtocolLimits() };
  const loader = new AofLoader(file, options, (command) => commands.push(textOf(command)), placeBefore);
  let refusal: string | null = null;
  try {
    while (!loader.step(() => true));
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'BAD_AOF') throw error;
    refusal = error.message;
  }
  const { cutAt, endsWithBatch, sealStart, place } = loader;
  return { commands, cutAt, refusal, endsWithBatch, sealStart, place };
}

export function textOf({ argc, buffer, starts, ends }: ReceivedCommand): string {
  return Array.from({ length: argc }, (_, i) =>
    Buffer.from(buffer.subarray(starts[i], ends[i])).toString('latin1'),
  ).join(' ');
}

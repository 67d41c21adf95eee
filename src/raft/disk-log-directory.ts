/**
 * The directory of a disk log, as a start finds it: whose it is, what is in it, and what of it can be relied on.
 *
 * The order in which a directory comes to be tells a beginning from a loss: the identity is the first thing to become durable, the
 * first segment the second, everything else follows. So what is there without an identity has lost it and is refused.
 * A file that must be whole or not there at all (identity, snapshot, the copy of the last segment) is written under another name, synced,
 * then renamed.
 */
import { join } from 'node:path';
import { assert, CacheError, type Files, type Random } from '../base';
import {
  badLog,
  decodeIdentity,
  decodeSavedSnapshot,
  encodeIdentity,
  encodeRecord,
  readRecord,
  type RecordKind,
} from './disk-log-format';
import { replaySegments, type Replay, type SegmentFile } from './disk-log-replay';
import type { HardState, NodeId, Snapshot } from './types';

const SEGMENT_NAME = /^segment-(\d{10})$/;
const SEGMENT_DIGITS = 10;

/** What a start has to go on with. */
export interface LoadedDirectory {
  readonly incarnation: string;
  readonly replay: Replay;
  readonly saved: { readonly snapshot: Snapshot; readonly hardState: HardState } | null;
  /** Removes what does not count: to be called when all that does is durable. */
  readonly finish: () => void;
}

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(SEGMENT_DIGITS, '0')}`;
}

export function namesOf(directory: string): Record<'identity' | 'snapshot' | 'snapshotDraft' | 'draft', string> {
  return {
    identity: join(directory, 'identity'),
    snapshot: join(directory, 'snapshot'),
    snapshotDraft: join(directory, 'snapshot.new'),
    draft: join(directory, 'draft.new'),
  };
}

/**
 * Reads all of it, makes durable what counts, and begins one that is empty, short of its first segment.
 * @throws CacheError BAD_LOG, FILE_FAILED
 */
export function loadDirectory(files: Files, directory: string, id: NodeId, random: Random): LoadedDirectory {
  const names = namesOf(directory);
  // What this start sees is what it builds on, so the next one must see it too.
  files.syncDirectory(directory);
  const found = files.list(directory).filter((name) => SEGMENT_NAME.test(name));
  const isNew = files.size(names.identity) === null;
  if (isNew && (found.length > 0 || files.size(names.snapshot) !== null)) {
    throw badLog(names.identity, 0, 'it is missing, but a log is there');
  }
  const incarnation = isNew ? random.identifier() : incarnationOf(files, names.identity, id);
  if (isNew) {
    const identity = encodeRecord(LONE_PLACE, 'identity', 0, 0, encodeIdentity({ id, incarnation }));
    replaceFile(files, directory, names.identity, identity);
  }
  const saved = readSnapshotFile(files, names.snapshot, incarnation);
  const segments = found.map((name): SegmentFile => {
    const path = join(directory, name);
    return { number: Number(name.slice(-SEGMENT_DIGITS)), path, bytes: readWhole(files, path) };
  });
  const replay = replaySegments(segments, incarnation);
  checkComplete(replay, saved?.snapshot ?? null, names.snapshot, segments);
  const oldest = replay.segments[0]?.number ?? 0;
  const last = replay.segments[replay.segments.length - 1]?.number;
  const copied = segments.find(({ number }) => number === last);
  if (copied !== undefined) replaceFile(files, directory, copied.path, copied.bytes.subarray(0, replay.end));
  return {
    incarnation,
    replay,
    saved,
    finish() {
      for (const { number, path } of segments) if (number < oldest) files.remove(path);
      files.remove(names.draft);
      files.remove(names.snapshotDraft);
    },
  };
}

/** Every entry after the snapshot must be there, and the snapshot that the log builds on. */
function checkComplete(
  replay: Replay,
  snapshot: Snapshot | null,
  snapshotPath: string,
  files: readonly SegmentFile[],
): void {
  const { base } = replay.held;
  if (replay.segments.length === 0) {
    const isNew = snapshot === null && files.every(({ number }) => number === 1);
    if (!isNew) throw badLog(snapshotPath, 0, 'the log that belongs to it is missing');
    return;
  }
  const { index, term } = snapshot ?? { index: 0, term: 0 };
  if (index < base.index || (index === base.index && term !== base.term)) {
    throw badLog(snapshotPath, 0, `the log builds on another one, of entry ${base.index}`);
  }
  if (!replay.held.isComplete) throw badLog(files[0].path, 0, 'entries before it are missing');
}

const LONE_PLACE = { incarnation: '', segment: 0, offset: 0 };

function incarnationOf(files: Files, path: string, id: NodeId): string {
  const { id: owner, incarnation } = loneRecord(files, path, '', 'identity', decodeIdentity);
  if (owner !== id)
    throw new CacheError('BAD_LOG', `'${path}' says that this is the log of node ${owner}, not of node ${id}`);
  return incarnation;
}

function readSnapshotFile(files: Files, path: string, incarnation: string): LoadedDirectory['saved'] {
  if (files.size(path) === null) return null;
  return loneRecord(files, path, incarnation, 'snapshot', decodeSavedSnapshot);
}

/** What a file that is one record holds. */
function loneRecord<T>(
  files: Files,
  path: string,
  incarnation: string,
  kind: RecordKind,
  decode: (body: Uint8Array) => T,
): T {
  const bytes = readWhole(files, path);
  const record = readRecord(bytes, { ...LONE_PLACE, incarnation });
  if (record?.kind !== kind || record.end !== bytes.length)
    throw badLog(path, 0, 'it is not whole, or not of this life of the node');
  try {
    return decode(record.body);
  } catch (error) {
    assert(error instanceof CacheError, 'decoding fails in one way only');
    throw badLog(path, 0, error.message);
  }
}

/** Writes a file, or another in its place; durable when this returns. */
function replaceFile(files: Files, directory: string, path: string, bytes: Buffer): void {
  const { draft } = namesOf(directory);
  const file = files.create(draft);
  try {
    file.write(bytes, 0, bytes.length);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(draft, path);
  files.syncDirectory(directory);
}

function readWhole(files: Files, path: string): Buffer {
  const file = files.open(path);
  try {
    const bytes = Buffer.alloc(file.size);
    let length = 0;
    while (length < bytes.length) {
      const count = file.read(bytes, length, bytes.length, length);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    file.close();
  }
}

/**
 * The form of the Raft log on the disk: records in segments, and two files that are one record each.
 *
 *     identity             whose directory this is, and which life of it
 *     snapshot             the last snapshot that is whole
 *     segment-0000000001   a header, then saves and seals, in the order in which they were written
 *
 *     record = mark (4)  bytes of body (4)  sum of the record before (4)  synced to (4)  kind (1)  zeros (3)  sum (4)  body
 *
 * A *sum* is the CRC-32 of where the record stands (life of the directory, segment, offset), then its head, then its body. So a
 * record is proved by itself, one that was copied to another place is not one, a command whose bytes look like a record does not
 * pass for one (nobody outside knows the life), and the sums of those before make a chain in which nothing can be left out.
 *
 * *Synced to* tells how many bytes of the segment were known to be durable when the record was written. A **save** is what
 * one `append` brought: hard state and entries, all of it or nothing. A **seal** says nothing but how far all is synced; it is written,
 * not synced, after each sync, so that what was promised is told from what was only written. A **header** states the whole log
 * in short (hard state, where the snapshot ends, the last index), so segments before it are needed for their entries only.
 */
import { crc32 } from 'node:zlib';
import { CacheError } from '../base';
import { WireReader, WireWriter } from './wire-bytes';
import type { LogPlace } from './held-log';
import type { Entry, HardState, NodeId, Snapshot } from './types';
import { readEntries, readHardState, readSnapshot, writeEntries, writeHardState, writeSnapshot } from './wire';

/** Of the form described here. */
const FORMAT_VERSION = 1;
/** "SLRL". */
const RECORD_MARK = 0x534c524c;
export const RECORD_HEAD_BYTES = 24;
const SUM_AT = 20;
const INCARNATION_BYTES = 40;
/** Bytes of the header that each segment begins with. */
export const HEADER_BYTES = RECORD_HEAD_BYTES + 1 + INCARNATION_BYTES + 4 + 20 + 3 * 8;

const KINDS = ['header', 'save', 'seal', 'snapshot', 'identity'] as const;
export type RecordKind = (typeof KINDS)[number];

/** Which bytes a sum is for, besides the record's own. */
export interface RecordPlace {
  /** The life of the directory; empty in the two records that tell it. */
  readonly incarnation: string;
  /** Number of the segment; 0 of a file that is one record. */
  readonly segment: number;
  readonly offset: number;
}

export interface LogRecord {
  readonly kind: RecordKind;
  readonly previousSum: number;
  readonly syncedTo: number;
  readonly sum: number;
  readonly body: Uint8Array;
  /** Offset of the byte after it. */
  readonly end: number;
}

export interface SegmentHeader {
  readonly incarnation: string;
  /** Bytes of the segment before this one, up to which it was durable when this one began; 0 of the first. */
  readonly formerBytes: number;
  readonly hardState: HardState;
  readonly base: LogPlace;
  readonly lastIndex: number;
}

/** Whose directory it is. */
export interface LogIdentity {
  readonly id: NodeId;
  readonly incarnation: string;
}

/** What is in a file cannot be relied on. `offset` is where it begins to be so. */
export function badLog(path: string, offset: number, reason: string): CacheError {
  const advice = 'this node must not vote again: empty its directory and let it join under a new id';
  return new CacheError('BAD_LOG', `'${path}' is damaged at byte ${offset}: ${reason}; ${advice}`);
}

export function encodeRecord(
  place: RecordPlace,
  kind: RecordKind,
  previousSum: number,
  syncedTo: number,
  body: Uint8Array,
): Buffer {
  const record = Buffer.alloc(RECORD_HEAD_BYTES + body.length);
  record.writeUInt32BE(RECORD_MARK, 0);
  record.writeUInt32BE(body.length, 4);
  record.writeUInt32BE(previousSum, 8);
  record.writeUInt32BE(syncedTo, 12);
  record[16] = KINDS.indexOf(kind);
  record.set(body, RECORD_HEAD_BYTES);
  record.writeUInt32BE(sumOf(record, 0, record.length, place), SUM_AT);
  return record;
}

/** The sum of a record that was just made: what the next one refers to. */
export function sumIn(record: Buffer): number {
  return record.readUInt32BE(SUM_AT);
}

/**
 * The record at `place.offset` of a file; null where there is none, or one with a wrong sum. Its body is a view.
 * `isTrusting`: does not look at the sum (a bug that tests plant).
 */
export function readRecord(bytes: Buffer, place: RecordPlace, isTrusting = false): LogRecord | null {
  const { offset } = place;
  if (offset + RECORD_HEAD_BYTES > bytes.length || bytes.readUInt32BE(offset) !== RECORD_MARK) return null;
  const end = offset + RECORD_HEAD_BYTES + bytes.readUInt32BE(offset + 4);
  const kind = KINDS[bytes[offset + 16]];
  if (end > bytes.length || kind === undefined) return null;
  const sum = bytes.readUInt32BE(offset + SUM_AT);
  if (!isTrusting && sum !== sumOf(bytes, offset, end, place)) return null;
  return {
    kind,
    previousSum: bytes.readUInt32BE(offset + 8),
    syncedTo: bytes.readUInt32BE(offset + 12),
    sum,
    body: bytes.subarray(offset + RECORD_HEAD_BYTES, end),
    end,
  };
}

/** Whether a record that is whole stands anywhere from `from` on and says that bytes past `offset` were synced. */
export function isVouchedFor(bytes: Buffer, place: RecordPlace, from: number): boolean {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(RECORD_MARK, 0);
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const record = readRecord(bytes, { ...place, offset: at });
    if (record !== null && record.syncedTo > place.offset) return true;
  }
  return false;
}

export function encodeHeader({ incarnation, formerBytes, hardState, base, lastIndex }: SegmentHeader): Uint8Array {
  const writer = new WireWriter();
  writer.byte(FORMAT_VERSION);
  writer.raw(Buffer.from(incarnation, 'latin1'));
  writer.uint32(formerBytes);
  writeHardState(writer, hardState);
  writer.integer(base.index);
  writer.integer(base.term);
  writer.integer(lastIndex);
  return writer.finish();
}

/** @throws CacheError BAD_MESSAGE, as all `decode` here do */
export function decodeHeader(body: Uint8Array): SegmentHeader {
  const reader = new WireReader(body);
  checkVersion(reader);
  const header = {
    incarnation: readIncarnation(reader),
    formerBytes: reader.uint32(),
    hardState: readHardState(reader),
    base: { index: reader.integer(), term: reader.integer() },
    lastIndex: reader.integer(),
  };
  reader.finish();
  return header;
}

export function encodeSave(hardState: HardState | null, entries: readonly Entry[]): Uint8Array {
  const writer = new WireWriter();
  writer.flag(hardState !== null);
  if (hardState !== null) writeHardState(writer, hardState);
  writeEntries(writer, entries);
  return writer.finish();
}

export function decodeSave(body: Uint8Array): { hardState: HardState | null; entries: Entry[] } {
  const reader = new WireReader(body);
  const hardState = reader.flag() ? readHardState(reader) : null;
  const entries = readEntries(reader);
  reader.finish();
  return { hardState, entries };
}

/** A snapshot with the hard state that it came with, for the case that nothing else of it gets to the disk. */
export function encodeSavedSnapshot(snapshot: Snapshot, hardState: HardState): Uint8Array {
  const writer = new WireWriter();
  writer.byte(FORMAT_VERSION);
  writeHardState(writer, hardState);
  writeSnapshot(writer, snapshot);
  return writer.finish();
}

export function decodeSavedSnapshot(body: Uint8Array): { snapshot: Snapshot; hardState: HardState } {
  const reader = new WireReader(body);
  checkVersion(reader);
  const hardState = readHardState(reader);
  const snapshot = readSnapshot(reader);
  reader.finish();
  return { snapshot, hardState };
}

export function encodeIdentity({ id, incarnation }: LogIdentity): Uint8Array {
  const writer = new WireWriter();
  writer.byte(FORMAT_VERSION);
  writer.uint32(id);
  writer.raw(Buffer.from(incarnation, 'latin1'));
  return writer.finish();
}

export function decodeIdentity(body: Uint8Array): LogIdentity {
  const reader = new WireReader(body);
  checkVersion(reader);
  const identity = { id: reader.uint32(), incarnation: readIncarnation(reader) };
  reader.finish();
  return identity;
}

function checkVersion(reader: WireReader): void {
  const version = reader.byte();
  if (version !== FORMAT_VERSION) reader.refuse(`version ${version} is not ${FORMAT_VERSION}`);
}

function readIncarnation(reader: WireReader): string {
  return Buffer.from(reader.raw(INCARNATION_BYTES)).toString('latin1');
}

/** Of a record at `bytes[start, end)`, whose own field for it does not count. */
function sumOf(bytes: Buffer, start: number, end: number, { incarnation, segment, offset }: RecordPlace): number {
  const where = crc32(`${incarnation} ${segment} ${offset}`);
  const head = crc32(bytes.subarray(start, start + SUM_AT), where);
  return crc32(bytes.subarray(start + RECORD_HEAD_BYTES, end), head);
}

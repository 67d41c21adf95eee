/**
 * Files: the disk, by the front door (see world.ts).
 *
 * Persistence is the art of knowing what survives, so the deeds are named by what they promise: a `write` that has
 * returned survives the death of the process, a `sync` that has returned the death of the machine, and names
 * (`create`, `rename`, `remove`) survive it after `syncDirectory`. Deeds are synchronous where the caller must not go
 * on without them; those whose name ends in `Later` are done by other threads, in any order, and answer by a callback:
 * a busy disk takes its time to sync, and to give a large file another name or none, as both free what had the name.
 * The simulator's disk forgets, tears and lies exactly where these promises end.
 *
 * What fails throws, or hands to its callback, a CacheError FILE_FAILED whose `cause` is the system's error (ENOSPC,
 * EIO …).
 */
import { CacheError } from './errors';
import { systemReason } from './settings-file';

/** A file that is read. */
export interface ReadableFile {
  /** Bytes in it when it was opened. */
  readonly size: number;
  /** Reads up to `end − start` bytes from `position` on into `into[start, end)`; how many there were, 0 at the end. */
  read(into: Uint8Array, start: number, end: number, position: number): number;
  close(): void;
}

/** A file that grows at its end. */
export interface WritableFile {
  /** Bytes in it. After a write that failed: with what of it was written. */
  readonly size: number;
  /** Appends `buffer[start, end)`, all of it or it throws. */
  write(buffer: Uint8Array, start: number, end: number): void;
  /** The same on another thread; the memory stays the file's until `done`. No other write may be begun before. */
  writeLater(bytes: Uint8Array, done: (error: Error | null) => void): void;
  /** Makes what was written survive a loss of power. */
  sync(): void;
  /** The same on another thread: for what was written before this call. Writes may go on. */
  syncLater(done: (error: Error | null) => void): void;
  /** Cuts the file back to its first `size` bytes. */
  truncate(size: number): void;
  close(): void;
}

export interface Files {
  /** Throws where there is no such file. */
  open(path: string): ReadableFile;
  /** A new, empty file, whatever was there. */
  create(path: string): WritableFile;
  /** A file with what it has; a new one where there is none. */
  append(path: string): WritableFile;
  /** Bytes of a file; null where there is none. */
  size(path: string): number | null;
  /** Names in a directory, in order; none where there is no such directory. */
  list(directory: string): string[];
  /** Nothing happens where there is one already. */
  makeDirectory(path: string): void;
  /** Whatever had the new name is gone. */
  rename(from: string, to: string): void;
  renameLater(from: string, to: string, done: (error: Error | null) => void): void;
  /** Nothing happens where there is none. */
  remove(path: string): void;
  removeLater(path: string, done: (error: Error | null) => void): void;
  /** Makes the names in a directory survive a loss of power. */
  syncDirectory(path: string): void;
  /** The same for the names that it has now. */
  syncDirectoryLater(path: string, done: (error: Error | null) => void): void;
  /**
   * Claims a directory for this process until the returned function is called or the process ends, however it does. Throws
   * where another process that lives has it; the message says which.
   */
  lock(directory: string): () => void;
}

/** What every `Files` fails with. `deed` completes "cannot …", as in "write"; `cause` is the system's error. */
export function fileFailed(deed: string, path: string, cause: unknown): CacheError {
  return new CacheError('FILE_FAILED', `cannot ${deed} '${path}': ${systemReason(cause)}`, { cause });
}

/**
 * RealFiles: the disk as it is, through node:fs.
 *
 * What the interface promises and the system does not is made up for here: a short write is continued; positions are
 * our own (no file is opened with O_APPEND, so what was cut off is written over); the size after a failure is asked of
 * the system; and a file whose bytes are still with another thread is closed only when they are not, as its number
 * could by then be another file's. `sync` is fdatasync(2), which persists the size too, as reading needs it. Systems
 * and file systems that cannot sync a directory are taken to keep names by themselves, as Redis does.
 */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  readSync,
  rename,
  renameSync,
  stat,
  statSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { sep } from 'node:path';
import { claimDirectory, type Processes } from './directory-claim';
import { assert, type CacheError } from './errors';
import { fileFailed, type Files, type ReadableFile, type WritableFile } from './files';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** Windows opens no directories. */
const CAN_OPEN_DIRECTORIES = sep === '/';
/** What fsync fails with on file systems that sync no directories. */
const CANNOT_SYNC_DIRECTORY: readonly unknown[] = ['EBADF', 'EINVAL'];
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY;

export class RealFiles implements Files {
  constructor(private readonly processes: Processes) {}

  open(path: string): ReadableFile {
    return attempt('open', path, () => new RealReadableFile(path));
  }

  create(path: string): WritableFile {
    return attempt('create', path, () => new RealWritableFile(path, constants.O_TRUNC));
  }

  append(path: string): WritableFile {
    return attempt('append to', path, () => new RealWritableFile(path, 0));
  }

  size(path: string): number | null {
    return attempt('look at', path, () => {
      const status = unlessMissing(() => statSync(path));
      return status === null || status.isDirectory() ? null : status.size;
    });
  }

  list(directory: string): string[] {
    return attempt('list', directory, () => unlessMissing(() => readdirSync(directory).sort()) ?? []);
  }

  makeDirectory(path: string): void {
    attempt('make directory', path, () => {
      try {
        mkdirSync(path, DIRECTORY_MODE);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
      }
    });
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => renameSync(from, to));
  }

  renameLater(from: string, to: string, done: (error: Error | null) => void): void {
    rename(from, to, (error) => done(failureOf('rename', from, error)));
  }

  remove(path: string): void {
    attempt('remove', path, () => unlessMissing(() => unlinkSync(path)));
  }

  removeLater(path: string, done: (error: Error | null) => void): void {
    unlink(path, (error) => done(codeOf(error) === 'ENOENT' ? null : failureOf('remove', path, error)));
  }

  syncDirectory(path: string): void {
    if (!CAN_OPEN_DIRECTORIES) return;
    attempt('sync directory', path, () => {
      const directory = openSync(path, DIRECTORY_FLAGS);
      try {
        fsyncSync(directory);
      } catch (error) {
        if (!CANNOT_SYNC_DIRECTORY.includes(codeOf(error))) throw error;
      } finally {
        closeSync(directory);
      }
    });
  }

  syncDirectoryLater(path: string, done: (error: Error | null) => void): void {
    const answer = (error: unknown): void => done(failureOf('sync directory', path, error));
    if (!CAN_OPEN_DIRECTORIES) {
      stat(path, () => answer(null));
      return;
    }
    open(path, DIRECTORY_FLAGS, (cannotOpen, directory) => {
      if (cannotOpen !== null) return answer(cannotOpen);
      fsync(directory, (error) => {
        close(directory, () => answer(CANNOT_SYNC_DIRECTORY.includes(codeOf(error)) ? null : error));
      });
    });
  }

  lock(directory: string): () => void {
    const release = attempt('lock directory', directory, () => claimDirectory(directory, this.processes));
    return () => attempt('unlock directory', directory, release);
  }
}

class RealReadableFile implements ReadableFile {
  readonly size: number;
  private readonly file: number;

  constructor(private readonly path: string) {
    this.file = openSync(path, constants.O_RDONLY);
    this.size = fstatSync(this.file).size;
  }

  read(into: Uint8Array, start: number, end: number, position: number): number {
    return attempt('read', this.path, () => {
      let at = start;
      while (at < end) {
        const count = readSync(this.file, into, at, end - at, position + (at - start));
        if (count === 0) break;
        at += count;
      }
      return at - start;
    });
  }

  close(): void {
    attempt('close', this.path, () => closeSync(this.file));
  }
}

class RealWritableFile implements WritableFile {
  size: number;
  private readonly file: number;
  /** Deeds that other threads do; the file is not closed before they are done. */
  private deedsUnderWay = 0;
  private isWriting = false;
  private isClosed = false;

  constructor(
    private readonly path: string,
    flags: number,
  ) {
    this.file = openSync(path, constants.O_WRONLY | constants.O_CREAT | flags, FILE_MODE);
    this.size = fstatSync(this.file).size;
  }

  write(buffer: Uint8Array, start: number, end: number): void {
    this.assertIdle();
    try {
      while (start < end) {
        const count = writeSync(this.file, buffer, start, end - start, this.size);
        start += count;
        this.size += count;
      }
    } catch (error) {
      this.measure();
      throw fileFailed('write', this.path, error);
    }
  }

  writeLater(bytes: Uint8Array, done: (error: Error | null) => void): void {
    this.assertIdle();
    this.isWriting = true;
    this.deedsUnderWay++;
    this.writeRest(bytes, 0, (error) => {
      this.isWriting = false;
      if (error !== null) this.measure();
      this.finishDeed();
      done(failureOf('write', this.path, error));
    });
  }

  sync(): void {
    assert(!this.isClosed, 'a closed file is not synced');
    attempt('sync', this.path, () => fdatasyncSync(this.file));
  }

  syncLater(done: (error: Error | null) => void): void {
    assert(!this.isClosed, 'a closed file is not synced');
    this.deedsUnderWay++;
    fdatasync(this.file, (error) => {
      this.finishDeed();
      done(failureOf('sync', this.path, error));
    });
  }

  truncate(size: number): void {
    this.assertIdle();
    assert(size <= this.size, 'a file is cut, not grown');
    attempt('truncate', this.path, () => ftruncateSync(this.file, size));
    this.size = size;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.deedsUnderWay === 0) attempt('close', this.path, () => closeSync(this.file));
  }

  private assertIdle(): void {
    assert(!this.isClosed, 'a closed file is not written');
    assert(!this.isWriting, 'one write at a time');
  }

  private writeRest(bytes: Uint8Array, start: number, done: (error: Error | null) => void): void {
    if (start === bytes.length) return done(null);
    write(this.file, bytes, start, bytes.length - start, this.size, (error, count) => {
      if (error !== null) return done(error);
      this.size += count;
      this.writeRest(bytes, start + count, done);
    });
  }

  private finishDeed(): void {
    this.deedsUnderWay--;
    // Nobody is left to hear of a failure, and what had to be safe was synced.
    if (this.isClosed && this.deedsUnderWay === 0) close(this.file, () => {});
  }

  /** Asks the system for the size; where it does not answer, what was counted stands. */
  private measure(): void {
    try {
      this.size = fstatSync(this.file).size;
    } catch {
      // The error that led here is the one to be told.
    }
  }
}

/** Does a deed and makes what it throws a CacheError. */
function attempt<T>(deed: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw fileFailed(deed, path, error);
  }
}

/** What a deed on another thread failed with, as its callback is told. */
function failureOf(deed: string, path: string, cause: unknown): CacheError | null {
  return cause === null ? null : fileFailed(deed, path, cause);
}

/** What a deed answers; null where what it is about is not there. */
function unlessMissing<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

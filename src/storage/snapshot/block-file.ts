/**
 * BlockFile: a file that is written by other threads, block after block, while its content is still being made.
 *
 * What is put into it is copied into blocks of 256 KiB, with its CRC-64 in passing. `advance` hands the next full block to the
 * disk where that is free. What is written is synced every 32 MiB while writing goes on, so that the last sync is short; after
 * the last byte the file is synced and closed, and whoever waits for it is told. The file itself is made with its first block.
 *
 * Memory is bounded: who makes the content asks `isBehind` and waits; what cannot wait is taken up to a limit, beyond which the
 * file fails.
 */
import { assert, CacheError, copyBytes, widen, type ByteSink, type Files, type WritableFile } from '../../base';
import { crc64 } from '../rdb/crc64';

const BLOCK_BYTES = 256 * 1024;
/** Full blocks with which the file counts as behind: 4 MiB. */
const BLOCKS_BEHIND = 16;
/** With more than these it fails: 128 MiB. */
const BLOCKS_MAX = 512;
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  length: number;
}

export class BlockFile implements ByteSink {
  /** CRC-64 of what `write` was given: bits 0–31 and 32–63. May be set. */
  readonly crc = new Uint32Array(2);
  /** Bytes put into it. */
  takenBytes = 0;

  private file: WritableFile | null = null;
  private block: Block | null = null;
  private readonly full: Block[] = [];
  private readonly spare: Block[] = [];
  private isWriting = false;
  private isSyncing = false;
  private syncedBytes = 0;
  private isComplete = false;
  private isOver = false;

  constructor(
    private readonly files: Files,
    private readonly path: string,
    /** Called once: the file is whole, durable and closed, or why it never will be. Not after `abandon`. */
    private readonly ended: (error: Error | null) => void,
  ) {}

  /** Whether so much waits for the disk that no more should be made. */
  get isBehind(): boolean {
    return this.full.length >= BLOCKS_BEHIND;
  }

  /** Takes bytes, and them into the CRC. Throws FILE_FAILED where far too much waits. */
  write(bytes: Uint8Array): boolean {
    crc64(bytes, 0, bytes.length, this.crc);
    this.put(bytes);
    return true;
  }

  /** Takes bytes that the CRC does not cover. */
  put(bytes: Uint8Array): void {
    if (this.full.length > BLOCKS_MAX) {
      throw new CacheError('FILE_FAILED', `${this.path} cannot be written as fast as keys change`);
    }
    this.takenBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const block = (this.block ??= this.spare.pop() ?? makeBlock());
      const end = Math.min(bytes.length, at + BLOCK_BYTES - block.length);
      block.length = copyBytes(bytes, at, end, block.bytes, block.length);
      at = end;
      if (block.length < BLOCK_BYTES) continue;
      this.full.push(block);
      this.block = null;
    }
  }

  /** Everything was put into it: `advance` will end it. */
  complete(): void {
    if (this.block !== null) this.full.push(this.block);
    this.block = null;
    this.isComplete = true;
  }

  /** Goes on with what is to be done on other threads. */
  advance(): void {
    if (this.isOver || this.isWriting) return;
    try {
      const block = this.full.shift();
      if (block !== undefined) this.writeLater(block);
      else if (this.isComplete && !this.isSyncing) this.syncLater();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Writes at once what has gathered; after `complete` syncs and closes too. Throws FILE_FAILED. `ended` is not called. */
  writeNow(): void {
    const file = this.opened();
    for (const block of this.full.splice(0)) {
      file.write(block.bytes, 0, block.length);
      this.reuse(block);
    }
    if (!this.isComplete) return;
    file.sync();
    this.isOver = true;
    file.close();
  }

  /** Ends it half-way: it is removed, once no other thread has it. */
  abandon(): void {
    this.isOver = true;
    this.full.length = 0;
    this.block = null;
    this.removeIfFree();
  }

  private writeLater(block: Block): void {
    const file = this.opened();
    this.isWriting = true;
    file.writeLater(block.bytes.subarray(0, block.length), (error) => {
      this.isWriting = false;
      this.reuse(block);
      if (!this.isOver && error === null && file.size - this.syncedBytes >= SYNC_EVERY_BYTES && !this.isSyncing) {
        this.syncLater();
      }
      this.goOn(error);
    });
  }

  private syncLater(): void {
    const file = this.opened();
    const isLast = this.isComplete && this.full.length === 0 && !this.isWriting;
    const { size } = file;
    this.isSyncing = true;
    file.syncLater((error) => {
      this.isSyncing = false;
      this.syncedBytes = size;
      if (isLast && error === null && !this.isOver) this.finish(file);
      else this.goOn(error);
    });
  }

  private finish(file: WritableFile): void {
    assert(file.size === this.takenBytes, 'a snapshot is written whole');
    try {
      file.close();
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.isOver = true;
    this.ended(null);
  }

  private goOn(error: Error | null): void {
    if (this.isOver) this.removeIfFree();
    else if (error !== null) this.fail(error);
    else this.advance();
  }

  private fail(error: Error): void {
    this.abandon();
    this.ended(error);
  }

  private opened(): WritableFile {
    return (this.file ??= this.files.create(this.path));
  }

  private reuse(block: Block): void {
    block.length = 0;
    if (this.spare.length < BLOCKS_BEHIND) this.spare.push(block);
  }

  private removeIfFree(): void {
    if (this.file === null || this.isWriting || this.isSyncing) return;
    // What cannot be closed or removed is worth no more than a name in a directory that is cleaned at the next start.
    try {
      this.file.close();
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
    }
    this.file = null;
    this.files.removeLater(this.path, () => undefined);
  }
}

function makeBlock(): Block {
  return { bytes: widen(new Uint8Array(BLOCK_BYTES)), length: 0 };
}

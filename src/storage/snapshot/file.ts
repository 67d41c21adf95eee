/**
 * SnapshotFile: a snapshot on its way into a file: it drives a walk (walk.ts) and puts what that writes into blocks
 * (block-file.ts). To begin is to begin the walk: the disk is not touched, and nothing waits.
 *
 * An RDB file ends with the CRC-64 of all of it. A file of commands is made of batches, one for each slice, as other
 * append-only files are (aof/format.ts): every byte of either can be checked.
 *
 * At its end the file is whole and durable, under the name that it was given: whoever wanted it gives it its real name.
 */
import type { Files } from '../../base';
import { beginCrc, OWN_LINE_BYTES_MAX, writeCrcLine, writeSyncLine } from '../aof/format';
import { writeInt32 } from '../int64';
import type { Keyspace } from '../keyspace';
import { BlockFile } from './block-file';
import { CommandFormat } from './command-format';
import { RdbFormat, type RdbFormatOptions } from './rdb-format';
import type { Snapshot } from './stream';
import { SnapshotWalk } from './walk';

const CRC_BYTES = 8;
/** What a slice may put into memory where it is written at once. */
const SLICE_BYTES = 256 * 1024;

export interface SnapshotOptions extends RdbFormatOptions {
  /** An RDB file, or commands. */
  readonly kind: 'rdb' | 'commands';
  /** Whether an RDB file ends with its CRC (`rdbchecksum`), or with zeros. */
  readonly checksum: boolean;
}

export class SnapshotFile implements Snapshot {
  /** Whether the walk goes on; then the file is still to be finished. */
  isWalking = true;
  /** The most memory that pre-images and marks have taken. */
  preImageBytes = 0;

  private readonly walk: SnapshotWalk;
  private readonly file: BlockFile;
  private isOver = false;

  /** Begins the walk, in O(1). `done` is called once, unless the snapshot is abandoned or written at once. */
  constructor(
    keyspace: Keyspace,
    files: Files,
    path: string,
    private readonly options: SnapshotOptions,
    private readonly done: (error: Error | null) => void,
  ) {
    this.file = new BlockFile(files, path, (error) => this.end(error));
    const format =
      options.kind === 'rdb' ? new RdbFormat(keyspace, options) : new CommandFormat(keyspace, options.functions);
    this.walk = new SnapshotWalk(keyspace, format);
  }

  get keysDone(): number {
    return this.walk.keysDone;
  }

  get keysTotal(): number {
    return this.walk.keysTotal;
  }

  /** Goes on with the walk until `isTimeUp`, unless the disk is behind. */
  run(isTimeUp: () => boolean): void {
    if (this.isOver) return;
    this.preImageBytes = Math.max(this.preImageBytes, this.walk.earlyBytes);
    try {
      if (this.isWalking && !this.file.isBehind) this.isWalking = !this.walk.run(isTimeUp);
      this.take();
    } catch (error) {
      this.abandon();
      this.done(error as Error);
      return;
    }
    this.file.advance();
  }

  /** All of it at once, and synced; throws FILE_FAILED. `done` is not called. */
  runToEnd(): void {
    try {
      while (this.isWalking) {
        this.isWalking = !this.walk.run(() => this.walk.out.length > SLICE_BYTES);
        this.take();
        this.file.writeNow();
      }
      this.isOver = true;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Ends it half-way; the file is removed and `done` not called. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.endWalk();
    this.file.abandon();
  }

  private end(error: Error | null): void {
    this.isOver = true;
    this.endWalk();
    this.done(error);
  }

  private endWalk(): void {
    if (this.isWalking) this.walk.abandon();
    this.isWalking = false;
  }

  /** Puts what the walk has written into the file, with what belongs around it. */
  private take(): void {
    if (this.options.kind === 'commands') this.takeBatch();
    else this.takeRdb();
    if (!this.isWalking) this.file.complete();
  }

  private takeRdb(): void {
    const { file } = this;
    this.walk.out.flush(file);
    if (this.isWalking) return;
    const footer = new Uint8Array(CRC_BYTES);
    if (this.options.checksum) {
      writeInt32(footer, 0, file.crc[0]);
      writeInt32(footer, 4, file.crc[1]);
    }
    file.put(footer);
  }

  private takeBatch(): void {
    const { file, walk } = this;
    if (walk.out.length === 0) return;
    const line = new Uint8Array(OWN_LINE_BYTES_MAX);
    const start = file.takenBytes;
    beginCrc(file.crc, start);
    file.write(line.subarray(0, writeSyncLine(line, 0, 0)));
    walk.out.flush(file);
    file.put(line.subarray(0, writeCrcLine(line, 0, file.crc, file.takenBytes - start)));
  }
}

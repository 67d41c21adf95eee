/**
 * SnapshotStream: a snapshot on its way to somebody who listens, as an RDB file that is never a file: it drives a walk (walk.ts)
 * and hands what that writes to a sink, with the CRC-64 at the end.
 *
 * The sink says when it is behind; then the walk waits. What clients change meanwhile is written all the same, as pre-images
 * cannot wait, and goes to the sink too: who gives the sink its limit bounds the memory.
 */
import { Output, type ByteSink } from '../../base';
import { writeInt32 } from '../int64';
import type { Keyspace } from '../keyspace';
import { crc64 } from '../rdb/crc64';
import { RdbFormat, type RdbFormatOptions } from './rdb-format';
import { SnapshotWalk } from './walk';

const CRC_BYTES = 8;

/** What SnapshotFile and SnapshotStream are to who gives them their slices. */
export interface Snapshot {
  /** Whether the walk goes on. */
  readonly isWalking: boolean;
  readonly keysDone: number;
  readonly keysTotal: number;
  /** The most memory that pre-images and marks have taken. */
  readonly preImageBytes: number;
  /** Goes on until `isTimeUp`, unless what is written has nowhere to go. */
  run(isTimeUp: () => boolean): void;
  /** Ends it half-way. */
  abandon(): void;
}

export interface SnapshotSink extends ByteSink {
  /** Whether so much waits that no more should be made. */
  readonly isBehind: boolean;
}

export interface SnapshotStreamOptions extends RdbFormatOptions {
  /** Whether it ends with its CRC (`rdbchecksum`), or with zeros. */
  readonly checksum: boolean;
  /** Whether there is no key in it. */
  readonly isWithoutKeys: boolean;
}

export class SnapshotStream implements Snapshot {
  isWalking = true;
  preImageBytes = 0;

  /** Null where there are no keys to walk through. */
  private readonly walk: SnapshotWalk | null;
  private readonly out: Output;
  private readonly crc = new Uint32Array(2);
  /** Passes bytes on to the sink, and counts them into the CRC. */
  private readonly counted: ByteSink = {
    write: (bytes) => {
      if (this.options.checksum) crc64(bytes, 0, bytes.length, this.crc);
      return this.sink.write(bytes);
    },
  };

  /** Begins the walk, in O(1). `done` is called once, when the sink has all or with why it never will; not after `abandon`. */
  constructor(
    keyspace: Keyspace,
    private readonly options: SnapshotStreamOptions,
    private readonly sink: SnapshotSink,
    private readonly done: (error: Error | null) => void,
  ) {
    const format = new RdbFormat(keyspace, options);
    this.walk = options.isWithoutKeys ? null : new SnapshotWalk(keyspace, format);
    this.out = this.walk?.out ?? new Output();
    if (this.walk !== null) return;
    format.begin(this.out);
    format.end(this.out);
  }

  get keysDone(): number {
    return this.walk?.keysDone ?? 0;
  }

  get keysTotal(): number {
    return this.walk?.keysTotal ?? 0;
  }

  run(isTimeUp: () => boolean): void {
    if (!this.isWalking) return;
    try {
      this.advance(isTimeUp);
    } catch (error) {
      this.abandon();
      this.done(error as Error);
      return;
    }
    if (!this.isWalking) this.done(null);
  }

  private advance(isTimeUp: () => boolean): void {
    const { sink, walk } = this;
    let isThrough = walk === null;
    if (walk !== null) {
      this.preImageBytes = Math.max(this.preImageBytes, walk.earlyBytes);
      if (!sink.isBehind) isThrough = walk.run(isTimeUp);
    }
    this.out.flush(this.counted);
    if (!isThrough) return;
    const footer = new Uint8Array(CRC_BYTES);
    writeInt32(footer, 0, this.crc[0]);
    writeInt32(footer, 4, this.crc[1]);
    sink.write(footer);
    this.isWalking = false;
  }

  abandon(): void {
    if (!this.isWalking) return;
    this.isWalking = false;
    this.walk?.abandon();
  }
}

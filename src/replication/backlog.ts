/**
 * Backlog: the last bytes of the stream, for replicas: those that are sent now, and those that come back and lack some.
 *
 * All replicas of a node read the same bytes here, each from a place of its own, so nothing is copied per replica. Memory
 * is a row of blocks: bytes are written behind the last and never moved, and the first block goes, to be used again, when
 * what is to be kept begins behind it: the last `bytesMax` bytes, and whatever a replica still needs. How much one may need is
 * not decided here: a replica that needs too much is closed by who knows it.
 */
import Denque from 'denque';
import { copyBytes, widen, type ByteSink } from '../base';

/** Parts of the size that is to be kept: so much more may be kept than that. */
const BLOCKS_PER_SIZE = 16;
const BLOCK_BYTES_MIN = 16 * 1024;
const BLOCK_BYTES_MAX = 1024 * 1024;
/** Blocks kept for use. */
const SPARE_BLOCKS_MAX = 4;

interface Block {
  readonly bytes: Uint8Array;
  /** Offset of its first byte. */
  start: number;
  /** Offset after its last byte. */
  end: number;
}

export class Backlog {
  private readonly blocks = new Denque<Block>();
  private readonly spare: Block[] = [];
  private endOffset: number;

  /**
   * @param start offset of the first byte that will be written
   * @param bytesMax bytes that are kept for replicas that come back
   * @param needed the least offset that a replica still needs, or a larger one than any
   */
  constructor(
    start: number,
    public bytesMax: number,
    private readonly needed: () => number,
  ) {
    this.endOffset = start;
  }

  /** Offset of the first byte that is here. */
  get start(): number {
    return this.blocks.peekFront()?.start ?? this.endOffset;
  }

  /** Offset after the last byte. */
  get end(): number {
    return this.endOffset;
  }

  /** Bytes of memory that it takes. */
  get memoryBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.blocks.length; i++) bytes += this.blocks.peekAt(i)!.bytes.length;
    return this.spare.reduce((sum, block) => sum + block.bytes.length, bytes);
  }

  /** Whether all of the stream from `offset` on is here. */
  reaches(offset: number): boolean {
    return offset >= this.start && offset <= this.endOffset;
  }

  /** Appends `buffer[start, end)`. */
  write(buffer: Uint8Array, start: number, end: number): void {
    let block = this.blocks.peekBack();
    while (start < end) {
      if (block === undefined || block.end - block.start === block.bytes.length) block = this.addBlock();
      const used = block.end - block.start;
      const count = Math.min(end - start, block.bytes.length - used);
      copyBytes(buffer, start, start + count, block.bytes, used);
      start += count;
      block.end += count;
      this.endOffset += count;
    }
  }

  /**
   * Writes what there is from `offset` on to `sink`, up to `bytesMax` bytes; returns the offset after them. The memory is the
   * sink's until the replica says by `needed` that it is not.
   */
  send(offset: number, bytesMax: number, sink: ByteSink): number {
    const endsAt = Math.min(this.endOffset, offset + bytesMax);
    for (let i = this.blockAt(offset); offset < endsAt; i++) {
      const block = this.blocks.peekAt(i)!;
      const to = Math.min(block.end, endsAt);
      sink.write(block.bytes.subarray(offset - block.start, to - block.start));
      offset = to;
    }
    return offset;
  }

  /** The index of the block that holds this offset: nearly always the last one. */
  private blockAt(offset: number): number {
    let i = this.blocks.length - 1;
    while (i > 0 && this.blocks.peekAt(i)!.start > offset) i--;
    return i;
  }

  private addBlock(): Block {
    this.trim();
    const bytes = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, this.bytesMax / BLOCKS_PER_SIZE));
    const block = this.spare.pop() ?? { bytes: widen(Buffer.allocUnsafeSlow(bytes)), start: 0, end: 0 };
    block.start = block.end = this.endOffset;
    this.blocks.push(block);
    return block;
  }

  /** Drops what need not be kept. */
  trim(): void {
    const keptFrom = Math.min(this.endOffset - this.bytesMax, this.needed());
    for (let first = this.blocks.peekFront(); first !== undefined && first.end <= keptFrom;) {
      this.blocks.shift();
      if (this.spare.length < SPARE_BLOCKS_MAX) this.spare.push(first);
      first = this.blocks.peekFront();
    }
  }
}

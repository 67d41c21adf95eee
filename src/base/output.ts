/**
 * Output: bytes on their way out of a connection, gathered over a turn and then written once.
 *
 * A list of chunks, of which only the last one grows; nothing is ever moved or joined. Writers ask for room with
 * `reserve(n)`, then write into `buffer` at `position` and advance it. Chunks of the standard size come from a pool
 * and go back to it when the transport has taken the bytes; so the steady state allocates nothing.
 *
 * Usually all of it leaves at once (`flush`). Where the rest must wait for something, a part from the beginning leaves
 * (`flushFirst`): then the first chunk begins with bytes that are gone, and stays where it is.
 */
import { assert } from './errors';
import { copyBytes, EMPTY_BUFFER, widen } from './bytes';

/** Standard chunk: the replies of a pipeline of 64 small GETs fit four times over. */
const CHUNK_BYTES = 16 * 1024;
/** Chunks kept for reuse: 4 MiB. */
const POOL_CHUNKS_MAX = 256;

const pool: Uint8Array[] = [];

/** Where bytes go. True: the bytes were taken, the memory may be reused; false: the sink keeps the memory. */
export interface ByteSink {
  write(bytes: Uint8Array): boolean;
}

/** A chunk that nothing more is written to. */
interface FullChunk {
  readonly buffer: Uint8Array;
  readonly length: number;
}

export class Output {
  buffer: Uint8Array = EMPTY_BUFFER;
  position = 0;
  /** Chunks before the current one, in order; null for none, the usual case. */
  private full: FullChunk[] | null = null;
  /** Bytes in them, less `sentBytes`: what is to be sent beside the current chunk's `position`. */
  private fullBytes = 0;
  /** Bytes of the first chunk that are gone. */
  private sentBytes = 0;
  /** A sink has kept some of these: the chunk must not be used again. */
  private isLent = false;

  get length(): number {
    return this.fullBytes + this.position;
  }

  /** Makes sure that the current chunk has room for `count` more bytes, which must be few (≤ 16 KiB). */
  reserve(count: number): void {
    if (this.position + count > this.buffer.length) this.nextChunk(count);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (this.position + count <= this.buffer.length) {
      this.position = copyBytes(source, start, end, this.buffer, this.position);
      return;
    }
    if (count > CHUNK_BYTES) {
      this.nextChunk(count);
    } else {
      // Fill up first: a stream of middling values must not leave half of every chunk empty.
      const head = this.buffer.length - this.position;
      this.position = copyBytes(source, start, start + head, this.buffer, this.position);
      start += head;
      this.nextChunk(end - start);
    }
    this.position = copyBytes(source, start, end, this.buffer, this.position);
  }

  /** The whole of `source`. */
  constant(source: Uint8Array): void {
    this.bytes(source, 0, source.length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  private nextChunk(count: number): void {
    this.closeChunk();
    this.buffer =
      count <= CHUNK_BYTES ? (pool.pop() ?? widen(Buffer.allocUnsafeSlow(CHUNK_BYTES))) : Buffer.allocUnsafeSlow(count);
    this.position = 0;
  }

  /** Puts the current chunk aside. */
  private closeChunk(): void {
    if (this.position === 0) {
      release(this.buffer);
      return;
    }
    this.full ??= [];
    this.full.push({ buffer: this.buffer, length: this.position });
    this.fullBytes += this.position;
  }

  /** Writes everything to `sink` in order and is empty afterwards. */
  flush(sink: ByteSink): void {
    if (this.sentBytes > 0) {
      this.flushFirst(sink, this.length);
      return;
    }
    const { full, buffer, position } = this;
    this.full = null;
    this.fullBytes = 0;
    this.position = 0;
    this.buffer = EMPTY_BUFFER;
    if (full !== null) for (const chunk of full) send(sink, chunk.buffer, chunk.length);
    if (position === 0) release(buffer);
    else send(sink, buffer, position);
  }

  /** Writes the first `count` bytes to `sink`, of which there must be as many; the rest stays. */
  flushFirst(sink: ByteSink, count: number): void {
    assert(count <= this.length, 'more is to leave than there is');
    while (count > 0) {
      const { full, sentBytes } = this;
      const chunk = full === null ? this.buffer : full[0].buffer;
      const end = full === null ? this.position : full[0].length;
      const part = Math.min(count, end - sentBytes);
      if (!sink.write(chunk.subarray(sentBytes, sentBytes + part))) this.isLent = true;
      count -= part;
      this.sentBytes += part;
      this.fullBytes -= part;
      if (this.sentBytes === end) this.dropFirst();
    }
  }

  /** All of the first chunk is gone. */
  private dropFirst(): void {
    const { full } = this;
    const chunk = full === null ? this.buffer : full.shift()!.buffer;
    if (!this.isLent) release(chunk);
    this.isLent = false;
    this.sentBytes = 0;
    if (full === null) {
      this.fullBytes = 0;
      this.buffer = EMPTY_BUFFER;
      this.position = 0;
    } else if (full.length === 0) {
      this.full = null;
    }
  }

  /** Moves everything out of `other`, of which nothing has left yet, behind what is here. */
  append(other: Output): void {
    assert(other.sentBytes === 0, 'some of it is gone');
    if (other.full === null) {
      this.bytes(other.buffer, 0, other.position);
      other.position = 0;
      return;
    }
    // It is long: its chunks change hands.
    this.closeChunk();
    this.full ??= [];
    for (const chunk of other.full) this.full.push(chunk);
    this.fullBytes += other.fullBytes;
    this.buffer = other.buffer;
    this.position = other.position;
    other.full = null;
    other.fullBytes = 0;
    other.buffer = EMPTY_BUFFER;
    other.position = 0;
  }

  /** Drops what is in it. */
  clear(): void {
    if (this.full !== null || !this.isLent) release(this.buffer);
    this.full = null;
    this.fullBytes = 0;
    this.sentBytes = 0;
    this.isLent = false;
    this.position = 0;
    this.buffer = EMPTY_BUFFER;
  }

  /** Everything, joined in new memory; the output is empty afterwards. For tests and other cold places. */
  take(): Buffer {
    const parts = (this.full ?? []).map(({ buffer, length }) => buffer.subarray(0, length));
    parts.push(this.buffer.subarray(0, this.position));
    parts[0] = parts[0].subarray(this.sentBytes);
    const joined = Buffer.concat(parts);
    this.clear();
    return joined;
  }
}

/** Writes the first `length` bytes of a chunk; it is free again if the sink took them. */
function send(sink: ByteSink, chunk: Uint8Array, length: number): void {
  if (sink.write(length === chunk.length ? chunk : chunk.subarray(0, length))) release(chunk);
}

function release(chunk: Uint8Array): void {
  if (chunk.length === CHUNK_BYTES && pool.length < POOL_CHUNKS_MAX) pool.push(chunk);
}

/**
 * Bytes: a borrowed view of a run of bytes, reusable so that the hot path makes no object per argument.
 *
 * A `Bytes` names a range of somebody else's buffer. Whoever hands one out says how long it stays true; as a rule
 * until the function that received it returns. What must outlive that is copied (`copy()`), never kept.
 * The same object may be pointed at another range later (`set`), which is why it is a class with plain fields and
 * not a `Uint8Array.subarray`: a subarray costs some 50 ns and garbage, a field write costs one (measured, Node 20).
 */

/** Ranges up to this long are copied by a loop; `TypedArray.set` needs a subarray first, which costs more. */
const LOOP_COPY_MAX = 96;
/** The same where a loop may take four bytes at a time. */
const WIDE_LOOP_COPY_MAX = 192;

/**
 * A byte array that carries a view of its own memory as words, so that loops can take four bytes at a time: copying 32
 * bytes costs 30 ns instead of 72 (measured, Node 20). The buffers of the hot road are made so: what sockets read into,
 * what replies are written to, the arena's segments. (Words and not doubles: a NaN must come out as it went in.)
 */
interface WideBytes extends Uint8Array {
  words?: DataView;
}

/** Gives a byte array its view as words; returns it. */
export function widen<T extends Uint8Array>(bytes: T): T {
  (bytes as WideBytes).words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes;
}

/** The view as words of a byte array that was widened, positions as in the array; else undefined. */
export function wordsOf(bytes: Uint8Array): DataView | undefined {
  return (bytes as WideBytes).words;
}

export class Bytes {
  constructor(
    public buffer: Uint8Array = EMPTY_BUFFER,
    public start = 0,
    public end = buffer.length,
  ) {}

  /** A view of the UTF-8 encoding of `text`, over memory of its own. */
  static of(text: string): Bytes {
    return new Bytes(Buffer.from(text));
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Points this view at another range; returns itself. */
  set(buffer: Uint8Array, start: number, end: number): this {
    if (this.buffer !== buffer) this.buffer = buffer;
    this.start = start;
    this.end = end;
    return this;
  }

  at(index: number): number {
    return this.buffer[this.start + index];
  }

  equals(other: Bytes): boolean {
    return (
      this.end - this.start === other.end - other.start &&
      sameBytes(this.buffer, this.start, other.buffer, other.start, this.end - this.start)
    );
  }

  /** Whether this spells `word`, an ASCII word in lower case, with case folded on our side. */
  is(word: string): boolean {
    const length = this.end - this.start;
    if (length !== word.length) return false;
    for (let i = 0; i < length; i++) {
      let byte = this.buffer[this.start + i];
      if (byte >= 65 && byte <= 90) byte |= 32;
      if (byte !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /** UTF-8 text; allocates. */
  toString(): string {
    return asBuffer(this.buffer).toString('utf8', this.start, this.end);
  }

  /** One character per byte; allocates. Lossless, unlike UTF-8. */
  toLatin1(): string {
    return asBuffer(this.buffer).toString('latin1', this.start, this.end);
  }

  /** The bytes in memory of their own. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.length);
    copyBytes(this.buffer, this.start, this.end, copy, 0);
    return copy;
  }
}

/** The same memory as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Copies `source[start, end)` to `target` from `at` on; returns the position after the last byte written. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const from = wordsOf(source);
  const to = wordsOf(target);
  if (from !== undefined && to !== undefined) {
    if (end - start <= WIDE_LOOP_COPY_MAX) {
      for (; start + 4 <= end; start += 4, at += 4) to.setInt32(at, from.getInt32(start));
      while (start < end) target[at++] = source[start++];
      return at;
    }
  } else if (end - start <= LOOP_COPY_MAX) {
    while (start < end) target[at++] = source[start++];
    return at;
  }
  target.set(source.subarray(start, end), at);
  return at + (end - start);
}

export function sameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  if (length > LOOP_COPY_MAX) {
    return asBuffer(a).compare(b, bStart, bStart + length, aStart, aStart + length) === 0;
  }
  const left = wordsOf(a);
  const right = wordsOf(b);
  let i = 0;
  if (left !== undefined && right !== undefined) {
    for (; i + 4 <= length; i += 4) if (left.getInt32(aStart + i) !== right.getInt32(bStart + i)) return false;
  }
  for (; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** ASCII text as bytes, for constants made once. */
export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export const EMPTY_BUFFER: Uint8Array = Buffer.alloc(0);

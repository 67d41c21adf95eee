/**
 * Texts: byte strings by number, copied one behind the other: what SORT works on.
 *
 * The elements are copied once. Where they came from may be changed meanwhile: looking up what a pattern names removes keys
 * whose time has come, and the destination may be the source. And a comparison then costs two reads of plain arrays. Nothing is
 * made per text; memory comes in chunks, so that nothing is moved while they grow.
 *
 * SORT compares weights, which are numbers, before it compares texts. For an alphabetic order the weight is the text's
 * beginning; most comparisons end there.
 */
import { type Bytes, copyBytes, EMPTY_BUFFER, widen } from '../../base';
import { compareBytes } from '../../storage';

const CHUNK_BYTES_MIN = 4096;
const CHUNK_BYTES_MAX = 1024 * 1024;

/** Bytes of a text that its weight holds: as many as a double counts exactly. */
const PREFIX_BYTES = 6;

/** The weight of what is missing: before all texts. */
export const WEIGHT_OF_NOTHING = -1;

/** The first bytes of a text as a number: of two texts the one with the smaller number comes first. */
export function prefixWeight({ buffer, start, end }: Bytes): number {
  let weight = 0;
  for (let i = 0; i < PREFIX_BYTES; i++) weight = weight * 256 + (start + i < end ? buffer[start + i] : 0);
  return weight;
}

export class Texts {
  count = 0;
  /** The last chunk, and how much of it is used. */
  private chunk = EMPTY_BUFFER;
  private used = 0;
  private readonly chunks = [this.chunk];
  /** By number: the chunk, and where in it. */
  private readonly places: Uint32Array;
  private readonly starts: Uint32Array;
  private readonly ends: Uint32Array;

  /** @param capacity how many texts there can be */
  constructor(capacity: number) {
    this.places = new Uint32Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  /** Adds a copy of a text; its number is how many there were. */
  add({ buffer, start, end }: Bytes): void {
    if (this.used + end - start > this.chunk.length) this.grow(end - start);
    const { count, used } = this;
    this.used = copyBytes(buffer, start, end, this.chunk, used);
    this.places[count] = this.chunks.length - 1;
    this.starts[count] = used;
    this.ends[count] = this.used;
    this.count++;
  }

  /** Points `into` at a text. */
  at(i: number, into: Bytes): Bytes {
    return into.set(this.chunks[this.places[i]], this.starts[i], this.ends[i]);
  }

  /** Below 0, 0 or above 0: whether text `i` sorts before, as or after text `j`. */
  compare(i: number, j: number): number {
    const { chunks, places, starts, ends } = this;
    return compareBytes(chunks[places[i]], starts[i], ends[i], chunks[places[j]], starts[j], ends[j]);
  }

  private grow(bytes: number): void {
    const size = Math.min(this.chunk.length * 2, CHUNK_BYTES_MAX);
    this.chunk = widen(new Uint8Array(Math.max(size, bytes, CHUNK_BYTES_MIN)));
    this.chunks.push(this.chunk);
    this.used = 0;
  }
}

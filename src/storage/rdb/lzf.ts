/**
 * LZF: the light compression of strings in DUMP payloads and RDB files. (Format: M. Lehmann, LibLZF.)
 *
 *   000lllll, data                 the next l + 1 bytes as they are ("run")
 *   lllooooo oooooooo              l + 2 bytes, l from 1 to 6, that were already there o + 1 bytes before ("match")
 *   111ooooo llllllll oooooooo     the same for l + 9 bytes
 *
 * Any compressor's output decompresses, but keys of equal value should have equal DUMPs here and in a real Redis; so the
 * compressor decides as LibLZF 3.6 does with Redis' settings (HLOG 16, VERY_FAST): it remembers the last place of each
 * three bytes in a table of 2^16 places, never begins a match at the very first byte, remembers nothing inside a match but
 * its last two places, and gives up where the output might not fit. A test compares the bytes with a real redis-server.
 *
 * For files, where nobody compares, there is a quicker one: lzf-quick.ts.
 */

const TABLE_BITS = 16;
export const RUN_MAX = 32;
export const MATCH_MAX = 264;
export const DISTANCE_MAX = 8192;

/**
 * Where three bytes with this hash were last seen, as the place in the source plus `origin`. Each call counts from where the
 * one before it has ended; so what earlier calls left is recognised by being too small and need not be cleared.
 */
const places = new Int32Array(1 << TABLE_BITS);
const TABLE_MASK = places.length - 1;
const ORIGIN_FIRST = 1;
const ORIGIN_LIMIT = 0x7fff_ffff;
let origin = ORIGIN_FIRST;

/**
 * Compresses `source[start, end)` into `target` from `at` on, using at most `limit` bytes; the same bytes as Redis.
 * Returns how many bytes it used; 0 where they do not suffice, and the target may have been written to all the same.
 */
export function compress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): number {
  if (start === end || limit === 0) return 0;
  if (origin + (end - start) > ORIGIN_LIMIT) {
    places.fill(0);
    origin = ORIGIN_FIRST;
  }
  /** What is added to positions in the table. */
  const shift = origin - start;
  origin += end - start;
  const targetEnd = at + limit;
  /** From here on no match can begin: it has three bytes. */
  const matchEnd = end - 2;
  let read = start;
  /** The run that is being written: its data lie before `write`, its head before these. */
  let run = 0;
  let write = at + 1;
  while (read < matchEnd) {
    const hash = hashAt(source, read) & TABLE_MASK;
    const known = places[hash] - shift;
    places[hash] = read + shift;
    const length = known > start ? matchLength(source, known, read, end) : 0;
    if (length === 0) {
      if (write >= targetEnd) return 0;
      target[write++] = source[read++];
      if (++run === RUN_MAX) {
        target[write - run - 1] = run - 1;
        run = 0;
        write++;
      }
      continue;
    }
    const head = run === 0 ? write - 1 : write;
    if (head + 4 >= targetEnd) return 0;
    if (run > 0) target[write - run - 1] = run - 1;
    write = writeMatch(target, head, length, read - known - 1) + 1;
    run = 0;
    read += length;
    if (read >= matchEnd) break;
    places[hashAt(source, read - 2) & TABLE_MASK] = read - 2 + shift;
    places[hashAt(source, read - 1) & TABLE_MASK] = read - 1 + shift;
  }
  if (write + 3 > targetEnd) return 0;
  while (read < end) {
    target[write++] = source[read++];
    if (++run === RUN_MAX) {
      target[write - run - 1] = run - 1;
      run = 0;
      write++;
    }
  }
  if (run === 0) return write - 1 - at;
  target[write - run - 1] = run - 1;
  return write - at;
}

/** How many bytes from `known` and from `at` on are equal, as far as a match may go; 0 for fewer than three. */
function matchLength(source: Uint8Array, known: number, at: number, end: number): number {
  if (at - known > DISTANCE_MAX) return 0;
  if (source[known] !== source[at] || source[known + 1] !== source[at + 1] || source[known + 2] !== source[at + 2])
    return 0;
  // LibLZF leaves the last two bytes alone, but for the 16 comparisons that it makes without looking where it is.
  const room = Math.min(end - at - 2, MATCH_MAX);
  const most = room > 16 ? Math.max(room, 19) : room;
  let length = 3;
  while (length < most && source[known + length] === source[at + length]) length++;
  return length;
}

/** Writes a match; returns the position after it. */
export function writeMatch(target: Uint8Array, at: number, length: number, offset: number): number {
  if (length < 9) {
    target[at++] = ((length - 2) << 5) | (offset >>> 8);
  } else {
    target[at++] = 0xe0 | (offset >>> 8);
    target[at++] = length - 9;
  }
  target[at++] = offset;
  return at;
}

function hashAt(source: Uint8Array, at: number): number {
  const three = (source[at] << 16) | (source[at + 1] << 8) | source[at + 2];
  return (three >>> 8) - three * 5;
}

/**
 * Decompresses `source[start, end)` into `target[at, targetEnd)`, all of which must be filled. False where the source is
 * corrupt; then the target holds anything. Reads and writes nothing outside.
 */
export function decompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  targetEnd: number,
): boolean {
  const targetStart = at;
  let read = start;
  while (read < end) {
    const head = source[read++];
    if (head < RUN_MAX) {
      const length = head + 1;
      if (read + length > end || at + length > targetEnd) return false;
      for (let i = 0; i < length; i++) target[at++] = source[read++];
      continue;
    }
    let length = (head >>> 5) + 2;
    if (length === 9) {
      if (read >= end) return false;
      length += source[read++];
    }
    if (read >= end) return false;
    let from = at - (((head & 0x1f) << 8) | source[read++]) - 1;
    if (from < targetStart || at + length > targetEnd) return false;
    // One by one: a match may reach into what it writes itself.
    for (let i = 0; i < length; i++) target[at++] = target[from++];
  }
  return at === targetEnd;
}

/**
 * What has to be true of packed collections besides their form: no name twice, members in the order of their scores. Whoever
 * trusted a stranger in this would have keys whose elements cannot be found, or are found twice.
 */
import { Bytes, readDouble } from '../../base';
import type { KeyHash } from '../key-hash';
import { isValidListpack, Listpack, NOWHERE } from '../listpack';
import { compareBytes } from '../members';

/** Room for places that is kept. */
const PLACES_KEPT = 4096;
const keptPlaces = new Uint32Array(PLACES_KEPT);

const listpack = new Listpack();
const name = new Bytes();
const nextName = new Bytes();

/** What `countElements` says of bytes that are no listpack. */
export const NO_LISTPACK = -1;
/** Why a value is refused then. */
export const NOT_PACKED = 'a packed collection is corrupt';

/** The number of elements of a listpack that nobody has checked, or NO_LISTPACK. */
export function countElements(bytes: Bytes): number {
  return isValidListpack(bytes.buffer, bytes.start, bytes.end, true) ? listpack.over(bytes).count : NO_LISTPACK;
}

/** Whether the members of a checked listpack of members and scores in turn have scores, and come in their order. */
export function areInOrder(bytes: Bytes): boolean {
  listpack.over(bytes);
  let at = listpack.first();
  let score = scoreAt(listpack.next(at));
  if (Number.isNaN(score)) return false;
  for (;;) {
    const nextAt = listpack.next(listpack.next(at));
    if (nextAt === NOWHERE) return true;
    const nextScore = scoreAt(listpack.next(nextAt));
    const isAfter = nextScore > score || (nextScore === score && isNameBefore(at, nextAt));
    if (!isAfter) return false;
    at = nextAt;
    score = nextScore;
  }
}

/**
 * Whether a checked listpack of `count` names, each the first of `step` elements, has a name twice. The names' places are
 * kept in a hash table outside of V8's heap, so that millions do no harm.
 */
export function hasTwice(bytes: Bytes, step: number, count: number, hashes: KeyHash): boolean {
  const size = 2 ** Math.ceil(Math.log2(count * 2));
  const places = size <= PLACES_KEPT ? keptPlaces.fill(0, 0, size) : new Uint32Array(size);
  listpack.over(bytes);
  for (let at = listpack.first(); at !== NOWHERE; at = skip(at, step)) {
    const { buffer, start, end } = listpack.read(at, name);
    let slot = hashes.of(buffer, start, end) & (size - 1);
    for (; places[slot] !== 0; slot = (slot + 1) & (size - 1)) if (listpack.isAt(places[slot], name)) return true;
    places[slot] = at;
  }
  return false;
}

/** The position `elements` elements, all of which there are, after the one at `at`; NOWHERE at the end. */
function skip(at: number, elements: number): number {
  for (; elements > 0; elements--) at = listpack.next(at);
  return at;
}

function scoreAt(at: number): number {
  const score = listpack.integerAt(at);
  if (!Number.isNaN(score)) return score;
  const { buffer, start, end } = listpack.read(at, name);
  return readDouble(buffer, start, end);
}

function isNameBefore(at: number, nextAt: number): boolean {
  const a = listpack.read(at, name);
  const b = listpack.read(nextAt, nextName);
  return compareBytes(a.buffer, a.start, a.end, b.buffer, b.start, b.end) < 0;
}

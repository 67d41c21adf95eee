/**
 * What has to be true of packed collections besides their form: no name twice, members in the order of their scores. Whoever
 * trusted a stranger in this would have keys whose elements cannot be found, or are found twice.
 */
import { Bytes, readDouble } from '../../base';
import { isValidListpack, Listpack, NOWHERE } from '../listpack';
import { compareBytes } from '../members';

/** Up to here each name is compared with all others; above, names are gathered. */
const COMPARED_NAMES_MAX = 64;

const listpack = new Listpack();
const name = new Bytes();
const nextName = new Bytes();

/** What `countElements` says of bytes that are no listpack. */
export const NO_LISTPACK = -1;

/** The number of elements of a listpack that nobody has checked, or NO_LISTPACK. */
export function countElements(bytes: Bytes): number {
  return isValidListpack(bytes.buffer, bytes.start, bytes.end, true) ? listpack.over(bytes).count : NO_LISTPACK;
}

/**
 * The number of names in a listpack that nobody has checked, whose elements come in groups of `step`, each after its name: 0 where
 * it is not in order, or empty, or has a name twice.
 */
export function countNames(bytes: Bytes, step: number): number {
  const count = countElements(bytes) / step;
  if (count <= 0 || !Number.isInteger(count)) return 0;
  listpack.over(bytes);
  return (count > COMPARED_NAMES_MAX ? hasTwiceAmongMany(step) : hasTwice(step)) ? 0 : count;
}

/** Whether the members of a listpack that `countNames` found right have scores, and come in their order. */
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

function hasTwice(step: number): boolean {
  for (let at = listpack.first(); at !== NOWHERE;) {
    listpack.read(at, name);
    at = skip(at, step);
    if (listpack.find(name, at, step) !== NOWHERE) return true;
  }
  return false;
}

function hasTwiceAmongMany(step: number): boolean {
  const names = new Set<string>();
  for (let at = listpack.first(); at !== NOWHERE; at = skip(at, step)) {
    const text = listpack.read(at, name).toLatin1();
    if (names.has(text)) return true;
    names.add(text);
  }
  return false;
}

function skip(at: number, step: number): number {
  for (; step > 0; step--) at = listpack.next(at);
  return at;
}

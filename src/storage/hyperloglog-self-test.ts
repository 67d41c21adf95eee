/**
 * The self-test of HyperLogLogs that PFSELFTEST runs on a living server, on values of its own.
 *
 * It looks for what a broken machine or engine would do: registers of a dense string that touch their neighbours, dense and
 * sparse strings that disagree, and estimates further off than the method explains. Redis adds ten million elements; here
 * fewer do, because a server that tests itself serves nobody meanwhile: some 80 ms.
 */
import { Bytes, type Random } from '../base';
import { REGISTER_COUNT } from './cardinality';
import { Sketch } from './hyperloglog';

const REGISTER_ROUNDS = 8;
const REGISTER_VALUE_MAX = 63;
const ELEMENTS = 100_000;
/** Standard error of an estimate, relative to it. */
const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTER_COUNT);
/** How many standard errors are still taken for chance. */
const ERRORS_MAX = 6;
const NO_LIMIT = Infinity;

/** What is wrong with HyperLogLogs on this machine, in a sentence; null if nothing is. Runs some 80 ms. */
export function findSketchFault(random: Random): string | null {
  return findRegisterFault(random) ?? findEstimateFault(random);
}

function findRegisterFault(random: Random): string | null {
  const sketch = new Sketch();
  const expected = new Uint8Array(REGISTER_COUNT);
  sketch.create();
  sketch.toDense();
  for (let round = 0; round < REGISTER_ROUNDS; round++) {
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const value = random.below(REGISTER_VALUE_MAX + 1);
      sketch.raise(i, value, NO_LIMIT);
      expected[i] = Math.max(expected[i], value);
    }
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const value = sketch.denseRegister(i);
      if (value !== expected[i]) return `Register ${i} should be ${expected[i]} but is ${value}`;
    }
  }
  return null;
}

function findEstimateFault(random: Random): string | null {
  const dense = new Sketch();
  const sparse = new Sketch();
  dense.create();
  dense.toDense();
  sparse.create();
  const element = new Bytes(new Uint8Array(8));
  const words = new DataView(element.buffer.buffer);
  words.setUint32(4, random.uint32(), true);
  const seed = random.uint32();
  let checkpoint = 1;
  for (let count = 1; count <= ELEMENTS; count++) {
    words.setUint32(0, (seed + count) >>> 0, true);
    dense.add(element, NO_LIMIT);
    if (count <= REGISTER_COUNT / 16) sparse.add(element, NO_LIMIT);
    if (count !== checkpoint) continue;
    dense.refresh();
    const estimate = Number(dense.cardinality);
    if (count <= REGISTER_COUNT / 16 && sparse.refresh() && sparse.cardinality !== estimate) {
      return 'dense/sparse disagree';
    }
    // Two of ten elements may share a register by chance, which a relative error has no room for.
    const error = Math.abs(count - estimate);
    if (error > Math.max(2, Math.ceil(STANDARD_ERROR * ERRORS_MAX * count))) {
      return `Too big error. card:${count} abserr:${error}`;
    }
    checkpoint *= 10;
  }
  return null;
}

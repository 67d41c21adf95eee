/**
 * Runs: how a sparse HyperLogLog says which registers have which values, in one or two bytes for neighbours that are equal.
 *
 *   00LLLLLL            ZERO   1–64 registers at 0
 *   01LLLLLL LLLLLLLL   XZERO  1–16,384 registers at 0
 *   1VVVVVLL            VALUE  1–4 registers at 1–32
 *
 * Lengths L and values V are stored less one. Zeros take the shorter of their two forms. Functions take a run's first byte
 * (its code); what needs more of the string is in hyperloglog.ts.
 */
const ZERO_RUN_MAX = 64;

/** In a run's first byte: its registers have a value. */
export const VALUE_BIT = 0x80;
/** In a run's first byte, without VALUE_BIT: another byte follows. */
export const XZERO_BIT = 0x40;
/** Where a VALUE has the value, less one. */
export const VALUE_MASK = 0x7c;
/** Registers of the longest VALUE. */
export const VALUE_RUN_MAX = 4;
/** The greatest value that a run can have. */
export const RUN_VALUE_MAX = 32;

/** Bytes of a run. */
export function widthOf(code: number): number {
  return (code & (VALUE_BIT | XZERO_BIT)) === XZERO_BIT ? 2 : 1;
}

/** The value of a run's registers. */
export function valueOf(code: number): number {
  return (code & VALUE_BIT) === 0 ? 0 : ((code & VALUE_MASK) >>> 2) + 1;
}

/** The VALUE of 1–4 registers. */
export function valueCode(value: number, registers: number): number {
  return VALUE_BIT | ((value - 1) << 2) | (registers - 1);
}

/** Writes the run of so many registers, none for 0; returns its width in bytes. */
export function writeRun(target: Uint8Array, at: number, value: number, registers: number): number {
  if (registers === 0) return 0;
  if (value === 0) return writeZeros(target, at, registers);
  target[at] = valueCode(value, registers);
  return 1;
}

/** Writes a run of zeros, in the shorter form; returns its width in bytes. */
export function writeZeros(target: Uint8Array, at: number, registers: number): number {
  if (registers <= ZERO_RUN_MAX) {
    target[at] = registers - 1;
    return 1;
  }
  target[at] = XZERO_BIT | ((registers - 1) >>> 8);
  target[at + 1] = registers - 1;
  return 2;
}

/**
 * BITFIELD: strings as rows of integers, i1 to i64 and u1 to u63, at any bit.
 *
 * The arguments are read twice: once to see that all of them make sense and how far they write, once to do what they say;
 * so nothing has to be kept in between. Fields of up to 53 bits are computed as numbers as long as those are exact; wider
 * ones, and sums that lead beyond, take the slow road by BigInt. Both say the same.
 */
import { Bytes, parseInt64, parseInteger, parseIntegerAt, readBits, writeBits } from '../../base';
import type { bitmap, Handlers } from '../../commands';
import type { Address } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { BAD_BITFIELD_TYPE, BAD_OVERFLOW_TYPE, BIT_OFFSET_OUT_OF_RANGE, BITFIELD_RO_ONLY_GETS } from '../error-replies';

const NONE = -1;
const GET = 0;
const SET = 1;
const INCRBY = 2;

// What a write does with a number that its field cannot hold.
const WRAP = 0;
const SATURATE = 1;
const FAIL = 2;

const WORD_BITS = 32;
const WORD_SPAN = 2 ** WORD_BITS;
/** Widest field that numbers hold exactly. */
const NUMBER_BITS_MAX = 53;
const SIGNED_BITS_MAX = 64;
const UNSIGNED_BITS_MAX = 63;

const LETTER_I = 105;
const LETTER_U = 117;
const HASH = 35;

const NOTHING = new Bytes();

export const bitfieldHandlers: Pick<Handlers<typeof bitmap, Handler>, 'BITFIELD' | 'BITFIELD_RO'> = {
  BITFIELD(call) {
    if (!operations.check(call)) return;
    if (operations.bitsWritten === 0) replyFields(call);
    else writeFields(call);
  },

  BITFIELD_RO(call) {
    if (!operations.check(call)) return;
    if (operations.bitsWritten === 0) replyFields(call);
    else call.reply.error(BITFIELD_RO_ONLY_GETS);
  },
};

/** The operations of a BITFIELD: a cursor over its arguments. One serves all commands. */
class Operations {
  /** How many there are; OVERFLOW is none. */
  count = 0;
  /** How long the value must be for all writes, in bits; 0 where nothing is written. */
  bitsWritten = 0;

  // The operation at the cursor:
  kind = NONE;
  signed = false;
  /** Width of the field. */
  bits = 0;
  /** First bit of the field. */
  offset = 0;
  /** What the field holds is below this. */
  limit = 0;
  /** Which argument has the number of a SET or INCRBY. */
  numberAt = 0;
  overflow = WRAP;

  private next = 0;
  private failed = false;

  /** Puts the cursor before the first operation. */
  rewind(): void {
    this.next = 2;
    this.overflow = WRAP;
    this.failed = false;
  }

  /** Reads all operations and leaves the cursor before the first; false after the error reply. */
  check(call: Call): boolean {
    this.count = 0;
    this.bitsWritten = 0;
    this.rewind();
    while (this.advance(call)) {
      this.count++;
      if (this.kind !== GET) this.bitsWritten = Math.max(this.bitsWritten, this.offset + this.bits);
    }
    if (this.failed) return false;
    this.rewind();
    return true;
  }

  /** Moves the cursor to the next operation; false where there is none, and after the error reply. */
  advance(call: Call): boolean {
    let at = this.next;
    while (at + 1 < call.argc && call.is(at, 'overflow')) {
      this.overflow = overflowOf(call.arg(at + 1));
      if (this.overflow === NONE) return this.fail(call, BAD_OVERFLOW_TYPE);
      at += 2;
    }
    this.next = at;
    if (at === call.argc) return false;
    this.kind = kindOf(call.arg(at));
    const width = this.kind === GET ? 3 : 4;
    if (this.kind === NONE || at + width > call.argc) {
      this.failed = true;
      call.syntaxError();
      return false;
    }
    this.next = at + width;
    if (!this.readType(call.arg(at + 1))) return this.fail(call, BAD_BITFIELD_TYPE);
    if (!this.readOffset(call.arg(at + 2), call)) return this.fail(call, BIT_OFFSET_OUT_OF_RANGE);
    this.numberAt = at + 3;
    if (this.kind !== GET && Number.isNaN(parseInteger(call.arg(at + 3))) && call.int64(at + 3) === null) {
      this.failed = true;
    }
    return !this.failed;
  }

  private fail(call: Call, error: string): false {
    this.failed = true;
    call.reply.error(error);
    return false;
  }

  private readType({ buffer, start, end }: Bytes): boolean {
    if (start === end) return false;
    this.signed = buffer[start] === LETTER_I;
    if (!this.signed && buffer[start] !== LETTER_U) return false;
    this.bits = parseIntegerAt(buffer, start + 1, end);
    this.limit = 2 ** (this.signed ? this.bits - 1 : this.bits);
    return this.bits >= 1 && this.bits <= (this.signed ? SIGNED_BITS_MAX : UNSIGNED_BITS_MAX);
  }

  /** `#n` is the n-th field of this width. */
  private readOffset({ buffer, start, end }: Bytes, call: Call): boolean {
    const inFields = start < end && buffer[start] === HASH;
    this.offset = inFields ? parseIntegerAt(buffer, start + 1, end) * this.bits : parseIntegerAt(buffer, start, end);
    return this.offset >= 0 && this.offset < call.node.limits.bulkBytesMax * 8;
  }
}

const operations = new Operations();

function kindOf(word: Bytes): number {
  if (word.is('get')) return GET;
  if (word.is('set')) return SET;
  return word.is('incrby') ? INCRBY : NONE;
}

function overflowOf(word: Bytes): number {
  if (word.is('wrap')) return WRAP;
  if (word.is('sat')) return SATURATE;
  return word.is('fail') ? FAIL : NONE;
}

function replyFields(call: Call): void {
  const record = call.lookupString(1);
  if (record === WRONG) return;
  const value = record === 0 ? NOTHING : call.stringOf(record);
  call.reply.array(operations.count);
  while (operations.advance(call)) replyField(call, value);
}

function writeFields(call: Call): void {
  const record = call.findString(1);
  if (record === WRONG) return;
  const length = Math.ceil(operations.bitsWritten / 8);
  const isLonger = record === 0 || call.stringOf(record).length < length;
  const value = call.strings.stretch(call.database, call.arg(1), record, length);
  call.reply.array(operations.count);
  let changes = 0;
  while (operations.advance(call)) {
    if (operations.kind === GET) replyField(call, value);
    else if (writeField(call, value, isLonger ? 0 : record)) changes++;
  }
  if (changes > 0) call.changed(changes);
  // Redis counts no change for it; who follows has to do it nevertheless.
  else if (isLonger) call.leaveAlways();
}

function replyField(call: Call, value: Bytes): void {
  if (operations.bits <= NUMBER_BITS_MAX) call.reply.integer(readNumber(value));
  else call.reply.int64(readBigInt(value));
}

/**
 * Does the SET or INCRBY at the cursor and replies; whether it counts as a change: what is written is not what was there, or
 * the value has just been made longer. `unchanged` is the record of a value that was long enough, else 0.
 */
function writeField(call: Call, value: Bytes, unchanged: Address): boolean {
  const { kind, bits, numberAt } = operations;
  const operand = parseInteger(call.arg(numberAt));
  const old = bits <= NUMBER_BITS_MAX ? readNumber(value) : NaN;
  const wanted = kind === SET ? operand : old + operand;
  if (Number.isNaN(old) || !Number.isSafeInteger(wanted)) return writeWideField(call, value, unchanged);
  const fitting = fittingNumber(wanted);
  if (Number.isNaN(fitting)) {
    call.reply.null();
    return false;
  }
  call.reply.integer(kind === SET ? old : fitting);
  if (fitting === old) return unchanged === 0;
  if (unchanged !== 0) call.database.changing(unchanged);
  writeNumber(value, fitting);
  return true;
}

/** The same for all that numbers cannot do. */
function writeWideField(call: Call, value: Bytes, unchanged: Address): boolean {
  const { kind, numberAt } = operations;
  const operand = parseInt64(call.arg(numberAt)) ?? 0n;
  const old = readBigInt(value);
  const fitting = fittingBigInt(kind === SET ? operand : old + operand);
  if (fitting === null) {
    call.reply.null();
    return false;
  }
  call.reply.int64(kind === SET ? old : fitting);
  if (fitting === old) return unchanged === 0;
  if (unchanged !== 0) call.database.changing(unchanged);
  writeBigInt(value, fitting);
  return true;
}

/** What the field holds after it was told to hold `wanted`; NaN where it refuses. */
function fittingNumber(wanted: number): number {
  const { kind, signed, limit, overflow } = operations;
  const min = signed ? -limit : 0;
  if (wanted >= min && wanted < limit) return wanted;
  if (overflow === FAIL) return NaN;
  // A SET takes a negative number, for an unsigned field, as one that is too large.
  if (overflow === SATURATE) return wanted >= limit || (kind === SET && !signed) ? limit - 1 : min;
  const span = limit - min;
  const rest = wanted % span;
  const wrapped = rest < 0 ? rest + span : rest;
  return wrapped < limit ? wrapped : wrapped - span;
}

/** The same; null where it refuses. */
function fittingBigInt(wanted: bigint): bigint | null {
  const { kind, signed, bits, overflow } = operations;
  const limit = BigInt(operations.limit);
  const min = signed ? -limit : 0n;
  if (wanted >= min && wanted < limit) return wanted;
  if (overflow === FAIL) return null;
  if (overflow === WRAP) return signed ? BigInt.asIntN(bits, wanted) : BigInt.asUintN(bits, wanted);
  // Redis finds numbers too large that are 2^63 or more below the largest: the difference overflows there.
  const isTooLarge = wanted >= limit || (kind === SET && (!signed || wanted < limit - 2n ** 63n));
  return isTooLarge ? limit - 1n : min;
}

function readNumber(value: Bytes): number {
  const { signed, bits, offset, limit } = operations;
  const highBits = Math.max(0, bits - WORD_BITS);
  const low = readBits(value, offset + highBits, bits - highBits) >>> 0;
  const number = readBits(value, offset, highBits) * WORD_SPAN + low;
  return signed && number >= limit ? number - 2 * limit : number;
}

function writeNumber(value: Bytes, number: number): void {
  const { bits, offset } = operations;
  const highBits = Math.max(0, bits - WORD_BITS);
  writeBits(value, offset, highBits, Math.floor(number / WORD_SPAN));
  writeBits(value, offset + highBits, bits - highBits, number | 0);
}

function readBigInt(value: Bytes): bigint {
  const { signed, bits, offset } = operations;
  if (bits <= NUMBER_BITS_MAX) return BigInt(readNumber(value));
  const high = BigInt(readBits(value, offset, bits - WORD_BITS));
  const low = BigInt(readBits(value, offset + bits - WORD_BITS, WORD_BITS) >>> 0);
  const number = (high << 32n) | low;
  return signed ? BigInt.asIntN(bits, number) : number;
}

function writeBigInt(value: Bytes, number: bigint): void {
  const { bits, offset } = operations;
  if (bits <= NUMBER_BITS_MAX) {
    writeNumber(value, Number(number));
    return;
  }
  writeBits(value, offset, bits - WORD_BITS, Number(BigInt.asIntN(WORD_BITS, number >> 32n)));
  writeBits(value, offset + bits - WORD_BITS, WORD_BITS, Number(BigInt.asIntN(WORD_BITS, number)));
}

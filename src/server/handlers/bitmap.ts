/**
 * Bits of strings: SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP; integers of any width are in bitfield.ts.
 *
 * Changes are made in the string's own bytes, after it has been made long enough; such a string is "raw". BITOP works
 * through its values in blocks that fit into the processor's cache: it needs no copy of a whole value, and its result may
 * lie where one of its sources does, because a block has been read from all of them before it is written. Blocks are
 * copied before they are combined, because words are fast only at their natural places, where values seldom lie.
 */
import { countBitsBetween, findBitBetween, parseInteger, type Bytes } from '../../base';
import type { bitmap, Handlers } from '../../commands';
import { NO_EXPIRY, TYPE_STRING } from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { BIT_IS_NOT_0_OR_1, BIT_OFFSET_OUT_OF_RANGE, BIT_OUT_OF_RANGE, BITOP_NOT_TAKES_ONE } from '../error-replies';
import { bitfieldHandlers } from './bitfield';

export const bitmapHandlers: Handlers<typeof bitmap, Handler> = {
  ...bitfieldHandlers,

  SETBIT(call) {
    const offset = bitOffset(call, 2);
    if (Number.isNaN(offset)) return;
    const bit = parseInteger(call.arg(3));
    if (bit !== 0 && bit !== 1) {
      call.reply.error(BIT_OUT_OF_RANGE);
      return;
    }
    const record = call.findString(1);
    if (record === WRONG) return;
    const at = Math.floor(offset / 8);
    const isLonger = record === 0 || at >= call.stringOf(record).length;
    const { buffer, start } = call.strings.stretch(call.database, call.arg(1), record, at + 1);
    const shift = 7 - (offset & 7);
    const old = (buffer[start + at] >>> shift) & 1;
    if (isLonger || old !== bit) {
      if (!isLonger) call.database.changing(record);
      buffer[start + at] ^= (old ^ bit) << shift;
      call.changed();
    }
    call.reply.integer(old);
  },

  GETBIT(call) {
    const offset = bitOffset(call, 2);
    if (Number.isNaN(offset)) return;
    const record = call.lookupString(1);
    if (record === WRONG) return;
    const at = Math.floor(offset / 8);
    if (record === 0 || at >= call.stringOf(record).length) call.reply.integer(0);
    else call.reply.integer((call.value.at(at) >>> (7 - (offset & 7))) & 1);
  },

  BITCOUNT(call) {
    const record = call.lookupString(1);
    if (record === WRONG) return;
    if (record === 0) {
      // Whatever else it says: Redis 7.2 looks at the range of existing keys only.
      call.reply.integer(0);
      return;
    }
    const value = call.stringOf(record);
    let from = 0;
    let to = value.length * 8 - 1;
    if (call.argc > 2) {
      if (call.argc !== 4 && call.argc !== 5) return call.syntaxError();
      const start = call.clampedInteger(2);
      if (Number.isNaN(start)) return;
      const end = call.clampedInteger(3);
      if (Number.isNaN(end)) return;
      if (start < 0 && end < 0 && start > end) {
        call.reply.integer(0);
        return;
      }
      const unitBits = call.argc === 5 ? rangeUnit(call, 4) : 8;
      if (unitBits === 0) return;
      const units = (value.length * 8) / unitBits;
      from = fromStart(start, units) * unitBits;
      to = lastBit(end, units, unitBits);
    }
    call.reply.integer(from > to ? 0 : countBitsBetween(value, from, to));
  },

  BITPOS(call) {
    const bit = call.clampedInteger(2);
    if (Number.isNaN(bit)) return;
    if (bit !== 0 && bit !== 1) {
      call.reply.error(BIT_IS_NOT_0_OR_1);
      return;
    }
    const record = call.lookupString(1);
    if (record === WRONG) return;
    if (record === 0) {
      call.reply.integer(bit === 1 ? -1 : 0);
      return;
    }
    if (call.argc > 6) return call.syntaxError();
    const value = call.stringOf(record);
    const lengthBits = value.length * 8;
    let from = 0;
    let to = lengthBits - 1;
    if (call.argc > 3) {
      const start = call.clampedInteger(3);
      if (Number.isNaN(start)) return;
      const unitBits = call.argc === 6 ? rangeUnit(call, 5) : 8;
      if (unitBits === 0) return;
      const end = call.argc > 4 ? call.clampedInteger(4) : -1;
      if (Number.isNaN(end)) return;
      const units = lengthBits / unitBits;
      from = fromStart(start, units) * unitBits;
      to = lastBit(end, units, unitBits);
    }
    const found = from > to ? -1 : findBitBetween(value, bit, from, to);
    // Who names no end looks for a 0 beyond the value too, unless nothing of it was looked at.
    if (found < 0 && bit === 0 && call.argc < 5 && from <= to) call.reply.integer(lengthBits);
    else call.reply.integer(found);
  },

  BITOP(call) {
    const operation = operationOf(call.arg(1));
    if (operation === NONE) return call.syntaxError();
    if (operation === NOT && call.argc !== 4) {
      call.reply.error(BITOP_NOT_TAKES_ONE);
      return;
    }
    let length = 0;
    for (let i = 3; i < call.argc; i++) {
      const record = call.lookupString(i);
      if (record === WRONG) return;
      if (record !== 0) length = Math.max(length, call.stringOf(record).length);
    }
    if (length > 0) {
      prepareResult(call, length);
      for (let at = 0; at < length; at += BLOCK_BYTES) {
        combineBlock(call, operation, at, Math.min(BLOCK_BYTES, length - at));
      }
      call.changed();
    } else if (call.database.delete(call.arg(2))) {
      call.changed();
    }
    call.reply.integer(length);
  },
};

/** Argument i as the place of a bit that a string may have; NaN after the error reply. */
function bitOffset(call: Call, i: number): number {
  const offset = parseInteger(call.arg(i));
  if (offset >= 0 && offset < call.node.limits.bulkBytesMax * 8) return offset;
  call.reply.error(BIT_OFFSET_OUT_OF_RANGE);
  return NaN;
}

/** Argument i as the unit of a range, in bits; 0 after the error reply. */
function rangeUnit(call: Call, i: number): number {
  const word = call.arg(i);
  if (word.is('bit')) return 1;
  if (word.is('byte')) return 8;
  call.syntaxError();
  return 0;
}

/** A place that may count from the end of so many units, as one from the start; what lies before is 0. */
function fromStart(place: number, units: number): number {
  return place < 0 ? Math.max(0, units + place) : place;
}

/** The last bit of the unit where a range ends, cut at the end of the value. */
function lastBit(end: number, units: number, unitBits: number): number {
  return (Math.min(fromStart(end, units), units - 1) + 1) * unitBits - 1;
}

const NONE = -1;
const AND = 0;
const OR = 1;
const XOR = 2;
const NOT = 3;

function operationOf(word: Bytes): number {
  if (word.is('and')) return AND;
  if (word.is('or')) return OR;
  if (word.is('xor')) return XOR;
  return word.is('not') ? NOT : NONE;
}

/** How much of each value is combined at a time: two such blocks are half of a small second-level cache. */
const BLOCK_BYTES = 64 * 1024;

/** The result so far, and what is to be combined with it. */
const block = new Uint8Array(BLOCK_BYTES);
const other = new Uint8Array(BLOCK_BYTES);
const blockWords = new Int32Array(block.buffer);
const otherWords = new Int32Array(other.buffer);

/**
 * Makes the destination, argument 2, a string of `length` bytes without expiry. A source in the same place keeps its bytes;
 * it cannot be longer.
 */
function prepareResult(call: Call, length: number): void {
  const { database, keyspace } = call;
  const key = call.arg(2);
  const record = database.find(key);
  if (record !== 0) {
    const isOfUse = keyspace.records.type(record) === TYPE_STRING && call.stringOf(record).length <= length;
    if (isOfUse) database.setExpiry(record, NO_EXPIRY);
    else database.delete(key);
  }
  call.strings.stretch(database, key, database.find(key), length);
}

/** Combines bytes `at` to `at + count - 1` of all sources and writes them to the destination. */
function combineBlock(call: Call, operation: number, at: number, count: number): void {
  loadBlock(call, 3, at, count, block);
  for (let i = 4; i < call.argc; i++) {
    loadBlock(call, i, at, count, other);
    combineWords(operation, blockWords, otherWords, (count + 3) >>> 2);
  }
  if (operation === NOT) invertWords(blockWords, (count + 3) >>> 2);
  const { buffer, start } = call.stringOf(call.database.peek(call.arg(2)));
  buffer.set(block.subarray(0, count), start + at);
}

/** Copies bytes `at` to `at + count - 1` of the string in key argument i; beyond its end there are zeros. */
function loadBlock(call: Call, i: number, at: number, count: number, into: Uint8Array): void {
  const record = call.database.peek(call.arg(i));
  let length = 0;
  if (record !== 0) {
    const { buffer, start, end } = call.stringOf(record);
    length = Math.max(0, Math.min(count, end - start - at));
    if (length > 0) into.set(buffer.subarray(start + at, start + at + length));
  }
  if (length < count) into.fill(0, length, count);
}

/** Combines `count` words, or up to three more; four at a time, because loops that are unrolled cost half (measured, Node 20). */
function combineWords(operation: number, to: Int32Array, from: Int32Array, count: number): void {
  if (operation === AND) {
    for (let i = 0; i < count; i += 4) {
      to[i] &= from[i];
      to[i + 1] &= from[i + 1];
      to[i + 2] &= from[i + 2];
      to[i + 3] &= from[i + 3];
    }
  } else if (operation === OR) {
    for (let i = 0; i < count; i += 4) {
      to[i] |= from[i];
      to[i + 1] |= from[i + 1];
      to[i + 2] |= from[i + 2];
      to[i + 3] |= from[i + 3];
    }
  } else {
    for (let i = 0; i < count; i += 4) {
      to[i] ^= from[i];
      to[i + 1] ^= from[i + 1];
      to[i + 2] ^= from[i + 2];
      to[i + 3] ^= from[i + 3];
    }
  }
}

function invertWords(words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) words[i] = ~words[i];
}

/**
 * Bitmap commands: strings as rows of bits, and as rows of integers of any width.
 *
 * There is no type of its own behind them: they read and change the bytes of strings. Bit 0 is the highest bit of the
 * first byte, and beyond a string's end there are zeros.
 */
import { Bytes } from '../base';
import { family } from './declaration';
import type { CommandArguments } from './keys';

export const bitmap = family('bitmap', {
  BITCOUNT: {
    usage: 'key [start end [BYTE | BIT]]',
    flags: 'readonly',
    keys: 'ro access',
    reply: 'integer',
    does: 'Counts the bits of a value that are 1, all or between two offsets, both included.',
    since: '2.6.0',
    cost: 'O(N), N = bytes counted',
    history: { '7.0.0': '`BYTE` and `BIT`.' },
  },
  BITFIELD: {
    usage:
      'key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] ' +
      '<SET encoding offset value | INCRBY encoding offset increment>]...',
    flags: 'write denyoom',
    keys: 'rw access update variable',
    keysOf: (args) => (hasOnlyGets(args) ? 'ro access' : 'rw access update'),
    reply: '(integer | null)[]',
    does: 'Reads, sets and increments integers of any width at any bit of a value; replies one result for each.',
    since: '3.2.0',
    cost: 'O(N), N = operations',
    types: { value: 'integer' },
  },
  BITFIELD_RO: {
    usage: 'key [GET encoding offset]...',
    flags: 'readonly fast',
    keys: 'ro access',
    reply: 'integer[]',
    does: 'Reads integers of any width at any bit of a value.',
    since: '6.0.0',
    cost: 'O(N), N = operations',
  },
  BITOP: {
    usage: '<AND | OR | XOR | NOT> destkey key...',
    flags: 'write denyoom',
    keys: 'ow update; ro access',
    reply: 'integer',
    does: 'Combines values bit by bit into another key and replies the length of the result in bytes.',
    since: '2.6.0',
    cost: 'O(N*M), N = keys, M = length of the longest value',
  },
  BITPOS: {
    usage: 'key bit [start [end [BYTE | BIT]]]',
    flags: 'readonly',
    keys: 'ro access',
    reply: 'integer',
    does: 'Finds the first bit of a value that is 0 or that is 1; -1 where there is none.',
    since: '2.8.7',
    cost: 'O(N), N = bytes looked at',
    history: { '7.0.0': '`BYTE` and `BIT`.' },
    types: { bit: 'integer' },
  },
  GETBIT: {
    usage: 'key offset',
    flags: 'readonly fast',
    keys: 'ro access',
    reply: 'integer',
    does: 'Replies the bit of a value at an offset.',
    since: '2.2.0',
    cost: 'O(1)',
  },
  SETBIT: {
    usage: 'key offset value',
    flags: 'write denyoom',
    keys: 'rw access update',
    reply: 'integer',
    does: 'Sets the bit of a value at an offset, filling a gap with zeros, and replies the bit that was there.',
    since: '2.2.0',
    cost: 'O(1), amortized',
    types: { value: 'integer' },
  },
});

/** Whether a BITFIELD only reads; what makes no sense is taken for a write. */
function hasOnlyGets({ buffer, starts, ends, argc }: CommandArguments): boolean {
  const word = new Bytes();
  for (let i = 2; i < argc;) {
    word.set(buffer, starts[i], ends[i]);
    if (word.is('get') && i + 2 < argc) i += 3;
    else if (word.is('overflow') && i + 1 < argc) i += 2;
    else return false;
  }
  return true;
}

/**
 * Conditions: commands of which the words decide whether they may be passed on.
 *
 * SORT makes keys of patterns and of elements that nobody knows before. It may pass where all these keys lie in the slot of the
 * key that is sorted: where a pattern has a hash tag before its star. Otherwise the server, which has only some of the slots,
 * would take what it does not have for missing, and answer wrongly without a word.
 *
 * XREAD and XREADGROUP wait only if they are told to, by BLOCK.
 */
import { Bytes } from '../base';
import type { CommandArguments } from '../commands';
import { slotOfBytes } from '../slots';

const OPEN = 123;
const CLOSE = 125;
const STAR = 42;

const option = new Bytes();

/** Whether all keys that the patterns of a SORT can make are in `slot`. */
export function patternsStayIn(args: CommandArguments, slot: number): boolean {
  const { buffer, starts, ends } = args;
  for (let i = 2; i < args.argc; i++) {
    option.set(buffer, starts[i], ends[i]);
    if (option.is('limit')) {
      i += 2;
    } else if (option.is('store')) {
      i++;
    } else if ((option.is('by') || option.is('get')) && i + 1 < args.argc) {
      i++;
      const star = indexOf(buffer, STAR, starts[i], ends[i]);
      // Without a star it is no pattern: no key is made of it.
      if (star === ends[i]) continue;
      const open = indexOf(buffer, OPEN, starts[i], star);
      const close = indexOf(buffer, CLOSE, open, star);
      if (close === star || close === open + 1 || slotOfBytes(buffer, starts[i], star) !== slot) return false;
    }
  }
  return true;
}

/** Whether an XREAD or XREADGROUP is to wait. */
export function hasBlock(args: CommandArguments): boolean {
  for (let i = 1; i < args.argc; i++) {
    option.set(args.buffer, args.starts[i], args.ends[i]);
    if (option.is('block')) return true;
    if (option.is('streams')) return false;
    if (option.is('group')) i += 2;
    else if (option.is('count')) i++;
  }
  return false;
}

/** Where `byte` is first in `buffer[start, end)`; `end` where it is not. */
function indexOf(buffer: Uint8Array, byte: number, start: number, end: number): number {
  while (start < end && buffer[start] !== byte) start++;
  return start;
}

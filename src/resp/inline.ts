/**
 * Inline commands: what people type into telnet, `SET greeting "hello world"`, as the array that it stands for.
 *
 * This is the slow road, used by hands and health checks; it allocates, and buys with that the fact that nobody
 * behind the parser ever needs to know about it.
 */
import { EMPTY_BUFFER, splitArguments } from '../base';
import { encodeCommand } from './encode';

/**
 * The command in `data[start, end)`, a line without its line end, in RESP; empty where the line holds no word, null
 * where its quotes are unbalanced.
 */
export function inlineToArray(data: Uint8Array, start: number, end: number): Uint8Array | null {
  const words = splitArguments(data, start, end);
  if (words === null) return null;
  return words.length === 0 ? EMPTY_BUFFER : encodeCommand(words);
}

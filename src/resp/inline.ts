/**
 * Inline commands: what people type into telnet, `SET greeting "hello world"`, as the array that it stands for.
 *
 * This is the slow road, used by hands and health checks; it allocates, and buys with that the fact that nobody
 * behind the parser ever needs to know about it.
 */
import { EMPTY_BUFFER, splitArguments } from '../base';
import { encodeCommand } from './encode';

/** Makes letters small, and leaves colon and space as they are. */
const LOWER_CASE = 0x20;
const WEB_WORDS = [Buffer.from('post '), Buffer.from('host: ')] as const;

/**
 * The command in `data[start, end)`, a line without its line end, in RESP; empty where the line holds no word, null
 * where its quotes are unbalanced.
 */
export function inlineToArray(data: Uint8Array, start: number, end: number): Uint8Array | null {
  const words = splitArguments(data, start, end);
  if (words === null) return null;
  return words.length === 0 ? EMPTY_BUFFER : encodeCommand(words);
}

/**
 * Whether a line is of a web request: a page in somebody's browser may send one to a port that only that browser can reach, with
 * commands in its body (cross protocol scripting). No command is named like that.
 */
export function isOfTheWeb(data: Uint8Array, start: number, end: number): boolean {
  return WEB_WORDS.some((word) => {
    if (end - start < word.length) return false;
    return word.every((byte, i) => (data[start + i] | LOWER_CASE) === byte);
  });
}

/**
 * Redis' quoting: how an inline command, a line of redis.conf and a line of a transcript split into arguments.
 *
 * Words are separated by blanks. "double quotes" know \n \r \t \b \a \xHH and take any other escaped character as it
 * is; 'single quotes' know only \'. A closing quote must be followed by a blank or the end. (Redis: sdssplitargs.)
 */
import type { Bytes } from './bytes';

const SPACE = 32;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;

/** The arguments of a line, each in memory of its own; null where quotes are unbalanced. */
export function splitArguments(line: Uint8Array, start = 0, end = line.length): Buffer[] | null {
  const args: Buffer[] = [];
  const scratch = Buffer.allocUnsafe(end - start);
  let at = start;
  for (;;) {
    while (at < end && isBlank(line[at])) at++;
    if (at >= end) return args;
    let length = 0;
    while (at < end && !isBlank(line[at])) {
      const byte = line[at];
      if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
        scratch[length++] = byte;
        at++;
        continue;
      }
      at++;
      for (;;) {
        if (at >= end) return null;
        let inner = line[at++];
        if (inner === byte) break;
        if (inner === BACKSLASH && at < end) {
          if (byte === SINGLE_QUOTE) {
            if (line[at] === SINGLE_QUOTE) inner = line[at++];
          } else if (line[at] === 0x78 && at + 2 < end && isHex(line[at + 1]) && isHex(line[at + 2])) {
            inner = (hexValue(line[at + 1]) << 4) | hexValue(line[at + 2]);
            at += 3;
          } else {
            inner = unescape(line[at++]);
          }
        }
        scratch[length++] = inner;
      }
      if (at < end && !isBlank(line[at])) return null;
    }
    args.push(Buffer.from(scratch.subarray(0, length)));
  }
}

/** Bytes as redis-cli shows them: in double quotes, with what is not printable ASCII escaped. */
export function quote(bytes: Bytes | Uint8Array): string {
  const view = bytes instanceof Uint8Array ? bytes : bytes.buffer.subarray(bytes.start, bytes.end);
  let text = '"';
  for (const byte of view) {
    if (byte === BACKSLASH || byte === DOUBLE_QUOTE) text += '\\' + String.fromCharCode(byte);
    else if (byte === 10) text += '\\n';
    else if (byte === 13) text += '\\r';
    else if (byte === 9) text += '\\t';
    else if (byte === 7) text += '\\a';
    else if (byte === 8) text += '\\b';
    else if (byte >= SPACE && byte < 127) text += String.fromCharCode(byte);
    else text += '\\x' + byte.toString(16).padStart(2, '0');
  }
  return text + '"';
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= 9 && byte <= 13) || byte === 0;
}

function isHex(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);
}

function hexValue(byte: number): number {
  return byte <= 57 ? byte - 48 : (byte | 32) - 87;
}

function unescape(byte: number): number {
  if (byte === 110) return 10;
  if (byte === 114) return 13;
  if (byte === 116) return 9;
  if (byte === 98) return 8;
  if (byte === 97) return 7;
  return byte;
}

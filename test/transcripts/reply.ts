/**
 * Replies as text: RESP bytes in, the notation of README.md out.
 *
 * This reader is deliberately not the codec of src/resp: the judge must not share an error with the judged. It may be
 * slow (it starts again from the front when bytes are missing) and keeps differences that a codec rightly drops:
 * a null bulk is not a null array, and a reply tells which protocol it can only belong to.
 */
import { quote } from '../../src/base';

/** A reply that has arrived wholly. `next` is the position after it. */
export interface ReadReply {
  readonly text: string;
  readonly next: number;
  readonly isPush: boolean;
  /** The only protocol in which this reply is legal; 0 where both are. */
  readonly protocol: 0 | 2 | 3;
}

/** Thrown within this file when the bytes end before the reply does. */
const INCOMPLETE = Symbol('incomplete');

/** The reply that starts at `start`, or null where not all of it is there. Throws on what is no RESP. */
export function readReply(buffer: Buffer, start: number): ReadReply | null {
  const reader = new ReplyReader(buffer, start);
  try {
    const isPush = buffer[start] === 0x3e;
    const lines = reader.reply();
    return { text: lines.join('\n'), next: reader.at, isPush, protocol: reader.protocol };
  } catch (error) {
    if (error === INCOMPLETE) return null;
    throw error;
  }
}

class ReplyReader {
  protocol: 0 | 2 | 3 = 0;

  constructor(
    private readonly buffer: Buffer,
    public at: number,
  ) {}

  /** Reads one reply; returns its lines. */
  reply(): string[] {
    const head = this.line();
    const rest = head.slice(1);
    const type = head[0];
    if ('_#,(!=~%>|'.includes(type)) this.protocol = 3;
    switch (type) {
      case '+':
        return [printable(rest)];
      case '-':
        return [`(error) ${printable(rest)}`];
      case ':':
        return [`(integer) ${rest}`];
      case ',':
        return [`(double) ${rest}`];
      case '(':
        return [`(big number) ${rest}`];
      case '_':
        return ['(nil)'];
      case '#':
        return [rest === 't' ? '(true)' : '(false)'];
      case '$':
        if (rest === '-1') return this.nullOfResp2('(nil)');
        return [quote(this.bulk(Number(rest)))];
      case '!':
        return [`(blob error) ${printable(this.bulk(Number(rest)).toString('latin1'))}`];
      case '=': {
        const bytes = this.bulk(Number(rest));
        return [`(verbatim ${bytes.toString('latin1', 0, 3)}) ${quote(bytes.subarray(4))}`];
      }
      case '*':
        if (rest === '-1') return this.nullOfResp2('(nil array)');
        return this.elements(Number(rest), ')', '(empty array)');
      case '~':
        return this.elements(Number(rest), '~', '(empty set)');
      case '>':
        return ['(push)', ...this.elements(Number(rest), ')', '(empty array)')];
      case '%':
        return this.pairs(Number(rest));
      case '|':
        return ['(attribute)', ...this.pairs(Number(rest)), ...this.reply()];
      default:
        throw new Error(`no RESP type: ${JSON.stringify(head)}`);
    }
  }

  private nullOfResp2(text: string): string[] {
    this.protocol = 2;
    return [text];
  }

  private elements(count: number, mark: string, whenEmpty: string): string[] {
    const lines: string[] = [];
    for (let i = 1; i <= count; i++) lines.push(...indented(`${i}${mark} `, this.reply()));
    return count === 0 ? [whenEmpty] : lines;
  }

  private pairs(count: number): string[] {
    const lines: string[] = [];
    for (let i = 1; i <= count; i++) {
      const key = this.reply().join(' ');
      const value = this.reply();
      const pair = value.length === 1 ? [`${key} => ${value[0]}`] : [`${key} =>`, ...value];
      lines.push(...indented(`${i}# `, pair));
    }
    return count === 0 ? ['(empty map)'] : lines;
  }

  private line(): string {
    const end = this.buffer.indexOf('\r\n', this.at, 'latin1');
    if (end < 0) throw INCOMPLETE;
    const text = this.buffer.toString('latin1', this.at, end);
    this.at = end + 2;
    return text;
  }

  private bulk(length: number): Buffer {
    const end = this.at + length;
    if (end + 2 > this.buffer.length) throw INCOMPLETE;
    const bytes = this.buffer.subarray(this.at, end);
    if (this.buffer.toString('latin1', end, end + 2) !== '\r\n') throw new Error('a bulk without CRLF after it');
    this.at = end + 2;
    return bytes;
  }
}

function indented(prefix: string, lines: string[]): string[] {
  const blanks = ' '.repeat(prefix.length);
  return lines.map((line, i) => (i === 0 ? prefix : blanks) + line);
}

/** Printable ASCII as it is, any other byte as \xHH: error texts keep their quotes. */
function printable(latin1: string): string {
  return latin1.replace(/[^ -~]/g, (character) => '\\x' + character.charCodeAt(0).toString(16).padStart(2, '0'));
}

/** What has no order: the outermost elements, the outermost elements two by two, or the elements at every level. */
export type Unordered = 'elements' | 'pairs' | 'deep';

/** The same reply with what has no order in the order of its text. */
export function sortReply(text: string, unordered: Unordered): string {
  return sortLines(text.split('\n'), unordered).join('\n');
}

function sortLines(lines: string[], unordered: Unordered): string[] {
  const first = /^1([)~#]) /.exec(lines[0]);
  if (first === null) return lines;
  const mark = first[1];
  let elements: string[][] = [];
  for (const line of lines) {
    const start = /^\d+[)~#] (.*)$/.exec(line);
    if (start !== null) elements.push([start[1]]);
    else elements[elements.length - 1].push(line.slice(`${elements.length}) `.length));
  }
  if (unordered === 'deep') elements = elements.map((element) => sortElement(element));
  const size = unordered === 'pairs' && mark === ')' ? 2 : 1;
  const groups: string[][][] = [];
  for (let i = 0; i < elements.length; i += size) groups.push(elements.slice(i, i + size));
  groups.sort((a, b) => compare(a.join('\n'), b.join('\n')));
  return groups.flat().flatMap((element, i) => indented(`${i + 1}${mark} `, element));
}

/** A map's pair has its key on a line of its own when the value has several lines. */
function sortElement(lines: string[]): string[] {
  return lines[0].endsWith(' =>') ? [lines[0], ...sortLines(lines.slice(1), 'deep')] : sortLines(lines, 'deep');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether an expected reply says something else than its own text: has patterns or `...`. */
export function hasPatterns(expected: readonly string[]): boolean {
  return expected.some((line) => line.startsWith('~ ') || line === '...');
}

/**
 * The expected reply with every pattern that fits replaced by what it fits: equal to `actual` exactly when that is
 * as expected, and otherwise different in the lines that matter, for a diff.
 */
export function resolvePatterns(expected: readonly string[], actual: string): string {
  const actualLines = actual.split('\n');
  const resolved: string[] = [];
  for (const [i, line] of expected.entries()) {
    if (line === '...') return [...resolved, ...actualLines.slice(i)].join('\n');
    const fits =
      line.startsWith('~ ') && i < actualLines.length && new RegExp(`^(?:${line.slice(2)})$`).test(actualLines[i]);
    resolved.push(fits ? actualLines[i] : line);
  }
  return resolved.join('\n');
}

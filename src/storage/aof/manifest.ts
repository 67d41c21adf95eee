/**
 * The manifest: which files, in which order, are the append-only file.
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b
 *     file appendonly.aof.1.incr.aof seq 1 type h
 *     file appendonly.aof.2.incr.aof seq 2 type i
 *     #CRC:<16 hex digits> <bytes>
 *
 * At most one base (b), the state at some moment; then increments (i) in the order of their numbers, the changes since; and
 * history (h), which a rewrite has made superfluous and which only waits to be removed. This is Redis' file, and what Redis
 * refuses is refused. Beyond that so are numbers that are no positive decimal integers, names that are no names, fields that are
 * said twice, and a file that is named twice: of history that is current as well, removing it would lose data.
 *
 * The last line, a comment to Redis, covers all bytes before it: one bit makes an increment history. Manifests that Redis wrote do
 * without.
 *
 * (Redis 7.0: aof.c, "AOF Manifest file implementation".)
 */
import { Bytes, CacheError, parseInteger, quote, splitArguments } from '../../base';
import { crc64 } from '../rdb/crc64';
import { CrcLine, isCrcLine, OWN_LINE_BYTES_MAX, writeCrcLine } from './format';

/** One file of the manifest. */
export interface AofEntry {
  /** Name within the directory. */
  readonly name: string;
  readonly sequence: number;
}

export interface Manifest {
  readonly base: AofEntry | null;
  readonly history: readonly AofEntry[];
  /** In order of loading. */
  readonly increments: readonly AofEntry[];
}

export const EMPTY_MANIFEST: Manifest = { base: null, history: [], increments: [] };

/** Bytes of a line, its end included. */
const LINE_BYTES_MAX = 1024;
/** Stands for no files at all: an empty manifest is refused, by Redis too, and one of comments only is not. */
const NO_FILES = '# no files yet\n';

/** The bytes of the manifest; Redis quotes names that are not plain. */
export function formatManifest({ base, history, increments }: Manifest): Uint8Array {
  const lines = [
    ...(base === null ? [] : [line(base, 'b')]),
    ...history.map((entry) => line(entry, 'h')),
    ...increments.map((entry) => line(entry, 'i')),
  ];
  const text = Buffer.from(lines.length === 0 ? NO_FILES : lines.join(''));
  const crcLine = Buffer.alloc(OWN_LINE_BYTES_MAX);
  return Buffer.concat([text, crcLine.subarray(0, writeCrcLine(crcLine, 0, crcOf(text, text.length), text.length))]);
}

/** Reads a manifest; `path` is for messages. @throws CacheError BAD_AOF with the line that is wrong. */
export function parseManifest(text: Uint8Array, path: string): Manifest {
  const refuse = (reason: string, lineNumber: number): never => {
    throw new CacheError('BAD_AOF', `${path}, line ${lineNumber}: ${reason}`);
  };
  if (text.length === 0) refuse('the manifest is empty', 1);
  let base: AofEntry | null = null;
  const history: AofEntry[] = [];
  const increments: AofEntry[] = [];
  const names = new Set<string>();
  let lineNumber = 1;
  for (let start = 0; start < text.length; lineNumber++) {
    const found = text.indexOf(10, start);
    const end = found < 0 ? text.length : found;
    const lineStart = start;
    start = end + 1;
    if (end - lineStart >= LINE_BYTES_MAX) refuse('the line is too long', lineNumber);
    if (isCrcLine(text, lineStart, end)) {
      const isRight = isWhole(text, lineStart, start) && start === text.length;
      if (!isRight) refuse('the checksum is wrong: the manifest is damaged', lineNumber);
    }
    if (text[lineStart] === 0x23) continue;
    if (found < 0) refuse('the line has no end', lineNumber);
    const fields = readFields(text, lineStart, end);
    if (typeof fields === 'string') return refuse(fields, lineNumber);
    const { kind, ...entry } = fields;
    if (names.has(entry.name)) refuse(`the file '${entry.name}' is named twice`, lineNumber);
    names.add(entry.name);
    if (kind === 'b') {
      if (base !== null) refuse('there is a second base file', lineNumber);
      base = entry;
    } else if (kind === 'h') {
      history.push(entry);
    } else if (kind === 'i') {
      if (entry.sequence <= (increments.at(-1)?.sequence ?? 0)) refuse('the sequence number does not grow', lineNumber);
      increments.push(entry);
    } else {
      refuse(`there is no type '${kind}' of file`, lineNumber);
    }
  }
  return { base, history, increments };
}

/** Whether the CRC line at `[start, end)` is well-formed and covers all before it. */
function isWhole(text: Uint8Array, start: number, end: number): boolean {
  const said = new CrcLine();
  const found = crcOf(text, start);
  return said.read(text, start, end) && said.bytes === start && said.crc[0] === found[0] && said.crc[1] === found[1];
}

function crcOf(text: Uint8Array, end: number): Uint32Array {
  const crc = new Uint32Array(2);
  crc64(text, 0, end, crc);
  return crc;
}

function line({ name, sequence }: AofEntry, kind: string): string {
  const bytes = Buffer.from(name);
  const isPlain = /^[!-~]*$/.test(name) && !/["'\\]/.test(name);
  return `file ${isPlain ? name : quote(bytes)} seq ${sequence} type ${kind}\n`;
}

/** One file from its line, or what is wrong with it. Fields that are not known are passed over, as Redis does. */
function readFields(text: Uint8Array, start: number, end: number): (AofEntry & { kind: string }) | string {
  const words = text.subarray(start, end).includes(0) ? null : splitArguments(text, start, end);
  if (words === null || words.length < 6 || words.length % 2 !== 0) return 'the line is malformed';
  let name = '';
  let sequence = NaN;
  let kind = '';
  const fields = new Set<string>();
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1];
    const field = words[i].toString('latin1').toLowerCase();
    if (fields.has(field)) return `'${field}' is said twice`;
    fields.add(field);
    if (field === 'file') name = value.toString();
    else if (field === 'seq') sequence = parseInteger(new Bytes(value));
    else if (field === 'type') kind = value.toString('latin1', 0, 1);
  }
  if (/[/\\]/.test(name)) return `'${name}' is a path, not a name`;
  if (name === '' || name === '.' || name === '..' || kind === '' || !(sequence > 0)) return 'the line is malformed';
  return { name, sequence, kind };
}

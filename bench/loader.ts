/**
 * Loader: fills a server with distinct keys or elements as fast as one Node process can, and watches how it answers.
 *
 * redis-benchmark draws numbers at random, so that it never makes an exact number of keys; this walks through them, each
 * once, in an order that jumps about. Every connection owns one buffer with a whole pipeline of commands, built once; per
 * batch only the digits are overwritten, which is safe because a batch is sent when the replies to the last are in.
 */
import { connect } from 'node:net';
import { BenchError } from './processes';

/** Numbers have seven digits: 10 million of them. */
export const NUMBERS_MAX = 10_000_000;
export const CONNECTIONS = 50;
export const PIPELINE = 16;

/** In a template's words it stands for the number whose turn it is. */
const DIGITS = '#######';

/** Odd and no multiple of 5, so that its multiples modulo 10^7, or 5·10^6, meet every number once; about 10^7 / golden ratio. */
const STRIDE = 6_180_339;

const LF = 10;
const MINUS = 45;
const ZERO = 48;

/** A command with places for a number: `new Template('SET', 'key:#######', 'value')`. Its reply must be a single line. */
export class Template {
  readonly bytes: Buffer;
  /** Where the numbers stand. */
  readonly places: readonly number[];

  constructor(...words: string[]) {
    const text = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
    this.bytes = Buffer.from(text, 'latin1');
    this.places = [...text.matchAll(new RegExp(DIGITS, 'g'))].map(({ index }) => index);
  }
}

/** What loading looked like from outside. */
export interface LoadResult {
  readonly commandsPerSecond: number;
  /** Longest time in which no reply at all arrived, in ms. The loader's own pauses count too. */
  readonly longestSilenceMs: number;
}

/**
 * Sends a template for each of the numbers `from` … `to` − 1 of a walk over all numbers below `range`, which has to be made of
 * twos and fives. @throws BenchError where a reply is an error
 */
export async function load(
  port: number,
  template: Template,
  from: number,
  to: number,
  range: number,
  connections = CONNECTIONS,
): Promise<LoadResult> {
  const walk = new Walk(template, from, to, range);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, () => loadThrough(port, walk)));
  const seconds = (performance.now() - startedMs) / 1000;
  return { commandsPerSecond: (to - from) / seconds, longestSilenceMs: walk.longestSilenceMs };
}

/** What is still to be loaded, shared by all connections. */
class Walk {
  longestSilenceMs = 0;
  private lastReplyMs = performance.now();

  constructor(
    private readonly template: Template,
    private next: number,
    private readonly end: number,
    private readonly range: number,
  ) {}

  newBatch(): Buffer {
    return Buffer.concat(Array<Buffer>(PIPELINE).fill(this.template.bytes));
  }

  /** Writes the next numbers into a batch; answers how many commands of it there are to send. */
  fill(batch: Buffer): number {
    const { bytes, places } = this.template;
    const count = Math.min(PIPELINE, this.end - this.next);
    for (let i = 0; i < count; i++) {
      const number = (this.next++ * STRIDE) % this.range;
      for (const place of places) writeDigits(batch, i * bytes.length + place, number);
    }
    return count;
  }

  bytesOf(count: number): number {
    return count * this.template.bytes.length;
  }

  heard(): void {
    const nowMs = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, nowMs - this.lastReplyMs);
    this.lastReplyMs = nowMs;
  }
}

/** Sends batches over one connection until the walk is at its end. */
function loadThrough(port: number, walk: Walk): Promise<void> {
  return new Promise((resolve, reject) => {
    const batch = walk.newBatch();
    let repliesDue = 0;
    let isLineStart = true;

    const sendNext = (): void => {
      repliesDue = walk.fill(batch);
      if (repliesDue === 0) {
        socket.destroy();
        resolve();
        return;
      }
      socket.write(batch.subarray(0, walk.bytesOf(repliesDue)));
    };
    const receive = (length: number, buffer: Uint8Array): boolean => {
      walk.heard();
      for (let i = 0; i < length; i++) {
        if (isLineStart && buffer[i] === MINUS) {
          socket.destroy();
          reject(new BenchError(`loading was answered by ${Buffer.from(buffer).toString('latin1', i, length).trim()}`));
          return false;
        }
        isLineStart = buffer[i] === LF;
        if (isLineStart) repliesDue--;
      }
      if (repliesDue === 0) sendNext();
      return true;
    };
    const onread = { buffer: Buffer.alloc(4096), callback: receive };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, sendNext);
    socket.once('error', (error) => reject(new BenchError(`loading failed: ${error.message}`)));
    socket.once('end', () => reject(new BenchError('the server closed the connection of the loader')));
  });
}

/** Writes a number of at most seven digits at a place of a {@link Template}. */
export function writeDigits(target: Buffer, at: number, value: number): void {
  for (let i = at + DIGITS.length - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    target[i] = ZERO + value - rest * 10;
    value = rest;
  }
}

/** The reply to one inline command, as it came. @throws BenchError */
export function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    // QUIT makes the server close after the reply: its end needs no parser.
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${line}\r\nQUIT\r\n`));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('error', (error) => reject(new BenchError(`${line} failed: ${error.message}`)));
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

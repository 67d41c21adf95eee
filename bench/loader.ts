/**
 * Loader: fills a server with distinct keys as fast as one Node process can, and watches how it answers.
 *
 * redis-benchmark draws keys at random, so that it never makes an exact number of them; this walks through them, each
 * once, in an order that jumps about. Every connection owns one buffer with a whole pipeline of SETs, built once; per
 * batch only the digits are overwritten, which is safe because a batch is sent when the replies to the last are in.
 */
import { connect } from 'node:net';
import { BenchError } from './processes';

/** Keys are "key:" and seven digits: 11 bytes, 10 million of them. */
export const KEYS_MAX = 10_000_000;
const KEY_DIGITS = 7;
export const VALUE_BYTES = 32;
export const CONNECTIONS = 50;
export const PIPELINE = 16;

/** Odd and no multiple of 5, so that its multiples modulo 10^7 meet every key once; about 10^7 / golden ratio. */
const STRIDE = 6_180_339;

const HEAD = Buffer.from('*3\r\n$3\r\nSET\r\n$11\r\nkey:');
const MIDDLE = Buffer.from(`\r\n$${VALUE_BYTES}\r\n`);
const TAIL = Buffer.from('\r\n');
const SET_BYTES = HEAD.length + KEY_DIGITS + MIDDLE.length + VALUE_BYTES + TAIL.length;
const KEY_AT = HEAD.length;
const VALUE_AT = HEAD.length + KEY_DIGITS + MIDDLE.length;

const OK = Buffer.from('+OK\r\n');
const ZERO = 48;

/** What loading looked like from outside. */
export interface LoadResult {
  readonly keysPerSecond: number;
  /** Longest time in which no reply at all arrived, in ms. The loader's own pauses count too. */
  readonly longestSilenceMs: number;
}

/** SETs the keys number `from` … `to` − 1 of the walk. @throws BenchError where a reply is not OK */
export async function loadKeys(port: number, from: number, to: number): Promise<LoadResult> {
  const walk = new Walk(from, to);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => loadThrough(port, walk)));
  const seconds = (performance.now() - startedMs) / 1000;
  return { keysPerSecond: (to - from) / seconds, longestSilenceMs: walk.longestSilenceMs };
}

/** What is still to be loaded, shared by all connections. */
class Walk {
  longestSilenceMs = 0;
  private lastReplyMs = performance.now();

  constructor(
    private next: number,
    private readonly end: number,
  ) {}

  /** Writes the next keys into a batch of SETs; answers how many of them there were. */
  fill(batch: Buffer): number {
    const count = Math.min(PIPELINE, this.end - this.next);
    for (let i = 0; i < count; i++) {
      const key = (this.next++ * STRIDE) % KEYS_MAX;
      writeDigits(batch, i * SET_BYTES + KEY_AT, key);
      writeDigits(batch, i * SET_BYTES + VALUE_AT, key);
    }
    return count;
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
    const batch = newBatch();
    let replyBytes = 0;
    let replyBytesDue = 0;

    const sendNext = (): void => {
      const count = walk.fill(batch);
      if (count === 0) {
        socket.destroy();
        resolve();
        return;
      }
      replyBytes = 0;
      replyBytesDue = count * OK.length;
      socket.write(count === PIPELINE ? batch : batch.subarray(0, count * SET_BYTES));
    };
    const receive = (length: number, buffer: Uint8Array): boolean => {
      walk.heard();
      for (let i = 0; i < length; i++, replyBytes++) {
        if (buffer[i] === OK[replyBytes % OK.length]) continue;
        socket.destroy();
        reject(new BenchError(`a SET was answered by ${Buffer.from(buffer).toString('latin1', i, length).trim()}`));
        return false;
      }
      if (replyBytes === replyBytesDue) sendNext();
      return true;
    };
    const onread = { buffer: Buffer.alloc(4096), callback: receive };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, sendNext);
    socket.once('error', (error) => reject(new BenchError(`loading failed: ${error.message}`)));
    socket.once('end', () => reject(new BenchError('the server closed the connection of the loader')));
  });
}

function newBatch(): Buffer {
  const digits = Buffer.alloc(KEY_DIGITS, ZERO);
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const one = Buffer.concat([HEAD, digits, MIDDLE, value, TAIL]);
  return Buffer.concat(Array<Buffer>(PIPELINE).fill(one));
}

function writeDigits(target: Buffer, at: number, value: number): void {
  for (let i = at + KEY_DIGITS - 1; i >= at; i--) {
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

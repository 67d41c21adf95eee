/**
 * What the tests of this room share: feeding a parser in pieces, listing what it finds, and a real redis-server to ask.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { COMMAND, CommandParser, defaultProtocolLimits, type ProtocolLimits } from '../../src/resp';

export interface Found {
  /** Arguments of each command, one character per byte. */
  commands: string[][];
  /** The parser's last answer. */
  answer: number;
  errorText: string;
}

/** Feeds `stream`, cut at `cuts`, and lists what comes out. Chunks are wiped once they may be reused. */
export function parseCommands(
  stream: Uint8Array,
  cuts: readonly number[] = [],
  parser: CommandParser = new CommandParser(defaultProtocolLimits()),
): Found {
  const found: Found = { commands: [], answer: 0, errorText: '' };
  for (const chunk of cut(stream, cuts)) {
    parser.feed(chunk, 1, chunk.length - 1);
    for (found.answer = parser.next(); found.answer === COMMAND; found.answer = parser.next()) {
      found.commands.push(argumentsOf(parser));
    }
    chunk.fill(0x2a);
  }
  found.errorText = parser.errorText;
  return found;
}

export function argumentsOf(parser: CommandParser): string[] {
  const buffer = Buffer.from(parser.buffer);
  return Array.from({ length: parser.argc }, (_, i) => buffer.toString('latin1', parser.starts[i], parser.ends[i]));
}

/** The pieces between the cuts, each in memory of its own with one foreign byte before and behind. */
export function cut(stream: Uint8Array, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((place) => place % (stream.length + 1)), stream.length])];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, i) => {
    return Buffer.concat([Buffer.from('*'), stream.subarray(places[i], end), Buffer.from('$')]);
  });
}

export function everyPlace(stream: Uint8Array): number[] {
  return Array.from({ length: stream.length }, (_, i) => i);
}

export function limitsWith(changes: Partial<ProtocolLimits>): ProtocolLimits {
  return { ...defaultProtocolLimits(), ...changes };
}

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface Oracle {
  port: number;
  stop(): void;
}

/** A real redis-server on a free port. */
export async function startRedis(...settings: string[]): Promise<Oracle> {
  for (;;) {
    const port = 17_000 + Math.floor(Math.random() * 30_000);
    const args = ['--port', String(port), '--save', '', '--dir', tmpdir(), ...settings];
    const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    if (await isReady(server)) return { port, stop: () => void server.kill('SIGKILL') };
  }
}

function isReady(server: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let said = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Ready to accept connections')) resolve(true);
    });
    server.on('exit', () => resolve(false));
  });
}

/** What the server says to `bytes` until it closes, which it does after an error and after QUIT. */
export function ask(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1');
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
    socket.write(bytes);
  });
}

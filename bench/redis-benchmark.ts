/**
 * redis-benchmark: the load generator for figures of CPU per operation. It is written in C, so that it can keep a server busy from
 * one core, and known to everybody.
 */
import { BenchError, run } from './processes';

export const CLIENTS = 50;

/** In an argument it stands for a random number of 12 digits below the load's `range`, another one each time. */
export const RANDOM = '__rand_int__';

/** What it is to send. */
export interface Load {
  /** The words of a command, or options that choose one of its own tests. */
  readonly words: readonly string[];
  readonly requests: number;
  readonly pipeline: number;
  readonly range: number;
  readonly clients?: number;
}

/** Operations per second by redis-benchmark's own count. @throws BenchError */
export async function redisBenchmark(port: number, load: Load): Promise<number> {
  const { words, requests, pipeline, range, clients = CLIENTS } = load;
  const options = ['-p', port, '-n', requests, '-P', pipeline, '-c', clients, '-r', range, '--csv'].map(String);
  const said = await run('redis-benchmark', [...options, ...words], 'install it (Debian package redis-tools)');
  // The last line of its CSV: "SET","81300.81","0.352",…: name, operations per second, latencies.
  const match = /^".*?","([0-9.]+)",[^\n]*$/.exec(said.trimEnd().split('\n').at(-1) ?? '');
  if (match === null) throw new BenchError(`redis-benchmark said no figure for ${words.join(' ')}: ${said.trim()}`);
  return Number(match[1]);
}

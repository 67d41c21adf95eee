/**
 * What does keeping an append-only file cost? Each server competes with itself: one keeps the file and syncs it every second, the other
 * does not, and they take turns.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { compete, type Outcome } from './duel';
import { type Program, scratchDirectory } from './processes';
import { inDirectory, startIfPossible, stopContenders } from './programs';
import { redisBenchmark, type Load } from './redis-benchmark';

/** Settings of a server that keeps an append-only file and rewrites it only when told to. */
export const APPENDING = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0'];

const REQUESTS = 2_000_000;
const QUICK_DIVISOR = 8;
const SETS: Omit<Load, 'requests'> = { words: ['-t', 'set'], pipeline: 16, range: 100_000 };

/** `ours` is the server with the file, `peer` the one without; null where the program cannot be started. */
export async function competeWithItself(program: Program, quick: boolean): Promise<Outcome | null> {
  const load = { ...SETS, requests: REQUESTS / (quick ? QUICK_DIVISOR : 1) };
  const contenders = {
    ours: await startIfPossible(inDirectory(program, mkdtempSync(join(scratchDirectory(), 'aof-')), ...APPENDING)),
    peer: await startIfPossible(program),
  };
  try {
    if (contenders.ours === null || contenders.peer === null) return null;
    for (const { port } of [contenders.ours, contenders.peer]) await redisBenchmark(port, load);
    const [outcome] = await compete(contenders, [load]);
    return outcome;
  } finally {
    await stopContenders(contenders);
  }
}

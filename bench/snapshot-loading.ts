/**
 * How long servers take to load one and the same RDB file, by their own account: Redis logs "DB loaded from disk: 9.123 seconds", and
 * so does cache-server. Nothing else runs meanwhile, and the file is in the page cache for all.
 */
import { linkSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectReply } from './gauge';
import { BenchError, type Program, scratchDirectory, type ServerProcess } from './processes';
import { inDirectory, startIfPossible } from './programs';

export const RDB_NAME = 'dump.rdb';

const LOAD_MS_MAX = 180_000;
const LOADED = /DB loaded from disk: ([0-9.]+) seconds/;

/** Seconds, or null where the program cannot be started. @throws BenchError where it does not load all `keys` */
export async function secondsToLoad(program: Program, file: string, keys: number): Promise<number | null> {
  const directory = mkdtempSync(join(scratchDirectory(), 'load-'));
  linkSync(file, join(directory, RDB_NAME));
  const server = await startIfPossible(inDirectory(program, directory));
  if (server === null) return null;
  try {
    const seconds = await untilLoaded(server);
    await expectReply(server, 'DBSIZE', `:${keys}`);
    return seconds;
  } finally {
    await server.stop();
  }
}

async function untilLoaded(server: ServerProcess): Promise<number> {
  const deadlineMs = performance.now() + LOAD_MS_MAX;
  for (;;) {
    const match = LOADED.exec(server.lastWords());
    if (match !== null) return Number(match[1]);
    if (performance.now() > deadlineMs) {
      throw new BenchError(`${server.name} has not loaded ${RDB_NAME} within ${LOAD_MS_MAX / 1000} s`);
    }
    await sleep(50);
  }
}

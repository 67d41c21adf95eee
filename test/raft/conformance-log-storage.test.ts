/** Our log storages pass the suite that is exported for others. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { Random, realFiles } from '../../src/base';
import { logStorageConformance } from '../../src/raft/conformance-log-storage';
import { DiskLog } from '../../src/raft/disk-log';
import { MemoryLog } from '../../src/raft/memory-log';
import { SimulatedDisk } from '../../src/sim';

const tools = { test: (name: string, run: () => Promise<void>) => test(name, run), assert };
const root = mkdtempSync(join(tmpdir(), 'slotcache-raft-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Small, so that tests have several segments. */
const segmentBytesMax = 600;

describe('in memory', () => {
  logStorageConformance(tools, () => {
    const storage = new MemoryLog();
    return { storage, reopen: () => storage };
  });
});

describe('on the disk', () => {
  let tests = 0;
  logStorageConformance(tools, () => {
    const directory = join(root, String(++tests));
    const open = (): DiskLog =>
      new DiskLog(realFiles, directory, { id: 1, random: new Random(tests), segmentBytesMax });
    return { storage: open(), reopen: open };
  });
});

describe.each(['close', 'process', 'power'] as const)('on a simulated disk, ended by %s', (end) => {
  logStorageConformance(tools, () => {
    const random = new Random(1);
    let disk = new SimulatedDisk(random, { isHarsh: true });
    const open = (): DiskLog => new DiskLog(disk, '/raft', { id: 1, random, segmentBytesMax });
    return {
      storage: open(),
      reopen() {
        if (end !== 'close') disk = disk.crash(random, end);
        return open();
      },
      settle: () => void disk.runPending(),
    };
  });
});

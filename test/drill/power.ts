/**
 * The death of the machine: power is lost at a random moment under load. `always` loses nothing; `everysec` nothing that was
 * acknowledged more than two seconds before, and almost always than one; `no` promises only that what is left is whole.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { crashRounds, NOTHING_LOST, type Allowance } from './crash-rounds';
import type { RoundOptions } from './kill';
import { LoopDisk, whyNoLoopDisk } from './loop-disk';
import { skipped, type Report } from './report';
import type { Policy, Target } from './server-process';

const ALLOWANCES: Readonly<Record<Policy, Allowance>> = {
  always: NOTHING_LOST,
  everysec: { oldestMsMax: 2000, oldestMsP99: 1000 },
  no: { oldestMsMax: null, oldestMsP99: null },
};

export async function drillPower(target: Target, policy: Policy, { rounds, seed }: RoundOptions): Promise<Report> {
  const reason = whyNoLoopDisk();
  if (reason !== null) return skipped(reason);
  return crashRounds({
    target,
    policy,
    rounds,
    seed,
    allowance: ALLOWANCES[policy],
    loadMsMax: 4000,
    makeDisaster(folder) {
      const disk = new LoopDisk(folder.path);
      const dir = join(disk.path, 'data');
      mkdirSync(dir);
      return {
        dir,
        async strike(server, load) {
          await disk.cutPower(() => load.seal());
          await server.kill();
          disk.remount();
          return [];
        },
        dispose: () => disk.dispose(),
      };
    },
  });
}

/**
 * The death of the process: kill -9 at a random moment under load. Under every policy write(2) comes before the reply, so
 * nothing that was acknowledged is lost; where only saves keep data (`rdb`), nothing that the last one had.
 */
import { mkdirSync } from 'node:fs';
import { crashRounds, NOTHING_LOST } from './crash-rounds';
import type { Report } from './report';
import type { Policy, Target } from './server-process';

export interface RoundOptions {
  readonly rounds: number;
  readonly seed: number;
}

export function drillKill(target: Target, policy: Policy | 'rdb', { rounds, seed }: RoundOptions): Promise<Report> {
  return crashRounds({
    target,
    policy,
    rounds,
    seed,
    allowance: NOTHING_LOST,
    loadMsMax: 1000,
    makeDisaster(folder) {
      const dir = folder.at('data');
      mkdirSync(dir);
      return {
        dir,
        async strike(server, load) {
          load.end();
          await server.kill();
          // What the server had sent before it died was acknowledged.
          await load.settled();
          return server.child.signalCode === 'SIGKILL'
            ? []
            : [`the server had ended before it was killed:\n${server.log}`];
        },
        dispose: () => undefined,
      };
    },
  });
}

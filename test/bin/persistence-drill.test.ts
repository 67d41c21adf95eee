/**
 * kill -9 in the middle of a load, some rounds of it; `npm run drill` does hundreds, and cuts the power, flips bits and
 * fills disks.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { drillKill } from '../drill/kill';
import { ourTarget } from '../drill/server-process';
import { build, ROOT } from './daemon';

const server = ourTarget(join(ROOT, 'dist/bin/cache-server.js'));

beforeAll(build);

test.each([
  ['always', 1],
  ['everysec', 2],
  ['no', 1],
  ['rdb', 1],
] as const)('nothing that was acknowledged is lost when the process dies: %s', async (policy, rounds) => {
  const { figures, failures } = await drillKill(server, policy, { rounds, seed: 1 });
  expect(failures).toEqual([]);
  expect(figures).toContain(`${rounds} rounds`);
});

/**
 * A master dies under load and its replica takes its place, some rounds of it; `npm run drill -- quorum` does hundreds.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { build, ROOT } from '../bin/daemon';
import { drillQuorum } from '../drill/quorum';
import { ourTarget } from '../drill/server-process';

const server = ourTarget(join(ROOT, 'dist/bin/cache-server.js'));

beforeAll(build);

test('nothing that was acknowledged is lost with the master, and nothing differs', async () => {
  const { figures, failures } = await drillQuorum(server, '1', { rounds: 2, seed: 1 });
  expect(failures).toEqual([]);
  expect(figures).toContain('2 rounds');
});

/**
 * The matrix, in short: three formations, in which ours and redis-servers follow each other in all four ways and siblings follow
 * the one that was promoted; the phases that tell most, and little written in each. `npm run drill -- replicas` plays them all, at
 * length.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { build, ROOT } from '../bin/daemon';
import { ourTarget } from '../drill/server-process';
import { oracleVersion, SEED } from '../oracle/oracle-stage';
import { FORMATIONS, playMatrix, type PhaseName } from './matrix';

const ours = ourTarget(join(ROOT, 'dist/bin/cache-server.js'));
const NAMES = ['redis→ours', 'ours→redis→ours', 'ours→ours+redis'];
const WRITE_MS = 100;
/** Servers start slowly where much else runs. */
const PATIENCE_MS = 180_000;
const PHASES: readonly PhaseName[] = [
  'first sync',
  'the link is cut within a command',
  'more is written than the backlog keeps',
  'a replica saves, ends and restarts',
  'roles turn around',
];

beforeAll(build);

describe('after each phase all have the same data, and as many syncs have been given as Redis gives', () => {
  for (const formation of FORMATIONS.filter(({ name }) => NAMES.includes(name))) {
    const needsRedis = formation.areOurs.includes(false);
    const played = needsRedis && oracleVersion === null ? test.skip : test.concurrent;
    const play = async (): Promise<void> => {
      const problems = await playMatrix(formation, ours, { seed: SEED, writeMs: WRITE_MS, phases: PHASES });
      expect(problems).toEqual([]);
    };
    played(formation.name, play, PATIENCE_MS);
  }
});

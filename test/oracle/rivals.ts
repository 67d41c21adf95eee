/**
 * Rivals: a session with a stage and one with the oracle, for the tests of the suite in which this is called.
 */
import { afterAll, beforeAll } from 'vitest';
import type { Stage, StageSession } from '../transcripts/session';

export interface Rivals {
  tested: StageSession;
  oracle: StageSession;
}

/** Opens both before the suite's tests, and closes sessions and stages after them. */
export function openRivals(stage: Stage, judge: Stage): Rivals {
  const rivals = {} as Rivals;
  beforeAll(async () => {
    rivals.tested = await stage.open();
    rivals.oracle = await judge.open();
  });
  afterAll(async () => {
    await Promise.all([rivals.tested.close(), rivals.oracle.close()]);
    await Promise.all([stage.close(), judge.close()]);
  });
  return rivals;
}

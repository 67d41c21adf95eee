/**
 * Every transcript on every stage; with UPDATE=1, every transcript written anew from the oracle instead.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { adoptReplies, compareCase, isPlayedOn, playCase } from './play';
import { oracles, stages } from './stages';
import { parseTranscript, printTranscript, type Case } from './transcript';
import type { Stage } from './session';

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));
const transcripts = files.map((file) => {
  const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
  return { file, text, blocks: parseTranscript(text, file) };
});

afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
});

if (process.env.UPDATE) {
  describe.each(transcripts)('$file', ({ file, text, blocks }) => {
    test('is written from the oracle', async () => {
      for (const block of blocks) {
        if (typeof block === 'string') continue;
        adoptReplies(block, await ask(oracles.resp2, block), await ask(oracles.resp3, block));
      }
      const written = printTranscript(blocks);
      if (written !== text) writeFileSync(`${import.meta.dirname}/${file}`, written);
    });
  });
} else {
  describe.each(stages)('$name', (stage) => {
    for (const { file, text, blocks } of transcripts) {
      describe(file, () => {
        const cases = blocks.filter((block) => typeof block !== 'string');
        for (const block of cases.filter(({ conditions }) => isPlayedOn(stage, conditions))) {
          test.skipIf(stage.skipped !== null)(block.title, async () => {
            const { expected, actual } = compareCase(stage, block, await playCase(stage, block));
            expect(actual).toBe(expected);
          });
        }
        test('prints as it was read', () => {
          expect(printTranscript(blocks)).toBe(text);
        });
      });
    }
  });
}

async function ask(oracle: Stage, block: Case): Promise<(string | null)[]> {
  return isPlayedOn(oracle, block.conditions) ? playCase(oracle, block) : block.steps.map(() => null);
}

/**
 * Every file of examples/ runs and prints what its last comment says it prints.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('../../examples/', import.meta.url);

interface Example {
  run(log: (line: string) => void): Promise<void> | void;
}

test.each(readdirSync(folder))('examples/%s prints what it says', async (file) => {
  const source = readFileSync(new URL(file, folder), 'utf8');
  const [, expected] = source.split('\n// prints:\n');
  const printed: string[] = [];
  const example = (await import(new URL(file, folder).href)) as Example;
  await example.run((line) => printed.push(line));
  expect(printed).toEqual(
    expected
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^\/\/ ?/, '')),
  );
});

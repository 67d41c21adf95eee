/**
 * docs/COMMANDS.md says what the declarations say. `UPDATE=1 npx vitest run test/commands/markdown.test.ts` writes it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commandsMarkdown } from '../../src/commands';

const FOLDER = new URL('../../docs/', import.meta.url);
const FILE = new URL('COMMANDS.md', FOLDER);

it('docs/COMMANDS.md is up to date', () => {
  if (process.env.UPDATE === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(FILE, commandsMarkdown());
  }
  expect(readFileSync(FILE, 'utf8')).toBe(commandsMarkdown());
});

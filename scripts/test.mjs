/**
 * `npm test`: types, lint, format, build, package checks, then all tests. Stops at the first that fails; the last line
 * counts the tests. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './fresh-build.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'slotcache-test-'));
const results = join(scratch, 'results.json');
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const tool = (path) => `node_modules/${path}`;
const steps = [
  ['types', () => node(tool('tsgo/bin/tsc'), '-p', '.')],
  ['lint', () => node(tool('oxlint/bin/oxlint'), '--type-aware')],
  ['format', () => node(tool('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.')],
  ['build', () => (buildIfStale({ declarations: true }), 0)],
  ['package', () => node(tool('publint/src/cli.js'), '--strict')],
  ['exports', () => node(tool('@arethetypeswrong/cli/dist/index.js'), '--pack', '.', '--format', 'ascii', '--quiet')],
  ['tests', test],
];

for (const [name, run] of steps) {
  const startMs = Date.now();
  const status = run();
  console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name} (${((Date.now() - startMs) / 1000).toFixed(1)} s)`);
  if (name === 'tests') printCount();
  if (status !== 0) process.exit(1);
}

function node(...args) {
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status;
}

function test() {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  return node(tool('vitest/vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2));
}

function printCount() {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
}

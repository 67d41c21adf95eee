/**
 * Builds dist/ if it is missing or older than what it is made from; says so, because it takes some seconds. Declarations
 * take most of them, so who only wants to run something does without.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'src',
  'bin',
  'bench',
  'test/drill',
  'test/fuzz',
  'test/replication',
  'test/sim',
  'package.json',
  'tsup.config.ts',
  'tsconfig.json',
];
const CODE = 'dist/bin/cache-server.js';
const DECLARATIONS = 'dist/index.d.ts';

/** @param {{ declarations: boolean }} want */
export function buildIfStale({ declarations }) {
  const changedMs = newest(SOURCES);
  const isFresh = (stamp) => existsSync(stamp) && statSync(stamp).mtimeMs >= changedMs;
  if (isFresh(CODE) && (!declarations || isFresh(DECLARATIONS))) return;
  console.log('Building slotcache (once) …');
  const env = { ...process.env, SLOTCACHE_DECLARATIONS: declarations ? 'yes' : 'no' };
  execFileSync(process.execPath, ['node_modules/tsup/dist/cli-default.js', '--silent'], { stdio: 'inherit', env });
}

function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(path);
    const time = stat.isDirectory() ? newest(readdirSync(path).map((name) => join(path, name))) : stat.mtimeMs;
    latest = Math.max(latest, time);
  }
  return latest;
}

/**
 * Builds dist/ if it is missing or older than what it is made from; says so, because it takes some seconds.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['src', 'bin', 'bench', 'package.json', 'tsup.config.ts', 'tsconfig.json'];
const STAMP = 'dist/bin/cache-server.js';

export function buildIfStale() {
  if (existsSync(STAMP) && newest(SOURCES) <= statSync(STAMP).mtimeMs) return;
  console.log('Building slotcache (once) …');
  execFileSync(process.execPath, ['node_modules/tsup/dist/cli-default.js', '--silent'], { stdio: 'inherit' });
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

/**
 * The order of the house, checked: who may import whom, and what no file may do by itself.
 *
 * Rooms are the folders of src/. A room is entered by its door, index.ts, and only from rooms on higher lines of the
 * table below, which is that of docs/ARCHITECTURE.md. Time, chance and the process come in through World.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** From bottom to top; a room imports from lower lines only. */
const LINES: readonly (readonly string[])[] = [
  ['base'],
  ['resp', 'slots', 'raft', 'failover', 'metrics'],
  ['storage', 'net', 'commands'],
  ['replication', 'scripting', 'acl', 'views'],
  ['server', 'proxy', 'config'],
  ['admin', 'agent', 'console', 'sim'],
  ['the front door'],
  ['bin'],
];

/** Imports that the table would allow and that are forbidden all the same. */
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['proxy', 'storage'],
  ['config', 'storage'],
];

const LINES_PER_FILE_MAX = 450;

/** What a file may not use by itself, because it belongs to World. */
const WORLDLY = /(?<![.\w])(Date|performance|process|setTimeout|setInterval|setImmediate)\b(?!['\w:])|\bMath\.random\b/;

/** Files that may, and why. */
const WORLDLY_FILES: Readonly<Record<string, string>> = {
  'src/base/world.ts': 'makes the real World',
  'src/base/process-gauge.ts': 'tells INFO about this process',
};

const root = resolve(import.meta.dirname, '../..');
const files = [...sourceFiles('src'), ...sourceFiles('bin')].map((path) => {
  const text = readFileSync(join(root, path), 'utf8');
  return {
    path,
    room: path.startsWith('bin/') ? 'bin' : path === 'src/index.ts' ? 'the front door' : path.split('/')[1],
    text,
    code: withoutCommentsAndStrings(text),
  };
});
const rooms = [...new Set(files.map(({ room }) => room))];

test.each(rooms)('the room %s stands on a line of the table and has a door', (room) => {
  expect(LINES.flat()).toContain(room);
  if (existsSync(join(root, 'src', room))) expect(files.map(({ path }) => path)).toContain(`src/${room}/index.ts`);
});

describe.each(files)('$path', ({ path, room, text, code }) => {
  test('imports from lower rooms only, and through their doors', () => {
    expect(importsOf(text).flatMap((target) => faultOf(path, room, target))).toEqual([]);
  });

  test('names what it exports', () => {
    expect(code).not.toMatch(/\bexport\s*\*/);
  });

  test('opens with an essay', () => {
    const isDoor = basename(path) === 'index.ts';
    if (!isDoor) expect(text).toMatch(/^(#!.*\n)?\/\*\*\n/);
  });

  test(`has at most ${LINES_PER_FILE_MAX} lines`, () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(LINES_PER_FILE_MAX);
  });

  const isExcused = room === 'bin' || path in WORLDLY_FILES;
  if (!isExcused) {
    test('takes time, chance and the process from its World', () => {
      expect(code.split('\n').filter((line) => WORLDLY.test(line))).toEqual([]);
    });
  }
});

test('the files that are excused are there', () => {
  expect(Object.keys(WORLDLY_FILES).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the checks find what they look for', () => {
  const faults = (path: string, target: string): string => faultOf(path, path.split('/')[1], target).join();
  expect(faults('src/server/a.ts', '../storage')).toBe('');
  expect(faults('src/server/handlers/a.ts', '../../storage')).toBe('');
  expect(faults('src/server/handlers/a.ts', '../session')).toBe('');
  expect(faults('src/server/a.ts', '../storage/arena')).toContain('not through the door');
  expect(faults('src/server/a.ts', './b.js')).toContain('extension');
  expect(faults('src/server/a.ts', '../proxy')).toContain('not from a lower room');
  expect(faults('src/base/a.ts', '../resp')).toContain('not from a lower room');
  expect(faults('src/proxy/a.ts', '../storage')).toContain('forbidden');
  expect(faults('src/proxy/a.ts', '../../test/x')).toContain('outside src');
  expect(faults('src/proxy/a.ts', '../proxy')).toContain('the door of its own room');
  expect(importsOf("import {\n  a,\n  type B,\n} from '../a';\nexport { c } from './c';\nimport './d';")).toEqual([
    '../a',
    './c',
    './d',
  ]);
  expect(WORLDLY.test(withoutCommentsAndStrings("f('Date'); // Date"))).toBe(false);
  expect(
    ['Date.now()', 'new Date()', 'Math.random()', 'process.env.A', 'setTimeout(f, 1)'].every((code) =>
      WORLDLY.test(code),
    ),
  ).toBe(true);
});

/** What is wrong with an import of `target` by a file, as a list of at most one sentence. */
function faultOf(path: string, room: string, target: string): string[] {
  if (/^node:(timers|process)/.test(target)) return [`${target}: belongs to World`];
  if (!target.startsWith('.')) return [];
  if (/\.(js|ts)$/.test(target)) return [`${target}: with an extension`];
  const place = relative(root, resolve(root, dirname(path), target)).split('/');
  if (place[0] !== 'src') return place[0] === 'bin' && room === 'bin' ? [] : [`${target}: outside src`];
  const targetRoom = place[1];
  if (targetRoom === room) return place.length === 2 ? [`${target}: the door of its own room`] : [];
  if (place.length !== 2) return [`${target}: not through the door`];
  if (lineOf(targetRoom) >= lineOf(room)) return [`${target}: not from a lower room`];
  if (FORBIDDEN.some(([from, to]) => from === room && to === targetRoom)) return [`${target}: forbidden`];
  return [];
}

function lineOf(room: string): number {
  return LINES.findIndex((line) => line.includes(room));
}

function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm,
  );
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g);
  return [...statements, ...calls].map((match) => match[1] ?? match[2]);
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Blanks what is no code, keeping lines. Good for searching words, not for parsing: `/` is never taken as a regex. */
function withoutCommentsAndStrings(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, (match) =>
    match.replace(/[^\n]/g, ''),
  );
}

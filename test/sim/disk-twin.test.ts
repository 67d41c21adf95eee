/** As long as nothing goes wrong the simulated disk does what the real one does: the same deeds on both, compared. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CacheError, Random, realFiles, type Files, type WritableFile } from '../../src/base';
import { SimulatedDisk } from '../../src/sim';
import { textOf } from '../base/files-conformance';

const PATHS = ['a', 'b', 'inner', 'inner/a', 'inner/b', 'none/a'];
const DEEDS = [
  'open',
  'create',
  'append',
  'cut',
  'size',
  'list',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
] as const;

/** No directory gets another name, or is replaced: the simulated disk knows no such thing, and ours never do. */
const step = fc
  .record({
    deed: fc.constantFrom(...DEEDS),
    path: fc.constantFrom(...PATHS),
    other: fc.constantFrom(...PATHS),
    amount: fc.nat(20),
  })
  .filter(({ deed, path, other }) => deed !== 'rename' || (path !== 'inner' && other !== 'inner'))
  .filter(({ deed, path }) => deed !== 'makeDirectory' || path === 'inner' || path === 'none/a');
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

test('the same deeds have the same answers', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      const directory = mkdtempSync(join(tmpdir(), 'slotcache-twin-'));
      const simulated = new SimulatedDisk(new Random(1), { directories: ['/data'] });
      realFiles.makeDirectory(`${directory}/inner`);
      simulated.makeDirectory('/data/inner');
      try {
        for (const each of steps) {
          expect(perform(simulated, '/data', each), JSON.stringify(each)).toEqual(perform(realFiles, directory, each));
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 300 },
  );
});

/** What a deed answers, or the system's word for why not. */
function perform(files: Files, directory: string, { deed, path, other, amount }: Step): unknown {
  const place = `${directory}/${path}`;
  try {
    if (deed === 'open') return textOf(files, place);
    if (deed === 'create' || deed === 'append') return grow(files[deed](place), amount);
    if (deed === 'cut') return cut(files.append(place), amount);
    if (deed === 'rename') return files.rename(place, `${directory}/${other}`);
    return files[deed](place);
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    return [error.code, (error.cause as NodeJS.ErrnoException).code];
  }
}

function grow(file: WritableFile, amount: number): number {
  file.write(Buffer.alloc(amount, `${amount} `), 0, amount);
  file.close();
  return file.size;
}

function cut(file: WritableFile, amount: number): number {
  file.truncate(Math.max(0, file.size - amount));
  file.sync();
  file.close();
  return file.size;
}

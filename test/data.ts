/**
 * Data from elsewhere, which tests use where it is and which is not part of the project: found by SLOTCACHE_TEST_DATA, or beside
 * the project's folder.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = process.env.SLOTCACHE_TEST_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url));

/** The path of a folder of such data; null where it is absent. */
export function testData(folder: string): string | null {
  const path = `${root}/${folder}`;
  return existsSync(path) ? path : null;
}

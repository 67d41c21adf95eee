import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigState, ViewFile } from '../../src/config';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slotcache-view-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function withGroup(state: ConfigState, group: number): ConfigState {
  const result = state.apply({ does: 'create-group', group }, { atMs: 1, by: 'test' });
  if (!result.accepted) throw new Error(result.message);
  return result.state;
}

const one = withGroup(ConfigState.empty, 1);
const two = withGroup(one, 2);

describe('a view file', () => {
  test('is empty before the first save, whether or not its directory exists', async () => {
    expect(await new ViewFile(directory).load()).toBe(ConfigState.empty);
    expect(await new ViewFile(join(directory, 'deep', 'down')).load()).toBe(ConfigState.empty);
  });

  test('gives back what was saved last, and leaves nothing else behind', async () => {
    const deep = join(directory, 'deep', 'down');
    const file = new ViewFile(deep);
    await file.save(one);
    await file.save(two);
    expect(await new ViewFile(deep).load()).toEqual(two);
    expect(await readdir(deep)).toEqual(['view.json']);
  });

  test('does not mind what a crash left of a save', async () => {
    const file = new ViewFile(directory);
    await file.save(one);
    await writeFile(`${file.path}.tmp`, JSON.stringify(two).slice(0, 20));
    expect(await file.load()).toEqual(one);
    await file.save(two);
    expect(await file.load()).toEqual(two);
    expect(await readdir(directory)).toEqual(['view.json']);
  });

  test('refuses a damaged file by name and leaves it alone', async () => {
    const file = new ViewFile(directory);
    await file.save(two);
    const { length } = await readFile(file.path);
    for (const size of [0, 1, length >> 1, length - 3]) {
      await truncate(file.path, size);
      const damaged = await readFile(file.path);
      await expect(file.load()).rejects.toMatchObject({
        code: 'BAD_VIEW',
        message: expect.stringContaining(`${file.path} is damaged (the state is not JSON)`) as string,
      });
      expect(await readFile(file.path)).toEqual(damaged);
      await file.save(two);
    }
    await writeFile(file.path, JSON.stringify(two).replace('"version":2', '"version":-2'));
    await expect(file.load()).rejects.toThrow('a view cannot have the version -2');
  });

  test('takes one save at a time', async () => {
    const file = new ViewFile(directory);
    const first = file.save(one);
    await expect(file.save(two)).rejects.toThrow('one save at a time');
    await first;
    expect(await file.load()).toEqual(one);
  });
});

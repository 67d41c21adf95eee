/**
 * What every `Files` must do, for whoever makes one: the real disk and the simulated one are held to the same list.
 */
import { expect, test } from 'vitest';
import { CacheError, type Files, type ReadableFile } from '../../src/base';

export interface Disk {
  readonly files: Files;
  /** A directory that is there, and empty. */
  readonly directory: string;
  /** Lets deeds be done that other threads do. */
  readonly settle: () => void;
}

/** Declares the tests; `make` gives each of them a disk of its own. */
export function testFiles(make: () => Disk): void {
  test('a file holds what was written to it', () => {
    const { files, directory } = make();
    const path = `${directory}/a`;
    const file = files.create(path);
    expect(file.size).toBe(0);
    file.write(Buffer.from('<hello>'), 1, 6);
    file.write(Buffer.from(' world'), 0, 6);
    file.sync();
    expect(file.size).toBe(11);
    file.close();
    expect(files.size(path)).toBe(11);
    expect(textOf(files, path)).toBe('hello world');
  });

  test('a file is read in pieces, from any place', () => {
    const { files, directory } = make();
    fill(files, `${directory}/a`, 'hello');
    const file = files.open(`${directory}/a`);
    const into = Buffer.from('----------');
    expect(file.size).toBe(5);
    expect(file.read(into, 2, 5, 1)).toBe(3);
    expect(into.toString()).toBe('--ell-----');
    expect(file.read(into, 0, 10, 3)).toBe(2);
    expect(into.toString()).toBe('loell-----');
    expect(file.read(into, 0, 10, 5)).toBe(0);
    expect(file.read(into, 0, 10, 99)).toBe(0);
    file.close();
  });

  test('create empties what is there, append goes on with it', () => {
    const { files, directory } = make();
    const path = `${directory}/a`;
    fill(files, path, 'old');
    files.create(path).close();
    expect(files.size(path)).toBe(0);
    fill(files, path, 'new');
    const file = files.append(path);
    expect(file.size).toBe(3);
    file.write(Buffer.from('er'), 0, 2);
    file.close();
    expect(textOf(files, path)).toBe('newer');
    files.append(`${directory}/b`).close();
    expect(files.size(`${directory}/b`)).toBe(0);
  });

  test('what is written after a cut follows what was left', () => {
    const { files, directory } = make();
    const file = files.create(`${directory}/a`);
    file.write(Buffer.from('abcdef'), 0, 6);
    file.truncate(2);
    expect(file.size).toBe(2);
    file.write(Buffer.from('x'), 0, 1);
    file.close();
    expect(textOf(files, `${directory}/a`)).toBe('abx');
  });

  test('other threads write and sync, and answer', async () => {
    const { files, directory, settle } = make();
    const file = files.create(`${directory}/a`);
    await later(settle, (done) => file.writeLater(Buffer.from('one'), done));
    file.write(Buffer.from(' two'), 0, 4);
    await later(settle, (done) => file.syncLater(done));
    expect(file.size).toBe(7);
    file.close();
    expect(textOf(files, `${directory}/a`)).toBe('one two');
  });

  test('a file that is closed meanwhile still gets its bytes', async () => {
    const { files, directory, settle } = make();
    const file = files.create(`${directory}/a`);
    await later(settle, (done) => {
      file.writeLater(Buffer.alloc(100_000, 'x'), done);
      file.syncLater(() => {});
      file.close();
      file.close();
    });
    expect(files.size(`${directory}/a`)).toBe(100_000);
  });

  test('one write at a time, and none after the end', async () => {
    const { files, directory, settle } = make();
    const file = files.create(`${directory}/a`);
    const bytes = Buffer.from('x');
    await later(settle, (done) => {
      file.writeLater(bytes, done);
      expect(() => file.write(bytes, 0, 1)).toThrow('one write at a time');
      expect(() => file.writeLater(bytes, () => {})).toThrow('one write at a time');
      expect(() => file.truncate(0)).toThrow('one write at a time');
    });
    expect(() => file.truncate(2)).toThrow('cut, not grown');
    file.close();
    expect(() => file.write(bytes, 0, 1)).toThrow('closed');
    expect(() => file.sync()).toThrow('closed');
    expect(() => file.syncLater(() => {})).toThrow('closed');
  });

  test('what is not there has no size and no names, and cannot be opened', () => {
    const { files, directory } = make();
    expect(files.size(`${directory}/none`)).toBeNull();
    expect(files.size(directory)).toBeNull();
    expect(files.list(`${directory}/none`)).toEqual([]);
    expectFailure(() => files.open(`${directory}/none`), 'ENOENT', `cannot open '${directory}/none': No such file`);
    expectFailure(() => files.create(`${directory}/none/a`), 'ENOENT');
    expectFailure(() => files.append(`${directory}/none/a`), 'ENOENT');
    expectFailure(() => files.create(directory), 'EISDIR');
    expectFailure(() => files.rename(`${directory}/none`, `${directory}/a`), 'ENOENT');
    expectFailure(() => files.syncDirectory(`${directory}/none`), 'ENOENT');
    expectFailure(() => files.lock(`${directory}/none`), 'ENOENT');
  });

  test('directories are made once and list their names in order', () => {
    const { files, directory } = make();
    const inner = `${directory}/inner`;
    files.makeDirectory(inner);
    fill(files, `${inner}/b`, '');
    fill(files, `${inner}/a`, '');
    fill(files, `${directory}/B`, '');
    files.makeDirectory(inner);
    files.syncDirectory(directory);
    expect(files.list(inner)).toEqual(['a', 'b']);
    expect(files.list(directory)).toEqual(['B', 'inner']);
    expectFailure(() => files.makeDirectory(`${directory}/B`), 'EEXIST');
    expectFailure(() => files.makeDirectory(`${directory}/none/inner`), 'ENOENT');
  });

  test('a name replaces another, and who had opened that reads on', () => {
    const { files, directory } = make();
    fill(files, `${directory}/new`, 'new');
    fill(files, `${directory}/old`, 'old');
    const reader = files.open(`${directory}/old`);
    files.rename(`${directory}/new`, `${directory}/old`);
    expect(files.list(directory)).toEqual(['old']);
    expect(textOf(files, `${directory}/old`)).toBe('new');
    files.rename(`${directory}/old`, `${directory}/old`);
    files.remove(`${directory}/old`);
    files.remove(`${directory}/old`);
    expect(files.list(directory)).toEqual([]);
    expect(rest(reader)).toBe('old');
  });

  test('other threads rename, remove and sync directories, and answer', async () => {
    const { files, directory, settle } = make();
    const at = (name: string): string => `${directory}/${name}`;
    fill(files, at('new'), 'new');
    fill(files, at('old'), 'old');
    await later(settle, (done) => files.renameLater(at('new'), at('old'), done));
    await later(settle, (done) => files.syncDirectoryLater(directory, done));
    expect(textOf(files, at('old'))).toBe('new');
    await later(settle, (done) => files.removeLater(at('old'), done));
    await later(settle, (done) => files.removeLater(at('old'), done));
    expect(files.list(directory)).toEqual([]);
    const none = at('none');
    const missing = [
      () => later(settle, (done) => files.renameLater(none, at('a'), done)),
      () => later(settle, (done) => files.syncDirectoryLater(none, done)),
    ];
    for (const deed of missing) {
      // One after the other: a failure that comes before anybody waits for it would be nobody's.
      await expect(deed()).rejects.toMatchObject({ code: 'FILE_FAILED', cause: { code: 'ENOENT' } });
    }
    await expect(later(settle, (done) => files.removeLater(directory, done))).rejects.toThrow(CacheError);
  });

  test('a directory has one owner', () => {
    const { files, directory } = make();
    const release = files.lock(directory);
    expect(() => files.lock(directory)).toThrow(/cannot lock directory '.*': .*process.* uses it/);
    release();
    const again = files.lock(directory);
    release();
    expect(() => files.lock(directory)).toThrow(CacheError);
    again();
    files.lock(directory)();
    expect(files.list(directory)).toEqual([]);
  });
}

/** Expects a FILE_FAILED with an error of the system as its cause. */
export function expectFailure(deed: () => unknown, errno: string, message = ''): void {
  try {
    deed();
  } catch (error) {
    expect(error).toMatchObject({ name: 'CacheError', code: 'FILE_FAILED', cause: { code: errno } });
    expect((error as Error).message).toContain(message);
    return;
  }
  expect.fail(`${errno} was expected`);
}

/** Makes a file of some text, synced. */
export function fill(files: Files, path: string, text: string): void {
  const file = files.create(path);
  const bytes = Buffer.from(text, 'latin1');
  file.write(bytes, 0, bytes.length);
  file.sync();
  file.close();
}

export function textOf(files: Files, path: string): string {
  return rest(files.open(path));
}

function rest(file: ReadableFile): string {
  const bytes = Buffer.alloc(file.size);
  expect(file.read(bytes, 0, bytes.length, 0)).toBe(file.size);
  file.close();
  return bytes.toString('latin1');
}

async function later(settle: () => void, deed: (done: (error: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    deed((error) => (error === null ? resolve() : reject(error)));
    settle();
  });
}

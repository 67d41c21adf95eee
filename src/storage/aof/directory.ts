/**
 * AofDirectory: the append-only file as a set of files, so that it can be rewritten while it grows.
 *
 * The set is what the manifest names, and it changes only by a new manifest taking the place of the old one. Whatever a
 * manifest names is durable before it is; so at every moment, whenever the machine stops, the directory holds the old set or the
 * new one:
 *
 *     an increment begins   file made, synced → names synced → manifest
 *     a rewrite begins      the same: all changes from then on go to the new increment
 *     a rewrite ends        base synced by who wrote it → renamed → names synced → manifest → history removed
 *
 * with "→ manifest" meaning: temporary file, sync, rename, directory synced. If that fails before its rename, nothing has happened; if
 * after, the new set holds. Who begins an increment has synced the one before, because only the last file of a set may be torn.
 *
 * A first manifest, naming no files, comes before the first file: so files without a manifest mean that it was lost, and are
 * refused instead of being taken for nothing and written over. An old single file is taken in as Redis does it.
 */
import { assert, CacheError, EMPTY_BUFFER, type Files, type Log } from '../../base';
import { EMPTY_MANIFEST, formatManifest, parseManifest, type AofEntry, type Manifest } from './manifest';
import { AofWriter } from './writer';

/** One file of the set. */
export interface AofPart {
  readonly path: string;
  readonly kind: 'base' | 'incremental';
  /** Whether it begins as RDB; commands may follow where it was a single file once. */
  readonly isRdb: boolean;
}

export interface AofDirectoryOptions {
  /** The setting `dir`. */
  readonly directory: string;
  /** The setting `appenddirname`. */
  readonly dirname: string;
  /** The setting `appendfilename`. */
  readonly filename: string;
  readonly log: Log;
}

/** A rewrite that goes on. */
interface Rewrite {
  /** The increment of all changes since it began. */
  readonly increment: AofEntry;
  /** Whether the increment has a temporary name and is in no manifest before the end. */
  readonly startsAnew: boolean;
  /** The new base, once its file has its name. */
  base: AofEntry | null;
}

const RDB_SIGNATURE = Buffer.from('REDIS');

export class AofDirectory {
  private manifest: Manifest = EMPTY_MANIFEST;
  private baseIsRdb = false;
  private rewrite: Rewrite | null = null;
  /** Whether a manifest is on the disk. */
  private isFounded = false;
  private readonly path: string;

  constructor(
    private readonly files: Files,
    private readonly options: AofDirectoryOptions,
  ) {
    this.path = `${options.directory}/${options.dirname}`;
  }

  /** The files, in order of loading. */
  get parts(): readonly AofPart[] {
    const { base, increments } = this.manifest;
    const parts: AofPart[] = increments.map(({ name }) => ({
      path: this.pathOf(name),
      kind: 'incremental',
      isRdb: false,
    }));
    if (base !== null) parts.unshift({ path: this.pathOf(base.name), kind: 'base', isRdb: this.baseIsRdb });
    return parts;
  }

  /**
   * Reads the manifest and tidies up after a crash: temporary files and history are removed; an old single file in `directory`
   * is taken in. False where there is nothing to load.
   * @throws CacheError BAD_AOF: the manifest is malformed, or lost, or names a file that is not there.
   */
  open(): boolean {
    const { files } = this;
    const manifestPath = this.pathOf(this.manifestName);
    this.isFounded = files.size(manifestPath) !== null;
    if (this.isFounded) this.manifest = parseManifest(this.readWhole(manifestPath), manifestPath);
    else this.assertNoOrphans();
    this.takeInOldFile();
    const { base, increments } = this.manifest;
    for (const { name } of base === null ? increments : [base, ...increments]) {
      if (files.size(this.pathOf(name)) === null) {
        throw new CacheError('BAD_AOF', `${manifestPath} names the file '${name}', which is not there`);
      }
    }
    this.baseIsRdb = base !== null && this.beginsAsRdb(this.pathOf(base.name));
    for (const name of [this.temporaryManifest, this.temporaryBase, this.temporaryIncrement]) {
      files.remove(this.pathOf(name));
    }
    this.removeHistory();
    return base !== null || increments.length > 0;
  }

  /**
   * Makes a new, durable increment, the last of the set, and returns its path. It is empty but for the lines by which it is
   * known as ours. The increment before must have been synced.
   * @throws CacheError FILE_FAILED: the set is what it was, unless only the last sync of the directory failed.
   */
  startIncrement(): string {
    this.found();
    const increment = this.nextIncrement();
    this.makeIncrement(increment.name);
    const { manifest } = this;
    this.replaceManifest({ ...manifest, increments: [...manifest.increments, increment] });
    return this.pathOf(increment.name);
  }

  /**
   * Begins a rewrite: `base` is where somebody is to write the state as it is now and sync it, `increment` the file of all
   * changes from now on, as of `startIncrement`. With `startsAnew` the set says nothing about the present state (the AOF was
   * off): then the increment joins the set together with the new base, which replaces everything.
   * @throws CacheError FILE_FAILED: no rewrite has begun.
   */
  beginRewrite(startsAnew = false): { base: string; increment: string } {
    assert(this.rewrite === null, 'one rewrite at a time');
    const increment = this.nextIncrement();
    if (startsAnew) {
      this.found();
      this.makeIncrement(this.temporaryIncrement);
    } else {
      this.startIncrement();
    }
    this.rewrite = { increment, startsAnew, base: null };
    return {
      base: this.pathOf(this.temporaryBase),
      increment: this.pathOf(startsAnew ? this.temporaryIncrement : increment.name),
    };
  }

  /**
   * The temporary base, whole and synced, becomes the base of a new set; what was before the rewrite is removed. After
   * `startsAnew` the increment has another path (the last of `parts`); open files of it stay good.
   * @throws CacheError FILE_FAILED: the rewrite goes on, to be finished by another try or abandoned; `isRewriting` tells whether,
   * as it has ended where nothing but the last sync of the directory failed.
   */
  finishRewrite(isRdb: boolean): void {
    const { files, manifest, rewrite } = this;
    assert(rewrite !== null, 'a rewrite was begun');
    const { increment, startsAnew } = rewrite;
    if (rewrite.base === null) {
      const base = this.nextBase(isRdb);
      files.rename(this.pathOf(this.temporaryBase), this.pathOf(base.name));
      rewrite.base = base;
    }
    if (startsAnew && files.size(this.pathOf(this.temporaryIncrement)) !== null) {
      files.rename(this.pathOf(this.temporaryIncrement), this.pathOf(increment.name));
    }
    files.syncDirectory(this.path);
    const isOld = (entry: AofEntry): boolean => entry.sequence < increment.sequence;
    this.replaceManifest(
      {
        base: rewrite.base,
        history: [
          ...manifest.history,
          ...(manifest.base === null ? [] : [manifest.base]),
          ...manifest.increments.filter(isOld),
        ],
        increments: startsAnew ? [increment] : manifest.increments.filter((entry) => !isOld(entry)),
      },
      () => {
        this.baseIsRdb = isRdb;
        this.rewrite = null;
      },
    );
    this.removeHistory();
  }

  /** Ends a rewrite that came to nothing: its base is removed, the increments stay. With `startsAnew` its increment goes too. */
  abandonRewrite(): void {
    const { rewrite } = this;
    assert(rewrite !== null, 'a rewrite was begun');
    const { base, increment, startsAnew } = rewrite;
    this.rewrite = null;
    const names = [this.temporaryBase];
    if (base !== null) names.push(base.name);
    if (startsAnew) names.push(this.temporaryIncrement, increment.name);
    for (const name of names) this.files.remove(this.pathOf(name));
  }

  /** Whether a rewrite was begun and neither finished nor abandoned. */
  get isRewriting(): boolean {
    return this.rewrite !== null;
  }

  private get manifestName(): string {
    return `${this.options.filename}.manifest`;
  }

  private get temporaryManifest(): string {
    return `temp-${this.options.filename}.manifest`;
  }

  private get temporaryBase(): string {
    return `temp-${this.options.filename}.base`;
  }

  private get temporaryIncrement(): string {
    return `temp-${this.options.filename}.incr`;
  }

  private pathOf(name: string): string {
    return `${this.path}/${name}`;
  }

  private nextIncrement(): AofEntry {
    const sequence = (this.manifest.increments.at(-1)?.sequence ?? 0) + 1;
    return { name: `${this.options.filename}.${sequence}.incr.aof`, sequence };
  }

  private nextBase(isRdb: boolean): AofEntry {
    const sequence = (this.manifest.base?.sequence ?? 0) + 1;
    return { name: `${this.options.filename}.${sequence}.base.${isRdb ? 'rdb' : 'aof'}`, sequence };
  }

  /** Makes sure that there is a directory with a manifest. */
  private found(): void {
    if (this.isFounded) return;
    this.makeDirectory();
    this.replaceManifest(this.manifest);
  }

  private makeDirectory(): void {
    this.files.makeDirectory(this.path);
    this.files.syncDirectory(this.options.directory);
  }

  /** Makes a durable file of one empty batch. */
  private makeIncrement(name: string): void {
    const writer = new AofWriter(this.files.create(this.pathOf(name)));
    try {
      writer.write(EMPTY_BUFFER, 0, 0, null);
      writer.sync();
    } finally {
      writer.close();
    }
    this.files.syncDirectory(this.path);
  }

  /** Makes a new manifest hold. `adopted` is called as soon as it does, though maybe not yet for a loss of power. */
  private replaceManifest(manifest: Manifest, adopted?: () => void): void {
    const { files } = this;
    const temporaryPath = this.pathOf(this.temporaryManifest);
    const text = Buffer.from(formatManifest(manifest));
    const file = files.create(temporaryPath);
    try {
      file.write(text, 0, text.length);
      file.sync();
    } finally {
      file.close();
    }
    files.rename(temporaryPath, this.pathOf(this.manifestName));
    this.manifest = manifest;
    this.isFounded = true;
    adopted?.();
    files.syncDirectory(this.path);
  }

  /** Removes history. What cannot be removed stays history, for the next time. */
  private removeHistory(): void {
    const { history } = this.manifest;
    if (history.length === 0) return;
    try {
      for (const { name } of history) this.files.remove(this.pathOf(name));
      this.replaceManifest({ ...this.manifest, history: [] });
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.options.log('warning', `Old append-only files stay for now: ${error.message}`);
    }
  }

  private assertNoOrphans(): void {
    const { filename } = this.options;
    const isOurs = (name: string): boolean =>
      name.startsWith(`${filename}.`) && /^\d+\.(base\.rdb|base\.aof|incr\.aof)$/.test(name.slice(filename.length + 1));
    const orphan = this.files.list(this.path).find(isOurs);
    if (orphan === undefined) return;
    throw new CacheError(
      'BAD_AOF',
      `${this.path} has the file '${orphan}', but the manifest '${this.manifestName}' is gone`,
    );
  }

  /** An append-only file of before Redis 7 becomes the base. A crash on the way is made up for by the next `open`. */
  private takeInOldFile(): void {
    const { files, options } = this;
    const { base, increments } = this.manifest;
    const { directory, filename } = options;
    const oldPath = `${directory}/${filename}`;
    const path = this.pathOf(filename);
    const isHalfDone = base?.name === filename && files.size(path) === null;
    if (increments.length > 0 || (base !== null && !isHalfDone) || files.size(oldPath) === null) return;
    this.makeDirectory();
    this.replaceManifest({ ...EMPTY_MANIFEST, base: { name: filename, sequence: 1 } });
    files.rename(oldPath, path);
    files.syncDirectory(this.path);
    files.syncDirectory(directory);
    options.log('notice', `The old append-only file ${oldPath} is now the base in ${this.path}`);
  }

  private beginsAsRdb(path: string): boolean {
    const file = this.files.open(path);
    const signature = Buffer.alloc(RDB_SIGNATURE.length);
    try {
      file.read(signature, 0, signature.length, 0);
    } finally {
      file.close();
    }
    return signature.equals(RDB_SIGNATURE);
  }

  private readWhole(path: string): Uint8Array {
    const file = this.files.open(path);
    try {
      const bytes = Buffer.alloc(file.size);
      for (let at = 0; at < bytes.length;) {
        const count = file.read(bytes, at, bytes.length, at);
        if (count === 0) return bytes.subarray(0, at);
        at += count;
      }
      return bytes;
    } finally {
      file.close();
    }
  }
}

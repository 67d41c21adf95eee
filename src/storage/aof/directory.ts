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
 * after, the new set holds. Only the last file of a set may be torn: so the increment of before is durable before the rename by
 * which another becomes the last (`settle`), and nothing is written to the new one until all of this is done.
 *
 * While a node runs these sequences are left to other threads (deeds.ts), one after the other; when it starts they are done at once.
 *
 * A first manifest, naming no files, comes before the first file: so files without a manifest mean that it was lost, and are
 * refused instead of being taken for nothing and written over. An old single file is taken in as Redis does it.
 */
import { assert, CacheError, EMPTY_BUFFER, type Files, type Log } from '../../base';
import {
  doNow,
  Errands,
  removing,
  renaming,
  syncing,
  syncingDirectory,
  type Deed,
  type Deeds,
  type Done,
} from './deeds';
import { EMPTY_MANIFEST, formatManifest, parseManifest, type AofEntry, type Manifest } from './manifest';
import { renewing, unsealing } from './renewal';
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
  /** Calls what it is given, at once: all that is done by this thread when another has done its part. */
  readonly run?: (task: () => void) => void;
}

/** Where a rewrite writes. */
export interface RewritePaths {
  readonly base: string;
  readonly increment: string;
}

/** A rewrite that goes on. */
interface Rewrite {
  /** The increment of all changes since it began. */
  readonly increment: AofEntry;
  readonly temporaryBase: string;
  /** The increment's name before the end, while it is in no manifest; null where it is in one from the beginning. */
  readonly temporaryIncrement: string | null;
}

const RDB_SIGNATURE = Buffer.from('REDIS');

export class AofDirectory {
  private manifest: Manifest = EMPTY_MANIFEST;
  private baseIsRdb = false;
  private rewrite: Rewrite | null = null;
  private temporaries = 0;
  /** Whether a manifest is on the disk. */
  private isFounded = false;
  private readonly path: string;
  private readonly errands: Errands;

  constructor(
    private readonly files: Files,
    private readonly options: AofDirectoryOptions,
  ) {
    this.path = `${options.directory}/${options.dirname}`;
    this.errands = new Errands(options.run ?? ((task) => task()));
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
    // Who gave these files their names may have died before that was durable.
    if (this.isFounded) files.syncDirectory(this.path);
    this.removeTemporaries();
    doNow(this.removeHistory());
    return base !== null || increments.length > 0;
  }

  /**
   * Makes a new, durable increment, the last of the set, and returns its path. It is empty but for the lines by which it is
   * known as ours. The increment before must have been synced.
   * @throws CacheError FILE_FAILED: the set is what it was, unless only the last sync of the directory failed.
   */
  startIncrement(): string {
    const increment = this.nextIncrement();
    doNow(this.addIncrement(increment, null));
    return this.pathOf(increment.name);
  }

  /** Makes the last file durable, whatever syncs say (renewal.ts); a seal at its end, from `sealStart` on, goes. @throws CacheError FILE_FAILED */
  renewLast(sealStart: number | null): void {
    const { files, path } = this;
    const last = this.parts.at(-1);
    assert(last !== undefined, 'there is a last file');
    if (sealStart !== null) doNow(unsealing(files, last.path, sealStart));
    else doNow(renewing(files, path, last.path, this.pathOf(this.nextTemporary('incr'))));
  }

  /** For a node that has nothing on disk: a base that `writeBase` makes and syncs, and an increment. @throws CacheError FILE_FAILED */
  found(isRdb: boolean, writeBase: (path: string) => void): void {
    const settle = ({ base }: RewritePaths): Deed => ({ now: () => writeBase(base), later: () => undefined });
    doNow(this.beginning(true, settle));
    doNow(this.finishing(isRdb));
  }

  /**
   * Begins a rewrite. When the files are made, a deed of the caller's is done, `settle`: it makes the increment of before durable,
   * and holds everything that would have been written to it since. At its beginning somebody begins to write the state of that
   * moment to `base`, to be synced; after `ready`, what was held and all that follows belongs into `increment`.
   *
   * With `startsAnew` the set says nothing about the present state (the AOF was off): then the increment joins the set together
   * with the new base, which replaces everything, and `settle` has nothing to make durable.
   *
   * `ready` is told why it failed: then no rewrite goes on, and the set is what it was, unless only the last sync of the directory
   * failed: see `endsWith`.
   */
  beginRewrite(startsAnew: boolean, settle: (paths: RewritePaths) => Deed, ready: Done): void {
    this.errands.add(this.beginning(startsAnew, settle), ready);
  }

  /**
   * The temporary base, whole and synced, becomes the base of a new set, and `done` is called; then what was before the rewrite is
   * removed. After `startsAnew` the increment has another path (the last of `parts`); open files of it stay good. Where it fails
   * the rewrite is abandoned.
   */
  finishRewrite(isRdb: boolean, done: Done): void {
    this.errands.add(this.finishing(isRdb), (error) => {
      if (error === null) this.errands.add(this.removeHistory(), () => undefined);
      done(error);
    });
  }

  /**
   * Ends a rewrite that came to nothing, when what was begun is done: its base is removed, the increments stay. With `startsAnew` its
   * increment goes too. Nothing happens where there is none.
   */
  abandonRewrite(): void {
    this.errands.add(this.abandoning(), () => undefined);
  }

  /** Does at once what was begun, one thing after the other, until `isEnough`. */
  hurry(isEnough: () => boolean): void {
    this.errands.hurry(isEnough);
  }

  /** Does nothing more. What is half done is as after a crash: the next `open` tidies up. */
  close(): void {
    this.errands.close();
  }

  /** Whether the last file of the set is this one. */
  endsWith(path: string): boolean {
    return this.parts.at(-1)?.path === path;
  }

  // ── sequences ────────────────────────────────────────────────────────────────────────────────────────────────

  private *beginning(startsAnew: boolean, settle: (paths: RewritePaths) => Deed): Deeds {
    assert(this.rewrite === null, 'one rewrite at a time');
    const temporaryBase = this.nextTemporary('base');
    const base = this.pathOf(temporaryBase);
    const increment = this.nextIncrement();
    const rewrite = { increment, temporaryBase, temporaryIncrement: startsAnew ? this.nextTemporary('incr') : null };
    try {
      if (rewrite.temporaryIncrement === null) {
        yield* this.addIncrement(increment, settle({ base, increment: this.pathOf(increment.name) }));
      } else {
        yield* this.makeIncrement(rewrite.temporaryIncrement);
        yield settle({ base, increment: this.pathOf(rewrite.temporaryIncrement) });
      }
    } catch (error) {
      yield* this.discard([temporaryBase, rewrite.temporaryIncrement]);
      throw error;
    }
    this.rewrite = rewrite;
  }

  private *finishing(isRdb: boolean): Deeds {
    const { files, manifest, rewrite } = this;
    if (rewrite === null) throw new CacheError('FILE_FAILED', 'the rewrite has been given up');
    const { increment, temporaryBase, temporaryIncrement } = rewrite;
    const base = this.nextBase(isRdb);
    const isOld = (entry: AofEntry): boolean => entry.sequence < increment.sequence;
    const next: Manifest = {
      base,
      history: [
        ...manifest.history,
        ...(manifest.base === null ? [] : [manifest.base]),
        ...manifest.increments.filter(isOld),
      ],
      increments: temporaryIncrement === null ? manifest.increments.filter((entry) => !isOld(entry)) : [increment],
    };
    try {
      yield renaming(files, this.pathOf(temporaryBase), this.pathOf(base.name));
      if (temporaryIncrement !== null) {
        yield renaming(files, this.pathOf(temporaryIncrement), this.pathOf(increment.name));
      }
      yield syncingDirectory(files, this.path);
      yield* this.replaceManifest(next, null, () => {
        this.baseIsRdb = isRdb;
        this.rewrite = null;
      });
    } catch (error) {
      yield* this.abandoning([base.name, temporaryIncrement === null ? null : increment.name]);
      throw error;
    }
  }

  /** Removes what a rewrite has made, and is in no set: with `others`, where there is one. */
  private *abandoning(others: readonly (string | null)[] = []): Deeds {
    const { rewrite } = this;
    if (rewrite === null) return;
    this.rewrite = null;
    yield* this.discard([rewrite.temporaryBase, rewrite.temporaryIncrement, ...others]);
  }

  /** Adds an increment to the set; before the manifest says so, `settle` is done. */
  private *addIncrement(increment: AofEntry, settle: Deed | null): Deeds {
    yield* this.makeIncrement(increment.name);
    const { manifest } = this;
    try {
      yield* this.replaceManifest({ ...manifest, increments: [...manifest.increments, increment] }, settle);
    } catch (error) {
      if (this.manifest === manifest) yield* this.discard([increment.name]);
      throw error;
    }
  }

  /** Makes a durable file of one empty batch, in a directory that has a manifest. */
  private *makeIncrement(name: string): Deeds {
    const { files } = this;
    if (!this.isFounded) {
      files.makeDirectory(this.path);
      yield syncingDirectory(files, this.options.directory);
      yield* this.replaceManifest(this.manifest);
    }
    const writer = new AofWriter(files.create(this.pathOf(name)));
    try {
      writer.write(EMPTY_BUFFER, 0, 0, null);
      yield syncing(writer);
    } finally {
      writer.close();
    }
    yield syncingDirectory(files, this.path);
  }

  /**
   * Makes a new manifest hold; `settle` is done when only its name is missing. `adopted` is called as soon as it holds, though
   * maybe not yet for a loss of power.
   */
  private *replaceManifest(manifest: Manifest, settle: Deed | null = null, adopted?: () => void): Deeds {
    const { files } = this;
    const temporary = this.nextTemporary('manifest');
    try {
      yield* this.writeManifest(temporary, manifest);
      if (settle !== null) yield settle;
      yield renaming(files, this.pathOf(temporary), this.pathOf(this.manifestName));
    } catch (error) {
      yield* this.discard([temporary]);
      throw error;
    }
    this.manifest = manifest;
    this.isFounded = true;
    adopted?.();
    yield syncingDirectory(files, this.path);
  }

  private *writeManifest(name: string, manifest: Manifest): Deeds {
    const text = formatManifest(manifest);
    const file = this.files.create(this.pathOf(name));
    try {
      file.write(text, 0, text.length);
      yield syncing(file);
    } finally {
      file.close();
    }
  }

  /** Removes history. What cannot be removed stays history, for the next time. */
  private *removeHistory(): Deeds {
    const { history } = this.manifest;
    if (history.length === 0) return;
    try {
      for (const { name } of history) yield removing(this.files, this.pathOf(name));
      yield* this.replaceManifest({ ...this.manifest, history: [] });
    } catch (error) {
      this.options.log('warning', `Old append-only files stay for now: ${(error as Error).message}`);
    }
  }

  /** Removes files that are in no set. What cannot be removed stays until the next `open`. */
  private *discard(names: readonly (string | null)[]): Deeds {
    for (const name of names) {
      if (name === null) continue;
      try {
        yield removing(this.files, this.pathOf(name));
      } catch (error) {
        this.options.log('warning', (error as Error).message);
      }
    }
  }

  private get manifestName(): string {
    return `${this.options.filename}.manifest`;
  }

  /**
   * A new name for a file that has no other yet. No two are the same: what a thread does late to one that was given up does
   * nothing to the next.
   */
  private nextTemporary(kind: 'base' | 'incr' | 'manifest'): string {
    return `temp-${this.options.filename}.${++this.temporaries}.${kind}`;
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

  /** Removes what was cut off by the death of a process. */
  private removeTemporaries(): void {
    const prefix = `temp-${this.options.filename}.`;
    for (const name of this.files.list(this.path)) {
      const isOurs = name.startsWith(prefix) && /^(\d+\.)?(base|incr|manifest)$/.test(name.slice(prefix.length));
      if (isOurs) this.files.remove(this.pathOf(name));
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
    files.makeDirectory(this.path);
    files.syncDirectory(directory);
    doNow(this.replaceManifest({ ...EMPTY_MANIFEST, base: { name: filename, sequence: 1 } }));
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

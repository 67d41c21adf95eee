/**
 * SimulatedNames: directories and the names of files in them, as processes see them and as the disk has them.
 *
 * Deeds on names are kept in a log until somebody syncs a directory that they are about; then, and with what they
 * build on, they are durable. A loss of power keeps a prefix of the log, which is what journaling file systems do;
 * where a name replaced another and that survives, so do the bytes that the file had then (ext4: `auto_da_alloc`).
 * POSIX promises neither: the harsh way keeps any of the deeds, and bytes are lost whatever names survive.
 */
import { posix } from 'node:path';
import type { Random } from '../base';
import type { SimulatedFile } from './simulated-file';

/** A deed on names, with the file that it is about. */
export type NameDeed =
  | { readonly kind: 'link'; readonly path: string; readonly file: SimulatedFile }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'rename';
      readonly from: string;
      readonly path: string;
      readonly file: SimulatedFile;
      /** Bytes in the file when it took the place of another; else 0. */
      readonly safeSize: number;
    };

/** Names and directories at one moment. */
class Tree {
  constructor(
    readonly files = new Map<string, SimulatedFile>(),
    readonly directories = new Set<string>(),
  ) {}

  apply(deed: NameDeed): void {
    if (deed.kind === 'directory') this.directories.add(deed.path);
    else this.files.delete(deed.path);
    if (deed.kind === 'rename') this.files.delete(deed.from);
    if (deed.kind === 'rename' || deed.kind === 'link') this.files.set(deed.path, deed.file);
  }

  /** A copy; `copyOf` says which file stands for which. */
  clone(copyOf: (file: SimulatedFile) => SimulatedFile): Tree {
    return new Tree(new Map([...this.files].map(([path, file]) => [path, copyOf(file)])), new Set(this.directories));
  }

  /** Whether there is a directory of this name that can be reached. */
  hasDirectory(path: string): boolean {
    return isRoot(path) || (this.directories.has(path) && this.hasDirectory(posix.dirname(path)));
  }

  /** Removes what can no more be reached, as its directory is not there. */
  prune(): void {
    for (const path of this.directories) if (!this.hasDirectory(path)) this.directories.delete(path);
    for (const path of this.files.keys()) if (!this.hasDirectory(posix.dirname(path))) this.files.delete(path);
  }
}

export class SimulatedNames {
  private log: NameDeed[] = [];

  private constructor(
    private readonly present: Tree,
    private readonly durable: Tree,
  ) {}

  /** An empty disk with some directories, and those that they are in. */
  static empty(directories: readonly string[]): SimulatedNames {
    const tree = new Tree();
    for (let path of directories.map((directory) => nameOf(directory))) {
      for (; !isRoot(path); path = posix.dirname(path)) tree.directories.add(path);
    }
    const same = (file: SimulatedFile): SimulatedFile => file;
    return new SimulatedNames(tree, tree.clone(same));
  }

  /** Bytes of all files that have a name. */
  get bytesUsed(): number {
    let bytes = 0;
    for (const file of this.present.files.values()) bytes += file.size;
    return bytes;
  }

  file(path: string): SimulatedFile | undefined {
    return this.present.files.get(path);
  }

  hasDirectory(path: string): boolean {
    return this.present.hasDirectory(path);
  }

  /** Names of files and directories in a directory, in order. */
  list(directory: string): string[] {
    const paths = [...this.present.files.keys(), ...this.present.directories];
    const inside = paths.filter((path) => !isRoot(path) && posix.dirname(path) === directory);
    return inside.map((path) => posix.basename(path)).sort();
  }

  link(path: string, file: SimulatedFile): void {
    this.perform({ kind: 'link', path, file });
  }

  unlink(path: string): void {
    this.perform({ kind: 'unlink', path });
  }

  rename(from: string, path: string, file: SimulatedFile): void {
    const safeSize = this.present.files.has(path) ? file.size : 0;
    this.perform({ kind: 'rename', from, path, file, safeSize });
  }

  makeDirectory(path: string): void {
    this.perform({ kind: 'directory', path });
  }

  /** The deeds that a loss of power may undo. */
  unsynced(): ReadonlySet<NameDeed> {
    return new Set(this.log);
  }

  /**
   * Makes the deeds in a directory durable, and earlier ones on the same names elsewhere. A sync that began when only
   * `begun` were done promises nothing of those after.
   */
  syncDirectory(directory: string, begun = this.unsynced()): void {
    const names = new Set<string>();
    const isSynced = this.log.map(() => false);
    for (let i = this.log.length - 1; i >= 0; i--) {
      const paths = pathsOf(this.log[i]);
      isSynced[i] =
        begun.has(this.log[i]) && paths.some((path) => posix.dirname(path) === directory || names.has(path));
      if (isSynced[i]) for (const path of paths) names.add(path);
    }
    this.log.forEach((deed, i) => isSynced[i] && this.durable.apply(deed));
    this.log = this.log.filter((_, i) => !isSynced[i]);
  }

  /** The same names for the same files, as copies that share nothing: what the death of all processes leaves. */
  clone(): SimulatedNames {
    const copyOf = oncePerFile((file) => file.clone());
    const copy = new SimulatedNames(this.present.clone(copyOf), this.durable.clone(copyOf));
    copy.log = this.log.map((deed) => ('file' in deed ? { ...deed, file: copyOf(deed.file) } : deed));
    return copy;
  }

  /** What a loss of power leaves. */
  survivor(random: Random, isHarsh: boolean): SimulatedNames {
    const safeSizes = new Map<SimulatedFile, number>();
    const tree = this.durable.clone((file) => file);
    const kept = random.below(this.log.length + 1);
    const deeds = isHarsh ? this.log.filter(() => random.below(2) === 0) : this.log.slice(0, kept);
    for (const deed of deeds) {
      tree.apply(deed);
      if (deed.kind !== 'rename' || isHarsh) continue;
      safeSizes.set(deed.file, Math.max(deed.safeSize, safeSizes.get(deed.file) ?? 0));
    }
    tree.prune();
    const left = tree.clone(oncePerFile((file) => file.survivor(random, safeSizes.get(file) ?? 0)));
    return new SimulatedNames(
      left,
      left.clone((file) => file),
    );
  }

  private perform(deed: NameDeed): void {
    this.present.apply(deed);
    this.log.push(deed);
  }
}

function pathsOf(deed: NameDeed): string[] {
  return deed.kind === 'rename' ? [deed.from, deed.path] : [deed.path];
}

/** One spelling for each path: './a//b/' is 'a/b'. */
export function nameOf(path: string): string {
  const name = posix.normalize(path);
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

function isRoot(path: string): boolean {
  return path === '/' || path === '.';
}

function oncePerFile(make: (file: SimulatedFile) => SimulatedFile): (file: SimulatedFile) => SimulatedFile {
  const made = new Map<SimulatedFile, SimulatedFile>();
  return (file) => {
    const known = made.get(file);
    if (known !== undefined) return known;
    const copy = make(file);
    made.set(file, copy);
    return copy;
  };
}

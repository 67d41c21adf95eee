/**
 * SimulatedDisk: a disk in memory that forgets, tears and lies exactly where the promises of `Files` end.
 *
 * What a process wrote survives its death; a loss of power leaves what was synced, and of everything else whatever a
 * seed decides (see simulated-file.ts and simulated-names.ts). The same seed leaves the same bytes. `crash` does not
 * touch this disk but returns the one that the machine finds when it starts again, so that many ends of one moment can
 * be looked at. Deeds that end in `Later` wait until the test calls `runPending()`; a crash drops them. A sync that
 * fails loses what it should have made safe, and the next one succeeds: that is what Linux does.
 *
 * Model: reliability reference §3a; Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
 */
import { posix } from 'node:path';
import { assert, CacheError, type Files, Random, type ReadableFile, type WritableFile } from '../base';
import { DiskFaults, systemError, type Deed, type Misdeeds } from './disk-faults';
import { SimulatedFile } from './simulated-file';
import { nameOf, SimulatedNames, type NameDeed } from './simulated-names';

export interface DiskOptions {
  /** Directories that are there from the beginning; the root, and the current directory, always are. */
  readonly directories?: readonly string[];
  /** A loss of power keeps any of the deeds on names that were not synced, instead of the first ones; default no. */
  readonly isHarsh?: boolean;
  /** Room for the bytes of all files; default endless. */
  readonly capacityBytes?: number;
}

export class SimulatedDisk implements Files {
  /** Room for the bytes of all files. A write that needs more writes what there is room for and fails with ENOSPC. */
  capacityBytes: number;
  private readonly faults: DiskFaults;
  /** By directory, what stands for the owner. */
  private readonly locks = new Map<string, symbol>();
  private readonly pending: (() => void)[] = [];

  /** `random` decides how deeds go wrong; `names` are for `crash` to give. */
  constructor(
    private readonly random: Random,
    private readonly options: DiskOptions = {},
    private readonly names = SimulatedNames.empty(options.directories ?? []),
  ) {
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.faults = new DiskFaults(random);
  }

  /** How many deeds that change something were begun. */
  get deeds(): number {
    return this.faults.deeds;
  }

  /** How many deeds wait for `runPending`. */
  get pendingDeeds(): number {
    return this.pending.length;
  }

  /** The next deed of this kind fails with that error of the system ("EIO"). */
  failNext(deed: Deed, errno: string): void {
    this.faults.failNext(deed, errno);
  }

  /** From now on any deed fails with EIO at this rate, from 0 to 1. */
  failAtRate(rate: number): void {
    this.faults.errorRate = rate;
  }

  /** The machine stops in the `count`-th deed from now that changes something: it and all later ones throw DiskCrash. */
  crashAfter(count: number): void {
    this.faults.crashAfter(count);
  }

  /** The disk after the death of the process, or of the machine. This one stays as it is. */
  crash(random: Random, kill: 'process' | 'power'): SimulatedDisk {
    const isHarsh = this.options.isHarsh ?? false;
    const names = kill === 'process' ? this.names.clone() : this.names.survivor(random, isHarsh);
    return new SimulatedDisk(
      new Random(random.uint32()),
      { ...this.options, capacityBytes: this.capacityBytes },
      names,
    );
  }

  /**
   * Does what other threads would have done, at most `limit` deeds; returns how many. Callbacks may bring new ones. Deeds
   * are done in the order in which they were begun, or in one that `order` decides.
   */
  runPending(limit = Infinity, order: Random | null = null): number {
    let done = 0;
    for (; done < limit && this.pending.length > 0; done++) {
      const place = order === null ? 0 : order.below(this.pending.length);
      const [task] = this.pending.splice(place, 1);
      task();
    }
    return done;
  }

  /** Turns one bit of a file on the disk: bit 0 is the highest of its first byte. */
  flip(path: string, bit: number): void {
    const file = this.names.file(nameOf(path));
    assert(file !== undefined && bit < 8 * file.size, `there is a bit ${bit} in '${path}'`);
    file.flip(bit);
  }

  open(path: string): ReadableFile {
    const file = this.run('open', path, (name) => this.fileAt(name));
    const { size } = file;
    return {
      size,
      read: (into, start, end, position) => this.run('read', path, () => file.read(into, start, end, position)),
      close: () => {},
    };
  }

  create(path: string): WritableFile {
    return this.run('create', path, (name) => {
      const present = this.names.file(name);
      present?.truncate(0);
      return this.writable(path, present ?? this.newFile(name));
    });
  }

  append(path: string): WritableFile {
    return this.run('append', path, (name) => this.writable(path, this.names.file(name) ?? this.newFile(name)));
  }

  size(path: string): number | null {
    return this.run('size', path, (name) => this.names.file(name)?.size ?? null);
  }

  list(directory: string): string[] {
    return this.run('list', directory, (name) => {
      if (this.names.file(name) !== undefined) throw systemError('ENOTDIR');
      return this.names.list(name);
    });
  }

  makeDirectory(path: string): void {
    this.run('makeDirectory', path, (name) => {
      if (this.names.hasDirectory(name)) return;
      if (this.names.file(name) !== undefined) throw systemError('EEXIST');
      this.assertInDirectory(name);
      this.names.makeDirectory(name);
    });
  }

  rename(from: string, to: string): void {
    this.run('rename', from, (name) => {
      const target = nameOf(to);
      const file = this.fileAt(name);
      this.assertInDirectory(target);
      if (this.names.hasDirectory(target)) throw systemError('EISDIR');
      if (name !== target) this.names.rename(name, target, file);
    });
  }

  renameLater(from: string, to: string, done: (error: Error | null) => void): void {
    this.later(() => this.rename(from, to), done);
  }

  remove(path: string): void {
    this.run('remove', path, (name) => {
      if (this.names.hasDirectory(name)) throw systemError('EISDIR');
      if (this.names.file(name) !== undefined) this.names.unlink(name);
    });
  }

  removeLater(path: string, done: (error: Error | null) => void): void {
    this.later(() => this.remove(path), done);
  }

  syncDirectory(path: string, begun?: ReadonlySet<NameDeed>): void {
    this.run('syncDirectory', path, (name) => {
      if (this.names.file(name) !== undefined) throw systemError('ENOTDIR');
      if (!this.names.hasDirectory(name)) throw systemError('ENOENT');
      this.names.syncDirectory(name, begun);
    });
  }

  syncDirectoryLater(path: string, done: (error: Error | null) => void): void {
    const begun = this.names.unsynced();
    this.later(() => this.syncDirectory(path, begun), done);
  }

  lock(directory: string): () => void {
    return this.run('lock', directory, (name) => {
      if (!this.names.hasDirectory(name)) throw systemError('ENOENT');
      if (this.locks.has(name)) throw new Error('another process uses it');
      const owner = Symbol(name);
      this.locks.set(name, owner);
      return () => {
        if (this.locks.get(name) === owner) this.locks.delete(name);
      };
    });
  }

  private writable(path: string, file: SimulatedFile): WritableFile {
    return new SimulatedWritableFile(file, {
      write: (buffer, start, end) => {
        const writeSome = (): void => this.write(file, buffer, start, start + this.random.below(end - start + 1));
        const misdeeds = { partly: writeSome, failing: writeSome };
        this.run('write', path, () => this.write(file, buffer, start, end), misdeeds);
      },
      sync: (size, cuts) => this.run('sync', path, () => file.sync(size, cuts), { failing: () => file.failSync(size) }),
      truncate: (size) => this.run('truncate', path, () => file.truncate(size)),
      later: (deed, done) => this.later(deed, done),
    });
  }

  private later(deed: () => void, done: (error: Error | null) => void): void {
    this.pending.push(() => done(errorOf(deed)));
  }

  /** Writes what there is room for. */
  private write(file: SimulatedFile, buffer: Uint8Array, start: number, end: number): void {
    const room = this.capacityBytes === Infinity ? Infinity : Math.max(0, this.capacityBytes - this.names.bytesUsed);
    file.append(buffer, start, Math.min(end, start + room));
    if (end - start > room) throw systemError('ENOSPC');
  }

  private run<T>(deed: Deed, path: string, whole: (name: string) => T, misdeeds?: Misdeeds): T {
    return this.faults.run(deed, path, () => whole(nameOf(path)), misdeeds);
  }

  private fileAt(name: string): SimulatedFile {
    const file = this.names.file(name);
    if (file === undefined) throw systemError(this.names.hasDirectory(name) ? 'EISDIR' : 'ENOENT');
    return file;
  }

  private newFile(name: string): SimulatedFile {
    if (this.names.hasDirectory(name)) throw systemError('EISDIR');
    this.assertInDirectory(name);
    const file = new SimulatedFile();
    this.names.link(name, file);
    return file;
  }

  private assertInDirectory(name: string): void {
    if (!this.names.hasDirectory(posix.dirname(name))) throw systemError('ENOENT');
  }
}

/** What an open file needs of the disk that it is on. */
interface FileDeeds {
  write(buffer: Uint8Array, start: number, end: number): void;
  sync(size?: number, cuts?: number): void;
  truncate(size: number): void;
  later(deed: () => void, done: (error: Error | null) => void): void;
}

class SimulatedWritableFile implements WritableFile {
  private isWriting = false;
  private isClosed = false;

  constructor(
    private readonly file: SimulatedFile,
    private readonly disk: FileDeeds,
  ) {}

  get size(): number {
    return this.file.size;
  }

  write(buffer: Uint8Array, start: number, end: number): void {
    this.assertIdle();
    this.disk.write(buffer, start, end);
  }

  writeLater(bytes: Uint8Array, done: (error: Error | null) => void): void {
    this.assertIdle();
    this.isWriting = true;
    this.disk.later(
      () => this.disk.write(bytes, 0, bytes.length),
      (error) => {
        this.isWriting = false;
        done(error);
      },
    );
  }

  sync(): void {
    assert(!this.isClosed, 'a closed file is not synced');
    this.disk.sync();
  }

  syncLater(done: (error: Error | null) => void): void {
    assert(!this.isClosed, 'a closed file is not synced');
    const { size, cuts } = this.file;
    this.disk.later(() => this.disk.sync(size, cuts), done);
  }

  truncate(size: number): void {
    this.assertIdle();
    assert(size <= this.file.size, 'a file is cut, not grown');
    this.disk.truncate(size);
  }

  close(): void {
    this.isClosed = true;
  }

  private assertIdle(): void {
    assert(!this.isClosed, 'a closed file is not written');
    assert(!this.isWriting, 'one write at a time');
  }
}

/** What a deed failed with, as its callback is told. A machine that stopped tells nobody. */
function errorOf(deed: () => void): Error | null {
  try {
    deed();
    return null;
  } catch (error) {
    if (error instanceof CacheError) return error;
    throw error;
  }
}

/**
 * Loading: what a node reads from disk when it starts, in slices: an RDB file, or the parts of an append-only file.
 *
 * The keys of an RDB whose time has come are left out; those of an append-only file's base are not, because what follows in it
 * was written by a server that still had them: they stay until it says that they go. Only the very end of the last part may be
 * missing (`aof-load-truncated`): it is cut off, so that what is appended next follows something whole. Anything else that is
 * wrong ends the start: a server with part of its data is worse than none. Log lines are Redis'.
 */
import { CacheError, type ReadableFile } from '../../base';
import { isStreamId } from '../../replication';
import { AofLoader, RdbLoader, type AofPart, type Keyspace, type StreamPlace } from '../../storage';
import type { ReceivedCommand } from '../../resp';
import type { DataNode } from '../data-node';
import { Replayer } from '../replay';
import { fileNameOf } from './paths';

interface Step {
  step(isTimeUp: () => boolean): boolean;
  readonly position: number;
}

const BYTES_PER_MEGABYTE = 1024 * 1024;
/** What was written under other limits than those of now is loaded all the same. */
const BULK_BYTES_MAX = 2 ** 32 - 1;
const UNKNOWN_COMMAND = 'ERR unknown command';

/** What INFO tells of something that is being loaded. */
export interface LoadingProgress {
  /** Unix seconds. */
  readonly startedAt: number;
  readonly totalBytes: number;
  readonly loadedBytes: number;
  /** Memory that the RDB took where it was made, by its own account. */
  readonly rdbUsedBytes: number;
  /** Seconds that it is likely to take yet. */
  readonly etaSeconds: number;
}

export class Loading implements LoadingProgress {
  readonly startedAt: number;
  readonly totalBytes: number;
  /** Memory that the RDB took where it was made, by its own account. */
  rdbUsedBytes = 0;
  keysLoaded = 0;
  keysExpired = 0;
  readonly functions: Uint8Array[] = [];
  /** Where in a stream of replication the data are that were loaded, where that was said. */
  place: StreamPlace | null = null;
  /** Whether the last file ends as ours do, so that more can be appended to it. */
  endsWithBatch = false;
  /** Where its seal begins, if it ends with one. */
  sealStart: number | null = null;

  private readonly parts: readonly AofPart[];
  private partIndex = 0;
  private isIntroduced = false;
  private file: ReadableFile | null = null;
  private loader: Step | null = null;
  private passedBytes = 0;
  private readonly beganMs: number;
  private partBeganMs: number;
  private readonly replayer: Replayer;
  /** What becomes of due keys when all is loaded; null where that was left as it is. */
  private dueKeysAfter: Keyspace['dueKeys'] | null = null;

  /** For an RDB file, which must be there; keys that are in the keyspace already are in its way unless it `replaces` them. */
  static ofRdb(node: DataNode, path: string, replaces = false): Loading {
    return new Loading(node, [{ path, kind: 'base', isRdb: true }], false, replaces);
  }

  /** For the parts of an append-only file. */
  static ofParts(node: DataNode, parts: readonly AofPart[]): Loading {
    return new Loading(node, parts, true, false);
  }

  private constructor(
    private readonly node: DataNode,
    parts: readonly AofPart[],
    private readonly isAppendOnly: boolean,
    private readonly replaces: boolean,
  ) {
    const { clock, files } = node.world;
    this.parts = [...parts];
    this.startedAt = Math.floor(clock.wallMs() / 1000);
    this.beganMs = clock.monotonicMs();
    this.partBeganMs = this.beganMs;
    this.replayer = new Replayer(node);
    this.totalBytes = this.parts.reduce((sum, { path }) => sum + (files.size(path) ?? 0), 0);
  }

  get loadedBytes(): number {
    return this.passedBytes + (this.loader?.position ?? 0);
  }

  /** Seconds that it is likely to take yet. */
  get etaSeconds(): number {
    const elapsedSeconds = (this.node.world.clock.monotonicMs() - this.beganMs) / 1000;
    const { loadedBytes } = this;
    return loadedBytes === 0 ? 1 : Math.floor((elapsedSeconds * (this.totalBytes - loadedBytes)) / loadedBytes);
  }

  /** Loads until `isTimeUp`; whether all is loaded. @throws CacheError BAD_RDB, BAD_AOF, FILE_FAILED */
  step(isTimeUp: () => boolean): boolean {
    this.node.keyspace.setTime(this.node.world.clock.wallMs());
    this.keepDueKeys();
    try {
      while (this.partIndex < this.parts.length) {
        this.loader ??= this.open(this.parts[this.partIndex]);
        const isDone = this.loader.step(isTimeUp);
        if (this.loader instanceof RdbLoader) this.introduce(this.loader);
        if (!isDone) return false;
        this.endOfLoader(this.parts[this.partIndex], this.loader);
      }
    } catch (error) {
      this.close();
      this.letDueKeysGo();
      throw this.withPath(error);
    }
    this.letDueKeysGo();
    this.logEnd();
    return true;
  }

  /** Between slices too: a client may WATCH a key meanwhile, and a look at a key whose time has come makes it go. */
  private keepDueKeys(): void {
    const { keyspace } = this.node;
    this.dueKeysAfter ??= keyspace.dueKeys;
    keyspace.dueKeys = 'stay';
  }

  private letDueKeysGo(): void {
    if (this.dueKeysAfter === null) return;
    this.node.keyspace.dueKeys = this.dueKeysAfter;
    this.dueKeysAfter = null;
  }

  /** Only the reader of commands knows which file it reads. */
  private withPath(error: unknown): unknown {
    if (!(error instanceof CacheError && error.code === 'BAD_RDB')) return error;
    return new CacheError(error.code, `${this.parts[this.partIndex].path}: ${error.message}`, { cause: error });
  }

  /** Gives up half-way. */
  close(): void {
    this.file?.close();
    this.file = null;
    this.loader = null;
  }

  private open(part: AofPart): Step {
    this.partBeganMs = this.node.world.clock.monotonicMs();
    this.file = this.node.world.files.open(part.path);
    if (!part.isRdb) return this.commandsOf(part, 0);
    if (this.isAppendOnly) this.log('Reading RDB base file on AOF loading...');
    return new RdbLoader(this.node.keyspace, this.file, { keepsExpired: this.isAppendOnly, replaces: this.replaces });
  }

  private commandsOf(part: AofPart, from: number): AofLoader {
    const { node } = this;
    const isLast = this.partIndex === this.parts.length - 1;
    return new AofLoader(
      this.file!,
      {
        path: part.path,
        from,
        mayBeCut: isLast && node.settings.values['aof-load-truncated'],
        limits: { ...node.limits, bulkBytesMax: BULK_BYTES_MAX },
      },
      (command) => this.execute(part, command),
      this.place,
    );
  }

  /** What is no command was written by a server of another kind: no start. A command that fails is told in the log, as in Redis. */
  private execute({ path }: AofPart, command: ReceivedCommand): void {
    const error = this.replayer.execute(command);
    if (error === null) return;
    if (error.startsWith(UNKNOWN_COMMAND)) {
      throw new CacheError('BAD_AOF', `${path}: ${error.slice('ERR '.length)} (reading the append only file)`);
    }
    this.node.world.log('warning', `${path}: a command fails that did not when it was written: ${error}`);
  }

  private endOfLoader(part: AofPart, loader: Step): void {
    if (loader instanceof RdbLoader) {
      this.noteRdb(loader);
      if (this.isAppendOnly && loader.position < this.file!.size) {
        this.loader = this.commandsOf(part, loader.position);
        return;
      }
    } else if (loader instanceof AofLoader) {
      this.endsWithBatch = loader.endsWithBatch;
      this.sealStart = loader.sealStart;
      this.place = loader.place;
      if (loader.cutAt !== null) this.cut(part, loader.cutAt, loader.tear ?? 'short read');
    }
    if (this.isAppendOnly) {
      this.log(
        `DB loaded from ${kindOf(part)} file ${fileNameOf(part.path)}: ${this.secondsSince(this.partBeganMs)} seconds`,
      );
    }
    this.passedBytes += this.file!.size;
    this.close();
    this.partIndex++;
  }

  /** Says once what an RDB says about itself, which stands at its beginning. */
  private introduce({ aux }: RdbLoader): void {
    if (this.isIntroduced) return;
    this.isIntroduced = true;
    const version = aux.get('redis-ver');
    if (version !== undefined) this.log(`Loading RDB produced by version ${version}`);
    const madeAt = Number(aux.get('ctime'));
    if (madeAt > 0) this.log(`RDB age ${Math.max(0, this.startedAt - madeAt)} seconds`);
    this.rdbUsedBytes = Number(aux.get('used-mem') ?? 0) || 0;
    if (this.rdbUsedBytes > 0) {
      this.log(`RDB memory usage when created ${(this.rdbUsedBytes / BYTES_PER_MEGABYTE).toFixed(2)} Mb`);
    }
    if (this.isAppendOnly) this.log('RDB is base AOF');
  }

  private noteRdb(loader: RdbLoader): void {
    this.keysLoaded += loader.keysLoaded;
    this.keysExpired += loader.keysExpired;
    this.functions.push(...loader.functions);
    this.place = placeOf(loader.aux);
    this.log(`Done loading RDB, keys loaded: ${loader.keysLoaded}, keys expired: ${loader.keysExpired}.`);
  }

  /** Cuts off the torn end of the last part. */
  private cut({ path }: AofPart, size: number, what: string): void {
    const { files, log } = this.node.world;
    log('warning', `!!! Warning: short read while loading the AOF file ${fileNameOf(path)}!!! ${what}`);
    log('warning', `Truncating the AOF ${fileNameOf(path)} at offset ${size}`);
    const file = files.append(path);
    try {
      file.truncate(size);
      file.sync();
    } finally {
      file.close();
    }
    log('warning', `AOF ${fileNameOf(path)} loaded anyway because aof-load-truncated is enabled`);
  }

  private logEnd(): void {
    const seconds = this.secondsSince(this.beganMs);
    this.log(`DB loaded from ${this.isAppendOnly ? 'append only file' : 'disk'}: ${seconds} seconds`);
  }

  private secondsSince(fromMs: number): string {
    return ((this.node.world.clock.monotonicMs() - fromMs) / 1000).toFixed(3);
  }

  private log(message: string): void {
    this.node.world.log('notice', message);
  }
}

/** What an RDB says of its place in a stream, by Redis' names. */
function placeOf(aux: ReadonlyMap<string, string>): StreamPlace | null {
  const id = aux.get('repl-id') ?? '';
  const offset = Number(aux.get('repl-offset') ?? NaN);
  const database = Number(aux.get('repl-stream-db') ?? NaN);
  const isPlace = isStreamId(id) && Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(database);
  return isPlace ? { id, offset, database } : null;
}

function kindOf({ kind }: AofPart): string {
  return kind === 'base' ? 'base' : 'incr';
}

/**
 * Arrival: a whole snapshot of a master on its way into the keyspace of its replica.
 *
 *   file      into a file first, while the old data serve; when it is whole they go, and it is loaded
 *   direct    loaded as it comes, where there are no old data to be missed
 *   beside    loaded as it comes, into databases that nobody sees, while the old data serve; when it is whole they change places
 *
 * (Redis: `repl-diskless-load` disabled, on-empty-db, swapdb.) Loading goes in slices, between which the event loop turns. What is
 * only half there is never taken for the master's data: until `done` has been called without an error there is no place in the
 * stream that they have, and whatever goes wrong leaves the old data, or none at all. Meanwhile nothing replaces what is on
 * disk, which is whole (Persistence.suspend).
 */
import { CacheError, type WritableFile } from '../../base';
import { RdbFeed, RdbLoader, ShadowDatabases } from '../../storage';
import type { DataNode } from '../data-node';
import type { LoadingProgress } from '../persistence/loading';
import { pathIn } from '../persistence/paths';

export type ArrivalWay = 'file' | 'direct' | 'beside';

/** Who waits for it. */
export interface ArrivalListener {
  /** The old data go now: from here on there is no way back to them. */
  replacing(): void;
  /** More than enough has come: no more pieces, until `hungry`. */
  sated(): void;
  hungry(): void;
  /** The data are those of the snapshot; `streamDatabase` is the one that the stream has selected there. Or why they will never be. */
  done(error: Error | null, streamDatabase: number): void;
}

/** How long a slice of loading takes while clients are told to wait, and while the old data serve. */
const SLICE_MS = 10;
const SLICE_BESIDE_MS = 2;
/** So much may wait to be loaded; more is taken only where the loader cannot go on without. */
const BUFFERED_BYTES_MAX = 1024 * 1024;
const BULK_BYTES_MAX = 2 ** 32 - 1;

/** Names of files are never used twice. */
let filesMade = 0;

export class Arrival implements LoadingProgress {
  readonly startedAt: number;
  readonly rdbUsedBytes = 0;

  private readonly beganMs: number;
  private path = '';
  private file: WritableFile | null = null;
  private readonly feed: RdbFeed | null;
  private readonly shadows: ShadowDatabases | null;
  private loader: RdbLoader | null = null;
  private isOver = false;
  private isSliceComing = false;
  private sliceEndMs = 0;
  private readonly isSliceOver = (): boolean => this.node.world.clock.monotonicMs() >= this.sliceEndMs;
  private closeSource: () => void = () => undefined;

  /**
   * @param place of which stream it is the state, and where: what the snapshot says of that itself must be the same
   * @param expectedBytes null where nobody knows
   * @param isOurs the old data are of the same stream: who reads them meanwhile reads what once was true
   */
  constructor(
    private readonly node: DataNode,
    way: ArrivalWay,
    private readonly place: { readonly id: string; readonly offset: number },
    private readonly expectedBytes: number | null,
    private readonly isOurs: boolean,
    private readonly listener: ArrivalListener,
  ) {
    const { clock } = node.world;
    this.startedAt = Math.floor(clock.wallMs() / 1000);
    this.beganMs = clock.monotonicMs();
    this.feed = way === 'file' ? null : new RdbFeed();
    this.shadows = way === 'beside' ? new ShadowDatabases(node.keyspace) : null;
  }

  /** The old data serve on, or go, by the way that was chosen. */
  begin(): void {
    this.attempt(() => {
      if (this.feed === null) this.createFile();
      else this.beginLoading(this.feed);
    });
  }

  // ── for INFO ─────────────────────────────────────────────────────────────────────────────────────────────────

  get totalBytes(): number {
    return this.expectedBytes ?? 0;
  }

  get loadedBytes(): number {
    return this.loader?.position ?? 0;
  }

  get etaSeconds(): number {
    const elapsedSeconds = (this.node.world.clock.monotonicMs() - this.beganMs) / 1000;
    const { loadedBytes, totalBytes } = this;
    if (loadedBytes === 0) return 1;
    return Math.max(0, Math.floor((elapsedSeconds * (totalBytes - loadedBytes)) / loadedBytes));
  }

  // ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The next bytes of the snapshot; lent. */
  piece(buffer: Uint8Array, start: number, end: number): void {
    if (this.isOver) return;
    this.attempt(() => {
      if (this.feed === null) {
        this.file!.write(buffer, start, end);
        return;
      }
      this.feed.feed(buffer, start, end);
      if (this.feed.bufferedBytes > BUFFERED_BYTES_MAX) this.listener.sated();
      this.loadSoon();
    });
  }

  /** That was all. */
  whole(): void {
    if (this.isOver) return;
    this.attempt(() => {
      if (this.feed === null) {
        this.file!.close();
        this.file = null;
        const source = this.node.world.files.open(this.path);
        this.closeSource = () => source.close();
        this.beginLoading(source);
      } else {
        this.feed.end();
      }
      this.loadSoon();
    });
  }

  /** Gives up; `done` is not called. */
  abandon(): void {
    if (this.isOver) return;
    this.end();
    this.undo();
  }

  private createFile(): void {
    const { processGauge, settings, world } = this.node;
    this.path = pathIn(settings.values['dir'], `temp-repl-${processGauge.id}-${++filesMade}.rdb`);
    this.file = world.files.create(this.path);
  }

  // ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────

  private beginLoading(source: ConstructorParameters<typeof RdbLoader>[1]): void {
    const { keyspace, persistence, states, world } = this.node;
    if (this.shadows === null) {
      world.log('notice', 'MASTER <-> REPLICA sync: Flushing old data');
      this.replace();
      this.empty();
    }
    // Who reads data of another stream would see time go back.
    states.isLoadingBeside = this.shadows !== null && this.isOurs;
    states.isLoading = !states.isLoadingBeside;
    this.node.statesChanged();
    persistence.loading = this;
    world.log('notice', 'MASTER <-> REPLICA sync: Loading DB in memory');
    this.loader = new RdbLoader(keyspace, source, {
      keepsExpired: true,
      stringBytesMax: BULK_BYTES_MAX,
      ...(this.shadows === null ? {} : { into: this.shadows.database }),
    });
  }

  private loadSoon(): void {
    if (this.isSliceComing || this.isOver) return;
    this.isSliceComing = true;
    this.node.world.timers.endOfTurn(() => {
      this.isSliceComing = false;
      if (!this.isOver) this.attempt(() => this.node.persistence.watched(() => this.slice()));
    });
  }

  private slice(): void {
    const { feed, loader, node } = this;
    const { clock } = node.world;
    this.sliceEndMs = clock.monotonicMs() + (node.states.isLoadingBeside ? SLICE_BESIDE_MS : SLICE_MS);
    node.keyspace.setTime(clock.wallMs());
    const isDone = loader!.step(this.isSliceOver);
    if (feed !== null && !feed.isEnded && (loader!.isStarved || feed.bufferedBytes <= BUFFERED_BYTES_MAX)) {
      this.listener.hungry();
      if (this.isOver) return;
    }
    if (!isDone) {
      if (!loader!.isStarved) this.loadSoon();
    } else if (feed !== null && feed.bufferedBytes > 0) {
      throw somethingFollows(loader!);
    } else if (feed === null || feed.isEnded) {
      this.finish(loader!);
    }
  }

  private finish(loader: RdbLoader): void {
    const { node } = this;
    const { persistence, world } = node;
    if (this.feed === null && loader.position < this.totalOfFile()) throw somethingFollows(loader);
    this.compare(loader.aux);
    if (this.shadows !== null) {
      this.replace();
      adopt(node, this.shadows);
    }
    this.end();
    this.leaveStates();
    persistence.lastKeysLoaded = loader.keysLoaded;
    persistence.lastKeysExpired = loader.keysExpired;
    persistence.functions = loader.functions;
    node.changes += loader.keysLoaded;
    world.log('notice', `Done loading RDB, keys loaded: ${loader.keysLoaded}, keys expired: ${loader.keysExpired}.`);
    this.listener.done(null, databaseOf(loader.aux.get('repl-stream-db'), node));
    if (node.blocking.isAnyReady) node.blocking.serve();
  }

  /** A stream that is applied from another place on than its own makes other data of these, and nothing would ever tell. */
  private compare(aux: ReadonlyMap<string, string>): void {
    const { id, offset } = this.place;
    const said = aux.get('repl-offset');
    if (said === undefined || (said === String(offset) && aux.get('repl-id') === id)) return;
    throw new CacheError(
      'BAD_RDB',
      `the RDB is of ${aux.get('repl-id') ?? '?'}:${said}, and ${id}:${offset} was promised`,
    );
  }

  private totalOfFile(): number {
    return this.node.world.files.size(this.path) ?? 0;
  }

  /** The old data are about to go. */
  private replace(): void {
    this.node.persistence.suspend();
    this.listener.replacing();
  }

  private empty(): void {
    const { blocking, keyspace } = this.node;
    keyspace.lookahead.clear();
    keyspace.flushAll();
    if (blocking.isAnyReady) blocking.serve();
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does something that fails where what came is damaged, or the disk does not do its part. */
  private attempt(deed: () => void): void {
    try {
      deed();
    } catch (error) {
      if (!(error instanceof CacheError || error instanceof RangeError) || this.isOver) throw error;
      this.end();
      this.undo();
      this.listener.done(error, 0);
    }
  }

  private end(): void {
    this.isOver = true;
    this.file?.close();
    this.file = null;
    this.closeSource();
    const { world } = this.node;
    if (this.path === '') return;
    world.files.removeLater(this.path, (error) => {
      if (error !== null) world.log('warning', error.message);
    });
  }

  /** Removes what was loaded so far. */
  private undo(): void {
    if (this.loader === null) {
      this.shadows?.discard();
      return;
    }
    if (this.shadows === null) this.empty();
    else this.shadows.discard();
    this.leaveStates();
  }

  private leaveStates(): void {
    const { persistence, states } = this.node;
    if (persistence.loading === this) persistence.loading = null;
    states.isLoading = false;
    states.isLoadingBeside = false;
    this.node.statesChanged();
  }
}

/** Puts the new databases in the place of the old ones. Clients stay at the numbers that they selected. */
function adopt(node: DataNode, shadows: ShadowDatabases): void {
  const { keyspace, sessions } = node;
  keyspace.lookahead.clear();
  const selected = [...sessions.values()].map((session) => [session, session.database.index] as const);
  shadows.adopt();
  for (const [session, index] of selected) session.database = keyspace.database(index);
}

function somethingFollows({ position }: RdbLoader): CacheError {
  return new CacheError('BAD_RDB', `something follows the end of the RDB (byte ${position})`);
}

function databaseOf(text: string | undefined, { keyspace }: DataNode): number {
  const index = Number(text ?? 0);
  return Number.isSafeInteger(index) && keyspace.isDatabaseIndex(index) ? index : 0;
}

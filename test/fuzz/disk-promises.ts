/**
 * What a restart must find: the promises of persistence (docs/PERSISTENCE.md), kept as a book.
 *
 * Acknowledged units survive the death of the process under every policy. They survive a loss of power where the policy was
 * "always" when the reply left, and under "everysec" once they are two seconds old; "no" promises nothing of its own. Whatever
 * the policy, a rewrite that has finished holds all that was there when it began, and so does a file that was closed in peace.
 * Without an append-only file the promise is the last save that was told to have succeeded. A sync that fails stops the clock
 * of "everysec" until a rewrite has made up for it.
 */
export type Kill = 'process' | 'power';
/** What a restart loads. */
export type Source = 'aof' | 'rdb';

interface Acknowledgement {
  readonly unit: number;
  readonly atMs: number;
  readonly policy: string;
}

const AT_RISK_MS = 2000;
/** What the log says, or what a start fails with. */
const SYNC_FAILED = /^Fail to fsync|for fsync error|cannot sync '[^']*\.aof'/;
const NOT_RENEWED = /^The append-only file may not be on the disk/;

export class Promises {
  private acknowledged: Acknowledgement[] = [];
  private policy = '';
  /** Since when the policy has been one that syncs. */
  private syncsSinceMs = Infinity;
  /** The last unit that is in the append-only file whatever happens, and the last in the RDB file. */
  private durable = 0;
  private saved = 0;
  /** The last unit that a save may have put into the RDB file, whether or not anybody heard of it. */
  private savedAtMost = 0;
  private saveBegan = 0;
  private rewriteBegan = 0;
  private syncFailedAtMs = Infinity;
  private lastAckMs = -Infinity;
  /**
   * A start has found the disk unable to take the append-only file once more: what was read may not be there, as a sync may have
   * failed before. Until a rewrite nothing is promised for a loss of power.
   */
  isHollow = false;
  /** The same of a start that is not through yet. */
  private startsHollow = false;
  /** The RDB file may hold what a later restart from the append-only file did not find. */
  isSaveStale = false;

  usePolicy(policy: string, nowMs: number): void {
    if (policy === 'no') this.syncsSinceMs = Infinity;
    else if (this.policy === 'no' || this.policy === '') this.syncsSinceMs = nowMs;
    this.policy = policy;
  }

  acknowledge(unit: number, atMs: number): void {
    this.acknowledged.push({ unit, atMs, policy: this.policy });
    this.lastAckMs = atMs;
  }

  /** The log says what was begun and what has succeeded; `last` is the last unit. */
  hear(message: string, last: number, nowMs: number): void {
    if (message === 'Background saving started') {
      this.saveBegan = last;
      this.savedAtMost = last + 1;
    } else if (message === 'Background saving terminated with success') {
      this.noteSaved(this.saveBegan);
    } else if (message === 'DB saved on disk') {
      this.savedAtMost = last + 1;
      this.noteSaved(last);
    } else if (message === 'Background append only file rewriting started') {
      this.rewriteBegan = last;
    } else if (message === 'Background AOF rewrite finished successfully') {
      this.durable = Math.max(this.durable, this.rewriteBegan);
      this.isHollow = false;
    } else if (SYNC_FAILED.test(message)) {
      this.syncFailedAtMs = Math.min(this.syncFailedAtMs, nowMs);
    } else if (NOT_RENEWED.test(message)) {
      this.startsHollow = true;
    } else if (message.includes('it can be synced again')) {
      this.syncFailedAtMs = Infinity;
    }
  }

  /** SAVE may have done it though it could not say so. */
  mayHaveSaved(last: number): void {
    this.savedAtMost = Math.max(this.savedAtMost, last);
  }

  private noteSaved(unit: number): void {
    this.saved = unit;
    this.isSaveStale = false;
  }

  /** Everything up to this unit is durable: the file was closed in peace. */
  noteDurable(unit: number): void {
    if (!this.isHollow) this.durable = Math.max(this.durable, unit);
  }

  /**
   * The first unit that a restart may find after a death at `nowMs`. With `isDiskSlow` the age of what is lost counts from the
   * last acknowledgement: nobody can make a disk that does not answer write what was acknowledged before.
   */
  mustFind(kill: Kill, source: Source, nowMs: number, isDiskSlow: boolean): number {
    if (source === 'rdb') return this.isSaveStale ? 0 : this.saved;
    let must = this.durable;
    if (kill === 'power' && this.isHollow) return must;
    const endMs = Math.min(isDiskSlow ? Math.min(nowMs, this.lastAckMs) : nowMs, this.syncFailedAtMs);
    for (const { unit, atMs, policy } of this.acknowledged) {
      const isOld = Math.max(atMs, this.syncsSinceMs) <= endMs - AT_RISK_MS;
      if (kill === 'process' || policy === 'always' || isOld) must = Math.max(must, unit);
    }
    return must;
  }

  /** How old the oldest acknowledgement was that a restart did not find, in ms; 0 where all were found, or a sync had failed. */
  oldestLostMs(found: number, nowMs: number): number {
    if (this.isHollow || this.syncFailedAtMs < Infinity) return 0;
    const lost = this.acknowledged.filter(({ unit }) => unit > found);
    return lost.length === 0 ? 0 : nowMs - Math.min(...lost.map(({ atMs }) => atMs));
  }

  /** A restart has found this unit: the history goes on from there. */
  goOnFrom(unit: number, source: Source): void {
    this.isHollow = this.startsHollow;
    this.startsHollow = false;
    this.acknowledged = this.acknowledged.filter((each) => each.unit <= unit);
    this.durable = Math.min(this.durable, unit);
    if (source === 'aof' && this.savedAtMost > unit) this.isSaveStale = true;
    this.saved = Math.min(this.saved, unit);
    this.savedAtMost = Math.min(this.savedAtMost, unit);
    this.syncFailedAtMs = Infinity;
  }
}

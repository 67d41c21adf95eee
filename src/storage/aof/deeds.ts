/**
 * Deeds: what is done with the disk in a certain order, where each must have succeeded before the next is begun.
 *
 * Such a sequence is written once, as a generator, and done in one of two ways: at once (`doNow`), where nothing can go on without
 * it, or by other threads (`Errands`), so that a busy disk holds up nobody. In the generator a deed that fails throws where it
 * was yielded, either way: what must be tidied up stands in its `catch`.
 *
 * Errands are done one after the other: what one says about the files is true until the next begins. One that is under way may
 * become urgent (`hurry`); then its rest is done at once. The deed that a thread has begun meanwhile is done a second time, which
 * must do no harm: syncs and removals are such by nature, a rename sees to it.
 */
import { CacheError, type Files, type WritableFile } from '../../base';

export type Done = (error: Error | null) => void;

/** One thing to do; both ways fail with a CacheError. */
export interface Deed {
  /** Throws where it fails. May be called after `later`, whether or not that has answered. */
  now(): void;
  later(done: Done): void;
  /** Whether it must not happen any more after its sequence was given up. */
  readonly mustNotLag?: boolean;
}

export type Deeds = Generator<Deed, void, void>;

/** Does all of it at once. @throws CacheError: what the sequence did not catch */
export function doNow(deeds: Deeds): void {
  let step = deeds.next();
  while (step.done !== true) {
    const error = failureOf(step.value);
    step = error === null ? deeds.next() : deeds.throw(error);
  }
}

export class Errands {
  private readonly waiting: Errand[] = [];
  private isClosed = false;

  /** `run` is given whatever is done by this thread, to be called at once: it may look at how long that takes. */
  constructor(private readonly run: (task: () => void) => void) {}

  /** Does it after what was added before; then `done` is called, or with what the sequence did not catch. */
  add(deeds: Deeds, done: Done): void {
    this.waiting.push(new Errand(deeds, done));
    if (this.waiting.length === 1) this.proceed(null);
  }

  /** Does at once what was added, in order, until `isEnough`; what has been begun by then goes on by itself. */
  hurry(isEnough: () => boolean): void {
    while (!isEnough() && this.waiting.length > 0) {
      const { deed } = this.waiting[0];
      this.step(deed === null ? null : failureOf(deed));
    }
    this.goOn();
  }

  /** Nothing more is done, by no thread. */
  close(): void {
    this.isClosed = true;
    for (const { deed, deeds } of this.waiting.splice(0)) {
      if (deed?.mustNotLag === true) failureOf(deed);
      deeds.return();
    }
  }

  private proceed(error: Error | null): void {
    this.run(() => {
      this.step(error);
      this.goOn();
    });
  }

  /** Begins the next deed, unless a thread has it already. */
  private goOn(): void {
    const errand = this.waiting.at(0);
    if (errand === undefined || errand.isUnderWay) return;
    if (errand.deed === null) return this.proceed(null);
    const { deed } = errand;
    errand.isUnderWay = true;
    deed.later((error) => {
      // Somebody may have been in a hurry.
      if (errand.deed === deed && !this.isClosed) this.proceed(error);
    });
  }

  /** Tells the first errand how its deed has ended, and takes the next one from it. */
  private step(error: Error | null): void {
    const errand = this.waiting[0];
    errand.isUnderWay = false;
    try {
      const { done, value } = error === null ? errand.deeds.next() : errand.deeds.throw(error);
      if (done !== true) {
        errand.deed = value;
        return;
      }
    } catch (failure) {
      if (!(failure instanceof CacheError)) throw failure;
      this.waiting.shift();
      errand.deed = null;
      errand.done(failure);
      return;
    }
    this.waiting.shift();
    errand.deed = null;
    errand.done(null);
  }
}

class Errand {
  /** What is to be done next; null before the beginning and after the end. */
  deed: Deed | null = null;
  /** Whether a thread is about it. */
  isUnderWay = false;

  constructor(
    readonly deeds: Deeds,
    readonly done: Done,
  ) {}
}

/** Does a deed; what it failed with, or null. */
function failureOf(deed: Deed): CacheError | null {
  try {
    deed.now();
    return null;
  } catch (error) {
    if (error instanceof CacheError) return error;
    throw error;
  }
}

// ── deeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What of a file is written becomes durable. */
export function syncing(file: Pick<WritableFile, 'sync' | 'syncLater'>): Deed {
  return { now: () => file.sync(), later: (done) => file.syncLater(done) };
}

export function syncingDirectory(files: Files, path: string): Deed {
  return { now: () => files.syncDirectory(path), later: (done) => files.syncDirectoryLater(path, done) };
}

export function removing(files: Files, path: string): Deed {
  return { now: () => files.remove(path), later: (done) => files.removeLater(path, done) };
}

/** Gives a file, which nobody else gives another name to, its name. */
export function renaming(files: Files, from: string, to: string): Deed {
  let isBegun = false;
  return {
    mustNotLag: true,
    now: () => {
      try {
        files.rename(from, to);
      } catch (error) {
        // The other thread was faster.
        if (!isBegun || files.size(from) !== null || files.size(to) === null) throw error;
      }
    },
    later: (done) => {
      isBegun = true;
      files.renameLater(from, to, done);
    },
  };
}

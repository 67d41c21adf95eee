/**
 * DiskFaults: what goes wrong with the deeds on a simulated disk, and when.
 *
 * Every deed passes `run`. It may fail, because a test said that the next of its kind shall or by chance. Or it may be
 * the last one: then the machine stops before it, in the middle of it, or after it and before anybody hears of it, and
 * whoever still asks the disk for anything is told so by a DiskCrash with the same words. Deeds that change something
 * are counted, so that a test can let the machine die at each of them in turn.
 */
import { fileFailed, type Random } from '../base';

/** What can be done with a disk, in the words of error messages. */
const WORDS = {
  open: 'open',
  read: 'read',
  size: 'look at',
  list: 'list',
  lock: 'lock directory',
  create: 'create',
  append: 'append to',
  write: 'write',
  sync: 'sync',
  truncate: 'truncate',
  rename: 'rename',
  remove: 'remove',
  makeDirectory: 'make directory',
  syncDirectory: 'sync directory',
} as const;

export type Deed = keyof typeof WORDS;

/** Those that change nothing: to die at one is to die before the next that does. */
const LOOKS: ReadonlySet<Deed> = new Set<Deed>(['open', 'read', 'size', 'list', 'lock']);

/** How a deed may end when it does not succeed; nothing happens where there is no such way. */
export interface Misdeeds {
  /** Does a part of it. */
  readonly partly?: () => void;
  /** What is done by a deed that reports a failure. */
  readonly failing?: () => void;
}

/** The machine has stopped. Thrown by the deed that it stopped in and by all later ones. */
export class DiskCrash extends Error {
  override readonly name = 'DiskCrash';
}

export class DiskFaults {
  /** How many deeds that change something were begun. */
  deeds = 0;
  /** How likely any deed is to fail with EIO, from 0 to 1. */
  errorRate = 0;
  private deedsToLive = Infinity;
  private deathNotice: string | null = null;
  private readonly awaited: { readonly deed: Deed; readonly errno: string }[] = [];

  constructor(private readonly random: Random) {}

  /** The next deed of this kind fails; several wait in line. */
  failNext(deed: Deed, errno: string): void {
    this.awaited.push({ deed, errno });
  }

  /** The machine stops in the `count`-th deed from now that changes something. */
  crashAfter(count: number): void {
    this.deedsToLive = count;
  }

  /** Does a deed, or whatever becomes of it. @throws CacheError FILE_FAILED; DiskCrash */
  run<T>(deed: Deed, path: string, whole: () => T, misdeeds: Misdeeds = {}): T {
    this.assertAlive();
    if (!LOOKS.has(deed)) {
      this.deeds++;
      if (--this.deedsToLive === 0) this.die(deed, path, whole, misdeeds);
    }
    const errno = this.errnoOf(deed);
    try {
      if (errno === null) return whole();
      misdeeds.failing?.();
      throw systemError(errno);
    } catch (cause) {
      throw fileFailed(WORDS[deed], path, cause);
    }
  }

  /** @throws DiskCrash */
  assertAlive(): void {
    if (this.deathNotice !== null) throw new DiskCrash(this.deathNotice);
  }

  private die(deed: Deed, path: string, whole: () => unknown, misdeeds: Misdeeds): never {
    const moment = MOMENTS[this.random.below(MOMENTS.length)];
    this.deathNotice = `the machine stopped ${moment} deed ${this.deeds}: ${WORDS[deed]} '${path}'`;
    try {
      if (moment === 'in the middle of') misdeeds.partly?.();
      if (moment === 'after') whole();
    } catch {
      // It would have failed; now nobody hears of it.
    }
    throw new DiskCrash(this.deathNotice);
  }

  private errnoOf(deed: Deed): string | null {
    const place = this.awaited.findIndex((fault) => fault.deed === deed);
    if (place >= 0) return this.awaited.splice(place, 1)[0].errno;
    return this.errorRate > 0 && this.random.fraction() < this.errorRate ? 'EIO' : null;
  }
}

const MOMENTS = ['before', 'in the middle of', 'after'] as const;

/** An error as the system would have thrown it. */
export function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: simulated`), { code: errno });
}

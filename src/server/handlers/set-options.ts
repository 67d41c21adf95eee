/**
 * The options that SET and GETEX share: on what condition, with which expiry, and whether the old value is wanted.
 *
 * Reading them says only whether they are well formed; the time itself is read later (`expiryAtMs`), because Redis
 * looks for GETEX's key in between. Of two options about the expiry the second must be the same as the first, and then
 * its time counts. One object serves all commands, as they run one after another: nothing is allocated.
 */
import { INT64_MAX, parseInt64, parseInteger, type Bytes } from '../../base';
import { NOT_AN_INTEGER, replyName } from '../../commands';
import { KEEP_EXPIRY, NO_EXPIRY } from '../../storage';
import type { Call } from '../call';
import { invalidExpireTime } from '../error-replies';

export const ALWAYS = 0;
export const IF_MISSING = 1;
export const IF_FOUND = 2;

const UNSAID = 0;
const EX = 1;
const PX = 2;
const EXAT = 3;
const PXAT = 4;
const KEEPTTL = 5;
const PERSIST = 6;

export const SECOND_MS = 1000;
export const MILLISECOND_MS = 1;

/** Counts up to this are surely in range, in either unit and from any time that a clock can show. */
const SURE_COUNT_MAX = 1e12;

export class SetOptions {
  condition = ALWAYS;
  wantsOld = false;
  private expiry = UNSAID;
  /** Which argument has the time. */
  private timeAt = 0;

  /** Reads SET's options, from argument `first` on; false after the error reply. */
  readForSet(call: Call, first: number): boolean {
    this.start();
    for (let i = first; i < call.argc; i++) {
      const word = call.arg(i);
      if (word.is('nx') && this.condition !== IF_FOUND) {
        this.condition = IF_MISSING;
      } else if (word.is('xx') && this.condition !== IF_MISSING) {
        this.condition = IF_FOUND;
      } else if (word.is('get')) {
        this.wantsOld = true;
      } else {
        i = this.readExpiry(call, i, word.is('keepttl') ? KEEPTTL : timeOption(word));
        if (i === 0) return false;
      }
    }
    return true;
  }

  /** The same for GETEX. */
  readForGet(call: Call, first: number): boolean {
    this.start();
    for (let i = first; i < call.argc; i++) {
      const word = call.arg(i);
      i = this.readExpiry(call, i, word.is('persist') ? PERSIST : timeOption(word));
      if (i === 0) return false;
    }
    return true;
  }

  private start(): void {
    this.condition = ALWAYS;
    this.wantsOld = false;
    this.expiry = UNSAID;
  }

  /** Takes argument i for this option about the expiry; returns the last argument it used, 0 after the error reply. */
  private readExpiry(call: Call, i: number, option: number): number {
    const takesTime = option >= EX && option <= PXAT;
    const isExcluded = this.expiry !== UNSAID && this.expiry !== option;
    if (option === UNSAID || isExcluded || (takesTime && i + 1 === call.argc)) {
      call.syntaxError();
      return 0;
    }
    this.expiry = option;
    if (!takesTime) return i;
    this.timeAt = i + 1;
    return this.timeAt;
  }

  /** Whether GETEX is to leave the expiry alone. */
  get leavesExpiry(): boolean {
    return this.expiry === UNSAID;
  }

  /** When the key is to expire: `NO_EXPIRY`, `KEEP_EXPIRY`, or ms since the epoch; NaN after the error reply. */
  expiryAtMs(call: Call): number {
    const { expiry } = this;
    if (expiry === UNSAID || expiry === PERSIST) return NO_EXPIRY;
    if (expiry === KEEPTTL) return KEEP_EXPIRY;
    const unitMs = expiry === EX || expiry === EXAT ? SECOND_MS : MILLISECOND_MS;
    return readExpiryAt(call, this.timeAt, unitMs, expiry === EX || expiry === PX ? call.keyspace.nowMs : 0);
  }
}

/**
 * Argument i as a positive number of units after `baseMs`, in ms since the epoch; NaN after the error reply. Beyond
 * 2^53, which is in the year 287396, it is the nearest double.
 */
export function readExpiryAt(call: Call, i: number, unitMs: number, baseMs: number): number {
  const text = call.arg(i);
  const count = parseInteger(text);
  if (count > 0 && count <= SURE_COUNT_MAX) return count * unitMs + baseMs;
  const exact = parseInt64(text);
  if (exact === null) {
    call.reply.error(NOT_AN_INTEGER);
    return NaN;
  }
  const atMs = exact * BigInt(unitMs) + BigInt(baseMs);
  if (exact <= 0n || atMs > INT64_MAX) {
    call.reply.error(invalidExpireTime(replyName(call.spec)));
    return NaN;
  }
  return Number(atMs);
}

/** Whether a point in time is over: a key with that expiry need not be stored. */
export function isOver(call: Call, expiryAtMs: number): boolean {
  return expiryAtMs !== NO_EXPIRY && expiryAtMs !== KEEP_EXPIRY && call.isOver(expiryAtMs);
}

function timeOption(word: Bytes): number {
  if (word.is('ex')) return EX;
  if (word.is('px')) return PX;
  if (word.is('exat')) return EXAT;
  if (word.is('pxat')) return PXAT;
  return UNSAID;
}

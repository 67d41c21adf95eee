/**
 * Arguments of the stream commands: ids, bounds of ranges, and what XADD and XTRIM have in common. All write the error reply
 * themselves, in Redis' words, and say whether they have.
 */
import { Bytes } from '../../base';
import { StreamId, type Stream, type Trim } from '../../storage';
import type { Call } from '../call';
import {
  BAD_STREAM_ID,
  INVALID_END_ID,
  INVALID_START_ID,
  LIMIT_IS_NEGATIVE,
  LIMIT_WITHOUT_ABOUT,
  LIMIT_WITHOUT_TRIMMING,
  MAXLEN_AND_MINID,
  MAXLEN_IS_NEGATIVE,
  TRIMMING_MISSING,
} from '../error-replies';

const OPENING = 40;
const MINUS = 45;
const PLUS = 43;
const STAR = 42;

/** How XADD chooses the id. */
export const ID_GIVEN = 0;
/** All of it is the server's choice: "*". */
export const ID_AUTOMATIC = 1;
/** The sequence number is: "ms-*". */
export const ID_SEQUENCE_AUTOMATIC = 2;

/** Trimming "about" deletes this many nodes at most, unless LIMIT says otherwise; and so many entries. */
const LIMIT_NODES = 100;
const LIMIT_UNLIMITED_NODES = 10_000;
const LIMIT_MAX = 1_000_000;

const view = new Bytes();

/** Reads argument i as an id; without sequence number it means the first of its millisecond. */
export function parseId(call: Call, i: number, into: StreamId): boolean {
  if (into.parse(call.arg(i))) return true;
  call.reply.error(BAD_STREAM_ID);
  return false;
}

/** The same where "-" and "+", the smallest and the largest id, are allowed too. */
export function parseIdOrExtreme(call: Call, i: number, into: StreamId): boolean {
  return setExtreme(call.arg(i), into) || parseId(call, i, into);
}

/** Reads argument i as where a range of ids begins: an id, "-" or "+", or after "(" an id that is not included. */
export function parseStart(call: Call, i: number, into: StreamId): boolean {
  if (!isExclusive(call.arg(i))) return parseIdOrExtreme(call, i, into);
  if (!parseExclusive(call, i, into, false)) return false;
  if (into.increment()) return true;
  call.reply.error(INVALID_START_ID);
  return false;
}

/** Reads argument i as where a range of ids ends; without sequence number it means the last of its millisecond. */
export function parseEnd(call: Call, i: number, into: StreamId): boolean {
  const argument = call.arg(i);
  if (!isExclusive(argument)) {
    if (setExtreme(argument, into) || into.parse(argument, true)) return true;
    call.reply.error(BAD_STREAM_ID);
    return false;
  }
  if (!parseExclusive(call, i, into, true)) return false;
  if (into.decrement()) return true;
  call.reply.error(INVALID_END_ID);
  return false;
}

/** Whether argument i is this one character. */
export function isSign(call: Call, i: number, sign: string): boolean {
  const argument = call.arg(i);
  return argument.end - argument.start === 1 && argument.at(0) === sign.charCodeAt(0);
}

function isExclusive(argument: Bytes): boolean {
  return argument.end - argument.start > 1 && argument.at(0) === OPENING;
}

function parseExclusive(call: Call, i: number, into: StreamId, isLast: boolean): boolean {
  const { buffer, start, end } = call.arg(i);
  if (into.parse(view.set(buffer, start + 1, end), isLast)) return true;
  call.reply.error(BAD_STREAM_ID);
  return false;
}

function setExtreme(argument: Bytes, into: StreamId): boolean {
  if (argument.end - argument.start !== 1) return false;
  const sign = argument.at(0);
  if (sign === MINUS) into.setZero();
  else if (sign === PLUS) into.setMax();
  return sign === MINUS || sign === PLUS;
}

/** Options of XADD and XTRIM: one object for all calls. */
export class StreamOptions implements Trim {
  /** Whether anything is to be trimmed. */
  isTrimming = false;
  length = -1;
  readonly firstId = new StreamId();
  isAbout = false;
  limit = 0;
  /** Of XADD: ID_… */
  idKind = ID_AUTOMATIC;
  readonly id = new StreamId();
  /** Of XADD: NOMKSTREAM. */
  isForExisting = false;

  private isLimitGiven = false;

  /** Reads XADD's options up to the id; returns the position of that, or -1 after the error reply. */
  parseAdd(call: Call): number {
    this.reset();
    for (let i = 2; i < call.argc; i++) {
      if (isSign(call, i, '*')) return this.isConsistent(call) ? i : -1;
      const taken = this.takeOption(call, i);
      if (taken < 0) return -1;
      if (taken > 0) {
        i += taken - 1;
      } else if (call.is(i, 'nomkstream')) {
        this.isForExisting = true;
      } else {
        return this.parseAddId(call, i) && this.isConsistent(call) ? i : -1;
      }
    }
    return this.isConsistent(call) ? call.argc : -1;
  }

  /** Reads XTRIM's options; false after the error reply. */
  parseTrim(call: Call): boolean {
    this.reset();
    for (let i = 2; i < call.argc;) {
      const taken = this.takeOption(call, i);
      if (taken < 0) return false;
      if (taken === 0) {
        call.syntaxError();
        return false;
      }
      i += taken;
    }
    return this.isConsistent(call, true);
  }

  private reset(): void {
    this.isTrimming = false;
    this.length = -1;
    this.isAbout = false;
    this.limit = 0;
    this.isLimitGiven = false;
    this.idKind = ID_AUTOMATIC;
    this.isForExisting = false;
  }

  private parseAddId(call: Call, i: number): boolean {
    const { buffer, start, end } = call.arg(i);
    const isOpen = end - start > 2 && buffer[end - 1] === STAR && buffer[end - 2] === MINUS;
    this.idKind = isOpen ? ID_SEQUENCE_AUTOMATIC : ID_GIVEN;
    if (isOpen ? this.id.parseMs(view.set(buffer, start, end - 2)) : this.id.parse(view.set(buffer, start, end))) {
      return true;
    }
    call.reply.error(BAD_STREAM_ID);
    return false;
  }

  /** Reads the option at argument i; returns how many arguments it has, 0 where there is none, -1 after the error reply. */
  private takeOption(call: Call, i: number): number {
    const more = call.argc - 1 - i;
    if (more === 0) return 0;
    if (call.is(i, 'limit')) return this.takeLimit(call, i + 1) ? 2 : -1;
    const isByLength = call.is(i, 'maxlen');
    if (!isByLength && !call.is(i, 'minid')) return 0;
    if (this.isTrimming) {
      call.reply.error(MAXLEN_AND_MINID);
      return -1;
    }
    this.isAbout = more >= 2 && isSign(call, i + 1, '~');
    const hasSign = this.isAbout || (more >= 2 && isSign(call, i + 1, '='));
    const at = hasSign ? i + 2 : i + 1;
    if (!(isByLength ? this.takeLength(call, at) : parseId(call, at, this.firstId))) return -1;
    this.isTrimming = true;
    return at + 1 - i;
  }

  private takeLength(call: Call, i: number): boolean {
    this.length = call.clampedInteger(i);
    if (Number.isNaN(this.length)) return false;
    if (this.length >= 0) return true;
    call.reply.error(MAXLEN_IS_NEGATIVE);
    return false;
  }

  private takeLimit(call: Call, i: number): boolean {
    this.limit = call.clampedInteger(i);
    if (Number.isNaN(this.limit)) return false;
    this.isLimitGiven = true;
    if (this.limit >= 0) return true;
    call.reply.error(LIMIT_IS_NEGATIVE);
    return false;
  }

  /** Whether the options go together; false after the error reply. Sets the limit that is usual. */
  private isConsistent(call: Call, mustTrim = false): boolean {
    if (this.limit > 0 && !this.isTrimming) call.reply.error(LIMIT_WITHOUT_TRIMMING);
    else if (mustTrim && !this.isTrimming) call.reply.error(TRIMMING_MISSING);
    // Redis leaves a LIMIT in its journal beside what it makes exact.
    else if (this.isLimitGiven && !this.isAbout && !call.isReplay) call.reply.error(LIMIT_WITHOUT_ABOUT);
    else {
      if (call.isReplay) this.limit = 0;
      else if (this.isAbout && !this.isLimitGiven) this.limit = usualLimit(call);
      return true;
    }
    return false;
  }
}

/** Trims as the options say; returns how many entries went. */
export function trim(stream: Stream, options: StreamOptions): number {
  return options.isTrimming ? stream.trim(options) : 0;
}

function usualLimit(call: Call): number {
  const entries = call.keyspace.limits['stream-node-max-entries'] * LIMIT_NODES;
  return entries <= 0 ? LIMIT_UNLIMITED_NODES : Math.min(entries, LIMIT_MAX);
}

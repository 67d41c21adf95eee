/**
 * Stream commands: entries. What reads several streams or waits is in stream-read.ts, groups are in stream-groups.ts and
 * stream-claims.ts, XINFO is in stream-info.ts.
 */
import { Bytes } from '../../base';
import type { Handlers, stream } from '../../commands';
import { fixedWord, StreamId, type Stream } from '../../storage';
import type { Call, Handler } from '../call';
import {
  ENTRIES_ADDED_BELOW_LENGTH,
  ENTRIES_ADDED_IS_NEGATIVE,
  ENTRY_IS_TOO_LARGE,
  ID_BELOW_DELETED,
  ID_BELOW_GIVEN_DELETED,
  ID_BELOW_TOP,
  ID_IS_ZERO,
  ID_NOT_ABOVE_TOP,
  IDS_EXHAUSTED,
  NO_SUCH_KEY,
} from '../error-replies';
import { EXACTLY, MAXLEN } from './effects';
import {
  ID_AUTOMATIC,
  ID_GIVEN,
  ID_SEQUENCE_AUTOMATIC,
  parseEnd,
  parseId,
  parseStart,
  StreamOptions,
  trim,
} from './stream-arguments';
import { streamClaimHandlers } from './stream-claims';
import { streamGroupHandlers } from './stream-groups';
import { streamInfoHandlers } from './stream-info';
import { streamReadHandlers } from './stream-read';
import { replyId, replyRange } from './stream-replies';

const XADD = fixedWord('XADD');
const XTRIM = fixedWord('XTRIM');

const options = new StreamOptions();
const first = new StreamId();
const last = new StreamId();

export const streamHandlers: Handlers<typeof stream, Handler> = {
  XADD(call) {
    const idAt = options.parseAdd(call);
    if (idAt < 0) return;
    const fieldsAt = idAt + 1;
    const fields = call.argc - fieldsAt;
    if (fields < 2 || fields % 2 !== 0) return call.wrongArity();
    if (options.idKind === ID_GIVEN && options.id.isZero) return call.reply.error(ID_IS_ZERO);
    const stream = call.writable(call.stream, 1);
    if (stream === null) return;
    if (!stream.exists && options.isForExisting) return call.reply.null();
    if (stream.exists) stream.lastId(last);
    else last.setZero();
    if (last.isMax) return call.reply.error(IDS_EXHAUSTED);
    const { id } = options;
    if (!chooseId(call, id)) return call.reply.error(ID_NOT_ABOVE_TOP);
    if (!stream.append(id, call.args, fieldsAt, fields / 2)) return call.reply.error(ENTRY_IS_TOO_LARGE);
    trim(stream, options);
    if (call.journals && (options.isAbout || options.idKind !== ID_GIVEN)) leaveAdded(call, stream, idAt);
    call.changed();
    replyId(call.reply, id);
  },

  XDEL(call) {
    const stream = call.writable(call.stream, 1);
    if (stream === null) return;
    if (!stream.exists) return call.reply.integer(0);
    for (let i = 2; i < call.argc; i++) if (!parseId(call, i, first)) return;
    let deleted = 0;
    for (let i = 2; i < call.argc; i++) {
      first.parse(call.arg(i));
      if (stream.delete(first)) deleted++;
    }
    call.changed(deleted);
    call.reply.integer(deleted);
  },

  XLEN(call) {
    const stream = call.readable(call.stream, 1);
    if (stream !== null) call.reply.integer(stream.length);
  },

  XRANGE(call) {
    if (parseStart(call, 2, first) && parseEnd(call, 3, last)) replyBetween(call, false);
  },

  XREVRANGE(call) {
    if (parseStart(call, 3, first) && parseEnd(call, 2, last)) replyBetween(call, true);
  },

  XSETID(call) {
    setId(call);
  },

  XTRIM(call) {
    if (!options.parseTrim(call)) return;
    const stream = call.writable(call.stream, 1);
    if (stream === null) return;
    const trimmed = trim(stream, options);
    if (call.journals && trimmed > 0 && options.isAbout) {
      call.leave(5).fixed(XTRIM).word(call.arg(1)).fixed(MAXLEN).fixed(EXACTLY).integer(stream.length);
    }
    call.changed(trimmed);
    call.reply.integer(trimmed);
  },

  ...streamReadHandlers,
  ...streamGroupHandlers,
  ...streamClaimHandlers,
  ...streamInfoHandlers,
};

/**
 * XADD with the id that was chosen for argument `idAt`; and where it has trimmed about so far as was said, to what is left: where
 * that ends depends on a setting.
 */
function leaveAdded(call: Call, stream: Stream, idAt: number): void {
  const id = options.id.text(text);
  if (options.isAbout) {
    const entry = call
      .leave(5 + call.argc - idAt)
      .fixed(XADD)
      .word(call.arg(1));
    entry.fixed(MAXLEN).fixed(EXACTLY).integer(stream.length).word(id);
    for (let i = idAt + 1; i < call.argc; i++) entry.word(call.arg(i));
    return;
  }
  const entry = call.leave(call.argc);
  for (let i = 0; i < call.argc; i++) entry.word(i === idAt ? id : call.arg(i));
}

const text = new Bytes();

/** Makes `id` what XADD's argument means after the id `last`, which is not the largest; false where that is not above it. */
function chooseId(call: Call, id: StreamId): boolean {
  if (options.idKind === ID_AUTOMATIC) {
    if (id.setMs(call.keyspace.nowMs).compare(last) <= 0) id.set(last).increment();
    return true;
  }
  if (options.idKind === ID_SEQUENCE_AUTOMATIC && id.hasSameMs(last)) {
    // It is not, where the sequence numbers of that millisecond are used up.
    id.set(last).increment();
    return id.hasSameMs(last);
  }
  return id.compare(last) > 0;
}

/** The entries between `first` and `last`, by the options from argument 4 on. */
function replyBetween(call: Call, isBackwards: boolean): void {
  let limit = -1;
  for (let i = 4; i < call.argc; i += 2) {
    if (!call.is(i, 'count') || i + 1 === call.argc) return call.syntaxError();
    const count = call.clampedInteger(i + 1);
    if (Number.isNaN(count)) return;
    limit = Math.max(0, count);
  }
  const stream = call.readable(call.stream, 1);
  if (stream === null) return;
  if (!stream.exists) call.reply.emptyArray();
  else if (limit === 0) call.reply.nullArray();
  else replyRange(call.reply, stream, first, last, Math.max(0, limit), isBackwards);
}

function setId(call: Call): void {
  if (!parseId(call, 2, first)) return;
  let entriesAdded = -1;
  const deleted = last.setZero();
  for (let i = 3; i < call.argc; i += 2) {
    const hasValue = i + 1 < call.argc;
    if (hasValue && call.is(i, 'entriesadded')) {
      entriesAdded = call.clampedInteger(i + 1);
      if (Number.isNaN(entriesAdded)) return;
      if (entriesAdded < 0) return call.reply.error(ENTRIES_ADDED_IS_NEGATIVE);
    } else if (hasValue && call.is(i, 'maxdeletedid')) {
      if (!parseId(call, i + 1, deleted)) return;
      if (first.compare(deleted) < 0) return call.reply.error(ID_BELOW_GIVEN_DELETED);
    } else {
      return call.syntaxError();
    }
  }
  const stream = call.writable(call.stream, 1);
  if (stream === null) return;
  if (!stream.exists) return call.reply.error(NO_SUCH_KEY);
  if (first.compare(stream.maxDeletedId(other)) < 0) return call.reply.error(ID_BELOW_DELETED);
  if (stream.length > 0) {
    stream.lastEntryId(other);
    if (first.compare(other) < 0) return call.reply.error(ID_BELOW_TOP);
    if (entriesAdded >= 0 && stream.length > entriesAdded) return call.reply.error(ENTRIES_ADDED_BELOW_LENGTH);
  }
  stream.setLastId(first);
  if (entriesAdded >= 0) stream.entriesAdded = entriesAdded;
  if (!deleted.isZero) stream.setMaxDeletedId(deleted);
  call.changed();
  call.reply.ok();
}

const other = new StreamId();

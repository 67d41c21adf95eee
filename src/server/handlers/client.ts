/**
 * CLIENT: what clients say about themselves, what they may know about others, and how others are closed or held back.
 *
 * All sessions here are of type "normal" and of the user "default"; the other types of Redis (replicas, the master,
 * subscribers) are understood as filters that match nobody.
 */
import { parseInt64, type Bytes } from '../../base';
import type { connection, Handlers } from '../../commands';
import type { Call, Handler } from '../call';
import { BAD_CLIENT_NAME } from '../error-replies';
import { REPLY_OFF, REPLY_SKIP_NEXT, type Session } from '../session';
import { containerHelp } from './help';

const NO_SUCH_CLIENT = 'ERR No such client';
const BAD_CLIENT_ID = 'ERR Invalid client ID';
const CLIENT_ID_TOO_SMALL = 'ERR client-id should be greater than 0';
const MAX_AGE_NOT_AN_INTEGER = 'ERR maxage is not an integer or out of range';
const MAX_AGE_TOO_SMALL = 'ERR maxage should be greater than 0';
const TIMEOUT_NOT_AN_INTEGER = 'ERR timeout is not an integer or out of range';
const TIMEOUT_NEGATIVE = 'ERR timeout is negative';
const BAD_PAUSE_MODE = 'ERR CLIENT PAUSE mode must be WRITE or ALL';

/** The types of clients by the words for them; of which ours are all of the first. */
const CLIENT_TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'] as const;
type ClientType = (typeof CLIENT_TYPES)[number];

type ConnectionHandlers = Handlers<typeof connection, Handler>;

export const clientHandlers: Pick<ConnectionHandlers, Extract<keyof ConnectionHandlers, `CLIENT ${string}`>> = {
  'CLIENT GETNAME'({ reply, session }) {
    if (session.name === '') reply.null();
    else reply.text(session.name);
  },

  'CLIENT HELP': containerHelp,

  'CLIENT ID'({ reply, session }) {
    reply.integer(session.id);
  },

  'CLIENT INFO'({ reply, session }) {
    reply.verbatim(`${session.describe()}\n`);
  },

  'CLIENT KILL'(call) {
    if (call.argc === 3) {
      const filter: KillFilter = { ...EVERYONE, address: call.text(2), skipMe: false };
      if (kill(call, filter) === 0) call.reply.error(NO_SUCH_CLIENT);
      else call.reply.ok();
      return;
    }
    const filter = killFilter(call);
    if (filter !== null) call.reply.integer(kill(call, filter));
  },

  'CLIENT LIST'(call) {
    const { node } = call;
    let chosen: Iterable<Session> = node.sessions.values();
    if (call.argc === 4 && call.is(2, 'type')) {
      const type = clientType(call, 3);
      if (type === null) return;
      if (type !== 'normal') chosen = [];
    } else if (call.argc > 3 && call.is(2, 'id')) {
      const sessions = sessionsById(call, 3);
      if (sessions === null) return;
      chosen = sessions;
    } else if (call.argc !== 2) {
      return call.syntaxError();
    }
    let lines = '';
    for (const session of chosen) lines += `${session.describe()}\n`;
    call.reply.verbatim(lines);
  },

  'CLIENT NO-EVICT'(call) {
    const on = onOrOff(call, 2);
    if (on === null) return;
    call.session.noEvict = on;
    call.reply.ok();
  },

  'CLIENT NO-TOUCH'(call) {
    const on = onOrOff(call, 2);
    if (on === null) return;
    call.session.noTouch = on;
    call.reply.ok();
  },

  'CLIENT PAUSE'(call) {
    if (call.argc > 4) return call.syntaxError();
    const isAll = call.argc === 3 || call.is(3, 'all');
    if (!isAll && !call.is(3, 'write')) return call.reply.error(BAD_PAUSE_MODE);
    const durationMs = call.int64(2, TIMEOUT_NOT_AN_INTEGER);
    if (durationMs === null) return;
    if (durationMs < 0n) return call.reply.error(TIMEOUT_NEGATIVE);
    call.node.pause(isAll ? 'all' : 'writes', Number(durationMs));
    call.reply.ok();
  },

  'CLIENT REPLY'(call) {
    const { session } = call;
    if (call.is(2, 'on')) {
      session.turnRepliesOn();
      call.reply.ok();
    } else if (call.is(2, 'off')) {
      session.replyMode = REPLY_OFF;
    } else if (call.is(2, 'skip')) {
      if (session.replyMode !== REPLY_OFF) session.replyMode = REPLY_SKIP_NEXT;
    } else {
      call.syntaxError();
    }
  },

  'CLIENT SETINFO'(call) {
    const isName = call.is(2, 'lib-name');
    if (!isName && !call.is(2, 'lib-ver')) return call.reply.error(`ERR Unrecognized option '${call.text(2)}'`);
    if (!isPrintable(call.arg(3))) {
      return call.reply.error(`ERR ${call.text(2)} cannot contain spaces, newlines or special characters.`);
    }
    if (isName) call.session.libraryName = call.text(3);
    else call.session.libraryVersion = call.text(3);
    call.reply.ok();
  },

  'CLIENT SETNAME'(call) {
    if (!isPrintable(call.arg(2))) return call.reply.error(BAD_CLIENT_NAME);
    call.session.name = call.text(2);
    call.reply.ok();
  },

  'CLIENT UNPAUSE'(call) {
    call.node.unpause();
    call.reply.ok();
  },
};

/** Whether all bytes are printable ASCII other than blanks: what fits into a line of CLIENT LIST. */
export function isPrintable(bytes: Bytes): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes.at(i) < 33 || bytes.at(i) > 126) return false;
  return true;
}

/** Whom to close; a condition that is null holds for all. */
interface KillFilter {
  readonly id: number | null;
  readonly type: ClientType | null;
  readonly address: string | null;
  readonly localAddress: string | null;
  readonly maxAgeSeconds: number | null;
  readonly skipMe: boolean;
}

const EVERYONE: KillFilter = {
  id: null,
  type: null,
  address: null,
  localAddress: null,
  maxAgeSeconds: null,
  skipMe: true,
};

/** The filter that pairs of option and value say; null after the error reply. */
function killFilter(call: Call): KillFilter | null {
  const filter: { -readonly [Name in keyof KillFilter]: KillFilter[Name] } = { ...EVERYONE };
  for (let i = 2; i < call.argc; i += 2) {
    const value = i + 1;
    if (value === call.argc) {
      call.syntaxError();
      return null;
    }
    if (call.is(i, 'id')) {
      filter.id = positive(call, value, CLIENT_ID_TOO_SMALL, CLIENT_ID_TOO_SMALL);
      if (filter.id === null) return null;
    } else if (call.is(i, 'type')) {
      filter.type = clientType(call, value);
      if (filter.type === null) return null;
    } else if (call.is(i, 'addr')) {
      filter.address = call.text(value);
    } else if (call.is(i, 'laddr')) {
      filter.localAddress = call.text(value);
    } else if (call.is(i, 'user')) {
      if (call.text(value) !== 'default') {
        call.reply.error(`ERR No such user '${call.text(value)}'`);
        return null;
      }
    } else if (call.is(i, 'maxage')) {
      filter.maxAgeSeconds = positive(call, value, MAX_AGE_NOT_AN_INTEGER, MAX_AGE_TOO_SMALL);
      if (filter.maxAgeSeconds === null) return null;
    } else if (call.is(i, 'skipme') && (call.is(value, 'yes') || call.is(value, 'no'))) {
      filter.skipMe = call.is(value, 'yes');
    } else {
      call.syntaxError();
      return null;
    }
  }
  return filter;
}

/** Closes whoever the filter matches and returns how many; the client that asks still gets its reply. */
function kill(call: Call, filter: KillFilter): number {
  const nowMs = call.node.world.clock.monotonicMs();
  let killed = 0;
  for (const session of call.node.sessions.values()) {
    if (!matches(session, filter, nowMs) || (filter.skipMe && session === call.session)) continue;
    if (session === call.session) session.closing = true;
    else session.kill();
    killed++;
  }
  return killed;
}

function matches({ id, connection, createdMs }: Session, filter: KillFilter, nowMs: number): boolean {
  return (
    (filter.id === null || filter.id === id) &&
    (filter.type === null || filter.type === 'normal') &&
    (filter.address === null || filter.address === connection.remoteAddress) &&
    (filter.localAddress === null || filter.localAddress === connection.localAddress) &&
    (filter.maxAgeSeconds === null || nowMs - createdMs >= filter.maxAgeSeconds * 1000)
  );
}

/** The sessions with the ids in the arguments from `first` on, as far as there are such; null after the error reply. */
function sessionsById(call: Call, first: number): Session[] | null {
  const found: Session[] = [];
  for (let i = first; i < call.argc; i++) {
    const id = call.int64(i, BAD_CLIENT_ID);
    if (id === null) return null;
    const session = call.node.sessions.get(Number(id));
    if (session !== undefined) found.push(session);
  }
  return found;
}

/** Argument i as an integer above 0; null after one of the error replies. */
function positive(call: Call, i: number, notAnInteger: string, tooSmall: string): number | null {
  const value = parseInt64(call.arg(i));
  if (value !== null && value > 0n) return Number(value);
  call.reply.error(value === null ? notAnInteger : tooSmall);
  return null;
}

function clientType(call: Call, i: number): ClientType | null {
  for (const type of CLIENT_TYPES) if (call.is(i, type)) return type;
  call.reply.error(`ERR Unknown client type '${call.text(i)}'`);
  return null;
}

function onOrOff(call: Call, i: number): boolean | null {
  if (call.is(i, 'on')) return true;
  if (call.is(i, 'off')) return false;
  call.syntaxError();
  return null;
}

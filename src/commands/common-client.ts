/**
 * CLIENT, as far as every node answers it alike: what clients say about themselves, what they may know about others, and
 * how others are closed.
 *
 * Clients here are of type "normal" or replicas, and of the user "default"; the other types of Redis (the master, subscribers)
 * are understood as filters that match nobody.
 */
import { parseInt64 } from '../base';
import type { CallSession, CommandCall, CommonHandler } from './call';
import { BAD_CLIENT_NAME } from './errors';
import { isPrintable } from './hello';
import { containerHelp } from './help';

const NO_SUCH_CLIENT = 'ERR No such client';
const BAD_CLIENT_ID = 'ERR Invalid client ID';
const CLIENT_ID_TOO_SMALL = 'ERR client-id should be greater than 0';
const MAX_AGE_NOT_AN_INTEGER = 'ERR maxage is not an integer or out of range';
const MAX_AGE_TOO_SMALL = 'ERR maxage should be greater than 0';

/** The types of clients by the words for them. */
const CLIENT_TYPES = {
  normal: 'normal',
  master: 'master',
  replica: 'replica',
  slave: 'replica',
  pubsub: 'pubsub',
} as const;
type ClientType = (typeof CLIENT_TYPES)[keyof typeof CLIENT_TYPES];

export const commonClientHandlers = {
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
    let chosen: Iterable<CallSession> = call.node.sessions.values();
    if (call.argc === 4 && call.is(2, 'type')) {
      const type = clientType(call, 3);
      if (type === null) return;
      chosen = [...chosen].filter((session) => typeOf(session) === type);
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

  'CLIENT SETINFO'(call) {
    const isName = call.is(2, 'lib-name');
    if (!isName && !call.is(2, 'lib-ver')) return call.reply.error(`ERR Unrecognized option '${call.text(2)}'`);
    const text = call.text(3);
    if (!isPrintable(text)) {
      return call.reply.error(`ERR ${call.text(2)} cannot contain spaces, newlines or special characters.`);
    }
    if (isName) call.session.libraryName = text;
    else call.session.libraryVersion = text;
    call.reply.ok();
  },

  'CLIENT SETNAME'(call) {
    const name = call.text(2);
    if (!isPrintable(name)) return call.reply.error(BAD_CLIENT_NAME);
    call.session.name = name;
    call.reply.ok();
  },
} satisfies Readonly<Record<string, CommonHandler>>;

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
function killFilter(call: CommandCall): KillFilter | null {
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
function kill(call: CommandCall, filter: KillFilter): number {
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

function matches(session: CallSession, filter: KillFilter, nowMs: number): boolean {
  const { id, connection, createdMs } = session;
  return (
    (filter.id === null || filter.id === id) &&
    (filter.type === null || filter.type === typeOf(session)) &&
    (filter.address === null || filter.address === connection.remoteAddress) &&
    (filter.localAddress === null || filter.localAddress === connection.localAddress) &&
    (filter.maxAgeSeconds === null || nowMs - createdMs >= filter.maxAgeSeconds * 1000)
  );
}

/** The clients with the ids in the arguments from `first` on, as far as there are such; null after the error reply. */
function sessionsById(call: CommandCall, first: number): CallSession[] | null {
  const found: CallSession[] = [];
  for (let i = first; i < call.argc; i++) {
    const id = call.int64(i, BAD_CLIENT_ID);
    if (id === null) return null;
    const session = call.node.sessions.get(Number(id));
    if (session !== undefined) found.push(session);
  }
  return found;
}

/** Argument i as an integer above 0; null after one of the error replies. */
function positive(call: CommandCall, i: number, notAnInteger: string, tooSmall: string): number | null {
  const value = parseInt64(call.arg(i));
  if (value !== null && value > 0n) return Number(value);
  call.reply.error(value === null ? notAnInteger : tooSmall);
  return null;
}

function typeOf({ isReplica = false }: CallSession): ClientType {
  return isReplica ? 'replica' : 'normal';
}

function clientType(call: CommandCall, i: number): ClientType | null {
  for (const [word, type] of Object.entries(CLIENT_TYPES)) if (call.is(i, word)) return type;
  call.reply.error(`ERR Unknown client type '${call.text(i)}'`);
  return null;
}

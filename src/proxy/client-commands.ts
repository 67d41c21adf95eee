/**
 * CLIENT, of the proxy's own clients: what they say about themselves, what they may know about others, and how others
 * are closed. What servers show as their clients are the proxy's connections, which are nobody's in particular.
 */
import { containerHelp } from './command-commands';
import { INVALID_NAME } from './error-replies';
import type { LocalCall, LocalCommand } from './local-call';
import type { Session } from './session';

const NO_SUCH_CLIENT = 'ERR No such client';
const BAD_CLIENT_ID = 'ERR Invalid client ID';
const CLIENT_ID_TOO_SMALL = 'ERR client-id should be greater than 0';

/** All clients here are of the first type. */
const CLIENT_TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];

export const clientCommands: Readonly<Record<string, LocalCommand>> = {
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
    const isMatch = call.argc === 3 ? byAddress(call.text(2)) : killFilter(call);
    if (isMatch === null) return;
    let killed = 0;
    for (const session of call.node.sessions.values()) {
      if (!isMatch(session)) continue;
      killed++;
      // Who closes itself gets its reply first.
      if (session === call.session) session.closing = true;
      else session.kill();
    }
    if (call.argc > 3) call.reply.integer(killed);
    else if (killed === 0) call.reply.error(NO_SUCH_CLIENT);
    else call.reply.ok();
  },

  'CLIENT LIST'(call) {
    const isShown = call.argc === 2 ? () => true : listFilter(call);
    if (isShown === null) return;
    let lines = '';
    for (const session of call.node.sessions.values()) if (isShown(session)) lines += `${session.describe()}\n`;
    call.reply.verbatim(lines);
  },

  // Proxies evict no clients and touch no keys: these two are understood and change nothing.
  'CLIENT NO-EVICT': acceptOnOrOff,
  'CLIENT NO-TOUCH': acceptOnOrOff,

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
    if (!isPrintable(name)) return call.reply.error(INVALID_NAME);
    call.session.name = name;
    call.reply.ok();
  },
};

/** Whether all characters are printable ASCII other than blanks: what fits into a line of CLIENT LIST. */
export function isPrintable(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

type Filter = (session: Session) => boolean;

function acceptOnOrOff(call: LocalCall): void {
  if (call.onOrOff(2) !== null) call.reply.ok();
}

function byAddress(address: string): Filter {
  return (session) => session.connection.remoteAddress === address;
}

/** What pairs of option and value say; null after the error reply. */
function killFilter(call: LocalCall): Filter | null {
  const filters: Filter[] = [];
  let skipMe = true;
  for (let i = 2; i < call.argc; i += 2) {
    const value = i + 1 < call.argc ? call.text(i + 1) : null;
    if (value === null) {
      call.syntaxError();
      return null;
    }
    if (call.is(i, 'id')) {
      const id = call.integer(i + 1, CLIENT_ID_TOO_SMALL);
      if (Number.isNaN(id)) return null;
      if (id < 1) return refused(call, CLIENT_ID_TOO_SMALL);
      filters.push((session) => session.id === id);
    } else if (call.is(i, 'type')) {
      const type = value.toLowerCase();
      if (!CLIENT_TYPES.includes(type)) return refused(call, `ERR Unknown client type '${value}'`);
      filters.push(() => type === 'normal');
    } else if (call.is(i, 'addr')) {
      filters.push(byAddress(value));
    } else if (call.is(i, 'laddr')) {
      filters.push((session) => session.connection.localAddress === value);
    } else if (call.is(i, 'user')) {
      if (value !== 'default') return refused(call, `ERR No such user '${value}'`);
    } else if (call.is(i, 'skipme') && (call.is(i + 1, 'yes') || call.is(i + 1, 'no'))) {
      skipMe = call.is(i + 1, 'yes');
    } else {
      call.syntaxError();
      return null;
    }
  }
  return (session) => filters.every((isMatch) => isMatch(session)) && !(skipMe && session === call.session);
}

/** What follows CLIENT LIST; null after the error reply. */
function listFilter(call: LocalCall): Filter | null {
  if (call.argc === 4 && call.is(2, 'type')) {
    const type = call.text(3).toLowerCase();
    if (!CLIENT_TYPES.includes(type)) return refused(call, `ERR Unknown client type '${call.text(3)}'`);
    return () => type === 'normal';
  }
  if (call.argc < 4 || !call.is(2, 'id')) {
    call.syntaxError();
    return null;
  }
  const ids = new Set<number>();
  for (let i = 3; i < call.argc; i++) {
    const id = call.integer(i, BAD_CLIENT_ID);
    if (Number.isNaN(id)) return null;
    ids.add(id);
  }
  return (session) => ids.has(session.id);
}

function refused(call: LocalCall, error: string): null {
  call.reply.error(error);
  return null;
}

/**
 * Connection commands: who a client is, which database and protocol it uses, and that it is there. CLIENT is in
 * client.ts.
 *
 * There is one user, `default`, whose password is the setting `requirepass`; without one every password fits, as in
 * Redis. Passwords are compared by their digests, so that the time it takes tells nothing about them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ascii, Bytes } from '../../base';
import type { connection, Handlers } from '../../commands';
import type { Call, Handler } from '../call';
import { BAD_CLIENT_NAME, DB_OUT_OF_RANGE, WRONG_PASS } from '../error-replies';
import { clientHandlers, isPrintable } from './client';

const NO_PASSWORD_SET =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';
const PROTOCOL_NOT_AN_INTEGER = 'ERR Protocol version is not an integer or out of range';
const PROTOCOL_UNKNOWN = 'NOPROTO unsupported protocol version';
const HELLO_NEEDS_AUTH =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option ' +
  'can be used to authenticate the client and select the RESP protocol version at the same time';

const DEFAULT_USER = Bytes.of('default');
const PONG = ascii('+PONG\r\n');

export const connectionHandlers: Handlers<typeof connection, Handler> = {
  ...clientHandlers,

  AUTH(call) {
    if (call.argc > 3) return call.syntaxError();
    if (call.argc === 2 && !call.node.requiresPassword()) return call.reply.error(NO_PASSWORD_SET);
    if (!isPassword(call, call.argc - 1, call.argc === 3 ? 1 : 0)) return;
    call.session.setAuthenticated(true);
    call.reply.ok();
  },

  ECHO(call) {
    call.reply.bulk(call.arg(1));
  },

  HELLO(call) {
    const { session, reply } = call;
    let protocol = reply.protocol;
    if (call.argc > 1) {
      const version = call.integer(1, PROTOCOL_NOT_AN_INTEGER);
      if (Number.isNaN(version)) return;
      if (version !== 2 && version !== 3) return reply.error(PROTOCOL_UNKNOWN);
      protocol = version;
    }
    let userAt = 0;
    let nameAt = 0;
    for (let i = 2; i < call.argc; i++) {
      const following = call.argc - 1 - i;
      if (call.is(i, 'auth') && following >= 2) {
        userAt = i + 1;
        i += 2;
      } else if (call.is(i, 'setname') && following >= 1) {
        nameAt = ++i;
        if (!isPrintable(call.arg(nameAt))) return reply.error(BAD_CLIENT_NAME);
      } else {
        return reply.error(`ERR Syntax error in HELLO option '${call.text(i)}'`);
      }
    }
    if (userAt !== 0) {
      if (!isPassword(call, userAt + 1, userAt)) return;
      session.setAuthenticated(true);
    }
    if (!session.authenticated) return reply.error(HELLO_NEEDS_AUTH);
    if (nameAt !== 0) session.name = call.text(nameAt);
    reply.protocol = protocol;
    describeServer(call);
  },

  PING(call) {
    if (call.argc > 2) return call.wrongArity();
    if (call.argc === 2) call.reply.bulk(call.arg(1));
    else call.reply.raw(PONG);
  },

  QUIT(call) {
    call.reply.ok();
    call.session.closing = true;
  },

  RESET(call) {
    call.session.reset();
    call.reply.simple('RESET');
  },

  SELECT(call) {
    const index = call.int32(1);
    if (Number.isNaN(index)) return;
    if (!call.keyspace.isDatabaseIndex(index)) return call.reply.error(DB_OUT_OF_RANGE);
    call.session.database = call.keyspace.database(index);
    call.reply.ok();
  },
};

function describeServer({ reply, node, session }: Call): void {
  reply.map(7);
  reply.text('server');
  reply.text('redis');
  reply.text('version');
  reply.text(node.settings.values['redis-version']);
  reply.text('proto');
  reply.integer(reply.protocol);
  reply.text('id');
  reply.integer(session.id);
  reply.text('mode');
  reply.text('standalone');
  reply.text('role');
  reply.text('master');
  reply.text('modules');
  reply.emptyArray();
}

/** Whether the arguments are a user (0: the default one) and its password. Else the error reply has been written. */
function isPassword(call: Call, passwordAt: number, userAt: number): boolean {
  const { node } = call;
  const isUser = userAt === 0 || call.arg(userAt).equals(DEFAULT_USER);
  const wanted = digest(Buffer.from(node.settings.values['requirepass']));
  const fits = timingSafeEqual(digest(call.arg(passwordAt).copy()), wanted) || !node.requiresPassword();
  if (isUser && fits) return true;
  node.statistics.deniedAuthentications++;
  call.reply.error(WRONG_PASS);
  return false;
}

function digest(password: Buffer): Buffer {
  return createHash('sha256').update(password).digest();
}

/**
 * What the proxy answers by itself: all that concerns the client's own connection or the proxy, and not the data.
 *
 * HELLO, AUTH, SELECT, RESET and QUIT change only the session: no server hears of them, since the connections to servers
 * are shared. There is one user, `default`, whose password is the setting `requirepass`. CLIENT is in client-commands.ts,
 * COMMAND in command-commands.ts.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { clientCommands, isPrintable } from './client-commands';
import { commandCommands, containerHelp } from './command-commands';
import * as replies from './error-replies';
import { infoText } from './info';
import type { LocalCall, LocalCommand } from './local-call';

const PROTOCOL_NOT_AN_INTEGER = 'ERR Protocol version is not an integer or out of range';
const INDEX_OUT_OF_RANGE = 'ERR value is out of range, value must between -2147483648 and 2147483647';
const INT32_MAX = 2 ** 31 - 1;

/** By name; what is not here and has no key is refused. */
export const localCommands: Readonly<Record<string, LocalCommand>> = {
  ...clientCommands,
  ...commandCommands,
  'OBJECT HELP': containerHelp,

  AUTH(call) {
    if (call.argc > 3) return call.syntaxError();
    if (call.argc === 2 && !call.node.requiresPassword()) return call.reply.error(replies.NO_PASSWORD_SET);
    if (!isPassword(call, call.argc - 1, call.argc === 3 ? 1 : 0)) return call.reply.error(replies.WRONG_PASS);
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
      if (version !== 2 && version !== 3) return reply.error(replies.NO_PROTOCOL);
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
        if (!isPrintable(call.text(nameAt))) return reply.error(replies.INVALID_NAME);
      } else {
        return reply.error(`ERR Syntax error in HELLO option '${call.text(i)}'`);
      }
    }
    if (userAt !== 0) {
      if (!isPassword(call, userAt + 1, userAt)) return reply.error(replies.WRONG_PASS);
      session.setAuthenticated(true);
    }
    if (!session.authenticated) return reply.error(replies.NO_AUTH_FOR_HELLO);
    if (nameAt !== 0) session.name = call.text(nameAt);
    reply.protocol = protocol;
    describeServer(call);
  },

  INFO(call) {
    call.reply.verbatim(infoText(call.node, call.textsFrom(1)));
  },

  PING(call) {
    if (call.argc > 2) return call.wrongArity();
    if (call.argc === 2) call.reply.bulk(call.arg(1));
    else call.reply.simple('PONG');
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
    const index = call.integer(1);
    if (Number.isNaN(index)) return;
    if (index > INT32_MAX || index < -INT32_MAX - 1) return call.reply.error(INDEX_OUT_OF_RANGE);
    if (index < 0 || index >= call.node.settings.values['databases']) return call.reply.error(replies.DB_OUT_OF_RANGE);
    call.session.database = index;
    call.reply.ok();
  },

  TIME(call) {
    const nowMs = call.node.world.clock.wallMs();
    const seconds = Math.floor(nowMs / 1000);
    call.reply.array(2);
    call.reply.bulkInteger(seconds);
    call.reply.bulkInteger(Math.floor((nowMs - seconds * 1000) * 1000));
  },

  'CONFIG GET'(call) {
    const found = call.node.settings.match(call.textsFrom(2));
    call.reply.map(found.length);
    for (const [name, text] of found) {
      call.reply.text(name);
      call.reply.text(text);
    }
  },

  'CONFIG HELP': containerHelp,

  'CONFIG RESETSTAT'(call) {
    call.node.statistics.reset();
    call.reply.ok();
  },

  'CONFIG SET'(call) {
    const error = call.node.settings.change(call.textsFrom(2), false);
    if (error === null) call.reply.ok();
    else call.reply.error(error);
  },
};

function describeServer({ reply, node, session }: LocalCall): void {
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

/** Whether the arguments are a user (0: the default one) and its password; takes as long whatever they are. */
function isPassword(call: LocalCall, passwordAt: number, userAt: number): boolean {
  const isUser = userAt === 0 || call.text(userAt) === 'default';
  const wanted = digest(Buffer.from(call.node.settings.values['requirepass']));
  return isUser && (timingSafeEqual(digest(call.arg(passwordAt).copy()), wanted) || !call.node.requiresPassword());
}

function digest(password: Buffer): Buffer {
  return createHash('sha256').update(password).digest();
}

/**
 * What every node answers alike about its own connections: AUTH, HELLO, ECHO, PING, QUIT, RESET, TIME and CONFIG GET.
 * CLIENT is in common-client.ts, COMMAND in introspection.ts.
 */
import { ascii } from '../base';
import type { CommandCall, CommonHandler } from './call';
import { WRONG_PASS } from './errors';
import { areRight, HELLO_NEEDS_AUTH, parseAuth, parseHello, writeHello, type Credentials } from './hello';
import { containerHelp } from './help';

const PONG = ascii('+PONG\r\n');

export const commonConnectionHandlers = {
  AUTH(call) {
    const credentials = parseAuth(call.textsFrom(1), call.node.settings.values.requirepass);
    if (typeof credentials === 'string') return call.reply.error(credentials);
    if (authenticate(call, credentials)) call.reply.ok();
  },

  ECHO(call) {
    call.reply.bulk(call.arg(1));
  },

  HELLO(call) {
    const { session, reply, node } = call;
    const hello = parseHello(call.textsFrom(1));
    if (typeof hello === 'string') return reply.error(hello);
    if (hello.credentials !== null && !authenticate(call, hello.credentials)) return;
    if (!session.authenticated) return reply.error(HELLO_NEEDS_AUTH);
    if (hello.clientName !== null) session.name = hello.clientName;
    if (hello.protocol !== null) reply.protocol = hello.protocol;
    const version = node.settings.values['redis-version'];
    const role = node.isReplica === true ? 'replica' : 'master';
    writeHello(reply, { server: 'redis', version, id: session.id, role });
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
} satisfies Readonly<Record<string, CommonHandler>>;

/** The same of the family `server`. */
export const commonServerHandlers = {
  'CONFIG GET'(call) {
    const found = call.node.settings.match(call.textsFrom(2));
    call.reply.map(found.length);
    for (const [name, text] of found) {
      call.reply.text(name);
      call.reply.text(text);
    }
  },

  'CONFIG HELP': containerHelp,

  TIME({ reply, node }) {
    const nowMicroseconds = Math.floor(node.world.clock.wallMs() * 1000);
    reply.array(2);
    reply.bulkInteger(Math.floor(nowMicroseconds / 1_000_000));
    reply.bulkInteger(nowMicroseconds % 1_000_000);
  },
} satisfies Readonly<Record<string, CommonHandler>>;

/** Authenticates the client; false after the error reply where the credentials are wrong. */
function authenticate({ session, reply, node }: CommandCall, credentials: Credentials): boolean {
  if (areRight(credentials, node.settings.values.requirepass)) {
    session.setAuthenticated(true);
    return true;
  }
  node.statistics.deniedAuthentications++;
  reply.error(WRONG_PASS);
  return false;
}

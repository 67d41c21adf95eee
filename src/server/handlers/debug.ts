/**
 * DEBUG: what tests of servers and clients need and nobody else should touch. Who may use it is a gate of the dispatch
 * (`enable-debug-command`). As in Redis, numbers that make no sense count as 0 here.
 */
import { ascii, CacheError, globMatch } from '../../base';
import { containerHelp, type Handlers, type server } from '../../commands';
import { Digests, ENCODING_NAMES, ENCODING_QUICKLIST, type Address } from '../../storage';
import type { Call, Handler } from '../call';
import { NO_SUCH_KEY, NOT_IN_TRANSACTION } from '../error-replies';

const NOT_IN_RESP2 = 'ERR RESP2 is not supported by this command';
const NO_APPEND_ONLY_FILE = 'ERR there is no append-only file (appendonly no)';
const BAD_RELOAD_OPTION = 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.';
const CANNOT_RELOAD = 'ERR Error trying to load the RDB dump, check server logs.';
const ATTRIBUTE_OF_ONE_PAIR = ascii('|1\r\n');
const BIG_NUMBER = '1234567999999999999999999999999999999';

type ServerHandlers = Handlers<typeof server, Handler>;

export const debugHandlers: Pick<ServerHandlers, Extract<keyof ServerHandlers, `DEBUG ${string}`>> = {
  'DEBUG DIGEST'(call) {
    call.reply.simple(new Digests(call.keyspace).ofAll());
  },

  'DEBUG DIGEST-VALUE'(call) {
    const digests = new Digests(call.keyspace);
    call.reply.array(call.argc - 2);
    for (let i = 2; i < call.argc; i++) {
      call.reply.simple(digests.ofValue(call.database, call.database.peek(call.arg(i))));
    }
  },

  'DEBUG ERROR'(call) {
    call.reply.error(call.text(2));
  },

  'DEBUG HELP': containerHelp,

  'DEBUG LOADAOF'(call) {
    const { persistence } = call.node;
    if (persistence.appendOnly.state !== 'on') return call.reply.error(NO_APPEND_ONLY_FILE);
    if (!call.mayBlock) return call.reply.error(NOT_IN_TRANSACTION);
    attempt(call, () => persistence.reloadAppendOnly());
  },

  'DEBUG LOG'(call) {
    call.node.world.log('warning', `DEBUG LOG: ${call.text(2)}`);
    call.reply.ok();
  },

  'DEBUG OBJECT'(call) {
    const { keyspace } = call;
    const record = call.database.peek(call.arg(2));
    if (record === 0) return call.reply.error(NO_SUCH_KEY);
    const encoding = keyspace.records.encoding(record);
    const length = call.dumps.valueBytes(call.database, record, call.node.settings.values.rdbcompression);
    call.reply.simple(
      `Value at:0x${record.toString(16)} refcount:1 encoding:${ENCODING_NAMES[encoding]} serializedlength:${length} ` +
        `lru:${keyspace.records.access(record)} lru_seconds_idle:${keyspace.idleSeconds(record)}` +
        (encoding === ENCODING_QUICKLIST ? describeNodes(call, record) : ''),
    );
  },

  'DEBUG PROTOCOL'(call) {
    const name = call.text(2).toLowerCase();
    if (Object.hasOwn(SAMPLES, name)) SAMPLES[name](call);
    else call.reply.error(`ERR Wrong protocol type name. Please use one of the following: ${SAMPLE_NAMES}`);
  },

  'DEBUG RELOAD'(call) {
    let saves = true;
    let keepsKeys = false;
    let replaces = false;
    for (let i = 2; i < call.argc; i++) {
      if (call.is(i, 'nosave')) saves = false;
      else if (call.is(i, 'noflush')) keepsKeys = true;
      else if (call.is(i, 'merge')) replaces = true;
      else return call.reply.error(BAD_RELOAD_OPTION);
    }
    const { persistence } = call.node;
    if (saves && persistence.saves.save() !== null) return call.reply.error('ERR');
    attempt(call, () => persistence.reload(keepsKeys, replaces));
  },

  'DEBUG SET-ACTIVE-EXPIRE'(call) {
    call.node.activeExpiry = (Number.parseInt(call.text(2), 10) || 0) !== 0;
    call.reply.ok();
  },

  'DEBUG SLEEP'(call) {
    const seconds = Number.parseFloat(call.text(2));
    if (Number.isFinite(seconds) && seconds > 0) blockProcess(seconds * 1000);
    call.reply.ok();
  },

  'DEBUG STRINGMATCH-LEN'(call) {
    const pattern = call.arg(2);
    const text = call.arg(3);
    const fits = globMatch(pattern.buffer, pattern.start, pattern.end, text.buffer, text.start, text.end, false);
    call.reply.integer(fits ? 1 : 0);
  },
};

/** Replies of every type of RESP: the same values as Redis gives, because tests of clients know them. */
const SAMPLES: Readonly<Record<string, Handler>> = {
  string: ({ reply }) => reply.text('Hello World'),
  integer: ({ reply }) => reply.integer(12345),
  double: ({ reply }) => reply.double(3.141),
  bignum: ({ reply }) => reply.bigNumber(BIG_NUMBER),
  null: ({ reply }) => reply.null(),
  array({ reply }) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set({ reply }) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map({ reply }) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib({ reply }) {
    if (reply.protocol === 3) {
      reply.raw(ATTRIBUTE_OF_ONE_PAIR);
      reply.text('key-popularity');
      reply.array(2);
      reply.text('key:123');
      reply.integer(90);
    }
    reply.text('Some real reply following the attribute');
  },
  push({ reply }) {
    if (reply.protocol !== 3) return reply.error(NOT_IN_RESP2);
    reply.push(2);
    reply.text('server-cpu-usage');
    reply.integer(42);
    reply.text('Some real reply following the push reply');
  },
  verbatim: ({ reply }) => reply.verbatim('This is a verbatim\nstring'),
  true: ({ reply }) => reply.boolean(true),
  false: ({ reply }) => reply.boolean(false),
};

const SAMPLE_NAMES = Object.keys(SAMPLES).join('|');

/** What DEBUG OBJECT says besides of a large list. Nodes are never compressed here. */
function describeNodes(call: Call, record: Address): string {
  const { list } = call;
  list.open(call.database, call.arg(2), record);
  const { nodeCount } = list;
  let bytes = 0;
  for (let i = 0; i < nodeCount; i++) bytes += list.node(i).length;
  const limit = call.keyspace.limits['list-max-listpack-size'];
  return (
    ` ql_nodes:${nodeCount} ql_avg_node:${(list.length / nodeCount).toFixed(2)} ql_listpack_max:${limit}` +
    ` ql_compressed:0 ql_uncompressed_size:${bytes}`
  );
}

/** Replies OK after a deed on files that may fail. It may run commands, for which there is but one call. */
function attempt({ node, reply }: Call, deed: () => void): void {
  try {
    deed();
    reply.ok();
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    node.world.log('warning', error.message);
    reply.error(CANNOT_RELOAD);
  }
}

/** Does nothing for a while, and nothing else either: the point of DEBUG SLEEP. */
function blockProcess(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

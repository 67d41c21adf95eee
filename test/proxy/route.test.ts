/** Decisions without sockets: where a command goes, and how parts become one reply. */
import { expect, test } from 'vitest';
import { Output } from '../../src/base';
import { commands, type Merge } from '../../src/commands';
import {
  ALL_GROUPS,
  CROSS_SLOTS,
  FORWARD,
  LOCAL,
  mergeReplies,
  REFUSED,
  Route,
  SPLIT,
  UNKNOWN_COMMAND,
  UNKNOWN_SUBCOMMAND,
  WRONG_ARITY,
} from '../../src/proxy';
import { CommandParser, defaultProtocolLimits, encodeCommand, ReplyWriter } from '../../src/resp';
import { slotOf } from '../../src/slots';

const route = new Route(commands, new Set(['PING', 'CLIENT ID']));

function plan(line: string): number {
  const message = encodeCommand(line.split(' '));
  const parser = new CommandParser(defaultProtocolLimits());
  parser.feed(message, 0, message.length);
  parser.next();
  return route.plan(parser);
}

test.each([
  ['GET a', FORWARD],
  ['get a', FORWARD],
  ['OBJECT ENCODING a', FORWARD],
  ['MGET {t}a {t}b', FORWARD],
  ['MGET a b', SPLIT],
  ['MSET a 1 b 2', SPLIT],
  ['MSET a 1 b', WRONG_ARITY],
  ['MSETNX a 1 b 2', CROSS_SLOTS],
  ['MSETNX {t}a 1 {t}b 2', FORWARD],
  ['RENAME a b', CROSS_SLOTS],
  ['COPY {t}a {t}b DB 3', FORWARD],
  ['SORT {t}l BY {t}w_* GET # GET {t}h->f STORE {t}d', FORWARD],
  ['SORT {t}l BY nosort LIMIT 0 5 GET object', FORWARD],
  ['SORT {t}l BY w_*', CROSS_SLOTS],
  ['SORT {t}l GET {u}w_*', CROSS_SLOTS],
  ['SORT {t}l GET {*}w', CROSS_SLOTS],
  ['SORT {t}l GET {}*', CROSS_SLOTS],
  ['SORT {t}l GET *{t}', CROSS_SLOTS],
  ['SORT_RO {t}l BY {t}w_*->field ALPHA', FORWARD],
  ['SORT {t}l STORE d', CROSS_SLOTS],
  ['BLPOP {t}l 0', REFUSED],
  ['XREAD COUNT 2 STREAMS {t}a {t}b 0 0', FORWARD],
  ['XREAD STREAMS a b 0 0', CROSS_SLOTS],
  ['XREAD BLOCK 0 STREAMS a $', REFUSED],
  ['XREADGROUP GROUP block c STREAMS a >', FORWARD],
  ['XREADGROUP GROUP g block COUNT 1 BLOCK 5 STREAMS a >', REFUSED],
  ['DBSIZE', ALL_GROUPS],
  ['KEYS *', ALL_GROUPS],
  ['FLUSHALL ASYNC', ALL_GROUPS],
  ['PING', LOCAL],
  ['CLIENT ID', LOCAL],
  ['CLIENT LIST', REFUSED],
  ['SELECT 1', REFUSED],
  ['HELLO 3', REFUSED],
  ['SCAN 0', REFUSED],
  ['DEBUG OBJECT a', REFUSED],
  ['GET', WRONG_ARITY],
  ['GET a b', WRONG_ARITY],
  ['CLIENT', WRONG_ARITY],
  ['CLIENT NOSUCH', UNKNOWN_SUBCOMMAND],
  ['NOSUCH', UNKNOWN_COMMAND],
])('%s', (line, decision) => {
  expect(plan(line)).toBe(decision);
});

test('the slot is that of the key, or of its tag', () => {
  plan('SET user:{17}:name x');
  expect(route.slot).toBe(slotOf('17'));
  plan('OBJECT FREQ somewhere');
  expect(route.slot).toBe(slotOf('somewhere'));
});

test('no command that is not understood passes: nothing is forwarded without a key', () => {
  for (const spec of commands.all) {
    if (!route.passes(spec) || spec.fanout === 'all groups' || ['PING', 'CLIENT ID'].includes(spec.name)) continue;
    expect(spec.firstKey > 0 || spec.movableKeys, spec.name).toBe(true);
  }
});

function merge(kind: Merge, parts: string[], owners: number[] = []): string {
  const reply = new ReplyWriter(new Output());
  mergeReplies(
    kind,
    parts.map((part) => Buffer.from(part)),
    Int16Array.from(owners),
    reply,
  );
  return reply.out.take().toString();
}

const BAD = '-ERR a server gave a malformed answer to its part of the command\r\n';

test.each([
  ['sum', [':1\r\n', ':0\r\n', ':41\r\n'], [], ':42\r\n'],
  ['sum', [':1\r\n', '+OK\r\n'], [], BAD],
  ['sum', [':1\r\n', '-OOM no\r\n', '-ERR x\r\n'], [], '-OOM no\r\n'],
  ['all ok', ['+OK\r\n', '+OK\r\n'], [], '+OK\r\n'],
  ['all ok', ['+OK\r\n', ':1\r\n'], [], BAD],
  ['all ok', ['+OK\r\n', '!5\r\nERR x\r\n'], [], '!5\r\nERR x\r\n'],
  [
    'concatenate',
    ['*1\r\n$1\r\na\r\n', '*0\r\n', '*2\r\n$1\r\nb\r\n$1\r\nc\r\n'],
    [],
    '*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n',
  ],
  ['concatenate', ['*1\r\n$1\r\na\r\n', '*-1\r\n'], [], BAD],
  ['in order', ['*2\r\n:1\r\n:2\r\n', '*2\r\n_\r\n*1\r\n:9\r\n'], [1, 0, 0, 1], '*4\r\n_\r\n:1\r\n:2\r\n*1\r\n:9\r\n'],
  ['in order', ['*1\r\n:1\r\n', '*2\r\n:3\r\n:4\r\n'], [0, 1], BAD],
  ['in order', ['*1\r\n:1\r\n', '-LOADING x\r\n'], [0, 1], '-LOADING x\r\n'],
] as const)('merging %s of %j', (kind, parts, owners, merged) => {
  expect(merge(kind, [...parts], [...owners])).toBe(merged);
});

/**
 * Redis' protocol errors: a table of bytes and what is said to them, held against our parser cut at every byte (or,
 * for long inputs, at some) and against a real redis-server.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandParser, defaultProtocolLimits } from '../../src/resp';
import { ask, everyPlace, hasRedis, parseCommands, startRedis, type Oracle } from './support';

const long = (count: number): string => 'x'.repeat(count);

/** Bytes, then the error's text, or null where Redis takes them; each is followed by QUIT in both forms. */
const CASES: [string, string | null][] = [
  ['*x\r\n', 'invalid multibulk length'],
  ['*\r\n', 'invalid multibulk length'],
  ['*+1\r\n', 'invalid multibulk length'],
  ['*01\r\n', 'invalid multibulk length'],
  ['*1 \r\n', 'invalid multibulk length'],
  ['*-0\r\n', 'invalid multibulk length'],
  ['*2147483648\r\n', 'invalid multibulk length'],
  ['*99999999999999999999\r\n', 'invalid multibulk length'],
  ['*-99999999999999999999\r\n', 'invalid multibulk length'],
  ['*-1\r\n', null],
  ['*-10\r\n', null],
  ['*0\r\n', null],
  ['*1xxx\r\n', 'invalid multibulk length'],
  [`*${long(65_600)}`, 'too big mbulk count string'],
  [`*1\r\n$${long(65_600)}`, 'too big bulk count string'],
  [`*1\r\n${long(65_600)}`, 'too big bulk count string'],
  ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
  ['*1\r\n\r\n', "expected '$', got ' '"],
  ['*1\r\n\n\r\n', "expected '$', got ' '"],
  ['*1\r\n*1\r\n', "expected '$', got '*'"],
  ['*2\r\n$4\r\nPINGxx:1\r\n', "expected '$', got ':'"],
  ['*1\r\n$x\r\n', 'invalid bulk length'],
  ['*1\r\n$\r\n', 'invalid bulk length'],
  ['*1\r\n$:\r\n', 'invalid bulk length'],
  ['*1\r\n$1:\r\n', 'invalid bulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$-4\r\n', 'invalid bulk length'],
  ['*1\r\n$04\r\n', 'invalid bulk length'],
  ['*1\r\n$+4\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$99999999999999999999\r\n', 'invalid bulk length'],
  ['*1\r\n$4\r\nPINGxx', null],
  ['*1\r\n$4xxx\r\n', 'invalid bulk length'],
  ['*1\rx$4\rxPING\r\n', null],
  ['\r\n', null],
  ['\n', null],
  [' \t \r\n', null],
  ['PING "abc\r\n', 'unbalanced quotes in request'],
  ["PING 'abc\r\n", 'unbalanced quotes in request'],
  ['PING "abc"d\r\n', 'unbalanced quotes in request'],
  ['PING "abc\\"\r\n', 'unbalanced quotes in request'],
  ['PING ab"c d"\r\n', null],
  ['$4\r\n', null],
  [long(65_600), 'too big inline request'],
];

/** The small limits, which hold until a client has authenticated. */
const UNAUTHENTICATED: [string, string | null][] = [
  ['*11\r\n', 'unauthenticated multibulk length'],
  ['*10\r\n$16385\r\n', 'unauthenticated bulk length'],
  [`*2\r\n$4\r\nPING\r\n$16384\r\n${long(16_384)}\r\n`, null],
  ['*2147483648\r\n', 'invalid multibulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
];

const QUIT = 'QUIT\r\n';

function cutsFor(stream: Uint8Array): number[] {
  return stream.length < 1000 ? everyPlace(stream) : [1, 3, 7, 4096, 16_384, 16_385, stream.length - 1];
}

describe.each([
  ['authenticated', true, CASES],
  ['not yet authenticated', false, UNAUTHENTICATED],
] as const)('protocol errors, %s', (_, authenticated, cases) => {
  it.each(cases)('%j', (text, error) => {
    const stream = Buffer.from(text + (error === null ? QUIT : ''), 'latin1');
    for (const cuts of [[], cutsFor(stream)]) {
      const parser = new CommandParser(defaultProtocolLimits());
      parser.authenticated = authenticated;
      const found = parseCommands(stream, cuts, parser);
      expect(found.errorText).toBe(error === null ? '' : `Protocol error: ${error}`);
      if (error === null) expect(found.commands.at(-1)).toEqual(['QUIT']);
    }
  });

  describe('as redis-server has them', () => {
    let redis: Oracle;
    beforeAll(async () => {
      if (hasRedis) redis = await startRedis(...(authenticated ? [] : ['--requirepass', 'secret']));
    });
    afterAll(() => redis?.stop());

    it.skipIf(!hasRedis)('says the same', async () => {
      const said = await Promise.all(
        cases.map(([text, error]) => ask(redis.port, Buffer.from(text + (error === null ? QUIT : ''), 'latin1'))),
      );
      const last = said.map((answer) => answer.split('\r\n').at(-2));
      expect(last).toEqual(cases.map(([, error]) => (error === null ? '+OK' : `-ERR Protocol error: ${error}`)));
    });
  });
});

it('refuses more arguments than our limit, which is smaller than that of Redis 7', () => {
  expect(parseCommands(Buffer.from('*1048577\r\n')).errorText).toBe('Protocol error: invalid multibulk length');
  expect(parseCommands(Buffer.from('*1048576\r\n')).errorText).toBe('');
});

/** Redis closes such connections without a word. */
it.each(['POST / HTTP/1.1\r\n', 'hOST: cache:6379\r\n'])('a line of the web is no command: %j', (text) => {
  const stream = Buffer.from(text + QUIT);
  for (const cuts of [[], everyPlace(stream)]) {
    const found = parseCommands(stream, cuts, new CommandParser(defaultProtocolLimits()));
    expect(found).toMatchObject({ commands: [], errorText: 'Protocol error: this is no web server' });
  }
});

/**
 * How HELLO and AUTH are read and whose credentials are right, where transcripts cannot reach: the words alone.
 */
import { describe, expect, test } from 'vitest';
import { Output } from '../../src/base';
import { areRight, parseAuth, parseHello, writeHello, type Hello } from '../../src/commands';
import { decodeReply, ReplyWriter } from '../../src/resp';

const NOTHING: Hello = { protocol: null, credentials: null, clientName: null };

test.each<[string[], Partial<Hello> | string]>([
  [[], {}],
  [['3'], { protocol: 3 }],
  [['2', 'setname', ''], { protocol: 2, clientName: '' }],
  [['3', 'AUTH', 'default', 'a b'], { protocol: 3, credentials: { user: 'default', password: 'a b' } }],
  [
    ['2', 'SetName', 'auth', 'Auth', 'setname', ''],
    { protocol: 2, clientName: 'auth', credentials: { user: 'setname', password: '' } },
  ],
  [['+3'], 'ERR Protocol version is not an integer or out of range'],
  [['9223372036854775807'], 'NOPROTO unsupported protocol version'],
  [['9223372036854775808'], 'ERR Protocol version is not an integer or out of range'],
  [['3', 'AUTH', 'default'], "ERR Syntax error in HELLO option 'AUTH'"],
  [['3', 'SETNAME', 'a b', 'x'], 'ERR Client names cannot contain spaces, newlines or special characters.'],
])('HELLO %j', (words, expected) => {
  expect(parseHello(words)).toEqual(typeof expected === 'string' ? expected : { ...NOTHING, ...expected });
});

test.each([
  [['secret'], 'x', { user: 'default', password: 'secret' }],
  [['me', 'secret'], '', { user: 'me', password: 'secret' }],
  [['secret'], '', expect.stringMatching(/^ERR AUTH <password> called without any password configured/)],
  [['a', 'b', 'c'], 'x', 'ERR syntax error'],
])('AUTH %j where the password is "%s"', (words, requiredPassword, expected) => {
  expect(parseAuth(words, requiredPassword)).toEqual(expected);
});

describe('credentials', () => {
  test('are right for the one user with the one password', () => {
    expect(areRight({ user: 'default', password: 'säcret' }, 'säcret')).toBe(true);
    expect(areRight({ user: 'default', password: 'säcre' }, 'säcret')).toBe(false);
    expect(areRight({ user: 'default', password: '' }, 'säcret')).toBe(false);
    expect(areRight({ user: 'Default', password: 'säcret' }, 'säcret')).toBe(false);
  });

  test('any password is right where none is required', () => {
    expect(areRight({ user: 'default', password: 'anything' }, '')).toBe(true);
    expect(areRight({ user: 'nobody', password: '' }, '')).toBe(false);
  });
});

test('the reply is a map in RESP3 and an array in RESP2', () => {
  const answer = (protocol: 2 | 3): unknown => {
    const out = new Output();
    const reply = new ReplyWriter(out);
    reply.protocol = protocol;
    writeHello(reply, { server: 'redis', version: '7.2.5', id: 9, role: 'master' });
    const bytes = out.take();
    return decodeReply(bytes, 0, bytes.length);
  };
  const pairs = { server: 'redis', version: '7.2.5', id: 9, mode: 'standalone', role: 'master', modules: [] };
  expect(answer(3)).toEqual(new Map(Object.entries({ ...pairs, proto: 3 })));
  expect(new Set(answer(2) as unknown[])).toEqual(new Set(Object.entries({ ...pairs, proto: 2 }).flat()));
});

/**
 * The settings of TLS: what they make of good files, and what they say of bad ones.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CacheError, type SettingsInput } from '../../src/base';
import { clientTls } from '../../src/net';
import { serverTls } from '../../src/net/tls-context';
import { serverSettings, type ServerSettings } from '../../src/server';
import { freePort } from '../bin/daemon';
import { TestNode } from '../server/nodes';
import { Authority, hasOpenssl, hashedName, makeFolder, makeParameters, removeFolder } from './authority';

type Input = SettingsInput<ServerSettings['table']>;

function valuesOf(input: Input): ServerSettings['values'] {
  const settings = serverSettings();
  settings.assign(input);
  return settings.values;
}

describe.skipIf(!hasOpenssl)('TLS settings', () => {
  let folder: string;
  let authority: Authority;
  let good: Record<string, string>;
  const at = (name: string): string => join(folder, name);

  beforeAll(() => {
    folder = makeFolder();
    authority = new Authority(folder, 'authority');
    const server = authority.issue('server');
    authority.issue('other');
    authority.issue('locked', 'open sesame');
    const text = readFileSync(server.cert, 'latin1');
    writeFileSync(at('garbage.crt'), 'no PEM at all');
    writeFileSync(at('broken.crt'), text.replace(/\n[A-Za-z0-9+/]{64}\n/, '\nAAAA\n'));
    makeParameters(at('dh.pem'));
    mkdirSync(at('hashed'));
    writeFileSync(join(at('hashed'), hashedName(authority.cert)), readFileSync(authority.cert));
    writeFileSync(join(at('hashed'), 'README'), 'passed over');
    mkdirSync(at('plain'));
    writeFileSync(join(at('plain'), 'authority.pem'), readFileSync(authority.cert));
    good = { 'tls-cert-file': server.cert, 'tls-key-file': server.key, 'tls-ca-cert-file': authority.cert };
  });
  afterAll(() => removeFolder(folder));

  /** Settings where values that begin with "@" are names in the folder. */
  const input = (given: Record<string, string>): Input =>
    Object.fromEntries(
      Object.entries({ ...good, ...given }).map(([name, value]) => [
        name,
        value.startsWith('@') ? at(value.slice(1)) : value,
      ]),
    );

  test.each<[string, Record<string, string>]>([
    ['a certificate, its key, an authority', {}],
    ['no authority where clients need no certificate', { 'tls-ca-cert-file': '', 'tls-auth-clients': 'no' }],
    ['a directory of authorities', { 'tls-ca-cert-file': '', 'tls-ca-cert-dir': '@hashed' }],
    [
      'a key with a password',
      { 'tls-cert-file': '@locked.crt', 'tls-key-file': '@locked.key', 'tls-key-file-pass': 'open sesame' },
    ],
    ['Diffie-Hellman parameters', { 'tls-dh-params-file': '@dh.pem' }],
    ['versions with a gap', { 'tls-protocols': 'tlsv1.1 TLSv1.3' }],
    ['ciphers', { 'tls-ciphers': 'HIGH:!aNULL', 'tls-ciphersuites': 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384' }],
  ])('a server can do with %s', (_what, given) => {
    expect(serverTls(valuesOf(input(given))).options.cert).toContain('BEGIN CERTIFICATE');
  });

  test.each<[Record<string, string>, string]>([
    [{ 'tls-cert-file': '' }, 'No tls-cert-file configured!'],
    [{ 'tls-key-file': '' }, 'No tls-key-file configured!'],
    [
      { 'tls-ca-cert-file': '' },
      'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is not no',
    ],
    [{ 'tls-cert-file': '/missing.crt' }, "tls-cert-file '/missing.crt': No such file or directory"],
    [{ 'tls-cert-file': '@garbage.crt' }, "tls-cert-file '@garbage.crt': no certificate in it"],
    [{ 'tls-cert-file': '@broken.crt' }, "tls-cert-file '@broken.crt': certificate 1: "],
    [{ 'tls-key-file': '@garbage.crt' }, "tls-key-file '@garbage.crt': "],
    [{ 'tls-key-file': '@other.key' }, "tls-key-file '@other.key': is not the key of tls-cert-file '@server.crt'"],
    [{ 'tls-key-file': '@locked.key' }, "tls-key-file '@locked.key': needs its password, tls-key-file-pass"],
    [{ 'tls-key-file': '@locked.key', 'tls-key-file-pass': 'wrong' }, "tls-key-file '@locked.key': "],
    [{ 'tls-ca-cert-file': '@server.key' }, "tls-ca-cert-file '@server.key': no certificate in it"],
    [{ 'tls-ca-cert-dir': '/missing' }, "tls-ca-cert-dir '/missing': No such file or directory"],
    [
      { 'tls-ca-cert-dir': '@plain' },
      "tls-ca-cert-dir '@plain': no certificate in it under a name of `openssl rehash`",
    ],
    [{ 'tls-dh-params-file': '@garbage.crt' }, "tls-dh-params-file '@garbage.crt': no parameters in it"],
    [{ 'tls-ciphers': 'FOO' }, 'Failed to configure ciphers: FOO'],
    [{ 'tls-ciphers': 'TLS_AES_128_GCM_SHA256' }, 'Failed to configure ciphers: TLS_AES_128_GCM_SHA256'],
    [{ 'tls-ciphersuites': 'TLS_FOO' }, 'Failed to configure ciphersuites: TLS_FOO'],
  ])('a server is refused with %j', (given, message) => {
    const expected = message.replace(/'@([^']+)'/g, (_all, name: string) => `'${at(name)}'`);
    const make = (): unknown => serverTls(valuesOf(input(given)));
    expect(make).toThrow(CacheError);
    expect(make).toThrow(expect.objectContaining({ code: 'BAD_SETTING' }));
    expect(make).toThrow(expected);
  });

  test('the end that opens connections needs an authority, and takes any certificate it is given', () => {
    expect(clientTls(valuesOf(input({}))).secureContext).toBeDefined();
    expect(clientTls(valuesOf({ 'tls-ca-cert-file': authority.cert })).secureContext).toBeDefined();
    expect(() => clientTls(valuesOf({}))).toThrow('Either tls-ca-cert-file or tls-ca-cert-dir must be specified');
    const pair = { 'tls-client-cert-file': '@other.crt', 'tls-client-key-file': '@server.key' };
    expect(() => clientTls(valuesOf(input(pair)))).toThrow('is not the key of tls-client-cert-file');
    expect(() => clientTls(valuesOf(input({ 'tls-client-cert-file': '@other.crt' })))).toThrow(
      'No tls-client-key-file configured!',
    );
  });

  test('versions that do not exist are refused by the setting itself', () => {
    const reason = "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.";
    expect(serverSettings().change(['tls-protocols', 'TLSv1.2 SSLv3'], false)).toBe(
      `ERR CONFIG SET failed (possibly related to argument 'tls-protocols') - ${reason}`,
    );
  });

  test('a node with a bad file does not start, and leaves no port open', async () => {
    const ports = { port: String(await freePort()), 'tls-port': String(await freePort()), bind: '127.0.0.1' };
    const given = { ...good, ...ports };
    const failing = new TestNode({ ...given, 'tls-cert-file': at('garbage.crt') }).node;
    await expect(failing.start()).rejects.toMatchObject({ code: 'BAD_SETTING' });
    const { node } = new TestNode(given);
    await node.start();
    expect(node.addresses).toHaveLength(2);
    await node.stop();
  });
});

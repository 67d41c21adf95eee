/**
 * What transcripts cannot show of the server's commands: its end, its configuration file, its gates.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { TestNode, textOf } from './nodes';

const nodes: TestNode[] = [];

function start(settings: Readonly<Record<string, string>> = {}, configFile: string | null = null): TestNode {
  const node = new TestNode(settings, configFile);
  nodes.push(node);
  return node;
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ node }) => node.stop()));
});

test('SHUTDOWN tells the node and closes without a reply', async () => {
  const server = start();
  let asked = 0;
  server.node.on('shutdown', () => asked++);
  await expect(server.client()('SHUTDOWN NOSAVE NOW FORCE')).rejects.toMatchObject({ code: 'CLOSED' });
  expect(asked).toBe(1);
  const say = server.client();
  await expect(say('SHUTDOWN ABORT NOW')).rejects.toThrow('ERR syntax error');
  await expect(say('SHUTDOWN ABORT')).rejects.toThrow('ERR No shutdown in progress.');
  expect(asked).toBe(1);
});

test('CONFIG REWRITE writes the file that the server was started with', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slotcache-test-'));
  try {
    const path = join(folder, 'redis.conf');
    await writeFile(path, '# mine\ntimeout 5\n');
    const say = start({ timeout: '5' }, path).client();
    await say('CONFIG SET timeout 7');
    expect(await say('CONFIG REWRITE')).toBe('OK');
    expect(await readFile(path, 'utf8')).toContain('# mine\ntimeout 7\n');
    expect(await textOf(say('INFO server'))).toContain(`config_file:${path}\r\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('CONFIG REWRITE without a file', async () => {
  await expect(start().client()('CONFIG REWRITE')).rejects.toThrow('ERR The server is running without a config file');
});

test('DEBUG is closed unless a setting opens it', async () => {
  const closed = start().client();
  await expect(closed('DEBUG')).rejects.toThrow("ERR wrong number of arguments for 'debug' command");
  for (const line of ['DEBUG SLEEP 0', 'DEBUG HELP', 'DEBUG SLEEP', 'DEBUG nosuch']) {
    await expect(closed(line), line).rejects.toThrow(
      /^ERR DEBUG command not allowed\. If the enable-debug-command option/,
    );
  }
  // In memory is local.
  const local = start({ 'enable-debug-command': 'local' }).client();
  expect(await local('DEBUG SLEEP x')).toBe('OK');
  await expect(local('DEBUG nosuch')).rejects.toThrow(
    "ERR unknown subcommand or wrong number of arguments for 'nosuch'",
  );
});

test('protected settings are closed unless a setting opens them', async () => {
  await expect(start().client()('CONFIG SET dir .')).rejects.toThrow("can't set protected config");
  expect(await start({ 'enable-protected-configs': 'yes' }).client()('CONFIG SET dir .')).toBe('OK');
});

test('DEBUG PROTOCOL shows every type of RESP3', async () => {
  const say = start({ 'enable-debug-command': 'yes' }).client();
  await expect(say('DEBUG PROTOCOL push')).rejects.toThrow('ERR RESP2 is not supported by this command');
  await say('HELLO 3');
  const map = new Map([
    [0, false],
    [1, true],
    [2, false],
  ]);
  const samples: [string, unknown][] = [
    ['string', 'Hello World'],
    ['integer', 12345],
    ['double', 3.141],
    ['bignum', 1234567999999999999999999999999999999n],
    ['null', null],
    ['array', [0, 1, 2]],
    ['set', new Set([0, 1, 2])],
    ['map', map],
    ['attrib', 'Some real reply following the attribute'],
    ['push', 'Some real reply following the push reply'],
    ['verbatim', 'This is a verbatim\nstring'],
    ['true', true],
    ['false', false],
  ];
  for (const [name, value] of samples) expect(await say(`DEBUG PROTOCOL ${name}`), name).toEqual(value);
  await expect(say('DEBUG PROTOCOL nosuch')).rejects.toThrow('string|integer|double|bignum|null|array|set|map|attrib');
});

test('DEBUG OBJECT tells the length in an RDB file', async () => {
  const say = start({ 'enable-debug-command': 'yes', rdbcompression: 'no' }).client();
  const lengths: [string, number][] = [
    ['127', 2],
    ['-128', 2],
    ['128', 3],
    ['32768', 5],
    ['2147483648', 11],
    ['x'.repeat(63), 64],
    ['x'.repeat(64), 66],
    ['x'.repeat(16_384), 16_389],
  ];
  for (const [value, length] of lengths) {
    await say(`SET k ${value}`);
    expect(await say('DEBUG OBJECT k')).toContain(` serializedlength:${length} `);
  }
  await say('CONFIG SET rdbcompression yes');
  expect(await say('DEBUG OBJECT k')).toContain(' serializedlength:203 ');
});

test('DEBUG ERROR, LOG and STRINGMATCH-LEN', async () => {
  const server = start({ 'enable-debug-command': 'yes' });
  const say = server.client();
  await expect(say('DEBUG ERROR MYCODE')).rejects.toThrow(/^MYCODE$/);
  await say('DEBUG LOG hello');
  expect(server.log).toContainEqual(['warning', 'DEBUG LOG: hello']);
  expect(await say('DEBUG STRINGMATCH-LEN h[^e]* hallo')).toBe(1);
  expect(await say('DEBUG STRINGMATCH-LEN h[^e]* hello')).toBe(0);
});

test('LOLWUT says who it is', async () => {
  const say = start().client();
  expect(await say('LOLWUT')).toMatch(/^([╱╲]{64}\n){16}\nslotcache \d+\.\d+\.\d+, Redis ver\. 7\.2\.\d+\n$/);
  await expect(say('LOLWUT VERSION x')).rejects.toThrow('ERR value is not an integer or out of range');
});

/**
 * cache-config as processes: what was acknowledged survives a kill, a log that cannot be relied on is never started over in silence, and
 * neither strangers nor a second process on the same directory get in.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/net';
import type { Reply } from '../../src/resp';
import { build, connectTo, Daemon, endAll, freePort } from './daemon';

const HOST = '127.0.0.1';

let folder: string;
let port: number;

beforeAll(build);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slotcache-bin-'));
  mkdirSync(join(folder, 'state'));
  port = await freePort();
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function launch(...args: string[]): Daemon {
  return new Daemon('dist/bin/cache-config.js', ['--port', String(port), '--dir', 'state', ...args], folder);
}

async function start(...args: string[]): Promise<Daemon> {
  const daemon = launch(...args);
  await daemon.says(/Ready to accept connections/);
  return daemon;
}

/** Sends the words until they are answered by what `isWanted` wants. */
async function until(client: Client, words: readonly string[], isWanted: (reply: Reply) => boolean): Promise<Reply> {
  for (;;) {
    const reply = await client.command(...words).catch(() => null);
    if (isWanted(reply)) return reply;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function textOf(reply: Reply): string {
  return JSON.stringify(reply);
}

/** Sends bytes, and resolves with what is said before the connection is closed from the other side. */
function sendRaw(to: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(to, HOST, () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (text: string) => (said += text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });
}

describe('alone', () => {
  test('a relative --dir is one of the folder it was started in, and what was acknowledged survives a kill', async () => {
    const first = await start();
    const client = await connectTo(port);
    await client.command('GROUP', 'CREATE', 1);
    await client.command('GROUP', 'ADD', 1, HOST, 7001, 'NOCHECK');
    await client.command('SLOTS', 'SPREAD', 1);
    const slots = await client.command('SLOTS', 'LIST');
    await first.kill('SIGKILL');
    expect(existsSync(join(folder, 'state', 'raft'))).toBe(true);

    const second = await start();
    const again = await connectTo(port);
    expect(await again.command('SLOTS', 'LIST')).toEqual(slots);
    await again.close();
    expect(await second.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
  });

  test('a second process in the same directory is refused, and the first goes on', async () => {
    await start();
    const second = new Daemon(
      'dist/bin/cache-config.js',
      ['--port', String(await freePort()), '--dir', 'state'],
      folder,
    );
    expect((await second.ended).code).toBe(1);
    expect(second.stdout).toMatch(/# cache-config cannot start: cannot lock directory .* uses it/);
    const client = await connectTo(port);
    expect(typeof (await client.command('GROUP', 'CREATE', 1))).toBe('number');
    await client.close();
  });

  test('a damaged log is named with file and offset, and left alone', async () => {
    const first = await start();
    const client = await connectTo(port);
    for (let group = 1; group <= 5; group++) await client.command('GROUP', 'CREATE', group);
    await first.kill('SIGKILL');
    const raft = join(folder, 'state', 'raft');
    const segment = readdirSync(raft).find((name) => readFileSync(join(raft, name)).includes('create-group'))!;
    const bytes = readFileSync(join(raft, segment));
    // Within the first change, with acknowledged ones after it: that is no write that a crash cut off.
    bytes[bytes.indexOf('create-group')] ^= 1;
    writeFileSync(join(raft, segment), bytes);

    const second = launch();
    expect((await second.ended).code).toBe(1);
    expect(second.stdout).toMatch(
      new RegExp(`# cache-config cannot start: .*${segment}' is damaged at byte [1-9][0-9]*`),
    );
    expect(readFileSync(join(raft, segment))).toEqual(bytes);
  });

  test('the state of an older version is taken up once', async () => {
    const view = { version: 4, groups: [{ id: 7, epoch: 1, members: [] }], slots: [] };
    writeFileSync(join(folder, 'state', 'view.json'), JSON.stringify({ view, events: [] }));
    const first = await start();
    const client = await connectTo(port);
    const groups = await client.command('GROUP', 'LIST');
    expect(textOf(groups)).toContain('7');
    await first.kill('SIGKILL');
    expect(readdirSync(join(folder, 'state'))).toEqual(['raft', 'view.json.imported']);
    await start();
    const again = await connectTo(port);
    expect(await again.command('GROUP', 'LIST')).toEqual(groups);
    await again.close();
  });

  test('a damaged state of an older version is named and left alone', async () => {
    const file = join(folder, 'state', 'view.json');
    writeFileSync(file, '{ "view": ');
    const daemon = launch();
    expect((await daemon.ended).code).toBe(1);
    expect(daemon.stdout).toMatch(/# cache-config cannot start: .*view\.json is damaged/);
    expect(readFileSync(file, 'utf8')).toBe('{ "view": ');
  });
});

describe('three', () => {
  const SECRET = ['--cluster-secret', 'a secret of theirs'];
  let ports: Map<number, number>;
  let peerPorts: Map<number, number>;

  beforeEach(async () => {
    ports = new Map();
    peerPorts = new Map();
    for (const id of [1, 2, 3, 4]) {
      ports.set(id, await freePort());
      peerPorts.set(id, await freePort());
    }
  });

  /** What one at the `place` of that number is started with. */
  function words(place: number, ...more: string[]): string[] {
    mkdirSync(directoryOf(place), { recursive: true });
    const [at, peerPort] = [String(ports.get(place)), String(peerPorts.get(place))];
    return ['--port', at, '--bind', HOST, '--dir', directoryOf(place), '--peer-port', peerPort, ...more];
  }

  function directoryOf(place: number): string {
    return join(folder, `config-${place}`);
  }

  async function startAll(): Promise<Map<number, Daemon>> {
    const founders = [1, 2, 3].map((id) => `${id}@${HOST}:${peerPorts.get(id)}`);
    const daemons = new Map<number, Daemon>();
    for (const id of [1, 2, 3]) {
      const args = words(id, '--id', String(id), ...SECRET, '--peers', ...founders);
      daemons.set(id, new Daemon('dist/bin/cache-config.js', args, folder));
    }
    await Promise.all([...daemons.values()].map((daemon) => daemon.says(/Ready to accept connections/)));
    // Each has the others know where it takes clients, which are changes too.
    const client = await connectTo(ports.get(1)!);
    const addresses = [1, 2, 3].map((id) => `"${HOST}:${ports.get(id)}"`);
    await until(client, ['CONFIG', 'LIST'], (reply) => addresses.every((address) => textOf(reply).includes(address)));
    await client.close();
    return daemons;
  }

  async function stateAt(id: number): Promise<Reply[]> {
    const client = await connectTo(ports.get(id)!);
    const state = [];
    for (const what of ['VIEW GET', 'EVENTS', 'SETTINGS', 'GROUP LIST']) {
      state.push(await client.command(...what.split(' ')));
    }
    await client.close();
    return state;
  }

  test('what was acknowledged is the same everywhere, and after all of them were killed', async () => {
    const daemons = await startAll();
    const client = await connectTo(ports.get(2)!);
    await client.command('GROUP', 'CREATE', 1);
    await client.command('GROUP', 'ADD', 1, HOST, 7001, 'NOCHECK');
    await client.command('SLOTS', 'SPREAD', 1);
    await client.command('SET', 'down-after-ms', 5000);
    const state = await stateAt(1);
    expect(await stateAt(2)).toEqual(state);
    expect(await stateAt(3)).toEqual(state);

    await Promise.all([...daemons.values()].map((daemon) => daemon.kill('SIGKILL')));
    await startAll();
    for (const id of [1, 2, 3]) expect(await stateAt(id)).toEqual(state);
  });

  test('strangers change nothing and are logged; one with the secret joins, votes, and is removed', async () => {
    const daemons = await startAll();
    const client = await connectTo(ports.get(1)!);
    await client.command('GROUP', 'CREATE', 1);
    const view = await client.command('VIEW', 'GET');

    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '*1\r\n$4\r\nPING\r\n', '\x00\xff\x17garbage\r\n']) {
      await sendRaw(peerPorts.get(1)!, bytes);
    }
    await daemons.get(1)!.says(/Refused a connection to the port of config servers/);
    const reply = await sendRaw(ports.get(1)!, '*1\r\n$-5\r\nxx\r\n');
    expect(reply).toMatch(/^-ERR Protocol error/);

    // It says that it is the first, with which the others speak; who is lower in number dials.
    const founders = [1, 2, 3].map((id) => `${id}@${HOST}:${peerPorts.get(id === 1 ? 4 : id)}`);
    const lies = ['--id', '1', '--cluster-secret', 'wrong', '--peers', ...founders];
    const liar = new Daemon('dist/bin/cache-config.js', words(4, ...lies), folder);
    await daemons.get(2)!.says(/the proof is wrong/);
    expect(await client.command('VIEW', 'GET')).toEqual(view);
    await liar.kill('SIGKILL');
    rmSync(directoryOf(4), { recursive: true });

    const joins = ['--join', 'yes', '--peers', ...[1, 2, 3].map((id) => `${id}@${HOST}:${peerPorts.get(id)}`)];
    const fourth = new Daemon('dist/bin/cache-config.js', words(4, '--id', '4', ...SECRET, ...joins), folder);
    await fourth.says(/starting/);
    await client.command('CONFIG', 'ADD', 4, `${HOST}:${peerPorts.get(4)}`, `${HOST}:${ports.get(4)}`);
    const listed = textOf(await client.command('CONFIG', 'LIST'));
    expect(listed).toContain(`"${HOST}:${ports.get(4)}"`);
    await fourth.says(/Ready to accept connections/);
    expect(await stateAt(4)).toEqual(await stateAt(1));

    await client.command('CONFIG', 'REMOVE', 4);
    expect(textOf(await client.command('CONFIG', 'LIST'))).not.toContain(`"${HOST}:${ports.get(4)}"`);
    await client.close();
  });
});

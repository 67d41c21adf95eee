/**
 * cachectl: what it asks of config servers (of paper, here), how often, what it shows, and how it ends; as a process only where that
 * is in question.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../bin/cachectl/program';
import { VERBS } from '../../bin/cachectl/verbs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { realWorld, silentLog } from '../../src/base';
import { ConfigNode, configSettings, ConfigState, perform } from '../../src/config';
import { build, Daemon, endAll, freePort } from './daemon';
import { DROP, FakeConfigServer, LATER, type FakeConnection, type Script } from './fake-config-server';

const started: FakeConfigServer[] = [];
let ports: number[];

beforeAll(build);
beforeEach(async () => {
  ports = [await freePort(), await freePort()];
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await endAll();
});

async function serve(which: number, script: Script): Promise<FakeConfigServer> {
  const server = new FakeConfigServer(script);
  started.push(server);
  await server.start(ports[which]);
  return server;
}

function servers(): string[] {
  return ['--servers', ports.map((port) => `127.0.0.1:${port}`).join()];
}

/** As a process. */
function cachectl(...args: string[]): Daemon {
  return new Daemon('dist/bin/cachectl.js', [...servers(), ...args]);
}

/** Runs it to its end, in this process. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await runProgram([...servers(), ...args], {
    out: (text) => (stdout += text),
    err: (text) => (stderr += text),
  });
  return { code, stdout, stderr };
}

describe('what is shown', () => {
  const groups = [
    {
      id: 1,
      state: 'serving',
      slots: 512,
      'changed-at-ms': 1_795_000_000_000,
      members: [{ id: 'a:1', role: 'master', zone: '' }],
    },
    { id: 22, state: 'switching', slots: 0, 'changed-at-ms': 0, members: [] },
  ];

  test('is a table for a list of maps', async () => {
    await serve(0, () => groups);
    expect(await run('groups', 'list')).toEqual({
      code: 0,
      stdout: [
        'ID  STATE      SLOTS  CHANGED-AT-MS             MEMBERS',
        '1   serving    512    2026-11-18T11:06:40.000Z  a:1 master',
        '22  switching  0      0                         -',
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  test('is lines and sections for a map', async () => {
    await serve(0, () => ({ leader: 1, term: 7, reason: null, groups, empty: [] }));
    const { stdout } = await run('status');
    expect(stdout.split('\n').slice(0, 7)).toEqual([
      'leader  1',
      'term    7',
      'reason  -',
      'empty   -',
      '',
      'groups',
      '  ID  STATE      SLOTS  CHANGED-AT-MS             MEMBERS',
    ]);
  });

  test('is JSON where that is asked for, before or after the verb', async () => {
    await serve(0, () => groups);
    expect(JSON.parse((await run('--json', 'groups', 'list')).stdout)).toEqual(groups);
    expect((await run('groups', 'list', '--json')).stdout).toBe(`${JSON.stringify(groups)}\n`);
  });

  test('of a setting is its value', async () => {
    await serve(0, () => ({ 'down-after-ms': 1000, 'lease-ms': 800 }));
    expect((await run('settings', 'get', 'lease-ms')).stdout).toBe('800\n');
    expect(await run('settings', 'get', 'lease')).toMatchObject({
      code: 1,
      stderr: "cachectl: there is no setting 'lease'\n",
    });
  });
});

describe('what is asked', () => {
  test.each([
    ['groups add 1 [::1]:7001 --zone a --force', 'GROUP ADD 1 ::1 7001 ZONE a FORCE'],
    ['groups add 1 host:7001 --no-check --role replica', 'GROUP ADD 1 host 7001 ROLE replica NOCHECK'],
    ['slots spread 1 2 3', 'SLOTS SPREAD 1 2 3'],
    ['slots assign 0-511 1 --force', 'SLOTS ASSIGN 0-511 1 FORCE'],
    ['failover pause', 'FAILOVER PAUSE'],
    ['failover resume 3', 'FAILOVER RESUME 3'],
    ['settings set lease-ms 500', 'SET lease-ms 500'],
    ['configs remove 3', 'CONFIG REMOVE 3'],
  ])('by %s is a change with a name', async (line, words) => {
    const server = await serve(0, () => 17);
    expect(await run(...line.split(' '))).toEqual({ code: 0, stdout: 'done: version 17\n', stderr: '' });
    expect(server.asked).toEqual([['ONCE', expect.stringMatching(/^[0-9a-f-]{36}$/), ...words.split(' ')]]);
  });

  test.each(VERBS)('by $name is of the language of config servers', ({ takes, words }) => {
    const address = 'host:7001';
    const samples: Readonly<Record<string, string>> = {
      address,
      'peer-address': address,
      range: '0-511',
      name: 'lease-ms',
    };
    const args = Array.from(takes.matchAll(/[<[]([a-z-]+)/g), ([, name]) => samples[name] ?? '1');
    const options = { zone: 'a', role: 'replica', engine: 'redis', force: true, check: false, to: address };
    for (const given of [{}, options]) {
      const reply = perform(ConfigState.empty, words(args, given));
      if (reply.kind === 'error') expect(reply.text).not.toMatch(/unknown command|syntax error/);
    }
  });

  test('by raw is sent as it is', async () => {
    const server = await serve(0, () => [1, null, 'x']);
    expect((await run('raw', '--', 'some', '--words', '')).stdout).toBe('1\n-\nx\n');
    expect(server.asked).toEqual([['some', '--words', '']]);
  });
});

describe('where a config server', () => {
  test('is down, the next is asked', async () => {
    await serve(1, () => 'fine');
    expect(await run('view')).toEqual({ code: 0, stdout: 'fine\n', stderr: '' });
  });

  test('is lost, or cannot decide, a change is asked for again under the same name', async () => {
    const first = await serve(0, () => DROP);
    let isFirst = true;
    const second = await serve(1, () => {
      if (!isFirst) return 5;
      isFirst = false;
      return new Error('NOQUORUM there is no leader');
    });
    expect(await run('groups', 'create', '1')).toEqual({ code: 0, stdout: 'done: version 5\n', stderr: '' });
    const names = new Set([...first.asked, ...second.asked].map((words) => words.slice(0, 2).join(' ')));
    expect([names.size, second.asked.length]).toEqual([1, 2]);
  });

  test('is lost, what has no name is not asked again', async () => {
    await serve(0, () => DROP);
    const second = await serve(1, () => 'fine');
    const { code, stderr } = await run('raw', 'GROUP', 'CREATE', '1');
    expect([code, second.asked]).toEqual([1, []]);
    expect(stderr).toContain('nobody knows what became of it');
  });

  test('never answers, nobody knows what became of a change', async () => {
    await serve(0, () => LATER);
    const { code, stderr } = await run('groups', 'create', '1', '--timeout', '0.2');
    expect([code, stderr.split('\n')[0]]).toEqual([1, 'cachectl: nobody knows what became of it:']);
  });

  test('refuses, that is said', async () => {
    await serve(0, () => new Error('EXISTS group 1 exists'));
    expect(await run('groups', 'create', '1')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'cachectl: EXISTS group 1 exists\n',
    });
  });

  test('cannot be reached, nor any other, each is named', async () => {
    const { code, stderr } = await run('status', '--timeout', '0.3');
    expect(code).toBe(3);
    for (const port of ports) expect(stderr).toContain(`127.0.0.1:${port}: connect ECONNREFUSED`);
  });
});

test.each([
  [[]],
  [['group', 'list']],
  [['groups', 'add', '1']],
  [['status', '--servers', 'a b']],
  [['status', '--tls']],
])('what is not understood ends with 2: %s', async (args) => {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).not.toBe('');
});

test('events are followed over the loss of a config server, each shown once', async () => {
  const event = (version: number): { version: number; text: string } => ({ version, text: `change ${version}` });
  let subscriber: FakeConnection | null = null;
  const script =
    (answer: ReturnType<Script>, ...history: number[]): Script =>
    (words, connection) => {
      if (words[0] === 'PING') return 'PONG';
      if (words[1] !== 'SUBSCRIBE') return history.map(event);
      subscriber = connection;
      return answer;
    };
  // Whether a subscription is answered by more than what it is for is not ours to say.
  await serve(0, script('OK', 2, 1));
  await serve(1, script(LATER, 5, 4, 3, 2, 1));
  const daemon = cachectl('events', '--follow', '--json');
  await daemon.says(/change 2/);
  subscriber!.push(['event', event(3)]);
  await daemon.says(/change 3/);
  await started[0].stop();
  await daemon.says(/change 5/);
  subscriber!.push(['event', event(5)]);
  subscriber!.push(['event', event(6)]);
  await daemon.says(/change 6/);
  expect(daemon.stdout.match(/\d(?=\})|(?<=change )\d/g)).toEqual(['1', '2', '3', '4', '5', '6']);
  await daemon.kill('SIGTERM');
});

test('a long change shows its progress apart from its answer', async () => {
  let phase = 'waiting for offsets';
  let asking: FakeConnection | null = null;
  await serve(0, (words, connection) => {
    if (words[0] === 'FAILOVER') return [{ group: 1, phase }];
    asking = connection;
    return LATER;
  });
  const daemon = cachectl('groups', 'switch', '1');
  await daemon.says(/waiting for offsets/);
  phase = 'promoting';
  await daemon.says(/promoting/);
  asking!.say({ 'new-master': 'b:2' });
  expect(await daemon.ended).toMatchObject({ code: 0 });
  expect(daemon.stdout).toBe('new-master  b:2\n');
  expect(daemon.stderr).toMatch(/^GROUP {2}PHASE\n1 {6}waiting for offsets\nGROUP {2}PHASE\n1 {6}promoting\n$/);
});

test('a process ends with the exit code, when all that it had to say is said', async () => {
  const text = 'x'.repeat(200_000);
  await serve(0, ([word]) => (word === 'VIEW' ? text : new Error('NOGROUP there is no group 1')));
  const [view, refused] = [cachectl('view'), cachectl('groups', 'delete', '1')];
  expect([(await view.ended).code, view.stdout.length]).toEqual([0, text.length + 1]);
  expect([(await refused.ended).code, refused.stderr]).toEqual([1, 'cachectl: NOGROUP there is no group 1\n']);
});

test('completions are made of the tree of commands', async () => {
  const { stdout } = await run('completion', 'bash');
  expect(stdout).toContain("'groups add') words='--zone --role --engine --force --no-check --servers");
  expect((await run('completion', 'zsh')).stdout).toContain('#compdef cachectl');
  expect((await run('completion', 'fish')).stdout).toContain(
    'complete -c cachectl -n \'__cachectl_at "groups"\' -a switch',
  );
});

test('a real config server understands it, from the first group to the last event', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slotcache-cachectl-'));
  const settings = configSettings();
  settings.assign({ port: ports[0], bind: ['127.0.0.1'], dir: folder });
  const node = new ConfigNode(realWorld({ log: silentLog }), settings);
  await node.start();
  try {
    expect(await run('groups', 'create', '1')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('groups', 'add', '1', '127.0.0.1:7001', '--zone', 'a', '--no-check')).toMatchObject({ code: 0 });
    expect(await run('slots', 'spread', '1')).toMatchObject({ code: 0 });
    expect(await run('settings', 'set', 'down-after-ms', '5000')).toMatchObject({ code: 0 });
    expect((await run('settings', 'get', 'down-after-ms')).stdout.trim()).toBe('5000');
    expect(JSON.parse((await run('slots', 'list', '--json')).stdout)).toEqual([{ from: 0, to: 1023, group: 1 }]);
    const [group] = JSON.parse((await run('groups', 'list', '--json')).stdout) as unknown[];
    expect(group).toMatchObject({ id: 1, slots: 1024, members: [{ id: '127.0.0.1:7001', role: 'master', zone: 'a' }] });
    const status = JSON.parse((await run('status', '--json')).stdout) as unknown;
    expect(status).toMatchObject({ leader: 1, voters: [1], groups: 1, members: 1, slots: 1024 });
    expect(await run('groups', 'delete', '1')).toMatchObject({ code: 1, stderr: expect.stringContaining('slots') });
    expect((await run('events')).stdout).toContain('SLOTS SPREAD 1');
  } finally {
    await node.stop();
    rmSync(folder, { recursive: true });
  }
});

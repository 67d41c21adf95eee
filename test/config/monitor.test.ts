/** What one config server sees of the data nodes, and what it tells the others. */
import { expect, test } from 'vitest';
import { readInfo } from '../../src/config/info-reader';
import { PaperHost } from './paper-host';

const MASTER = '10.0.0.1:7010';

function watching(): PaperHost {
  const host = new PaperHost();
  host.group(1, 'redis', 2);
  host.start();
  return host;
}

function lastTold(host: PaperHost): unknown {
  const message = host.told.at(-1);
  return message?.kind === 'opinions' ? message.opinions : null;
}

test('knows the reports of all members soon after the start', () => {
  const host = watching();
  expect(host.monitor.sight(MASTER)).toMatchObject({ isReachable: true, report: { role: 'master', offset: 100 } });
  expect(host.monitor.describe('10.0.0.1:7011')).toMatchObject({
    health: 'up',
    link: 'up',
    'reported-role': 'replica',
  });
  expect(host.monitor.describe('nobody:1')).toMatchObject({ offset: -1 });
});

test('a process that is gone is down within two pings, and told at once', () => {
  const host = watching();
  host.servers.get(MASTER)!.health = 'gone';
  host.time.run(200);
  expect(lastTold(host)).toMatchObject({ isWithdrawn: false, down: [{ memberId: MASTER, why: 'refused' }] });
  const count = host.told.length;
  host.time.run(1000);
  expect(host.told.length - count).toBeGreaterThanOrEqual(9);
  host.servers.get(MASTER)!.health = 'well';
  host.time.run(300);
  expect(lastTold(host)).toEqual({ isWithdrawn: false, down: [] });
  expect(host.monitor.sight(MASTER).isReachable).toBe(true);
});

test('a frozen one is down after the time, and up again when it wakes', () => {
  const host = watching();
  host.servers.get(MASTER)!.health = 'frozen';
  host.time.run(900);
  expect(host.monitor.sight(MASTER).isDown).toBe(false);
  host.time.run(250);
  expect(lastTold(host)).toMatchObject({ down: [{ memberId: MASTER, why: 'silent' }] });
  host.time.run(5000);
  host.servers.get(MASTER)!.health = 'well';
  host.time.run(2000);
  expect(host.monitor.sight(MASTER)).toMatchObject({ isDown: false, isReachable: true });
});

test('after a stall of its own nobody is down, and it says that its voice does not count', () => {
  const host = watching();
  host.time.stall(3000);
  host.time.run(100);
  expect(lastTold(host)).toEqual({ isWithdrawn: true, down: [] });
  expect(host.monitor.votes(MASTER)).toEqual([]);
  host.time.run(1200);
  expect(lastTold(host)).toEqual({ isWithdrawn: false, down: [] });
});

test('remembers where a master was whose process was replaced', () => {
  const host = watching();
  const server = host.servers.get(MASTER)!;
  Object.assign(server, { runId: 'another', stream: 'new', offset: 0 });
  host.time.run(1100);
  expect(host.monitor.lastSeenAsMaster(MASTER, `run of ${MASTER}`, [])).toMatchObject({
    stream: 'stream-1',
    offset: 100,
  });
  expect(host.monitor.lastSeenAsMaster(MASTER, 'another', [])).toMatchObject({ stream: 'new', offset: 0 });
});

test('INFO that tells no role is no report; what is missing promises least', () => {
  expect(readInfo('# Server\r\nrun_id:abc\r\n')).toBeNull();
  expect(readInfo('role:master\r\n')?.report).toMatchObject({ offset: -1, formerStream: '', formerOffset: -1 });
});

test('what INFO has in the place of a name is not logged, however it came there', () => {
  const text = `role:master\r\nrun_id:a\nb\u001b[2J\r\nmaster_replid:${'x'.repeat(300)}\r\n`;
  expect(readInfo(text)?.report).toMatchObject({ role: 'master', runId: '', stream: '' });
});

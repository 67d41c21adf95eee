/** A proxy acts only while it holds a lease, and a process that stood still acknowledges nothing (promises F1 and F2). */
import { expect, test } from 'vitest';
import { LOWER, PaperCluster, withPlanted } from './paper';

const GET = `GET ${LOWER}\r\n`;
const NO_LEASE = '-CLUSTERDOWN the proxy has no lease of the config servers\r\n';
const LAPSED =
  '-UNKNOWNOUTCOME the lease of the proxy lapsed before server a:6379 answered; whether the command was carried out is unknown\r\n';

test('it makes itself known, renews ten times a second, and takes leave', async () => {
  const cluster = new PaperCluster({ zone: 'east' });
  const { config, proxy } = cluster;
  expect(config.heard).toContain(`PROXY REGISTER ${proxy.runId} proxy:6380 ZONE east`);
  const before = config.heard.length;
  cluster.pass(1000);
  expect(config.heard.slice(before)).toEqual(Array.from({ length: 10 }, () => `LEASE RENEW PROXY ${proxy.runId} -1`));
  const stopped = proxy.stop();
  cluster.pass(10);
  await stopped;
  expect(config.heard.at(-1)).toBe('PROXY DEREGISTER proxy:6380');
});

test('commands wait for the first lease', () => {
  const cluster = new PaperCluster();
  cluster.config.renewal = '*3\r\n:0\r\n:1\r\n+not yet\r\n';
  cluster.pass(1000);
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  expect(cluster.ask(client, GET, 200)).toBe('');
  expect(cluster.time.log.map(([, line]) => line)).toContain('The config servers give no lease: not yet');
  cluster.config.renewal = '*2\r\n:800\r\n:1\r\n';
  cluster.pass(200);
  expect(client.text).toBe('+a\r\n');
});

test('before the lease ends commands are held back; they go on with the next one, or are refused in the end', () => {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
  cluster.config.state = 'silent';
  cluster.pass(740);
  expect(cluster.ask(client, GET)).toBe('');
  cluster.pass(500);
  expect(cluster.a.commands.length).toBe(1);
  cluster.config.state = 'up';
  cluster.pass(600);
  expect(client.text).toBe('+a\r\n+a\r\n');

  cluster.config.state = 'silent';
  cluster.pass(900);
  expect(cluster.ask(client, GET, 4900)).toBe('');
  expect(cluster.ask(client, 'PING\r\n', 200)).toBe(`${NO_LEASE}+PONG\r\n`);
  expect(cluster.ask(client, GET)).toBe(NO_LEASE);
  cluster.config.state = 'up';
  cluster.pass(600);
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
});

test('no reply passes that comes after the lapse', () => {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  cluster.ask(client, GET);
  cluster.a.isHeld = true;
  cluster.ask(client, GET);
  cluster.config.state = 'silent';
  cluster.pass(1200);
  cluster.a.release();
  cluster.pass(20);
  expect(client.text).toBe(`+a\r\n${LAPSED}`);
  cluster.config.state = 'up';
  cluster.pass(600);
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
});

test('a server that was being connected to when the lease lapsed is connected to with the next one', () => {
  const cluster = new PaperCluster({ 'hold-timeout': 1000 });
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  cluster.config.state = 'silent';
  cluster.a.state = 'gone';
  cluster.pass(600);
  expect(cluster.ask(client, GET, 1200)).toBe(NO_LEASE);
  cluster.a.state = 'up';
  cluster.config.state = 'up';
  cluster.pass(600);
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
});

/** A reply has been read when the process is stopped for two seconds, before it could be passed on. */
function freezeBeforeSending(): string {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  cluster.ask(client, GET);
  cluster.a.isHeld = true;
  cluster.ask(client, GET);
  cluster.a.release();
  cluster.time.timers.after(1, () => cluster.time.freeze(2000));
  cluster.pass(20);
  return `${client.text}${client.isClosed ? 'closed' : ''}`;
}

test('a process that was stopped with replies in its hands acknowledges none of them', () => {
  expect(freezeBeforeSending()).toBe('+a\r\nclosed');
  withPlanted('proxy-ignores-lapsed-lease', () => expect(freezeBeforeSending()).toBe('+a\r\n+a\r\n'));
});

test('a process that was stopped with commands in flight tells their clients that nobody knows', () => {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 1, master: 'a' });
  const client = cluster.client();
  cluster.ask(client, GET);
  client.send(GET);
  cluster.time.timers.after(0, () => cluster.time.timers.after(1, () => cluster.time.freeze(2000)));
  cluster.pass(300);
  expect(client.text).toBe(`+a\r\n${LAPSED}`);
  expect(cluster.ask(client, GET, 600)).toBe('+a\r\n');
  expect(cluster.ask(client, 'INFO slotcache\r\n')).toMatch(
    /slotcache_lease_ms:[78]\d\d\r\nslotcache_held_sessions:0\r/,
  );
});

/** Epochs travel on every connection to our own servers, and nothing passes that came by a lower one than the view's. */
import { expect, test } from 'vitest';
import { LOWER, PaperCluster, withPlanted } from './paper';

const GET = `GET ${LOWER}\r\n`;
const UNKNOWN =
  '-UNKNOWNOUTCOME the connection to server a:6379 was lost; whether the command was carried out is unknown\r\n';

test('a connection begins with the epoch, and says a higher one when the same server stays', () => {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 3, master: 'a' });
  const client = cluster.client();
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
  cluster.push({ epoch: 4, master: 'a', state: 'switching' });
  cluster.push({ epoch: 4, master: 'a' });
  expect(cluster.ask(client, GET)).toBe('+a\r\n');
  expect(cluster.a.heard).toEqual(['SLOTCACHE EPOCH 1 3', `GET ${LOWER}`, 'SLOTCACHE EPOCH 1 4', `GET ${LOWER}`]);
});

test('to a stock Redis nothing is said', () => {
  const cluster = new PaperCluster({}, 'redis');
  cluster.push({ epoch: 3, master: 'a' });
  expect(cluster.ask(cluster.client(), GET)).toBe('+a\r\n');
  cluster.push({ epoch: 4, master: 'a', state: 'switching' });
  expect(cluster.a.heard).toEqual([`GET ${LOWER}`]);
});

test('a server that knows a higher epoch is given up until a newer view comes', () => {
  const cluster = new PaperCluster();
  cluster.a.epochMin = 4;
  cluster.push({ epoch: 3, master: 'a' });
  const client = cluster.client();
  expect(cluster.ask(client, GET, 500)).toBe('');
  expect(cluster.a.commands).toEqual([]);
  cluster.push({ epoch: 4, master: 'a' });
  cluster.pass(20);
  expect(client.text).toBe('+a\r\n');
  cluster.a.epochMin = 6;
  cluster.push({ epoch: 5, master: 'a' });
  expect(cluster.ask(client, GET, 500)).toBe('');
  cluster.push({ epoch: 6, master: 'b' });
  cluster.pass(20);
  expect(client.text).toBe('+a\r\n+b\r\n');
});

/** A command is in flight to a when a view comes; then a answers. */
function answerAfter(epoch: number, master: string): string {
  const cluster = new PaperCluster();
  cluster.push({ epoch: 3, master: 'a' });
  const client = cluster.client();
  cluster.ask(client, GET);
  cluster.a.isHeld = true;
  cluster.ask(client, GET);
  cluster.push({ epoch, master });
  cluster.a.release();
  cluster.pass(20);
  return client.text;
}

test.each([
  ['another master', 4, 'b'],
  ['the same master, after others may have been it', 5, 'a'],
])('no reply passes of an epoch that is over: %s', (_why, epoch, master) => {
  expect(answerAfter(epoch, master)).toBe(`+a\r\n${UNKNOWN}`);
  withPlanted('stale-epoch-reply-accepted', () => expect(answerAfter(epoch, master)).toBe('+a\r\n+a\r\n'));
});

/**
 * Counts that Redis keeps in 64 bits, ours in 53: a stream that comes from a redis-server says the largest there is, and every reply
 * about it is still an integer.
 */
import { expect, test } from 'vitest';
import { JournaledNode } from '../journaled';

/** What redis-server 7.0.15 dumps of a stream with 2^63 − 1 entries added, read and deliveries. */
const PAYLOAD =
  'EwEQAAAAAAAAAAEAAAAAAAAAASgoAAAADwACAQABAQGBZgIAAQIBAAEAAYF2AgQBAgEBAQABgXYCBAH/AgkBAQEAAIF//////////wEBZwEBgX////////' +
  '//AQAAAAAAAAABAAAAAAAAAAHJXSoFogEAAIF//////////wEBY8ldKgWiAQAAAQAAAAAAAAABAAAAAAAAAAEKAANOtK2oBr8D';

test('a count beyond 2^53 − 1 is that', () => {
  const client = new JournaledNode().client();
  expect(client.say('RESTORE', 'x', '0', Buffer.from(PAYLOAD, 'base64').toString('latin1'))).toBe('+OK\r\n');
  const counts = client.say('XINFO', 'STREAM', 'x', 'FULL').match(/:\d{16,}\r\n/g);
  // Added, read, and the deliveries that the group and the consumer tell.
  expect(counts).toEqual(Array.from({ length: 4 }, () => `:${Number.MAX_SAFE_INTEGER}\r\n`));
});

/**
 * maxmemory over the wire: what is written stays within the limit, or is refused in Redis' words.
 */
import { expect, test } from 'vitest';
import { TestNode } from './nodes';

const LIMIT = 1_000_000;

async function fill(policy: string, keys: number): Promise<{ test: TestNode; refusals: number }> {
  const node = new TestNode({ maxmemory: String(LIMIT), 'maxmemory-policy': policy });
  const say = node.client();
  const outcomes = await Promise.allSettled(
    Array.from({ length: keys }, (_, i) => say(`SET key:${i} ${'x'.repeat(100)}`)),
  );
  return { test: node, refusals: outcomes.filter(({ status }) => status === 'rejected').length };
}

test('an LRU cache takes what comes and stays within its limit', async () => {
  const { test: cache, refusals } = await fill('allkeys-lru', 20_000);
  expect(refusals).toBe(0);
  const { keyspace } = cache.node;
  expect(keyspace.arena.usedBytes).toBeLessThan(LIMIT + 2000);
  expect(keyspace.eviction.evictedKeys).toBe(20_000 - keyspace.database(0).size);
  expect(await cache.client()('INFO stats')).toContain(`evicted_keys:${keyspace.eviction.evictedKeys}\r\n`);
  await cache.client()('CONFIG RESETSTAT');
  expect(await cache.client()('INFO stats')).toContain('evicted_keys:0\r\n');
  await cache.node.stop();
});

test.each(['noeviction', 'volatile-lru'])('%s with nothing that may go refuses writes, not reads', async (policy) => {
  const { test: cache, refusals } = await fill(policy, 10_000);
  expect(refusals).toBeGreaterThan(1000);
  const say = cache.client();
  await expect(say('SET key x')).rejects.toThrow("OOM command not allowed when used memory > 'maxmemory'.");
  expect(await say('GET key:0')).toBe('x'.repeat(100));
  for (let i = 0; i < 100; i++) await say(`DEL key:${i}`);
  expect(await say('SET key x')).toBe('OK');
  await cache.node.stop();
});

/**
 * cache-proxy as a process: what it does while it has no view.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build, connectTo, Daemon, endAll, freePort } from './daemon';

beforeAll(build);
afterAll(endAll);

test('a proxy whose config servers are down starts all the same, and says what is wrong', async () => {
  const port = await freePort();
  const proxy = new Daemon('dist/bin/cache-proxy.js', ['--port', String(port), '--config-servers', '127.0.0.1:1']);
  await proxy.says(/Ready to accept connections/);
  const client = await connectTo(port);
  expect(await client.command('PING')).toBe('PONG');
  await expect(client.command('GET', 'a')).rejects.toThrow('CLUSTERDOWN The cluster view is not known yet');
  await client.close();
  expect(proxy.stdout).toContain('No config server has sent a view yet');
});

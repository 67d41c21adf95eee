/**
 * A real Redis-compatible server inside a Node program or a test: no binary, no container, a free port.
 * Any client works; here node-redis.
 */
import { createClient } from 'redis';
import { startServer } from 'slotcache';

export async function run(log: (line: string) => void): Promise<void> {
  const server = await startServer();
  const client = await createClient({ url: server.url }).connect();

  await client.set('greeting', 'hello', { EX: 60 });
  log(`${await client.get('greeting')}, for ${await client.ttl('greeting')} s`);
  log(`${await client.incrBy('visits', 41)} then ${await client.incr('visits')}`);
  log(`keys: ${(await client.keys('*')).sort().join(' ')}`);

  client.destroy();
  await server.stop();
}

// prints:
// hello, for 60 s
// 41 then 42
// keys: greeting visits

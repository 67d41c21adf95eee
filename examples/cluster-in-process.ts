/**
 * A whole cluster in one process, made of the nodes that the binaries are made of: control plane, two data nodes, proxy.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realTimers } from 'slotcache/base';
import { Client, ConfigNode, configSettings, ProxyNode, proxySettings, realWorld, startServer } from 'slotcache';

export async function run(log: (line: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slotcache-example-'));
  const servers = [await startServer(), await startServer()];

  const configuration = configSettings();
  configuration.assign({ port: 0, dir: directory });
  const config = new ConfigNode(realWorld(), configuration);
  await config.start();
  const configAddress = await config.listen({ host: '127.0.0.1', port: 0 });

  const operator = await Client.connect(configAddress, realTimers);
  for (const [i, { host, port }] of servers.entries()) {
    await operator.command('GROUP', 'CREATE', i + 1);
    await operator.command('GROUP', 'ADD', i + 1, host, port);
  }
  await operator.command('SLOTS', 'SPREAD', 1, 2);
  log(`groups: ${config.plane.state.view.groups.map(({ id }) => id).join(', ')}`);

  const settings = proxySettings();
  const { port: configPort } = configAddress as { port: number };
  settings.assign({ port: 0, 'config-servers': `127.0.0.1:${configPort}` });
  const proxy = new ProxyNode(realWorld(), settings);
  await proxy.start();
  const client = await Client.connect(await proxy.listen({ host: '127.0.0.1', port: 0 }), realTimers);
  await proxy.viewKnown();

  await client.command('MSET', 'one', 1, 'two', 2, 'three', 3, 'four', 4);
  log(`MGET: ${String(await client.command('MGET', 'four', 'three', 'two', 'one'))}`);
  log(`DBSIZE: ${String(await client.command('DBSIZE'))}`);
  log(`each server has some: ${servers.every(({ node }) => node.keyspace.database(0).size > 0)}`);

  await client.close();
  await operator.close();
  await Promise.all([proxy.stop(), config.stop(), ...servers.map((server) => server.stop())]);
  await rm(directory, { recursive: true });
}

// prints:
// groups: 1, 2
// MGET: 4,3,2,1
// DBSIZE: 4
// each server has some: true

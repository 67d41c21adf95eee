/**
 * A managed cluster in one process that loses a master: the control plane notices, its replica takes over, the proxy follows, and the
 * client at the proxy only has to try again.
 *
 * In earnest there are three config servers, and everything is a process of its own: `npm start` shows that.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realTimers } from 'slotcache/base';
import { Client, ConfigNode, configSettings, ProxyNode, proxySettings, realWorld, startServer } from 'slotcache';

const HOST = '127.0.0.1';

export async function run(log: (line: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'slotcache-example-'));
  const configuration = configSettings();
  configuration.assign({ port: 0, dir: directory });
  const config = new ConfigNode(realWorld(), configuration);
  await config.start();
  const configAddress = await config.listen({ host: HOST, port: 0 });
  const configServers = `${HOST}:${(configAddress as { port: number }).port}`;

  const servers = [];
  const operator = await Client.connect(configAddress, realTimers);
  await operator.command('GROUP', 'CREATE', 1);
  for (const name of ['master', 'replica']) {
    const server = await startServer({ 'config-servers': configServers, 'repl-diskless-sync-delay': 0 });
    await operator.command('GROUP', 'ADD', 1, server.host, server.port, 'ROLE', name);
    servers.push(server);
  }
  await operator.command('SLOTS', 'SPREAD', 1);

  const settings = proxySettings();
  settings.assign({ port: 0, 'config-servers': configServers });
  const proxy = new ProxyNode(realWorld(), settings);
  await proxy.start();
  const client = await Client.connect(await proxy.listen({ host: HOST, port: 0 }), realTimers);
  await proxy.viewKnown();
  const write = async (key: string, value: string): Promise<void> => {
    while ((await client.command('SET', key, value).catch(() => null)) !== 'OK') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  await write('greeting', 'hello');
  const [master, replica] = servers;
  while (replica.node.keyspace.database(0).size === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await master.stop();
  await write('farewell', 'goodbye');
  log(`both are there: ${String(await client.command('MGET', 'greeting', 'farewell'))}`);
  const [group] = config.plane.state.view.groups;
  log(`the replica is the master: ${group.master?.port === replica.port}, in epoch ${group.epoch}`);

  await client.close();
  await operator.close();
  await Promise.all([proxy.stop(), config.stop(), replica.stop()]);
  await rm(directory, { recursive: true });
}

// prints:
// both are there: hello,goodbye
// the replica is the master: true, in epoch 2

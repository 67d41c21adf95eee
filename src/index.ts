/**
 * slotcache: the library's front door.
 *
 * The nodes that the binaries are made of, ready to be embedded, and the one function that most people want:
 * `startServer()`, a real Redis-compatible server in this process, on a free port. Each room has a door of its own
 * (`slotcache/resp`, `slotcache/slots`, …) for those who build something else from the parts.
 */
import { realWorld, type SettingsInput, type World } from './base';
import { addressText } from './net';
import { DataNode, serverSettings, type ServerSettings } from './server';

export { CacheError, realWorld, VERSION, type CacheErrorCode, type World } from './base';
export { Client } from './net';
export { ConfigNode, configSettings } from './config';
export { ProxyNode, proxySettings } from './proxy';
export { DataNode, serverSettings } from './server';
export { crc32, slotOf } from './slots';

/** A running server. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** `redis://host:port`, as clients take it. */
  readonly url: string;
  /** The node itself: its keyspace, its statistics, connections in memory. */
  readonly node: DataNode;
  /** Closes everything. What is not on disk is gone: nothing is saved by this. */
  stop(): Promise<void>;
}

/**
 * Starts a data node in this process. Listens on 127.0.0.1 and a free port, and keeps nothing on disk, unless the settings say
 * otherwise; they are those of cache-server (and redis.conf) by name, e.g. `{ port: 6379, dir: 'data', appendonly: 'yes' }`.
 * @throws CacheError LISTEN_FAILED, BAD_SETTING, FILE_FAILED, BAD_RDB, BAD_AOF (rejects)
 */
export async function startServer(
  settings: SettingsInput<ServerSettings['table']> = {},
  world: World = realWorld(),
): Promise<RunningServer> {
  const all = serverSettings();
  const isPortOpen = settings.port === undefined;
  all.assign({ bind: ['127.0.0.1'], save: [], ...(isPortOpen ? { port: 0 } : {}), ...settings });
  const node = new DataNode(world, all);
  await node.start();
  const where = isPortOpen ? await node.listen({ host: '127.0.0.1', port: 0 }) : node.addresses[0];
  const { host, port } = 'port' in where ? where : { host: where.path, port: 0 };
  return { host, port, url: `redis://${addressText(where)}`, node, stop: () => node.stop() };
}

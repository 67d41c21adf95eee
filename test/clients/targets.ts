/**
 * What the client libraries are tried against: anything that speaks like a Redis server and can be started on a port.
 *
 * A target starts for one file of tests and may be stopped and started again on the same port, as after a crash. What
 * one of them cannot do is said here, so that a test asks `target.has` and not for a name.
 */
import { ProxyNode, proxySettings, realWorld, startServer } from '../../src';

export interface RunningTarget {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

export interface TargetSettings {
  readonly port?: number;
  readonly requirepass?: string;
}

export interface Target {
  readonly name: string;
  /**
   * databases: more than number 0; clientList: CLIENT LIST shows every client of the target; scan: SCAN is there;
   * transactions: MULTI is; blocking: commands that wait are.
   */
  readonly has: {
    readonly databases: boolean;
    readonly clientList: boolean;
    readonly scan: boolean;
    readonly transactions: boolean;
    readonly blocking: boolean;
  };
  start(settings?: TargetSettings): Promise<RunningTarget>;
}

export const targets: readonly Target[] = [
  {
    name: 'data node',
    has: { databases: true, clientList: true, scan: true, transactions: true, blocking: true },
    start: (settings = {}) => startServer(settings),
  },
  {
    name: 'proxy',
    has: { databases: true, clientList: true, scan: false, transactions: false, blocking: false },
    start: startBehindProxy,
  },
];

/** Two data nodes behind a proxy; all three are one target. */
async function startBehindProxy(given: TargetSettings = {}): Promise<RunningTarget> {
  const servers = [await startServer(), await startServer()];
  const settings = proxySettings();
  settings.assign({ bind: ['127.0.0.1'], port: given.port ?? 0, requirepass: given.requirepass ?? '' });
  for (const [i, { host, port }] of servers.entries())
    settings.set('group', [String(i + 1), `${host}:${port}`], 'file');
  const proxy = new ProxyNode(realWorld(), settings);
  await proxy.start();
  const address = given.port === undefined ? await proxy.listen({ host: '127.0.0.1', port: 0 }) : proxy.addresses[0];
  const { host, port } = address as { host: string; port: number };
  return {
    host,
    port,
    url: `redis://${host}:${port}`,
    stop: async () => {
      await proxy.stop();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** All bytes there are, and then some that are no UTF-8. */
export const EVERY_BYTE = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  Buffer.from([0xc3, 0x28]),
]);

/** 20 MB that are not the same everywhere, so that a lost or doubled chunk shows. */
export function largeValue(): Buffer {
  const value = Buffer.allocUnsafe(20_000_000);
  for (let i = 0; i + 4 <= value.length; i += 4) value.writeUInt32LE((i * 2654435761) >>> 0, i);
  return value;
}

/**
 * What does cache-proxy cost per operation, compared with twemproxy?
 *
 * Both stand in front of the same redis-server, in the same run; only the proxy's CPU is counted. Throughput is bound
 * by whatever is slowest of client, proxy and server on the cores there are, so it says little about the proxy.
 */
import { duel, DUEL_METHOD, duelColumns } from './duel';
import { ServerProcess } from './processes';
import { again, cacheProxy, REDIS_SERVER, startContenders, stopContenders, twemproxy } from './programs';
import { circumstances, type Options, type Report, type Target } from './table';

/** Limits of our CPU per operation divided by twemproxy's, by pipeline. */
const TARGETS: ReadonlyMap<number, Target> = new Map([
  [1, { must: 1.25, aim: 1.0 }],
  [16, { must: 0.6, aim: 0.4 }],
  [64, { must: 0.4, aim: 0.25 }],
]);

export async function benchProxy(options: Options): Promise<Report> {
  const backend = await ServerProcess.start(REDIS_SERVER);
  const peer = twemproxy(backend.port);
  const ours = options.calibrate ? again(peer) : cacheProxy(backend.port);
  try {
    const contenders = await startContenders(ours, peer);
    try {
      return {
        name: 'proxy',
        title: `${ours.name} and ${peer.name}, in front of one ${backend.name}: CPU of the proxy per operation`,
        method: [...DUEL_METHOD, ...(await circumstances([ours, peer, REDIS_SERVER], options))],
        columns: duelColumns(ours.name, peer.name),
        rows: await duel(contenders, TARGETS, options),
      };
    } finally {
      await stopContenders(contenders);
    }
  } finally {
    await backend.stop();
  }
}

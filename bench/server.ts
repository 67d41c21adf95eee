/**
 * What does cache-server cost per operation, compared with redis-server?
 *
 * SET and GET at pipeline 1, 16 and 64; both servers in the same run. At pipeline 1 most of the cost is the system's
 * and the transport's; at 64 it is what the server itself does with a command.
 */
import { duel, DUEL_METHOD, duelColumns } from './duel';
import { again, CACHE_SERVER, REDIS_SERVER, startContenders, stopContenders } from './programs';
import { circumstances, type Options, type Report, type Target } from './table';

/** Limits of our CPU per operation divided by Redis', by pipeline. */
const TARGETS: ReadonlyMap<number, Target> = new Map([
  [1, { must: 1.45, aim: 1.2 }],
  [16, { must: 1.2, aim: 0.9 }],
  [64, { must: 0.9, aim: 0.6 }],
]);

export async function benchServer(options: Options): Promise<Report> {
  const ours = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const contenders = await startContenders(ours, REDIS_SERVER);
  try {
    return {
      name: 'server',
      title: `${ours.name} and ${REDIS_SERVER.name}: CPU per operation`,
      method: [...DUEL_METHOD, ...(await circumstances([ours, REDIS_SERVER], options))],
      columns: duelColumns(ours.name, REDIS_SERVER.name),
      rows: await duel(contenders, TARGETS, options),
    };
  } finally {
    await stopContenders(contenders);
  }
}

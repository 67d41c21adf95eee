/**
 * Troubles: what administrators do at the worst moment: rewrites, saves, the append-only file switched off and on again, other
 * databases flushed. They go on beside a load until the connection is gone.
 *
 * While the append-only file is off nothing new is promised; from the end of the rewrite that turns it on again all is. Where
 * only saves keep data (`rdb`), what was acknowledged before a save that succeeded is promised.
 */
import { CacheError, type Random } from '../../src/base';
import type { Client } from '../../src/net';
import { sleep, type Load } from './load';

export type Keeping = 'append-only' | 'rdb';

const PAUSE_MS_MAX = 250;
const POLL_MS = 5;
const OTHER_DATABASE = 9;

type Trouble = (client: Client, load: Load) => Promise<void>;

const APPEND_ONLY_TROUBLES: readonly Trouble[] = [rewrite, rewrite, save, switchOffAndOn, flushOther];
const RDB_TROUBLES: readonly Trouble[] = [save, save, saveAtOnce, flushOther];

/** Goes on until the server is gone. */
export async function makeTroubles(client: Client, load: Load, random: Random, keeping: Keeping): Promise<void> {
  const troubles = keeping === 'rdb' ? RDB_TROUBLES : APPEND_ONLY_TROUBLES;
  try {
    for (;;) {
      await sleep(random.below(PAUSE_MS_MAX));
      await unlessRefused(troubles[random.below(troubles.length)](client, load));
    }
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'CLOSED') throw error;
  }
}

async function rewrite(client: Client): Promise<void> {
  await client.command('BGREWRITEAOF');
}

async function save(client: Client, load: Load): Promise<void> {
  const keep = load.mark();
  await client.command('BGSAVE');
  const fields = await until(client, ({ rdb_bgsave_in_progress }) => rdb_bgsave_in_progress === '0');
  if (fields.aof_enabled === '0' && fields.rdb_last_bgsave_status === 'ok') keep();
}

async function saveAtOnce(client: Client, load: Load): Promise<void> {
  const keep = load.mark();
  await client.command('SAVE');
  keep();
}

async function switchOffAndOn(client: Client, load: Load): Promise<void> {
  load.promiseNoMore();
  await client.command('CONFIG', 'SET', 'appendonly', 'no');
  const { aof_rewrites: before } = await infoOf(client);
  await client.command('CONFIG', 'SET', 'appendonly', 'yes');
  await until(
    client,
    (info) =>
      info.aof_enabled === '1' &&
      Number(info.aof_rewrites) > Number(before) &&
      info.aof_rewrite_in_progress === '0' &&
      info.aof_last_bgrewrite_status === 'ok',
  );
  load.promiseAll();
}

async function flushOther(client: Client): Promise<void> {
  await client.command('SELECT', OTHER_DATABASE);
  await Promise.all(Array.from({ length: 100 }, (_, i) => client.command('SET', `other:${i}`, i)));
  await client.command('FLUSHDB');
}

/** Fields of INFO persistence. */
export async function infoOf(client: Client): Promise<Readonly<Record<string, string>>> {
  const text = String(await client.command('INFO', 'persistence'));
  return Object.fromEntries([...text.matchAll(/^(\w+):(.*)\r$/gm)].map(([, name, value]) => [name, value]));
}

async function until(
  client: Client,
  isTrue: (info: Readonly<Record<string, string>>) => boolean,
): Promise<Readonly<Record<string, string>>> {
  for (;;) {
    const info = await infoOf(client);
    if (isTrue(info)) return info;
    await sleep(POLL_MS);
  }
}

/** "Background save already in progress" and the like are answers too. */
async function unlessRefused(trouble: Promise<void>): Promise<void> {
  try {
    await trouble;
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'REPLY') throw error;
  }
}

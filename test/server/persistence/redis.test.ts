/**
 * Files that a real redis-server wrote load here, and ours there: RDB, and append-only files with and without an RDB at their
 * head. Both sides digest all keys and values; Redis' tools find nothing wrong with what we wrote.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { hasProgram } from '../../bin/daemon';
import { RealRedis } from './real-redis';
import { endAll, makeFolder, StoredNode } from './stored-node';

afterEach(async () => {
  await endAll();
  await RealRedis.stopAll();
});

type Say = (line: string) => Promise<unknown>;

/** Every type in every encoding, in three databases, with and without expiry. */
async function fill(say: Say): Promise<void> {
  for (let i = 0; i < 300; i++) {
    await say(`SET key:${i} ${'value'.repeat(i % 40)}-${i}`);
    await say(`RPUSH long-list element-${i} ${i}`);
    await say(`HSET large-hash field-${i} ${'v'.repeat(i)}`);
    await say(`SADD large-set member-${i}`);
    await say(`ZADD large-sorted ${i / 7} member-${i}`);
    await say(`XADD stream ${i + 1}-1 field ${i}`);
  }
  await say('SADD numbers 1 2 3 100000');
  await say('SADD words a b c');
  await say('HSET small-hash f v g w');
  await say('ZADD small-sorted 1 a 2.5 b -inf c');
  await say('RPUSH small-list a b c');
  await say('PFADD sketch a b c');
  await say('XGROUP CREATE stream group 5-1');
  await say('XREADGROUP GROUP group me COUNT 10 STREAMS stream >');
  await say('XACK stream group 6-1');
  await say('XDEL stream 100-1');
  await say('EXPIRE key:1 100000');
  await say('PEXPIREAT key:2 4000000000123');
  await say('SELECT 1');
  await say('SET one 1');
  await say('SELECT 15');
  await say('SET fifteen 15');
  await say('APPEND fifteen 16');
  await say('SELECT 0');
  await say('DEL key:3 key:4');
  await say('LPOP long-list 5');
  await say('INCRBYFLOAT float 3.25');
}

describe.skipIf(!hasProgram('redis-server'))('with a real redis-server', () => {
  test.each(['10', '11'])('RDB of version %s: ours there (10 only), theirs here', async (version) => {
    const dir = makeFolder();
    const node = await StoredNode.start({ dir, 'rdb-version': version });
    const say: Say = (line) => node.say(line);
    await fill(say);
    await node.say('BGSAVE');
    await node.reaches('rdb_bgsave_in_progress', '0');
    const digest = await node.say('DEBUG DIGEST');
    await node.stop();
    if (version === '11') {
      const again = await StoredNode.start({ dir });
      expect(await again.say('DEBUG DIGEST')).toBe(digest);
      return;
    }
    const check = spawnSync('redis-check-rdb', [join(dir, 'dump.rdb')], { encoding: 'utf8' });
    expect(check.stdout).toContain('RDB looks OK');
    const redis = await RealRedis.start(dir);
    expect(await redis.say('DEBUG DIGEST')).toBe(digest);
    await redis.say('SAVE');
    await redis.stop();
    const again = await StoredNode.start({ dir });
    expect(await again.say('DEBUG DIGEST')).toBe(digest);
  });

  test.each(['yes', 'no'])('append-only files, aof-use-rdb-preamble %s: ours there, theirs here', async (preamble) => {
    const dir = makeFolder();
    const settings = { dir, appendonly: 'yes', 'aof-use-rdb-preamble': preamble, 'aof-timestamp-enabled': 'yes' };
    const node = await StoredNode.start(settings);
    const say: Say = (line) => node.say(line);
    await fill(say);
    await node.say('BGREWRITEAOF');
    await node.say('RPUSH small-list during');
    await node.reaches('aof_rewrite_in_progress', '0');
    expect(await node.info('aof_last_bgrewrite_status')).toBe('ok');
    for (const line of ['MULTI', 'SET t1 1', 'SET t2 2', 'EXEC', 'RPUSH small-list after']) await node.say(line);
    const digest = await node.say('DEBUG DIGEST');
    await node.stop();
    const manifest = join(dir, 'appendonlydir', 'appendonly.aof.manifest');
    const check = spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' });
    expect(check.stdout).toContain('All AOF files and manifest are valid');
    const redis = await RealRedis.start(dir, '--appendonly', 'yes', '--aof-use-rdb-preamble', preamble);
    expect(await redis.say('DEBUG DIGEST')).toBe(digest);
    await redis.say('RPUSH small-list theirs');
    const theirs = await redis.say('DEBUG DIGEST');
    await redis.stop();
    const again = await StoredNode.start(settings);
    expect(await again.say('DEBUG DIGEST')).toBe(theirs);
    await again.say('RPUSH small-list ours');
    const ours = await again.say('DEBUG DIGEST');
    await again.stop();
    const redisAgain = await RealRedis.start(dir, '--appendonly', 'yes');
    expect(await redisAgain.say('DEBUG DIGEST')).toBe(ours);
    await redisAgain.say('BGREWRITEAOF');
    while (!String(await redisAgain.say('INFO persistence')).includes('aof_rewrite_in_progress:0')) continue;
    await redisAgain.stop();
    const last = await StoredNode.start(settings);
    expect(await last.say('DEBUG DIGEST')).toBe(ours);
  });
});

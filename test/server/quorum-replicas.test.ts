/**
 * `write-quorum`, WAIT and WAITAOF with replicas that are servers: a redis-server that is stopped and goes on, and a data node
 * with an append-only file.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { oracleVersion } from '../oracle/oracle-stage';
import { follow, infoOf, kept, OwnPeer, RedisPeer, stopKept, until, untilEqual, type Peer } from './replicas';

afterEach(stopKept);

/** A master that asks for one replica, and waits for it so long. */
async function masterOf(replica: Peer, timeoutMs: number): Promise<OwnPeer> {
  const settings = { 'write-quorum': '1', 'write-quorum-timeout': String(timeoutMs) };
  const master = kept(await OwnPeer.start(settings));
  await expect(master.say('SET', 'a', '0')).rejects.toThrow('Nothing was written: 0 replicas online');
  await follow(replica, master);
  await until(async () => (await infoOf(master, 'slave0')).includes('state=online'), 'the replica');
  return master;
}

describe.skipIf(oracleVersion === null)('a redis-server as replica', () => {
  it('has a write when the reply leaves; stopped, it is told of; and goes on', async () => {
    const replica = kept(await RedisPeer.start());
    const master = await masterOf(replica, 300);
    for (let i = 1; i <= 20; i++) {
      expect(await master.say('INCR', 'a')).toBe(i);
      expect(await replica.say('GET', 'a')).toBe(String(i));
    }
    const processId = Number(await infoOf(replica, 'process_id'));
    process.kill(processId, 'SIGSTOP');
    await expect(master.say('INCR', 'a')).rejects.toThrow('by 0 of 1 online replicas');
    const both = [master.say('INCR', 'a'), master.say('GET', 'a')];
    await expect(both[0]).rejects.toThrow('NOREPLICAS');
    expect(await both[1]).toBe('22');
    const answered = master.say('INCR', 'a');
    process.kill(processId, 'SIGCONT');
    expect(await answered).toBe(23);
    expect(await replica.say('GET', 'a')).toBe('23');
    await untilEqual(master, replica);
  });

  it('that dies ends the wait at once', async () => {
    const replica = await RedisPeer.start();
    const master = await masterOf(replica, 60_000);
    process.kill(Number(await infoOf(replica, 'process_id')), 'SIGSTOP');
    const lost = master.say('INCR', 'a').catch((error: Error) => error.message);
    await replica.stop();
    expect(await lost).toMatch(/^NOREPLICAS Done here/);
    await expect(master.say('INCR', 'a')).rejects.toThrow('Nothing was written');
    expect(await master.say('GET', 'a')).toBe('1');
  });
});

describe('a data node as replica', () => {
  it('acknowledges, and says what is on its disk', async () => {
    const replica = kept(await OwnPeer.start({ appendonly: 'yes' }));
    const master = await masterOf(replica, 5000);
    const writes = Array.from({ length: 200 }, (_, i) => master.say('SET', `k${i}`, String(i)));
    expect(await Promise.all(writes)).toEqual(writes.map(() => 'OK'));
    expect(await replica.say('DBSIZE')).toBe(200);
    expect(await master.say('WAIT', '1', '0')).toBe(1);
    expect(await master.say('WAITAOF', '0', '1', '10000')).toEqual([0, 1]);
    await replica.say('CONFIG', 'SET', 'appendonly', 'no');
    expect(await master.say('SET', 'b', '1')).toBe('OK');
    expect(await master.say('WAITAOF', '0', '1', '200')).toEqual([0, 0]);
  });
});

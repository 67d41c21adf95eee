/**
 * A slot on its way from one server to another, while clients use it: a copy, then what changes, then a short hold.
 */
import { Client, slotOf, startServer } from 'slotcache';
import { realTimers } from 'slotcache/base';
import { SlotFeed, SlotSweep } from 'slotcache/replication';
import { SLOT_COUNT } from 'slotcache/slots';

export async function run(log: (line: string) => void): Promise<void> {
  const [source, target] = await Promise.all([startServer(), startServer()]);
  const client = await Client.connect(source, realTimers);
  const slot = slotOf('{user:7}');
  for (let i = 1; i <= 1000; i++) void client.command('HSET', '{user:7}basket', i, `article ${i}`);
  await client.command('SET', '{user:7}name', 'Ada');

  // The receiver is a client's connection like any other; only that keys of the slot go when the source says so.
  const arriving = new Uint8Array(SLOT_COUNT);
  arriving[slot] = 1;
  target.node.keyspace.arriving = arriving;
  const receiver = target.node.connectInMemory();
  let hasReplied = (): void => undefined;
  receiver.attach({ received: () => hasReplied(), closed: () => undefined });
  receiver.connection.write(Buffer.from('CLIENT REPLY OFF\r\n'));
  const feed = new SlotFeed(source.node, [slot], {
    begin: () => void new SlotSweep(target.node.keyspace, [slot]).run(() => false),
    write: (bytes) => receiver.connection.write(Buffer.from(bytes)),
  });

  // Slices of a millisecond, between the turns of a server that is in use.
  const slice = (): boolean => {
    const endMs = performance.now() + 1;
    return feed.run(() => performance.now() >= endMs);
  };
  while (!slice()) await new Promise((resolve) => setImmediate(resolve));
  log(`copied ${feed.keysDone} of ${feed.keysTotal} keys`);
  await client.command('SET', '{user:7}name', 'Ada Lovelace');

  // The hold: writes wait until the target has all.
  source.node.pause('writes', 500);
  while (!slice());
  log(`nothing is missing: ${feed.offset === source.node.journal.offset}`);
  feed.close();
  const isDone = new Promise<void>((resolve) => (hasReplied = resolve));
  receiver.connection.write(Buffer.from('CLIENT REPLY ON\r\n'));
  await isDone;
  target.node.keyspace.arriving = null;
  new SlotSweep(source.node.keyspace, [slot]).run(() => false);
  source.node.unpause();

  const moved = await Client.connect(target, realTimers);
  log(`${await moved.command('GET', '{user:7}name')}, ${await moved.command('HLEN', '{user:7}basket')} articles`);
  log(`left behind: ${await client.command('DBSIZE')}`);
  await Promise.all([client.close(), moved.close(), source.stop(), target.stop()]);
}

// prints:
// copied 2 of 2 keys
// nothing is missing: true
// Ada Lovelace, 1000 articles
// left behind: 0

/**
 * A slot moves between two running servers over TCP, under load: nothing that was acknowledged is lost, and nothing done twice.
 */
import { createConnection, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../src';
import { Bytes, realTimers } from '../../src/base';
import { Client } from '../../src/net';
import { SlotFeed, SlotSweep, type SlotFeedSink } from '../../src/replication';
import { SLOT_COUNT, slotOf } from '../../src/slots';
import { Digests } from '../../src/storage';

const KEYS = 2000;
const WRITERS = 4;
/** Until the feed has begun to follow, and for so many turns more. */
const TURNS_AFTER_COPY = 50;
const HELD_MS_MAX = 60_000;

const SLOT = slotOf('{moving}');
const NEVER = (): boolean => false;

/** Where the feed's commands go: an ordinary connection to the receiver, whose replies nobody wants. */
class Receiver implements SlotFeedSink {
  private readonly socket: Socket;

  constructor(private readonly server: RunningServer) {
    this.socket = createConnection(server.port, server.host);
    this.socket.write('CLIENT REPLY OFF\r\n');
  }

  begin(): void {
    const arriving = new Uint8Array(SLOT_COUNT);
    arriving[SLOT] = 1;
    const { keyspace } = this.server.node;
    keyspace.arriving = arriving;
    new SlotSweep(keyspace, [SLOT]).run(NEVER);
  }

  write(bytes: Uint8Array): boolean {
    return this.socket.write(Buffer.from(bytes));
  }

  /** Resolves when all that was written has been done. */
  async done(): Promise<void> {
    const replied = new Promise((resolve) => this.socket.once('data', resolve));
    this.socket.write('CLIENT REPLY ON\r\n');
    expect(String(await replied)).toBe('+OK\r\n');
    this.server.node.keyspace.arriving = null;
    this.socket.destroy();
  }
}

const connect = ({ host, port }: RunningServer): Promise<Client> => Client.connect({ host, port }, realTimers);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Everything in the slot, by key. */
function slotOfNode({ node: { keyspace } }: RunningServer): Map<string, string> {
  const digests = new Digests(keyspace);
  const contents = new Map<string, string>();
  for (const database of keyspace.usedDatabases()) {
    const records: number[] = [];
    for (let at = 0; at < 2 ** 32 && database.keys.count(SLOT) > 0;) {
      at = database.keys.collect(SLOT, at, 64, records);
      for (const record of records) {
        const key = keyspace.records.key(record, new Bytes()).toString();
        contents.set(
          `${database.index} ${key}`,
          `${keyspace.records.expiry(record)} ${digests.ofValue(database, record)}`,
        );
      }
    }
  }
  return contents;
}

/** A client who counts and appends, now here, now there, and remembers what was acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  counted = 0;
  private step = 0;

  constructor(
    private readonly name: string,
    private client: Client,
  ) {}

  /** Until `isOver`; `moved` gives the connection to the slot's new owner when the old one has closed ours. */
  async run(isOver: () => boolean, moved: () => Promise<Client>): Promise<void> {
    while (!isOver()) {
      try {
        await this.write();
        this.step++;
      } catch {
        // It was held, so it has not been done.
        this.client = await moved();
      }
    }
    await this.client.close();
  }

  private async write(): Promise<void> {
    const { client, name, step } = this;
    switch (step % 4) {
      case 0:
        await client.command('INCR', `{moving}count:${name}`);
        this.counted++;
        break;
      case 1:
        await client.command('RPUSH', `{moving}log:${name}`, String(step));
        this.acknowledged.push(String(step));
        break;
      case 2:
        await client.command('HSET', '{moving}large', `field:${step % 5000}`, `${name} ${step}`);
        break;
      default:
        await client.command('SET', `{moving}brief:${name}:${step}`, 'x', 'PX', 1 + (step % 20));
    }
  }
}

test('a slot changes its owner while clients write to it', async () => {
  const [source, target] = await Promise.all([startServer(), startServer()]);
  const filling = await connect(source);
  const filled: Promise<unknown>[] = [];
  for (let i = 0; i < KEYS; i++) {
    filled.push(filling.command('SET', `{moving}key:${i}`, `value:${i}`));
    filled.push(filling.command('HSET', '{moving}large', `field:${i}`, i));
    filled.push(filling.command('SET', `other:${i}`, `value:${i}`));
  }
  await Promise.all(filled);
  await filling.close();
  const others = source.node.keyspace.database(0).size - source.node.keyspace.database(0).keys.count(SLOT);

  let isOver = false;
  let hasMoved = (): void => undefined;
  const move = new Promise<void>((resolve) => (hasMoved = resolve));
  const writers: Writer[] = [];
  const running: Promise<void>[] = [];
  for (let i = 0; i < WRITERS; i++) {
    const writer = new Writer(String(i), await connect(source));
    writers.push(writer);
    running.push(
      writer.run(
        () => isOver,
        () => move.then(() => connect(target)),
      ),
    );
  }

  const receiver = new Receiver(target);
  const feed = new SlotFeed(source.node, [SLOT], receiver);
  let looks = 0;
  const slice = (): boolean => feed.run(() => ++looks % 8 === 0);
  for (let left = TURNS_AFTER_COPY; left > 0; await nextTurn()) if (slice()) left--;
  expect(feed.phase).toBe('following');

  // The hold: writes wait, what was done before is handed on, and from then on the target is the owner.
  source.node.pause('writes', HELD_MS_MAX);
  source.node.turn.flush();
  while (!feed.run(NEVER));
  expect(feed.offset).toBe(source.node.journal.offset);
  const moved = slotOfNode(source);
  await receiver.done();
  expect(slotOfNode(target)).toEqual(moved);
  feed.close();
  for (const session of source.node.sessions.values()) session.kill();
  source.node.unpause();
  hasMoved();

  const sweep = new SlotSweep(source.node.keyspace, [SLOT]);
  while (!sweep.run(() => true)) await nextTurn();
  expect(source.node.keyspace.database(0).keys.count(SLOT)).toBe(0);
  expect(source.node.keyspace.database(0).size).toBe(others);

  const reader = await connect(target);
  for (let i = 0; i < TURNS_AFTER_COPY; i++) await reader.command('PING');
  isOver = true;
  await Promise.all(running);
  for (const [i, { acknowledged, counted }] of writers.entries()) {
    expect(await reader.command('LRANGE', `{moving}log:${i}`, 0, -1)).toEqual(acknowledged);
    expect(await reader.command('GET', `{moving}count:${i}`)).toBe(String(counted));
  }
  await reader.close();
  await Promise.all([source.stop(), target.stop()]);
});

/**
 * Replicas with connections of our making: whatever is committed, pinged, drained and acknowledged in whatever order, each one
 * that is online gets exactly the stream from its offset on.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Random, realWorld } from '../../src/base';
import { encodeCommand } from '../../src/resp';
import { Feeds, FileTransfer, History, ReplicaFeed, type ReplicaConnection } from '../../src/replication';
import { Journal } from '../../src/storage';

/** A connection that takes nothing before it is told to, and reads what it was lent only then, as a socket does. */
class SlowConnection implements ReplicaConnection {
  readonly remoteAddress = '10.0.0.1:1234';
  readonly taken: Buffer[] = [];
  isGone = false;
  isEnded = false;
  private readonly waiting: Uint8Array[] = [];
  unsentBytes = 0;

  write(bytes: Uint8Array): boolean {
    this.waiting.push(bytes);
    this.unsentBytes += bytes.length;
    return false;
  }

  take(): void {
    for (const bytes of this.waiting.splice(0)) this.taken.push(Buffer.from(bytes));
    this.unsentBytes = 0;
  }

  end(): void {
    this.isEnded = true;
  }

  finish(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isGone = true;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.taken);
  }
}

const SETTINGS = {
  'repl-backlog-size': 64 * 1024,
  'repl-backlog-ttl': 3600,
  'repl-ping-replica-period': 10,
  'repl-timeout': 60,
};

let nowMs = 0;
let journal: Journal;
let history: History;
let feeds: Feeds;
/** The whole stream, as a reader of it sees it. */
let stream: Buffer[];

beforeEach(() => {
  nowMs = 100_000;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const world = realWorld({ clock, random: new Random(1) });
  journal = new Journal();
  history = new History(world.random);
  feeds = new Feeds(journal, history, world, SETTINGS, () => {
    journal.commit();
    return true;
  });
  stream = [];
});

function newFeed(): { feed: ReplicaFeed; connection: SlowConnection } {
  const connection = new SlowConnection();
  return { feed: new ReplicaFeed(connection), connection };
}

/** An entry of about this many bytes is left in the journal. */
function change(bytes: number): void {
  const message = encodeCommand(['SET', 'key', 'v'.repeat(bytes)]);
  const starts = Int32Array.of(message.indexOf('SET'), message.indexOf('key'), message.indexOf('v'));
  const ends = Int32Array.of(starts[0] + 3, starts[1] + 3, starts[2] + bytes);
  journal.append(0, { buffer: message, argc: 3, starts, ends, commandStart: 0, commandEnd: message.length });
}

/** A replica that wants to go on from here. */
function attachHere(): ReturnType<typeof newFeed> & { from: number } {
  const made = newFeed();
  const from = feeds.backlog!.end;
  feeds.attachAt(made.feed, from);
  return { ...made, from };
}

function beginAsMaster(): void {
  const { feed } = newFeed();
  feeds.attach(feed, true);
  feeds.remove(feed);
  const { backlog } = feeds;
  const write = backlog!.write.bind(backlog);
  backlog!.write = (buffer, start, end) => {
    stream.push(Buffer.from(buffer.subarray(start, end)));
    write(buffer, start, end);
  };
}

describe('the stream', () => {
  it('reaches every replica that is online, byte for byte, whatever happens in whatever order', () => {
    const deed = fc.oneof(
      fc.record({ change: fc.integer({ min: 1, max: 30_000 }) }),
      fc.record({ change: fc.integer({ min: 1, max: 50 }) }),
      fc.constantFrom('endTurn', 'ping', 'getAck', 'attach', 'tick' as const),
      fc.record({ take: fc.nat(3) }),
      fc.record({ leave: fc.nat(3) }),
      fc.record({ acknowledge: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(deed, { minLength: 1, maxLength: 80 }), (deeds) => {
        feeds.dropAll();
        feeds.startOver(journal.offset);
        stream.length = 0;
        beginAsMaster();
        const origin = feeds.backlog!.end;
        const replicas = [attachHere()];
        for (const each of deeds) {
          if (each === 'endTurn') {
            journal.commit();
            feeds.send();
          } else if (each === 'ping') {
            nowMs += 11_000;
            for (const { feed } of replicas) feeds.acknowledge(feed, 0, NaN);
            feeds.tendStream();
          } else if (each === 'getAck') {
            feeds.requestAcknowledgements();
          } else if (each === 'tick') {
            feeds.tick();
          } else if (each === 'attach') {
            journal.commit();
            if (replicas.length < 4) replicas.push(attachHere());
          } else if ('change' in each) {
            change(each.change);
          } else if ('take' in each && each.take < replicas.length) {
            replicas[each.take].connection.take();
            feeds.drained(replicas[each.take].feed);
          } else if ('leave' in each && each.leave < replicas.length && replicas.length > 1) {
            feeds.remove(replicas.splice(each.leave, 1)[0].feed);
          } else if ('acknowledge' in each && each.acknowledge < replicas.length) {
            const { feed } = replicas[each.acknowledge];
            feeds.acknowledge(feed, feed.position, NaN);
            expect(feeds.countAcknowledged(feed.position)).toBeGreaterThan(0);
          }
        }
        journal.commit();
        feeds.send();
        const whole = Buffer.concat(stream);
        expect(journal.offset).toBe(origin + whole.length);
        expect(feeds.backlog!.end).toBe(journal.offset);
        for (const { connection, feed, from } of replicas) {
          while (feed.position < journal.offset || connection.unsentBytes > 0) {
            connection.take();
            feeds.drained(feed);
          }
          expect(connection.bytes.equals(whole.subarray(from - origin))).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('waits in the backlog for a connection that does not take it, and goes on when that has drained', () => {
    beginAsMaster();
    const { connection, feed } = attachHere();
    for (let i = 0; i < 10; i++) {
      change(50_000);
      journal.commit();
      feeds.send();
    }
    expect(connection.unsentBytes).toBeLessThan(200_000);
    expect(feed.bytesBehind(feeds.backlog)).toBeGreaterThan(500_000);
    expect(feeds.backlog!.reaches(feed.neededFrom)).toBe(true);
  });

  it('is relayed as it comes on a replica, which adds nothing to it', () => {
    feeds.startOver(5000);
    const { connection, feed } = newFeed();
    feeds.attachAt(feed, 5000);
    feeds.relay(Buffer.from('hello'), 0, 5);
    feeds.requestAcknowledgements();
    nowMs += 20_000;
    feeds.tendStream();
    feeds.send();
    connection.take();
    expect(connection.bytes.toString()).toBe('hello');
    expect(feeds.backlog!.end).toBe(5005);
  });
});

describe('a replica', () => {
  it('may go on from what the backlog has of a stream that is ours', () => {
    expect(feeds.canContinue(history.id, 0)).toBe(false);
    beginAsMaster();
    const origin = feeds.backlog!.end;
    change(100);
    journal.commit();
    expect(feeds.canContinue(history.id, origin)).toBe(true);
    expect(feeds.canContinue(history.id, journal.offset)).toBe(true);
    expect(feeds.canContinue(history.id, journal.offset + 1)).toBe(false);
    expect(feeds.canContinue(history.id, origin - 1)).toBe(false);
    expect(feeds.canContinue('f'.repeat(40), origin)).toBe(false);
  });

  it('begins a history by being the first', () => {
    const { id } = history;
    const { feed } = newFeed();
    feeds.attach(feed, true);
    expect(history.id).not.toBe(id);
    expect(journal.isActive).toBe(true);
  });

  it('is told that we are there while it waits, and closed when nothing is heard of it', () => {
    beginAsMaster();
    const waiting = newFeed();
    feeds.attach(waiting.feed, true);
    const online = attachHere();
    for (let i = 0; i < 61; i++) {
      nowMs += 1000;
      waiting.connection.take();
      online.connection.take();
      feeds.tick();
    }
    waiting.connection.take();
    expect(waiting.connection.bytes.toString()).toMatch(/^\n+$/);
    expect(waiting.connection.isGone).toBe(false);
    expect(online.connection.isGone).toBe(true);
    expect(feeds.all).toEqual([waiting.feed]);
  });

  it('that has received a snapshot is sent nothing before it has acknowledged', () => {
    beginAsMaster();
    const { connection, feed } = newFeed();
    feeds.attach(feed, true);
    feed.position = feeds.backlog!.end;
    feed.state = 'received';
    change(10);
    journal.commit();
    feeds.send();
    connection.take();
    expect(connection.bytes.length).toBe(0);
    feeds.acknowledge(feed, 0, NaN);
    connection.take();
    expect(feed.state).toBe('online');
    expect(connection.bytes.equals(Buffer.concat(stream))).toBe(true);
  });

  it('counts for a quorum by what it has said', () => {
    beginAsMaster();
    const [one, other] = [attachHere(), attachHere()];
    // What they were not sent they cannot have.
    feeds.acknowledge(other.feed, 1_000_000, 1_000_000);
    expect([feeds.countAcknowledged(1), feeds.countOnDisk(1)]).toEqual([0, 0]);
    while (journal.offset < 100) change(10);
    journal.commit();
    feeds.send();
    feeds.acknowledge(one.feed, 100, 50);
    feeds.acknowledge(other.feed, 70, NaN);
    feeds.acknowledge(one.feed, 90, NaN);
    expect([70, 71, 100, 101].map((offset) => feeds.countAcknowledged(offset))).toEqual([2, 1, 1, 0]);
    expect([50, 51].map((offset) => feeds.countOnDisk(offset))).toEqual([1, 0]);
    nowMs += 5000;
    feeds.acknowledge(one.feed, 100, NaN);
    expect([feeds.countGood(4), feeds.countGood(5)]).toEqual([1, 2]);
  });
});

describe('the backlog', () => {
  it('goes some time after the last replica, and with it the name of the stream', () => {
    beginAsMaster();
    const { id } = history;
    nowMs += 3_600_000;
    feeds.tendStream();
    expect(feeds.hasBacklog).toBe(true);
    nowMs += 1;
    feeds.tendStream();
    expect(feeds.hasBacklog).toBe(false);
    expect(history.id).not.toBe(id);
    expect(journal.isActive).toBe(false);
  });
});

describe('a snapshot in a file', () => {
  const content = Buffer.alloc(1_000_000, 'abcdefg');

  function transfer(failsAt = Infinity): { connection: SlowConnection; transfer: FileTransfer; ended: unknown[] } {
    const connection = new SlowConnection();
    const ended: unknown[] = [];
    const file = {
      size: content.length,
      read(into: Uint8Array, start: number, end: number, position: number): number {
        if (position >= failsAt) throw new Error('EIO');
        return content.copy(into, start, position, Math.min(position + end - start, position + 50_000));
      },
      close: () => void ended.push('closed'),
    };
    return { connection, transfer: new FileTransfer(file, connection, (error) => ended.push(error)), ended };
  }

  it('goes to its replica as fast as that takes it', () => {
    const { connection, ended, transfer: sending } = transfer();
    let rounds = 0;
    while (ended.length === 0) {
      sending.advance();
      expect(connection.unsentBytes).toBeLessThan(300_000);
      connection.take();
      rounds++;
    }
    expect(ended).toEqual(['closed', null]);
    expect(rounds).toBeGreaterThan(3);
    expect(connection.bytes.equals(Buffer.concat([Buffer.from('$1000000\r\n'), content]))).toBe(true);
  });

  it('that cannot be read ends with the reason, once', () => {
    const { connection, ended, transfer: sending } = transfer(300_000);
    for (let i = 0; i < 10; i++) {
      sending.advance();
      connection.take();
    }
    expect(ended).toEqual(['closed', new Error('EIO')]);
    sending.abandon();
    expect(ended).toHaveLength(2);
  });
});

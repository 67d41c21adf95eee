/**
 * Applying: a stream of units, however it is cut and however often the link is lost, leaves what it says, and is relayed byte by byte.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../../src/resp';
import { Applying } from '../../src/server/replication/applying';
import { Digests } from '../../src/storage';
import { contentsOf, DirectClient, follow, JournaledNode } from './journaled';

class Follower {
  readonly journaled = new JournaledNode(3);
  readonly relayed: Buffer[] = [];
  questions = 0;
  readonly applying = new Applying(this.journaled.node, {
    relay: (buffer, start, end) => void this.relayed.push(Buffer.from(buffer.subarray(start, end))),
    acknowledgementWanted: () => void this.questions++,
  });

  digest(): string {
    return new Digests(this.journaled.node.keyspace).ofAll();
  }
}

const NO_CHANGES = ['PING', 'PUBLISH', 'spublish', 'REPLCONF'];

const keys = fc.constantFrom('a', 'b', 'c');
const changes = fc.oneof(
  fc.tuple(fc.constant('RPUSH'), keys, fc.string({ maxLength: 20 })),
  fc.tuple(fc.constant('DEL'), keys),
  fc.tuple(fc.constant('SELECT'), fc.constantFrom('0', '1', '2')),
  fc.tuple(fc.constant('RPUSH'), keys, fc.constant('x'.repeat(3000))),
);
const units = fc.oneof(
  { weight: 4, arbitrary: changes.map((words) => [words]) },
  { weight: 1, arbitrary: fc.constantFrom([['PING']], [['PUBLISH', 'channel', 'what']], [['spublish', 'c', 'w']]) },
  { weight: 1, arbitrary: fc.constant([['REPLCONF', 'GETACK', '*']]) },
  {
    weight: 2,
    arbitrary: fc.array(changes, { minLength: 1, maxLength: 4 }).map((inner) => [['MULTI'], ...inner, ['exec']]),
  },
);

function bytesOf(unit: readonly (readonly string[])[]): Buffer {
  return Buffer.concat(unit.map((words) => encodeCommand(words)));
}

describe('applying a stream', () => {
  it('does and relays whole units, wherever it is cut and wherever the link is lost', () => {
    fc.assert(
      fc.property(fc.array(units, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 20 }), (stream, cuts) => {
        const bytes = Buffer.concat(stream.map(bytesOf));
        const ends = stream.map((_, i) => Buffer.concat(stream.slice(0, i + 1).map(bytesOf)).length);
        const follower = new Follower();
        const { applying } = follower;
        applying.goOnAt(1000);
        let at = 0;
        for (const [i, cut] of [...cuts, bytes.length].entries()) {
          const end = i === cuts.length ? bytes.length : Math.min(bytes.length, at + (cut % 4000));
          expect(applying.received(bytes, at, end)).toBe(true);
          at = end;
          const whole = Math.max(0, ...ends.filter((unitEnd) => unitEnd <= at));
          expect(applying.offset).toBe(1000 + whole);
          if (whole > 0) expect(follower.journaled.node.journal.offset).toBe(applying.offset);
          // Every third time the link is lost, and goes on at the last unit's end.
          if (i % 3 !== 2 || i === cuts.length) continue;
          applying.goOnAt(applying.offset);
          at = applying.offset - 1000;
        }
        if (at < bytes.length) applying.received(bytes, at, bytes.length);
        expect(Buffer.concat(follower.relayed).equals(bytes)).toBe(true);
        const journal = Buffer.concat(stream.filter(([[name]]) => !NO_CHANGES.includes(name)).map(bytesOf));
        const direct = follow(journal, 0);
        expect(follower.digest()).toBe(new Digests(direct.node.keyspace).ofAll());
        // What it leaves for the append-only file says the same.
        const again = follow(follower.journaled.taken(), 0);
        expect(new Digests(again.node.keyspace).ofAll()).toBe(follower.digest());
      }),
      { numRuns: 100 },
    );
  });

  it('has the right place whenever something is committed, also before the turn ends', () => {
    const follower = new Follower();
    const { applying, journaled } = follower;
    const stream = Array.from({ length: 60 }, (_, i) => {
      const pushes = Array.from({ length: i % 5 }, () => ['RPUSH', `key:${i % 7}`, 'x'.repeat(90_000)]);
      return bytesOf(i % 2 === 0 ? [['MULTI'], ...pushes, ['EXEC']] : [['SELECT', String(i % 3)]]);
    });
    const bytes = Buffer.concat(stream);
    const committed: Buffer[] = [];
    const placesAt: number[] = [];
    journaled.node.journal.setFile({
      write(buffer, start, end) {
        committed.push(Buffer.from(buffer.subarray(start, end)));
        placesAt.push(applying.offset);
      },
    });
    expect(applying.received(bytes, 0, bytes.length)).toBe(true);
    expect(placesAt.length).toBeGreaterThan(2);
    for (const [i, offset] of placesAt.entries()) {
      const there = follow(Buffer.concat(committed.slice(0, i + 1)), 0);
      const here = follow(bytes.subarray(0, offset), 0);
      expect(new Digests(there.node.keyspace).ofAll()).toBe(new Digests(here.node.keyspace).ofAll());
    }
  });

  it.each([
    ['an inline command', 'SET a 1\r\n'],
    ['an empty line', '\r\n'],
    ['an empty array', '*0\r\n'],
    ['a length that is none', '*x\r\n'],
    ['a word without its end', '*2\r\n$4\r\nPING\r\n$1\r\nabc*1\r\n$4\r\nPING\r\n'],
    ['a reply', '+OK\r\n'],
  ])('says that %s is no stream', (_name, text) => {
    const { applying } = new Follower();
    const bytes = Buffer.concat([bytesOf([['PING']]), Buffer.from(text), bytesOf([['PING']])]);
    expect(applying.received(bytes, 0, bytes.length)).toBe(false);
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), units.map(bytesOf)), { maxLength: 10 }),
        (parts) => {
          const { applying } = new Follower();
          for (const part of parts) if (!applying.received(part, 0, part.length)) return;
        },
      ),
      { numRuns: 100 },
    );
  });

  it('goes on after a command that fails, and says so in the log', () => {
    const { applying, journaled } = new Follower();
    const bytes = bytesOf([
      ['SET', 'a', '1'],
      ['LPUSH', 'a', '1'],
      ['SET', 'b', '2'],
    ]);
    expect(applying.received(bytes, 0, bytes.length)).toBe(true);
    const client = new DirectClient(journaled.node, 1);
    expect(client.say('MGET', 'a', 'b')).toBe('*2\r\n$1\r\n1\r\n$1\r\n2\r\n');
    expect(Object.keys(contentsOf(journaled, client))).toEqual(['0 a', '0 b']);
  });

  it('takes no changes for a database that is not there', () => {
    const { applying, journaled } = new Follower();
    const bytes = bytesOf([
      ['SELECT', '99'],
      ['SET', 'a', '1'],
    ]);
    expect(applying.received(bytes, 0, bytes.length)).toBe(false);
    expect(new DirectClient(journaled.node, 1).say('DBSIZE')).toBe(':0\r\n');
  });

  it('wakes clients that wait for a key, and touches what they watch', () => {
    const { applying, journaled } = new Follower();
    const waiting = new DirectClient(journaled.node, 1);
    const watching = new DirectClient(journaled.node, 2);
    waiting.say('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$');
    watching.say('WATCH', 'a');
    watching.say('MULTI');
    const bytes = bytesOf([
      ['XADD', 's', '1-1', 'f', 'v'],
      ['SET', 'a', '1'],
    ]);
    applying.received(bytes, 0, bytes.length);
    expect(waiting.waits).toBe(false);
    expect(waiting.say('PING')).toContain('1-1');
    expect(watching.say('EXEC')).toBe('*-1\r\n');
  });
});

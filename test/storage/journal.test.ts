/**
 * The journal by itself: units, databases, offsets, memory, and sinks that fail.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { Bytes, Random } from '../../src/base';
import { BatchedCommand, COMMAND, CommandParser, defaultProtocolLimits, encodeCommand } from '../../src/resp';
import { fixedWord, Journal, Keyspace, Strings, type JournalSink } from '../../src/storage';

let journal: Journal;
let written: Buffer;

const file: JournalSink = {
  write: (buffer, start, end) => void (written = Buffer.concat([written, buffer.subarray(start, end)])),
};

beforeEach(() => {
  journal = new Journal();
  written = Buffer.alloc(0);
  journal.setFile(file);
});

const NAME = fixedWord('NAME');

/** What was written, as words. */
function text(): string {
  journal.commit();
  return written
    .toString('latin1')
    .replace(/\$\d+\r\n/g, '')
    .replace(/\*\d+\r\n/g, '| ')
    .replace(/\r\n/g, ' ')
    .trim();
}

function received(message: Uint8Array): BatchedCommand {
  const parser = new CommandParser(defaultProtocolLimits());
  parser.feed(message, 0, message.length);
  expect(parser.next()).toBe(COMMAND);
  return BatchedCommand.copyOf(parser);
}

function unit(...names: string[]): void {
  journal.beginUnit();
  for (const name of names) journal.append(0, received(encodeCommand([name])));
  journal.endUnit();
}

describe('units', () => {
  it('wraps what has several entries, and nothing else', () => {
    unit('A');
    unit();
    unit('B', 'C');
    unit('D');
    expect(text()).toBe('| SELECT 0 | A | MULTI | B | C | EXEC | D');
  });

  it('selects before MULTI where a unit begins with it, and within it afterwards', () => {
    journal.beginUnit();
    journal.append(1, received(encodeCommand(['A'])));
    journal.append(2, received(encodeCommand(['B'])));
    journal.endUnit();
    expect(text()).toBe('| SELECT 1 | MULTI | A | SELECT 2 | B | EXEC');
  });

  it('makes one unit of units within another', () => {
    journal.beginUnit();
    unit('A');
    unit('B');
    journal.endUnit();
    expect(text()).toBe('| SELECT 0 | MULTI | A | B | EXEC');
  });

  it('drops an entry that a command left unfinished', () => {
    journal.beginUnit();
    journal.begin(0, 2).fixed(NAME).integer(1);
    journal.begin(0, 3).fixed(NAME).integer(2);
    journal.endUnit();
    unit('A');
    expect(text()).toBe('| SELECT 0 | NAME 1 | A');
  });
});

it('writes words of all kinds', () => {
  journal
    .begin(3, 4)
    .fixed(NAME)
    .word(Bytes.of('x'.repeat(300)))
    .word(Bytes.of(''))
    .integer(-9007199254740991);
  journal.commit();
  expect(written.toString()).toBe(
    `*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*4\r\n$4\r\nNAME\r\n$300\r\n${'x'.repeat(300)}\r\n$0\r\n\r\n$17\r\n-9007199254740991\r\n`,
  );
});

it('names the database again for who begins to read', () => {
  unit('A');
  journal.forgetDatabase();
  unit('B');
  expect(text()).toBe('| SELECT 0 | A | SELECT 0 | B');
});

it('spells anew what a client has spelled oddly', () => {
  for (const odd of ['*1\rx$1\r\nA\r\n', '*1\r\n$1\rxA\r\n', '*1\r\n$1\r\nAxy', '*1\r\n$1\r\nA\rx']) {
    journal.append(0, received(Buffer.from(odd)));
  }
  journal.commit();
  expect(written.toString()).toBe(`*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n${'*1\r\n$1\r\nA\r\n'.repeat(4)}`);
});

describe('handing on', () => {
  it('counts bytes whether or not somebody takes them', () => {
    unit('A', 'B');
    const { offset } = journal;
    expect(journal.isPending).toBe(true);
    journal.commit();
    expect(journal.isPending).toBe(false);
    expect(journal.offset).toBe(offset);
    expect(written.length).toBe(offset);
    journal.setFile(null);
    unit('C');
    journal.commit();
    expect(journal.offset).toBeGreaterThan(offset);
  });

  it('keeps what a sink has refused', () => {
    const read: string[] = [];
    journal.addReader({
      write: (buffer, start, end) => void read.push(Buffer.from(buffer.subarray(start, end)).toString()),
    });
    journal.setFile({
      write() {
        throw new Error('no room');
      },
    });
    unit('A');
    expect(() => journal.commit()).toThrow('no room');
    expect(read).toEqual([]);
    unit('B');
    journal.setFile(file);
    expect(text()).toBe('| SELECT 0 | A | B');
    expect(read.join('')).toBe(written.toString());
  });

  it('commits after a unit where much is pending, but fails only where that is asked for', () => {
    const large = received(encodeCommand(['A', 'x'.repeat(600_000)]));
    const append = (): void => {
      journal.beginUnit();
      journal.append(0, large);
      journal.endUnit();
    };
    append();
    expect(written.length).toBe(0);
    append();
    expect(written.length).toBeGreaterThan(1_200_000);
    expect(journal.isPending).toBe(false);
    let asked = 0;
    journal.setFile({
      write() {
        asked++;
        throw new Error('no room');
      },
    });
    for (let i = 0; i < 4; i++) append();
    expect(asked).toBe(1);
    expect(() => journal.commit()).toThrow('no room');
  });

  it('keeps everything while it is held', () => {
    journal.isHeld = true;
    journal.beginUnit();
    journal.append(0, received(encodeCommand(['A', 'x'.repeat(1_200_000)])));
    journal.endUnit();
    expect(written.length).toBe(0);
    journal.isHeld = false;
    journal.commit();
    expect(written.length).toBeGreaterThan(1_200_000);
  });
});

describe('readers', () => {
  it('come and go, and without any nothing is appended for', () => {
    const reader: JournalSink = { write: () => undefined };
    journal.addReader(reader);
    journal.setFile(null);
    expect(journal.isActive).toBe(true);
    journal.removeReader(reader);
    expect(journal.isActive).toBe(false);
  });

  it('may be told another place in the stream', () => {
    unit('A');
    journal.commit();
    journal.moveTo(1000);
    unit('B');
    const { pendingBytes } = journal;
    expect(journal.offset).toBe(1000 + pendingBytes);
    journal.commit();
    expect(journal.offset).toBe(1000 + pendingBytes);
  });
});

describe('removals', () => {
  it('says which keys expired, and that keys outlive their time where a journal is replayed', () => {
    const keyspace = new Keyspace({ random: new Random(1) });
    const strings = new Strings(keyspace);
    const database = keyspace.database(2);
    const key = Bytes.of('k');
    keyspace.removals = journal;
    keyspace.setTime(1000);
    strings.set(database, key, Bytes.of('v'), 2000);
    keyspace.setTime(3000);
    keyspace.dueKeys = 'stay';
    expect(database.peek(key)).not.toBe(0);
    expect(database.randomRecord()).not.toBe(0);
    keyspace.dueKeys = 'hide';
    expect(database.peek(key)).toBe(0);
    expect(database.randomRecord()).not.toBe(0);
    expect(database.size).toBe(1);
    keyspace.dueKeys = 'go';
    expect(database.peek(key)).toBe(0);
    expect(text()).toBe('| SELECT 2 | DEL k');
  });

  it('says which keys made room', () => {
    const keyspace = new Keyspace({ random: new Random(1) });
    const database = keyspace.database(0);
    const key = Bytes.of('k');
    keyspace.removals = journal;
    new Strings(keyspace).set(database, key, Bytes.of('v'), 0);
    expect(database.evict(database.peek(key))).toBe(true);
    expect(text()).toBe('| SELECT 0 | DEL k');
  });

  it('are not told while nobody reads', () => {
    journal.isActive = false;
    const keyspace = new Keyspace({ random: new Random(1) });
    const database = keyspace.database(0);
    const key = Bytes.of('k');
    keyspace.removals = journal;
    new Strings(keyspace).set(database, key, Bytes.of('v'), 0);
    database.evict(database.peek(key));
    expect(journal.offset).toBe(0);
  });
});

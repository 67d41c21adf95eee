/**
 * Loading: what is executed of a file, where it is cut, and what is refused.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base';
import { fileOf, load, resp, type Batch, type Outcome } from './files';

const BATCHES: Batch[] = [
  { commands: ['SELECT 0', 'SET a 1'], isSynced: true },
  { commands: ['MULTI', 'INCR a', 'RPUSH l x y z', 'EXEC'], unixSeconds: 1700000000 },
  { commands: ['SET b 22'], isSynced: true },
  { commands: ['DEL a', 'SET c 333'] },
  { commands: ['SET d 4444'], place: { id: '0123456789'.repeat(4), offset: 2 ** 40, database: 7 } },
];
const ALL = BATCHES.flatMap(({ commands }) => commands);

const clean = (commands: string[]): Partial<Outcome> => ({ commands, cutAt: null, refusal: null });

/** Offsets at which batches end, and the commands before each. */
function endsOf(batches: readonly Batch[]): Map<number, string[]> {
  return new Map(
    Array.from({ length: batches.length + 1 }, (_, count) => [
      fileOf(batches.slice(0, count)).length,
      batches.slice(0, count).flatMap(({ commands }) => commands),
    ]),
  );
}

/** One flipped bit must be refused, or change nothing. */
function expectHarmless(file: Buffer, bit: number, commands: readonly string[]): boolean {
  file[bit >> 3] ^= 1 << (bit & 7);
  const outcome = load(file);
  file[bit >> 3] ^= 1 << (bit & 7);
  if (outcome.refusal === null) {
    expect({ bit, commands: outcome.commands, cutAt: outcome.cutAt }).toEqual({ bit, commands, cutAt: null });
    return false;
  }
  expect(outcome.refusal).toMatch(/, byte \d+: /);
  expect(outcome.commands).toEqual([]);
  return true;
}

describe('a file of batches', () => {
  const file = fileOf(BATCHES);

  test('is executed whole, and ends with a batch', () => {
    expect(load(file)).toMatchObject({ ...clean(ALL), endsWithBatch: true });
  });

  test('that is empty, or has an empty batch only, is good', () => {
    expect(load(Buffer.alloc(0))).toMatchObject({ ...clean([]), endsWithBatch: true });
    expect(load(fileOf([{ commands: [] }]))).toMatchObject({ ...clean([]), endsWithBatch: true });
  });

  test('says where in a stream its last commands were, if it does', () => {
    const [before, after, later] = [1, 20, 300].map((offset) => ({ id: 'ab'.repeat(20), offset, database: 1 }));
    const placeAfter = (...batches: Batch[]): unknown => load(fileOf(batches), { placeBefore: before }).place;
    expect(placeAfter()).toEqual(before);
    expect(placeAfter({ commands: [] })).toEqual(before);
    expect(placeAfter({ commands: ['SET a 1'] })).toBeNull();
    expect(placeAfter({ commands: ['SET a 1'], place: after })).toEqual(after);
    expect(placeAfter({ commands: ['SET a 1'], place: after }, { commands: [] })).toEqual(after);
    expect(placeAfter({ commands: ['SET a 1'], place: after }, { commands: ['SET a 2'] })).toBeNull();
    expect(placeAfter({ commands: ['SET a 1'], place: after }, { commands: [], place: later })).toEqual(later);
    expect(load(resp('SET a 1'), { placeBefore: before }).place).toBeNull();
    expect(load(file).place).toEqual(BATCHES.at(-1)!.place);
  });

  test('that is cut anywhere is cut back to its last whole batch, and refused where that is not allowed', () => {
    const ends = endsOf(BATCHES);
    let whole = 0;
    for (let size = 0; size < file.length; size++) {
      if (ends.has(size)) whole = size;
      const commands = ends.get(whole);
      const outcome = load(file.subarray(0, size));
      expect({ size, ...outcome }).toMatchObject({
        size,
        commands,
        cutAt: size === whole ? null : whole,
        refusal: null,
      });
      const strict = load(file.subarray(0, size), { mayBeCut: false });
      if (size === whole) expect(strict).toMatchObject(clean(commands ?? []));
      else expect(strict.refusal).toContain('aof-load-truncated');
    }
  });

  test('is refused when any one bit is flipped', () => {
    for (let bit = 0; bit < 8 * file.length; bit++) expect({ bit, is: expectHarmless(file, bit, ALL) }.is).toBe(true);
  });

  test('is refused when one bit is flipped, also where nothing was ever synced', () => {
    const unsynced = BATCHES.map(({ commands }) => ({ commands }));
    const bytes = fileOf(unsynced);
    for (let bit = 0; bit < 8 * bytes.length; bit++) expectHarmless(bytes, bit, ALL);
  });

  test('of 100 KB is refused when one bit is flipped, and cut when it ends early', () => {
    const batches = Array.from({ length: 60 }, (_, i) => ({
      commands: Array.from({ length: 10 }, (_, j) => `SET key:${i}:${j} ${'value'.repeat((i * j) % 60)}`),
      isSynced: i % 20 === 0,
    }));
    const bytes = fileOf(batches);
    const commands = batches.flatMap((batch) => batch.commands);
    expect(load(bytes)).toMatchObject(clean(commands));
    const random = new Random(7);
    for (let i = 0; i < 300; i++) expectHarmless(bytes, random.below(8 * bytes.length), commands);
    for (let size = bytes.length - 200; size < bytes.length; size++) {
      const outcome = load(bytes.subarray(0, size));
      expect(outcome.refusal).toBeNull();
      expect(outcome.commands).toEqual(commands.slice(0, outcome.commands.length));
      expect(outcome.commands.length % 10).toBe(0);
    }
  });

  test('with garbage where nothing is known to be durable is cut there, and refused before that', () => {
    const ends = [...endsOf(BATCHES).keys()];
    // Batch 3 says that the first three were durable; so it must itself survive to bear witness.
    for (const [place, isRefused] of [
      [ends[1] + 3, true],
      [ends[2] + 20, true],
      [ends[3] + 3, false],
      [ends[4] + 3, false],
    ] as const) {
      for (const filling of [0, 0xff, 0x2a]) {
        const damaged = Buffer.from(file);
        damaged.fill(filling, place, place + 9);
        const outcome = load(damaged);
        expect({ place, refused: outcome.refusal !== null }).toEqual({ place, refused: isRefused });
        if (isRefused) expect(outcome.refusal).toContain('safely on disk');
        else expect(ends).toContain(outcome.cutAt);
      }
    }
  });

  test('is not taken for whole with a batch twice, missing, or out of another file', () => {
    const ends = [...endsOf(BATCHES).keys()];
    const part = (i: number): Buffer => file.subarray(ends[i], ends[i + 1]);
    const twice = load(Buffer.concat([file.subarray(0, ends[2]), part(1), file.subarray(ends[2])]));
    expect(twice).toMatchObject({ cutAt: ends[2], commands: BATCHES.slice(0, 2).flatMap(({ commands }) => commands) });
    const missing = load(Buffer.concat([file.subarray(0, ends[1]), file.subarray(ends[2])]));
    expect(missing).toMatchObject({ cutAt: ends[1] });
  });

  test('whose batches hold what cannot be is refused though their CRCs are right', () => {
    expect(load(fileOf([{ commands: ['EXEC'] }])).refusal).toContain('EXEC without MULTI');
    expect(load(fileOf([{ commands: ['MULTI', 'MULTI', 'EXEC'] }])).refusal).toContain('MULTI inside');
  });

  test('may hold text that looks like its own lines', () => {
    const inner = fileOf(BATCHES).toString('latin1');
    const batches = [{ commands: ['SET a 1'] }, { commands: [`SET copy ${inner}`] }, { commands: ['SET b 2'] }];
    const bytes = fileOf(batches);
    const commands = batches.flatMap((batch) => batch.commands);
    expect(load(bytes)).toMatchObject(clean(commands));
    for (let size = bytes.length - 300; size < bytes.length; size++)
      expect(load(bytes.subarray(0, size)).refusal).toBeNull();
    for (let bit = 0; bit < 8 * bytes.length; bit += 5) expectHarmless(bytes, bit, commands);
  });
});

describe('a transaction', () => {
  test('over several batches is all or nothing, with the batches that it touches', () => {
    const batches = [
      { commands: ['SET a 1'] },
      { commands: ['SET b 2', 'MULTI', 'SET c 3'] },
      { commands: ['EXEC', 'SET d 4'] },
    ];
    const file = fileOf(batches);
    expect(load(file)).toMatchObject(clean(batches.flatMap(({ commands }) => commands)));
    const [, first, second] = endsOf(batches).keys();
    for (let size = first + 1; size < file.length; size++) {
      expect(load(file.subarray(0, size))).toMatchObject({ commands: ['SET a 1'], cutAt: first, refusal: null });
    }
    expect(load(file.subarray(0, second), { mayBeCut: false }).refusal).toContain('inside of a transaction');
  });
});

describe("Redis' own file", () => {
  const commands = ['SELECT 0', 'SET a 1', 'multi', 'INCR a', 'EXEC', 'SET b 2'];
  const file = Buffer.concat([Buffer.from('#TS:1700000000\r\n'), ...commands.map(resp)]);

  test('is executed as it comes, its own comments passed over', () => {
    expect(load(file)).toMatchObject({ ...clean(commands), endsWithBatch: false });
    expect(load(Buffer.concat([file, file]))).toMatchObject(clean([...commands, ...commands]));
  });

  test('is not what is left of a batch whose first line was spoiled and whose last is gone', () => {
    const batch = fileOf([{ commands: ['SET a 1', 'SET b 2'], unixSeconds: 1700000000 }]);
    batch.write('XYNC', 1);
    batch.write('c', batch.indexOf('\na\r') + 1);
    const { commands: executed, refusal } = load(batch.subarray(0, batch.indexOf('#CRC')));
    expect(executed).toEqual([]);
    expect(refusal).toContain('byte 0: the line is no comment that Redis writes');
  });

  test('that is cut anywhere is cut after its last whole command, or before MULTI', () => {
    for (let size = 0; size < file.length; size++) {
      const outcome = load(file.subarray(0, size));
      expect(outcome.refusal).toBeNull();
      expect([0, 1, 2, 5, 6]).toContain(outcome.commands.length);
      expect(outcome.commands).toEqual(commands.slice(0, outcome.commands.length));
      expect(load(file.subarray(0, outcome.cutAt ?? size))).toMatchObject(clean(outcome.commands));
    }
  });

  test.each([
    ['zeros at its end', Buffer.concat([file, Buffer.alloc(9)])],
    ['an inline command', Buffer.from('SET a 1\r\n')],
    ['no CR LF after a string', Buffer.from('*1\r\n$4\r\nPINGxx')],
    ['a negative length', Buffer.from('*1\r\n$-1\r\n')],
    ['a length with a leading zero', Buffer.from('*1\r\n$04\r\nPING\r\n')],
    ['no arguments', Buffer.from('*0\r\n')],
    ['an integer as argument', Buffer.from('*1\r\n:1\r\n')],
    ['too many arguments', Buffer.from('*1048577\r\n$4\r\nPING\r\n')],
    ['a length beyond all limits', Buffer.from('*1\r\n$9223372036854775807\r\n')],
    ['a comment of 2000 bytes', Buffer.from('#'.repeat(2000))],
    ['a comment by another hand', Buffer.concat([file, Buffer.from('# hello\r\n')])],
    ['a time that is none', Buffer.concat([Buffer.from('#TS:now\r\n'), file])],
    ['EXEC without MULTI', resp('EXEC')],
  ])('is refused with %s', (_, bytes) => {
    expect(load(bytes).refusal).toMatch(/, byte \d+: /);
  });

  test('may be read from behind a preamble', () => {
    const preamble = Buffer.from('REDIS0011...');
    expect(load(Buffer.concat([preamble, file]), { from: preamble.length })).toMatchObject(clean(commands));
  });

  test('may stand before, between and after batches', () => {
    const before = Buffer.concat([file, fileOf(BATCHES.slice(0, 2), file).subarray(file.length), file]);
    const mixed = fileOf(BATCHES.slice(2), before);
    const expected = [...commands, ...BATCHES.slice(0, 2).flatMap((batch) => batch.commands), ...commands];
    expect(load(before)).toMatchObject({ ...clean(expected), endsWithBatch: false });
    expected.push(...BATCHES.slice(2).flatMap((batch) => batch.commands));
    expect(load(mixed)).toMatchObject({ ...clean(expected), endsWithBatch: true });
  });

  test('has strings and commands of any size', () => {
    const long = 'x'.repeat(3_000_000);
    const many = `RPUSH l ${'y '.repeat(200_000)}z`;
    expect(load(Buffer.concat([`SET k ${long}`, many, 'SET a 1'].map(resp)))).toMatchObject(
      clean([`SET k ${long}`, many, 'SET a 1']),
    );
  });
});

/**
 * Files that were cut, overwritten, spliced and lied to about lengths: loaded in part or refused, never anything else.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileOf, load, resp, type Outcome } from './files';

const word = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 12 }).map((text) => text.replaceAll(' ', '_'));
const command = fc.array(word, { minLength: 2, maxLength: 4 }).map((words) => words.join(' '));
const transaction = fc.array(command, { maxLength: 3 }).map((commands) => ['MULTI', ...commands, 'EXEC']);
const batch = fc.record({
  commands: fc.oneof(fc.array(command, { maxLength: 4 }), transaction),
  isSynced: fc.boolean(),
  unixSeconds: fc.option(fc.nat(), { nil: undefined }),
});
const batches = fc.array(batch, { minLength: 1, maxLength: 6 });

function expectPrefix({ commands, refusal }: Outcome, all: readonly string[]): void {
  if (refusal === null) expect(commands).toEqual(all.slice(0, commands.length));
  else expect(commands).toEqual([]);
}

test('a file that was cut and partly overwritten gives whole batches from its start, or nothing', () => {
  const patch = fc.record({ at: fc.nat(600), bytes: fc.uint8Array({ minLength: 1, maxLength: 30 }) });
  fc.assert(
    fc.property(batches, fc.array(patch, { maxLength: 3 }), fc.nat(700), (content, patches, size) => {
      const file = fileOf(content);
      const all = content.flatMap(({ commands }) => commands);
      expect(load(file)).toMatchObject({ commands: all, cutAt: null, refusal: null });
      for (const { at, bytes } of patches)
        file.set(bytes.subarray(0, Math.max(0, file.length - at)), Math.min(at, file.length));
      const outcome = load(file.subarray(0, size));
      expectPrefix(outcome, all);
      // What is left after the cut needs no other.
      if (outcome.cutAt !== null) {
        expect(load(file.subarray(0, outcome.cutAt), { mayBeCut: false })).toMatchObject({
          commands: outcome.commands,
          refusal: null,
        });
      }
    }),
    { numRuns: 500 },
  );
});

test('pieces of files in any order are loaded or refused', () => {
  const piece = fc.tuple(fc.nat(600), fc.nat(200));
  fc.assert(
    fc.property(batches, batches, fc.array(piece, { maxLength: 8 }), (left, right, pieces) => {
      const source = Buffer.concat([
        fileOf(left),
        fileOf(right),
        ...right.flatMap(({ commands }) => commands.map(resp)),
      ]);
      const spliced = Buffer.concat(pieces.map(([at, length]) => source.subarray(at, at + length)));
      const { commands, refusal } = load(spliced);
      if (refusal !== null) expect(commands).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('a batch that is written twice, or not where it was, is not executed', () => {
  fc.assert(
    fc.property(batches, fc.nat(5), (content, chosen) => {
      const index = chosen % content.length;
      const start = fileOf(content.slice(0, index)).length;
      const end = fileOf(content.slice(0, index + 1)).length;
      const file = fileOf(content);
      const twice = Buffer.concat([file.subarray(0, end), file.subarray(start, end), file.subarray(end)]);
      expectPrefix(
        load(twice),
        content.slice(0, index + 1).flatMap(({ commands }) => commands),
      );
      const without = Buffer.concat([file.subarray(0, start), file.subarray(end)]);
      expectPrefix(
        load(without),
        content.slice(0, index).flatMap(({ commands }) => commands),
      );
    }),
    { numRuns: 200 },
  );
});

test('lengths that promise more than there is cost nothing', () => {
  const length = fc.constantFrom(
    '2147483647',
    '2147483648',
    '4294967296',
    '9223372036854775807',
    '18446744073709551616',
    '536870912',
  );
  const filler = fc.string({ maxLength: 40 });
  fc.assert(
    fc.property(length, filler, fc.boolean(), (digits, text, isCount) => {
      const lie = isCount ? `*${digits}\r\n$1\r\na\r\n${text}` : `*2\r\n$${digits}\r\n${text}`;
      const before = process.memoryUsage().arrayBuffers;
      const outcome = load(Buffer.concat([resp('SET a 1'), Buffer.from(lie)]));
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
      if (outcome.refusal === null)
        expect(outcome).toMatchObject({ commands: ['SET a 1'], cutAt: resp('SET a 1').length });
    }),
    { numRuns: 200 },
  );
});

test('lines that point everywhere are given up on in time', () => {
  // Each claims a batch from the very start: without a limit, every one of them would be computed.
  const lines = Array.from({ length: 20_000 }, (_, i) => {
    const at = 20 + i * 60;
    return `#CRC:${'0'.repeat(16)} ${at}\r\n`.padEnd(60, 'x');
  });
  expect(load(Buffer.from('#SYNC:0\r\n'.padEnd(20, 'x') + lines.join(''))).refusal).toContain('too tangled');
});

/**
 * Looking ahead must agree with reading: where `scout` says the second words are, `next` finds them.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMMAND, CommandParser, defaultProtocolLimits, encodeCommand } from '../../src/resp';

const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', 'GET', 'x'.repeat(99), 'x'.repeat(100), '*3\r\n$1\r\n', '$5'),
);
const command = fc.array(word, { minLength: 1, maxLength: 5 });

test('scout finds the second words of the commands that next finds', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), fc.nat(), fc.nat({ max: 40 }), (commands, cut, offset) => {
      const message = Buffer.concat(commands.map((words) => encodeCommand(words)));
      const chunk = Buffer.concat([Buffer.alloc(offset, '*'), message.subarray(0, cut % (message.length + 1))]);
      const parser = new CommandParser(defaultProtocolLimits());
      const starts = new Int32Array(16);
      const ends = new Int32Array(16);
      parser.feed(chunk, offset, chunk.length);
      const count = parser.scout(starts, ends);
      const buffer = parser.chunkBytes;
      for (let i = 0; i < count; i++) {
        expect(parser.next()).toBe(COMMAND);
        if (parser.argc === 1) {
          expect(starts[i]).toBe(-1);
        } else {
          expect(parser.buffer).toBe(buffer);
          expect([parser.starts[1], parser.ends[1]]).toEqual([starts[i], ends[i]]);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('scout looks at nothing while a command is being read from memory of its own', () => {
  const parser = new CommandParser(defaultProtocolLimits());
  const bytes = encodeCommand(['GET', 'key']);
  parser.feed(bytes, 0, 10);
  parser.next();
  parser.feed(bytes, 10, bytes.length);
  expect(parser.scout(new Int32Array(16), new Int32Array(16))).toBe(0);
  expect(parser.next()).toBe(COMMAND);
});

test('scout never throws on random bytes, and never looks beyond the chunk', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const parser = new CommandParser(defaultProtocolLimits());
      const starts = new Int32Array(16);
      const ends = new Int32Array(16);
      parser.feed(bytes, 0, bytes.length);
      const count = parser.scout(starts, ends);
      for (let i = 0; i < count; i++) expect(ends[i]).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

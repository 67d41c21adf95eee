/**
 * Batches must agree with reading one command after the other: the same commands, whatever is plain and wherever the
 * stream is cut.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BatchedCommand,
  COMMAND,
  CommandParser,
  defaultProtocolLimits,
  encodeCommand,
  makeBatch,
  NEED_MORE,
} from '../../src/resp';

const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', 'GET', 'x'.repeat(99), 'x'.repeat(100), 'y'.repeat(3000), '*3\r\n$1\r\n', '$5'),
);
const command = fc.array(word, { minLength: 1, maxLength: 10 });

/** What a parser hands out for chunks, as words. */
function read(chunks: readonly Buffer[], batchSize: number): string[][] {
  const parser = new CommandParser(defaultProtocolLimits());
  const batch = makeBatch(batchSize);
  const commands: string[][] = [];
  const take = ({ buffer, starts, ends, argc }: Omit<(typeof batch)[0], 'commandStart' | 'commandEnd'>): void => {
    commands.push(
      Array.from({ length: argc }, (_, i) => Buffer.from(buffer.subarray(starts[i], ends[i])).toString('latin1')),
    );
  };
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    parser.feed(lent, 0, lent.length);
    for (;;) {
      const count = parser.nextBatch(batch);
      for (let i = 0; i < count; i++) take(batch[i]);
      if (count > 0) continue;
      const answer = parser.next();
      if (answer === NEED_MORE) break;
      if (answer !== COMMAND) return commands;
      take(parser);
    }
    lent.fill(0x2a);
  }
  return commands;
}

function cut(message: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (message.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => message.subarray(from, sorted[i] ?? message.length));
}

test('the same commands come out, one by one, in batches, and cut anywhere', () => {
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 30 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.integer({ min: 1, max: 16 }),
      (commands, places, batchSize) => {
        const message = Buffer.concat(commands.map((words) => encodeCommand(words)));
        const expected = commands.map((words) => words.map((each) => Buffer.from(each).toString('latin1')));
        expect(read(cut(message, places), batchSize)).toEqual(expected);
      },
    ),
    { numRuns: 1000 },
  );
});

test('any bytes give the same commands with batches as without', () => {
  const bytes = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      command.map((words) => encodeCommand(words)),
    ),
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 3 }), (parts, places) => {
      const chunks = cut(Buffer.concat(parts), places);
      expect(read(chunks, 16)).toEqual(read(chunks, 0));
    }),
    { numRuns: 1000 },
  );
});

test('commands of a batch can be taken back, and come again', () => {
  const parser = new CommandParser(defaultProtocolLimits());
  const batch = makeBatch(16);
  const message = Buffer.concat(
    [
      ['GET', 'a'],
      ['GET', 'b'],
      ['GET', 'c'],
    ].map((words) => encodeCommand(words)),
  );
  parser.feed(message, 0, message.length);
  expect(parser.nextBatch(batch)).toBe(3);
  parser.rewind(batch[0].commandEnd);
  parser.retain();
  message.fill(0);
  const keys: string[] = [];
  while (parser.next() === COMMAND) {
    keys.push(Buffer.from(parser.buffer.subarray(parser.starts[1], parser.ends[1])).toString());
  }
  expect(keys).toEqual(['b', 'c']);
});

test('a copy is in memory of its own, and may have other words', () => {
  const parser = new CommandParser(defaultProtocolLimits());
  const message = Buffer.from('PING\r\n*3\r\n$1\r\na\r\n$2\r\nbc\r\n$0\r\n\r\n');
  parser.feed(message, 0, message.length);
  parser.next();
  parser.next();
  const same = BatchedCommand.copyOf(parser);
  const other = BatchedCommand.copyOf(parser, new Map([2, 0].map((i) => [i, Buffer.from(`word ${i}`)])));
  message.fill(0x2a);
  const words = ({ buffer, argc, starts, ends }: BatchedCommand): string[] =>
    Array.from({ length: argc }, (_, i) => Buffer.from(buffer.subarray(starts[i], ends[i])).toString());
  expect(words(same)).toEqual(['a', 'bc', '']);
  expect(words(other)).toEqual(['word 0', 'bc', 'word 2']);
  for (const { buffer, commandStart, commandEnd } of [same, other]) {
    expect(Buffer.from(buffer.subarray(commandStart, commandEnd)).toString()).toBe(
      '*3\r\n$1\r\na\r\n$2\r\nbc\r\n$0\r\n\r\n',
    );
  }
});

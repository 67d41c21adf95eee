import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COMMAND,
  CommandParser,
  defaultProtocolLimits,
  encodeCommand,
  NEED_MORE,
  PROTOCOL_ERROR,
} from '../../src/resp';
import { argumentsOf, everyPlace, limitsWith, parseCommands } from './support';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const longBytes = fc.integer({ min: 0, max: 5000 }).map((length) => Buffer.alloc(length, 'long'));
const argument = fc.oneof({ weight: 5, arbitrary: bytes }, longBytes);
const manyArguments = fc
  .integer({ min: 50, max: 400 })
  .map((count) => Array.from({ length: count }, () => Buffer.from('x')));
const command = fc.oneof({ weight: 9, arbitrary: fc.array(argument, { minLength: 1, maxLength: 6 }) }, manyArguments);
/** What bad commands are made of. */
const FRAGMENTS = [
  '*',
  '$',
  '-',
  '0',
  '1',
  '7',
  '12',
  '\r',
  '\n',
  ' ',
  '"',
  "'",
  'x',
  '\\',
  '\r\n',
  '*1\r\n',
  '$1\r\n',
];

const cuts = fc.array(fc.nat(), { maxLength: 30 });

const latin1 = (args: readonly Buffer[]): string[] => args.map((arg) => arg.toString('latin1'));

describe('CommandParser', () => {
  it('gives the same commands wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), cuts, (commands, places) => {
        const stream = Buffer.concat(commands.map((args) => encodeCommand(args)));
        const found = parseCommands(stream, places);
        expect(found.commands).toEqual(commands.map(latin1));
        expect(found.answer).toBe(NEED_MORE);
      }),
    );
  });

  it('resumes at every byte', () => {
    const stream = Buffer.from(
      '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*0\r\n*-1\r\n\r\n \t \nGET "a\\x20b" \'cd\'\r\n' +
        '*2\r\n$4\r\nECHO\r\n$12\r\n*1\r\n$4\r\nPING\r\nPING\n',
    );
    const expected = parseCommands(stream);
    expect(expected.commands).toEqual([['SET', 'k', ''], ['GET', 'a b', 'cd'], ['ECHO', '*1\r\n$4\r\nPING'], ['PING']]);
    expect(parseCommands(stream, everyPlace(stream))).toEqual(expected);
    for (const place of everyPlace(stream)) expect(parseCommands(stream, [place])).toEqual(expected);
  });

  it('answers hostile bytes the same wherever they are cut, without throwing or hoarding', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
      fc.tuple(command, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([args, at, byte]) => {
        const message = encodeCommand(args);
        message[at % message.length] = byte;
        return message;
      }),
    );
    const limits = limitsWith({ bulkBytesMax: 200, argumentsMax: 20, inlineBytesMax: 50, queryBytesMax: 2000 });
    fc.assert(
      fc.property(hostile, cuts, (stream, places) => {
        const whole = parseCommands(stream, [], new CommandParser(limits));
        const parser = new CommandParser(limits);
        expect(parseCommands(stream, places, parser)).toEqual(whole);
        expect(parseCommands(stream, everyPlace(stream), new CommandParser(limits))).toEqual(whole);
        expect(parser.bufferedBytes).toBeLessThanOrEqual(stream.length);
        expect(parser.memoryBytes).toBeLessThan(20_000);
      }),
      { numRuns: 400 },
    );
  });

  it('keeps the raw message beside its arguments, inline commands as the array they stand for', () => {
    const parser = new CommandParser(defaultProtocolLimits());
    const stream = Buffer.from('get  "k" \r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n');
    parser.feed(stream, 0, stream.length);
    const messages: unknown[] = [];
    while (parser.next() === COMMAND) {
      const raw = Buffer.from(parser.buffer).toString('latin1', parser.commandStart, parser.commandEnd);
      messages.push([parser.inline, raw]);
    }
    expect(messages).toEqual([
      [true, '*2\r\n$3\r\nget\r\n$1\r\nk\r\n'],
      [false, '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n'],
    ]);
  });

  it('retains what a paused caller leaves unread', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 12 }),
        cuts,
        fc.infiniteStream(fc.nat(3)),
        (commands, places, reads) => {
          const stream = Buffer.concat(commands.map((args) => encodeCommand(args)));
          const ends = [...places.map((place) => place % (stream.length + 1)), stream.length].sort((a, b) => a - b);
          const parser = new CommandParser(defaultProtocolLimits());
          const found: string[][] = [];
          let at = 0;
          for (const end of ends) {
            const chunk = Buffer.from(stream.subarray(at, end));
            parser.feed(chunk, 0, chunk.length);
            for (let left = reads.next().value; left > 0 && parser.next() === COMMAND; left--) {
              found.push(argumentsOf(parser));
            }
            parser.retain();
            chunk.fill(0);
            at = end;
          }
          while (parser.next() === COMMAND) found.push(argumentsOf(parser));
          expect(found).toEqual(commands.map(latin1));
          expect(parser.bufferedBytes).toBe(0);
        },
      ),
    );
  });

  it('takes 64 MB in pieces of 64 KB in linear memory, and gives the memory back', () => {
    const pieces = 1024;
    const piece = Buffer.alloc(64 * 1024, 'v');
    const parser = new CommandParser(defaultProtocolLimits());
    const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$${pieces * piece.length}\r\n`);
    let allocated = 0;
    let memory = 0;
    const feed = (chunk: Buffer): number => {
      parser.feed(chunk, 0, chunk.length);
      const answer = parser.next();
      if (parser.memoryBytes !== memory) allocated += parser.memoryBytes;
      memory = parser.memoryBytes;
      return answer;
    };
    expect(feed(head)).toBe(NEED_MORE);
    for (let i = 0; i < pieces; i++) expect(feed(piece)).toBe(NEED_MORE);
    expect(feed(Buffer.from('\r\n*1\r\n$4\r\nPING\r\n'))).toBe(COMMAND);
    expect(parser.ends[2] - parser.starts[2]).toBe(pieces * piece.length);
    expect(parser.buffer.subarray(parser.starts[2], parser.ends[2]).every((byte) => byte === piece[0])).toBe(true);
    // Doubling: all memory ever allocated, which is what moving can cost, is a small multiple of what arrived.
    expect(allocated).toBeLessThan(4 * pieces * piece.length);
    expect(parser.next()).toBe(COMMAND);
    expect(argumentsOf(parser)).toEqual(['PING']);
    expect(parser.next()).toBe(NEED_MORE);
    expect(parser.memoryBytes).toBeLessThan(32 * 1024);
  });

  it('takes a million arguments and gives their memory back', () => {
    const args = Array.from({ length: 1024 * 1024 }, (_, i) => (i % 10 === 0 ? '' : 'x'));
    const stream = encodeCommand(args);
    const parser = new CommandParser(defaultProtocolLimits());
    let commands = 0;
    for (let at = 0; at < stream.length; at += 65_536) {
      parser.feed(stream, at, Math.min(stream.length, at + 65_536));
      while (parser.next() === COMMAND) {
        commands++;
        expect(parser.argc).toBe(args.length);
        expect(parser.commandEnd - parser.commandStart).toBe(stream.length);
        for (let i = 0; i < args.length; i++) {
          if (parser.ends[i] - parser.starts[i] !== args[i].length) expect.fail(`argument ${i}`);
        }
      }
    }
    expect(commands).toBe(1);
    expect(parser.memoryBytes).toBeLessThan(32 * 1024);
  });

  it('allocates nothing for what is only announced', () => {
    const parser = new CommandParser(defaultProtocolLimits());
    const stream = Buffer.from('*1048576\r\n$536870912\r\nx');
    parser.feed(stream, 0, stream.length);
    expect(parser.next()).toBe(NEED_MORE);
    expect(parser.memoryBytes).toBeLessThan(8 * 1024);
  });

  it('closes without a word when an unfinished command exceeds the query buffer', () => {
    const parser = new CommandParser(limitsWith({ queryBytesMax: 1000 }));
    const head = Buffer.from('*2\r\n$4\r\nECHO\r\n$5000\r\n');
    const piece = Buffer.alloc(100, 'x');
    parser.feed(head, 0, head.length);
    let answer = parser.next();
    let fed = head.length;
    for (; answer === NEED_MORE; fed += piece.length) {
      parser.feed(piece, 0, piece.length);
      answer = parser.next();
    }
    expect(answer).toBe(PROTOCOL_ERROR);
    expect(parser.errorText).toBe('');
    expect(fed).toBeLessThanOrEqual(1000 + piece.length);
    expect(parser.memoryBytes).toBeLessThan(2000);
  });

  it('stays failed, whatever comes', () => {
    const parser = new CommandParser(defaultProtocolLimits());
    const bad = Buffer.from('*1\r\n!1\r\n*1\r\n$4\r\nPING\r\n');
    parser.feed(bad, 0, bad.length);
    expect(parser.next()).toBe(PROTOCOL_ERROR);
    for (let i = 0; i < 10; i++) {
      parser.feed(bad, 9, bad.length);
      expect(parser.next()).toBe(PROTOCOL_ERROR);
    }
    expect(parser.bufferedBytes).toBe(0);
    expect(parser.errorText).toBe("Protocol error: expected '$', got '!'");
  });

  it('reads limits anew for every command', () => {
    const limits = defaultProtocolLimits();
    const parser = new CommandParser(limits);
    const echo = encodeCommand(['ECHO', 'x'.repeat(100)]);
    expect(parseCommands(echo, [], parser).commands.length).toBe(1);
    limits.bulkBytesMax = 50;
    expect(parseCommands(echo, [], parser).errorText).toBe('Protocol error: invalid bulk length');
  });
});

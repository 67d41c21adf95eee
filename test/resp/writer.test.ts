import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Output } from '../../src/base';
import { decodeReply, doubleText, encodeCommand, ReplyWriter, writeCommand } from '../../src/resp';

function spelled(protocol: 2 | 3, write: (writer: ReplyWriter) => void): string {
  const out = new Output();
  const writer = new ReplyWriter(out);
  writer.protocol = protocol;
  write(writer);
  return out.take().toString();
}

describe('ReplyWriter', () => {
  it.each<[string, (writer: ReplyWriter) => void, string, string]>([
    ['ok', (w) => w.ok(), '+OK\r\n', '+OK\r\n'],
    ['null', (w) => w.null(), '$-1\r\n', '_\r\n'],
    ['nullArray', (w) => w.nullArray(), '*-1\r\n', '_\r\n'],
    ['emptyArray', (w) => w.emptyArray(), '*0\r\n', '*0\r\n'],
    ['array', (w) => w.array(12), '*12\r\n', '*12\r\n'],
    ['map', (w) => w.map(12), '*24\r\n', '%12\r\n'],
    ['set', (w) => w.set(3), '*3\r\n', '~3\r\n'],
    ['push', (w) => w.push(3), '*3\r\n', '>3\r\n'],
    ['double', (w) => w.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
    ['a double in a spelling of its own', (w) => w.spelledDouble('1.50'), '$4\r\n1.50\r\n', ',1.50\r\n'],
    ['infinity', (w) => w.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
    ['true', (w) => w.boolean(true), ':1\r\n', '#t\r\n'],
    ['false', (w) => w.boolean(false), ':0\r\n', '#f\r\n'],
    ['verbatim', (w) => w.verbatim('é'), '$2\r\né\r\n', '=6\r\ntxt:é\r\n'],
    ['bigNumber', (w) => w.bigNumber('12'), '$2\r\n12\r\n', '(12\r\n'],
    ['integer', (w) => w.integer(-12), ':-12\r\n', ':-12\r\n'],
    ['int64', (w) => w.int64(2n ** 63n - 1n), ':9223372036854775807\r\n', ':9223372036854775807\r\n'],
    ['bulkInteger', (w) => w.bulkInteger(-1234), '$5\r\n-1234\r\n', '$5\r\n-1234\r\n'],
    ['error', (w) => w.error('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
    ['simple', (w) => w.simple('a\nb'), '+a b\r\n', '+a b\r\n'],
    ['raw', (w) => w.raw(Buffer.from(':7\r\n')), ':7\r\n', ':7\r\n'],
  ])('%s', (_, write, resp2, resp3) => {
    expect(spelled(2, write)).toBe(resp2);
    expect(spelled(3, write)).toBe(resp3);
  });

  it('counts errors and keeps the last one, over any number of different texts', () => {
    const out = new Output();
    const writer = new ReplyWriter(out);
    for (let i = 0; i < 2000; i++) {
      writer.error(`ERR unknown command '${i}'`);
      expect(out.take().toString()).toBe(`-ERR unknown command '${i}'\r\n`);
    }
    expect(writer.errors).toBe(2000);
    expect(writer.lastError).toBe("ERR unknown command '1999'");
  });

  it('writes bulk strings of every size over the borders of chunks', () => {
    const out = new Output();
    const writer = new ReplyWriter(out);
    const source = Buffer.alloc(70_000, 'abcdefg');
    const expected: Buffer[] = [];
    for (const size of [0, 1, 511, 512, 513, 16_000, 300, 16_384, 16_385, 70_000, 5, 15_900, 480, 490, 500]) {
      writer.bulkAt(source, 0, size);
      expected.push(Buffer.from(`$${size}\r\n`), source.subarray(0, size), Buffer.from('\r\n'));
    }
    expect(out.take().equals(Buffer.concat(expected))).toBe(true);
  });
});

describe('commands, encoded', () => {
  const argument = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.uint8Array());

  it('are arrays of bulk strings, the same made or appended', () => {
    expect(encodeCommand(['SET', 'ключ', 5, Buffer.from('v')]).toString()).toBe(
      '*4\r\n$3\r\nSET\r\n$8\r\nключ\r\n$1\r\n5\r\n$1\r\nv\r\n',
    );
    fc.assert(
      fc.property(fc.array(argument), (args) => {
        const message = encodeCommand(args);
        const out = new Output();
        writeCommand(out, args);
        expect(out.take().equals(message)).toBe(true);
        const values = args.map((arg) => Buffer.from(typeof arg === 'object' ? arg : String(arg)));
        expect(decodeReply(message, 0, message.length, { binary: true })).toEqual(values);
      }),
    );
  });
});

describe('doubleText', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-12, '-12'],
    [0.1, '0.1'],
    [3.14159, '3.14159'],
    [-0.000123, '-0.000123'],
    [0.000001, '0.000001'],
    [0.0000001, '1e-7'],
    [1.5e-9, '1.5e-9'],
    [12345.678, '12345.678'],
    [1234567.12345678, '1.23456712345678e+6'],
    [2 ** 52 - 1, '4503599627370495'],
    [2 ** 53, '9007199254740992'],
    [1e20, '1e+20'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '5e-324'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [NaN, 'nan'],
  ])('%d', (value, text) => {
    expect(doubleText(value)).toBe(text);
  });

  it('reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(doubleText(value))).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });
});

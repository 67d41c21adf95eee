import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes, CacheError, Output } from '../../src/base';
import {
  AggregateHead,
  DECODE_DEPTH_MAX,
  decodeReply,
  defaultReplyLimits,
  doubleText,
  INCOMPLETE_REPLY,
  MALFORMED_REPLY,
  NEED_MORE,
  PROTOCOL_ERROR,
  PushReply,
  REPLY,
  replyEnd,
  ReplyError,
  ReplyParser,
  replyTypes,
  ReplyWriter,
  type Reply,
} from '../../src/resp';
import { cut, everyPlace } from './support';

/** A reply as a handler would say it: how to write it, and what a client must see in each protocol. */
interface Said {
  write(writer: ReplyWriter): void;
  resp2: Reply;
  resp3: Reply;
}

const same = (write: Said['write'], value: Reply): Said => ({ write, resp2: value, resp3: value });

const plain: fc.Arbitrary<Said> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => same((writer) => writer.text(text), text)),
  fc.string({ maxLength: 30 }).map((text) => same((writer) => writer.bulk(Bytes.of(text)), text)),
  fc.integer({ min: 0, max: 40_000 }).map((size) => same((writer) => writer.text('é'.repeat(size)), 'é'.repeat(size))),
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map((text) => same((writer) => writer.simple(text), text)),
  fc.maxSafeInteger().map((value) => same((writer) => writer.integer(value), value)),
  fc.maxSafeInteger().map((value) => same((writer) => writer.bulkInteger(value), String(value))),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }).map((value) => same((writer) => writer.int64(-value), -value)),
  fc.constant(same((writer) => writer.ok(), 'OK')),
  fc.constant(same((writer) => writer.queued(), 'QUEUED')),
  fc.constant(same((writer) => writer.null(), null)),
  fc.constant(same((writer) => writer.nullArray(), null)),
  fc.constant(null).map(() => same((writer) => writer.emptyArray(), [])),
  fc.double().map((value) => ({
    write: (writer: ReplyWriter): void => writer.double(value),
    resp2: doubleText(value),
    resp3: value,
  })),
  fc.boolean().map((value) => ({
    write: (writer: ReplyWriter): void => writer.boolean(value),
    resp2: value ? 1 : 0,
    resp3: value,
  })),
  fc.string({ maxLength: 20 }).map((text) => same((writer) => writer.verbatim(text), text)),
  fc.bigInt().map((value) => ({
    write: (writer: ReplyWriter): void => writer.bigNumber(String(value)),
    resp2: String(value),
    resp3: value,
  })),
);

const said: fc.Arbitrary<Said> = fc.letrec<{ any: Said }>((tie) => {
  const list = fc.array(tie('any'), { maxLength: 5 });
  const writeAll = (writer: ReplyWriter, items: Said[]): void => items.forEach((item) => item.write(writer));
  const aggregate = (items: Said[], head: (writer: ReplyWriter) => void, resp3: (values: Reply[]) => Reply): Said => ({
    write(writer) {
      head(writer);
      writeAll(writer, items);
    },
    resp2: items.map((item) => item.resp2),
    resp3: resp3(items.map((item) => item.resp3)),
  });
  return {
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      plain,
      list.map((items) =>
        aggregate(
          items,
          (writer) => writer.array(items.length),
          (values) => values,
        ),
      ),
      list.map((items) =>
        aggregate(
          items,
          (writer) => writer.set(items.length),
          (values) => new Set(values),
        ),
      ),
      list.map((items) =>
        aggregate(
          items,
          (writer) => writer.push(items.length),
          (values) => new PushReply(values),
        ),
      ),
      fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((pairs) =>
        aggregate(
          pairs.flat(),
          (writer) => writer.map(pairs.length),
          (values) => {
            return new Map(pairs.map((_, i) => [values[2 * i], values[2 * i + 1]]));
          },
        ),
      ),
    ),
  };
}).any;

function written(protocol: 2 | 3, write: (writer: ReplyWriter) => void): Buffer {
  const out = new Output();
  const writer = new ReplyWriter(out);
  writer.protocol = protocol;
  write(writer);
  return out.take();
}

interface Parsed {
  ranges: string[];
  kinds: number[];
  answer: number;
}

function parseReplies(stream: Uint8Array, cuts: readonly number[], parser = new ReplyParser()): Parsed {
  const parsed: Parsed = { ranges: [], kinds: [], answer: NEED_MORE };
  for (const chunk of cut(stream, cuts)) {
    parser.feed(chunk, 1, chunk.length - 1);
    for (parsed.answer = parser.next(); parsed.answer === REPLY; parsed.answer = parser.next()) {
      parsed.ranges.push(Buffer.from(parser.buffer).toString('latin1', parser.start, parser.end));
      parsed.kinds.push(parser.kind);
    }
    chunk.fill(0x2b);
  }
  return parsed;
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });

describe('replies, from writer through parser to values', () => {
  it.each([2, 3] as const)('come back as they were said, RESP%i', (protocol) => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 8 }), cuts, (replies, places) => {
        const messages = replies.map((reply) => written(protocol, (writer) => reply.write(writer)));
        const parsed = parseReplies(Buffer.concat(messages), places);
        expect(parsed.ranges).toEqual(messages.map((message) => message.toString('latin1')));
        expect(parsed.kinds).toEqual(messages.map((message) => message[0]));
        const values = messages.map((message) => decodeReply(message));
        expect(values).toEqual(replies.map((reply) => (protocol === 2 ? reply.resp2 : reply.resp3)));
      }),
    );
  });

  it('resumes at every byte, through attributes and nesting', () => {
    const replies = [
      '|1\r\n+ttl\r\n:3600\r\n$5\r\nvalue\r\n',
      '*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:2\r\n%1\r\n~1\r\n#t\r\n>2\r\n_\r\n,inf\r\n',
      '$-1\r\n',
      '*-1\r\n',
      '!9\r\nERR a\r\nbc\r\n',
      '=7\r\ntxt:abc\r\n',
      '(12345678901234567890123\r\n',
      '-ERR no\r\n',
      '*0\r\n',
    ];
    const stream = Buffer.from(replies.join(''));
    const expected = parseReplies(stream, []);
    expect(expected.ranges).toEqual(replies);
    expect(expected.kinds.map((kind) => String.fromCharCode(kind)).join('')).toBe('$*$*!=(-*');
    expect(parseReplies(stream, everyPlace(stream))).toEqual(expected);
    expect(decodeReply(Buffer.from(replies[0]))).toBe('value');
    expect(decodeReply(Buffer.from(replies[4]))).toEqual(new ReplyError('ERR a\r\nbc'));
  });
});

describe('ReplyParser against a hostile server', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('*', '$', '%', '|', '>', '~', '-1', '1', '3', '\r\n', '\n', '\r', 'ab', ':', '+', '_'), {
        maxLength: 50,
      })
      .map((parts) => Buffer.from(parts.join(''))),
    fc.tuple(said, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([reply, at, byte]) => {
      const message = written(3, (writer) => reply.write(writer));
      message[at % message.length] = byte;
      return message;
    }),
  );

  it('finds the same wherever the bytes are cut, and neither throws nor hoards', () => {
    fc.assert(
      fc.property(hostile, cuts, (stream, places) => {
        const whole = parseReplies(stream, []);
        const parser = new ReplyParser();
        expect(parseReplies(stream, places, parser)).toEqual(whole);
        expect(parser.bufferedBytes).toBeLessThanOrEqual(stream.length);
        for (const range of whole.ranges) {
          try {
            decodeReply(Buffer.from(range, 'latin1'));
          } catch (error) {
            expect(error).toBeInstanceOf(CacheError);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('refuses to decode garbage with CacheError PROTOCOL and nothing else', () => {
    fc.assert(
      fc.property(hostile, (stream) => {
        try {
          decodeReply(stream);
        } catch (error) {
          expect(error).toBeInstanceOf(CacheError);
          expect((error as CacheError).code).toBe('PROTOCOL');
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    'hello\r\n',
    '$x\r\n',
    '$-2\r\n',
    '$-11\r\n',
    '$536870913\r\n',
    '$1\r\nabc\r\n',
    '$?\r\n',
    '*?\r\n',
    '~-1\r\n',
    '%-1\r\n',
    '=-1\r\n',
    '*1073741824\r\n',
    '*99999999999999999999\r\n',
    '%600000000\r\n',
    '+OK\rx',
    `*${'1'.repeat(100)}`,
  ])('refuses %j', (text) => {
    const stream = Buffer.from(text);
    expect(parseReplies(stream, []).answer).toBe(PROTOCOL_ERROR);
    expect(parseReplies(stream, everyPlace(stream)).answer).toBe(PROTOCOL_ERROR);
    expect(replyEnd(stream, 0, stream.length)).toBe(MALFORMED_REPLY);
  });

  it('stops at a reply that grows past its limit', () => {
    const parser = new ReplyParser({ ...defaultReplyLimits(), replyBytesMax: 1000 });
    expect(parseReplies(Buffer.from('*1000\r\n' + ':1\r\n'.repeat(990)), [500, 900, 1500], parser).answer).toBe(
      PROTOCOL_ERROR,
    );
    expect(parser.errorText).toBe('reply too big');
    expect(parser.memoryBytes).toBe(0);
  });

  it('finds the end of nesting of any depth; decoding has a limit', () => {
    const deep = (levels: number): Buffer => Buffer.from('*1\r\n'.repeat(levels) + ':1\r\n');
    const stream = deep(100_000);
    expect(replyEnd(stream, 0, stream.length)).toBe(stream.length);
    expect(() => decodeReply(stream)).toThrow('nested deeper');
    expect(decodeReply(deep(DECODE_DEPTH_MAX))).toHaveLength(1);
    expect(() => decodeReply(deep(DECODE_DEPTH_MAX + 1))).toThrow(CacheError);
  });
});

describe('decodeReply', () => {
  it.each<[string, Reply]>([
    [':+5\r\n', 5],
    [':9223372036854775807\r\n', 9223372036854775807n],
    [',1.5e3\r\n', 1500],
    [',-inf\r\n', -Infinity],
    [',nan\r\n', NaN],
    ['(-5\r\n', -5n],
    ['*2\r\n-ERR no\r\n+OK\r\n', [new ReplyError('ERR no'), 'OK']],
  ])('%j', (text, value) => {
    expect(decodeReply(Buffer.from(text))).toEqual(value);
  });

  it.each([
    ':x\r\n',
    ':\r\n',
    ',1.2.3\r\n',
    ',\r\n',
    '#x\r\n',
    '_x\r\n',
    '(1.5\r\n',
    '=2\r\nab\r\n',
    '+a',
    '+a\r\n+b\r\n',
    '',
  ])('refuses %j', (text) => {
    expect(() => decodeReply(Buffer.from(text))).toThrow('not a reply');
  });

  it('gives Buffers of their own memory where binary is asked for', () => {
    const stream = Buffer.from('*2\r\n$2\r\n\xff\xfe\r\n+OK\r\n', 'latin1');
    const reply = decodeReply(stream, 0, stream.length, { binary: true });
    stream.fill(0);
    expect(reply).toEqual([Buffer.from([0xff, 0xfe]), Buffer.from('OK')]);
  });

  it('tells errors by their prefix', () => {
    expect(new ReplyError('WRONGTYPE Operation against').prefix).toBe('WRONGTYPE');
    expect(new ReplyError('NOPE').prefix).toBe('NOPE');
  });
});

describe('looking into replies', () => {
  it('walks the elements of an aggregate', () => {
    const stream = Buffer.from('*3\r\n$1\r\na\r\n*1\r\n:1\r\n_\r\n+next\r\n');
    const head = new AggregateHead();
    expect(head.read(stream, 0, stream.length)).toBe(true);
    expect([head.count, head.position]).toEqual([3, 4]);
    const ends: number[] = [];
    for (let i = 0, at = head.position; i < head.count; i++) ends.push((at = replyEnd(stream, at, stream.length)));
    expect(ends).toEqual([11, 19, 22]);
  });

  it('counts the values of a map, knows null, and refuses the rest', () => {
    const head = new AggregateHead();
    const read = (text: string): number | false => {
      return head.read(Buffer.from(text), 0, text.length) && head.count;
    };
    expect(read('%2\r\n')).toBe(4);
    expect(read('*-1\r\n')).toBe(-1);
    expect(read('>12345\r\n')).toBe(12345);
    for (const text of ['', '*', '*1', '*1\r', '$1\r\n', '*x\r\n']) expect(read(text)).toBe(false);
  });

  it('tells a reply that is not whole', () => {
    const stream = Buffer.from('*2\r\n:1\r\n$3\r\nabc\r\n');
    for (const end of everyPlace(stream)) expect(replyEnd(stream, 0, end)).toBe(INCOMPLETE_REPLY);
    expect(replyEnd(stream, 0, stream.length)).toBe(stream.length);
  });

  it('names the type bytes', () => {
    expect(String.fromCharCode(replyTypes.PUSH, replyTypes.NULL, replyTypes.ATTRIBUTE)).toBe('>_|');
  });
});

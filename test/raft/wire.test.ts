/** Words to bytes and back; and nothing but words comes out of bytes, whatever they are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../src/base';
import type { Entry, Membership, Message } from '../../src/raft/types';
import {
  decodeMembership,
  decodeMessage,
  decodeSnapshot,
  encodeMembership,
  encodeMessage,
  encodeSnapshot,
  ENTRY_OVERHEAD_BYTES,
} from '../../src/raft/wire';

const integer = fc.maxSafeNat();
const node = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const flag = fc.boolean();
const data = fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes));
const nodes = fc.uniqueArray(node, { maxLength: 4 }).map((list) => list.sort((a, b) => a - b));
const entry: fc.Arbitrary<Entry> = fc.record({
  index: integer.map((index) => Math.max(1, index)),
  term: integer,
  kind: fc.constantFrom('empty', 'command', 'membership'),
  data,
});
const membership: fc.Arbitrary<Membership> = fc.record({
  voters: nodes,
  votersOutgoing: nodes,
  learners: nodes,
  learnersNext: nodes,
  autoLeave: flag,
});
const addressed = { from: node, to: node, term: integer };
const chunk = fc.tuple(data, integer, fc.nat()).map(([bytes, at, rest]) => {
  const offset = Math.floor(at / 4);
  return { data: bytes, offset, totalBytes: offset + bytes.length + rest };
});

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constantFrom('pre-vote', 'vote'),
    ...addressed,
    lastIndex: integer,
    lastTerm: integer,
    isTransfer: flag,
  }),
  fc.record({ type: fc.constantFrom('pre-vote-reply', 'vote-reply'), ...addressed, isGranted: flag }),
  fc.record({
    type: fc.constant('append'),
    ...addressed,
    previousIndex: integer,
    previousTerm: integer,
    entries: fc.array(entry, { maxLength: 4 }),
    commit: integer,
  }),
  fc.record({
    type: fc.constant('append-reply'),
    ...addressed,
    index: integer,
    isRejected: flag,
    hintIndex: integer,
    hintTerm: integer,
  }),
  fc.record({ type: fc.constant('heartbeat'), ...addressed, commit: integer, round: integer }),
  fc.record({ type: fc.constant('heartbeat-reply'), ...addressed, round: integer }),
  fc
    .tuple(
      fc.record({ type: fc.constant('snapshot'), ...addressed, index: integer, indexTerm: integer, membership }),
      chunk,
    )
    .map(([head, tail]) => ({ ...head, ...tail })),
  fc.record({ type: fc.constant('snapshot-reply'), ...addressed, index: integer, nextOffset: integer }),
  fc.record({ type: fc.constant('timeout-now'), ...addressed }),
) as fc.Arbitrary<Message>;

/** Decodes, or says why not: in one way only. */
function outcomeOf(bytes: Uint8Array): Message | 'refused' {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    expect(error).toHaveProperty('code', 'BAD_MESSAGE');
    return 'refused';
  }
}

describe('messages', () => {
  test('come out as they went in', () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(decodeMessage(encodeMessage(given))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  test('that are cut short, or have something after them, are refused', () => {
    fc.assert(
      fc.property(message, (given) => {
        const bytes = encodeMessage(given);
        for (let length = 0; length < bytes.length; length++)
          expect(outcomeOf(bytes.subarray(0, length))).toBe('refused');
        expect(outcomeOf(Buffer.concat([bytes, Buffer.of(0)]))).toBe('refused');
      }),
      { numRuns: 60 },
    );
  });

  test('with changed bytes are refused, or are the message that they spell', () => {
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(message, fc.array(change, { minLength: 1, maxLength: 3 }), (given, changes) => {
        const bytes = Buffer.from(encodeMessage(given));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const outcome = outcomeOf(bytes);
        if (outcome !== 'refused') expect(Buffer.from(encodeMessage(outcome)).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('made of anything do nothing but be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const outcome = outcomeOf(bytes);
        if (outcome !== 'refused') expect(Buffer.from(encodeMessage(outcome)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('keep nothing of the bytes that they came in', () => {
    const given: Message = {
      type: 'append',
      from: 1,
      to: 2,
      term: 3,
      previousIndex: 4,
      previousTerm: 3,
      entries: [{ index: 5, term: 3, kind: 'command', data: new Uint8Array([1, 2, 3]) }],
      commit: 4,
    };
    const bytes = encodeMessage(given);
    const decoded = decodeMessage(bytes);
    bytes.fill(0xff);
    expect(decoded).toEqual(given);
  });

  test('claim no more memory than they have bytes', () => {
    const head = encodeMessage({
      type: 'append',
      from: 1,
      to: 2,
      term: 3,
      previousIndex: 0,
      previousTerm: 0,
      entries: [],
      commit: 0,
    });
    const bytes = Buffer.from(head);
    bytes.writeUInt32BE(0xffffffff, bytes.length - 12);
    expect(outcomeOf(bytes)).toBe('refused');
  });

  test.each([
    ['another version', 0, 2],
    ['an unknown type', 1, 11],
    ['a number past 2^53', 10, 0x20],
  ])('of %s are refused', (_, at, value) => {
    const bytes = encodeMessage({ type: 'timeout-now', from: 1, to: 2, term: 3 });
    bytes[at] = value;
    expect(outcomeOf(bytes)).toBe('refused');
  });
});

test('snapshots and memberships come out as they went in', () => {
  const snapshot = fc.record({ index: integer, term: integer, membership, data });
  const same =
    <T>(bytes: (given: T) => Uint8Array, back: (bytes: Uint8Array) => T) =>
    (given: T): void => {
      expect(back(bytes(given))).toEqual(given);
    };
  fc.assert(fc.property(snapshot, same(encodeSnapshot, decodeSnapshot)));
  fc.assert(fc.property(membership, same(encodeMembership, decodeMembership)));
});

test('an entry takes as many bytes as is said', () => {
  const of = (entries: Entry[]): number =>
    encodeMessage({ type: 'append', from: 1, to: 2, term: 3, previousIndex: 0, previousTerm: 0, entries, commit: 0 })
      .length;
  const more = of([{ index: 1, term: 1, kind: 'command', data: new Uint8Array(10) }]) - of([]);
  expect(more).toBe(ENTRY_OVERHEAD_BYTES + 10);
});

/**
 * What config servers say to each other, as bytes: frames, payloads and the handshake by themselves, without a connection.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../src/config/control-host';
import {
  encodeFrame,
  FRAME_HEAD_BYTES,
  FrameReader,
  HANDSHAKE_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
  PREFACE,
  type FrameKind,
} from '../../src/config/peers/frames';
import { AcceptorHandshake, DialerHandshake, type Verdict } from '../../src/config/peers/handshake';
import { decodePayload, encodePayload } from '../../src/config/peers/payloads';

const traffic: readonly FrameKind[] = ['ping', 'raft', 'opinions', 'request', 'answer', 'farewell'];
const frame = fc.record({ kind: fc.constantFrom(...traffic), payload: fc.uint8Array({ maxLength: 300 }) });

/** What a reader makes of these pieces, and its fault. */
function readAll(
  pieces: readonly Uint8Array[],
  isProven = true,
): { frames: [FrameKind, string][]; fault: string | null } {
  const reader = new FrameReader();
  reader.isProven = isProven;
  const frames: [FrameKind, string][] = [];
  for (const piece of pieces) {
    const bytes = Buffer.concat([Buffer.from('??'), piece, Buffer.from('??')]);
    const fault = reader.feed(
      bytes,
      2,
      bytes.length - 2,
      (kind, payload) => frames.push([kind, payload.toString('hex')]) > 0,
    );
    if (fault !== null) return { frames, fault };
  }
  return { frames, fault: null };
}

describe('frames', () => {
  test('are read as they were written, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (given, cuts) => {
        const stream = Buffer.concat([PREFACE, ...given.map(({ kind, payload }) => encodeFrame(kind, payload))]);
        const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => stream.subarray(at[i], end));
        const expected = given.map(({ kind, payload }) => [kind, Buffer.from(payload).toString('hex')]);
        expect(readAll(pieces)).toEqual({ frames: expected, fault: null });
        expect(readAll(Array.from(stream, (byte) => Buffer.of(byte)))).toEqual({ frames: expected, fault: null });
      }),
      { numRuns: 200 },
    );
  });

  test('with any bit turned over are refused, or wait for what never comes', () => {
    const stream = Buffer.concat([PREFACE, encodeFrame('opinions', Buffer.from('some words'))]);
    for (let bit = 0; bit < stream.length * 8; bit++) {
      const spoilt = Buffer.from(stream);
      spoilt[bit >> 3] ^= 1 << (bit & 7);
      const { frames } = readAll([spoilt]);
      expect(frames).toEqual([]);
    }
  });

  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['RESP', '*1\r\n$4\r\nPING\r\n'],
    ['an empty line', '\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00'],
  ])('%s is told apart at the first byte', (_, text) => {
    expect(readAll([Buffer.from(text, 'latin1').subarray(0, 1)])).toEqual({
      frames: [],
      fault: 'it speaks another protocol',
    });
  });

  test('are judged by their head alone', () => {
    const head = (kind: FrameKind, length: number): Buffer => {
      const bytes = encodeFrame(kind, Buffer.alloc(0));
      bytes.writeUInt32BE(length, 0);
      return Buffer.concat([PREFACE, bytes]);
    };
    expect(readAll([head('raft', PAYLOAD_BYTES_MAX)]).fault).toBeNull();
    expect(readAll([head('raft', PAYLOAD_BYTES_MAX + 1)]).fault).toContain('too long');
    expect(readAll([head('hello', HANDSHAKE_BYTES_MAX)], false).fault).toBeNull();
    expect(readAll([head('hello', HANDSHAKE_BYTES_MAX + 1)], false).fault).toContain('too long');
    expect(readAll([head('raft', 0)], false).fault).toContain('out of place');
    expect(readAll([head('hello', 44)]).fault).toContain('out of place');
    const unknown = head('raft', 0);
    unknown[PREFACE.length + 4] = 99;
    expect(readAll([unknown]).fault).toContain('no known kind');
  });
});

describe('payloads', () => {
  const messages: readonly PeerMessage[] = [
    { kind: 'raft', message: { type: 'timeout-now', from: 1, to: 2, term: 7 } },
    { kind: 'opinions', opinions: { isWithdrawn: true, down: [] } },
    { kind: 'opinions', opinions: { isWithdrawn: false, down: [{ memberId: 'a:1', forMs: 12.5, why: 'silent' }] } },
    { kind: 'request', number: 3, request: { words: ['SET', 'a', 'é\0'], by: '1.2.3.4:5', requestId: 'x' } },
    { kind: 'answer', number: 3, answer: '{"kind":"value"}' },
  ];

  test.each(messages)('of the kind $kind are read as they were written', (message) => {
    expect(decodePayload(message.kind, encodePayload(message))).toEqual(message);
  });

  test.each([
    ['opinions', 'nothing'],
    ['opinions', 'null'],
    ['opinions', '[]'],
    ['opinions', '{"isWithdrawn":1,"down":[]}'],
    ['opinions', '{"isWithdrawn":true,"down":{}}'],
    ['opinions', '{"isWithdrawn":true,"down":[{"memberId":"a:1","forMs":1,"why":"bored"}]}'],
    ['opinions', '{"isWithdrawn":true,"down":["a:1"]}'],
    ['request', '{"number":1,"words":[1],"by":"","requestId":""}'],
    ['request', '{"number":1,"words":["a"],"by":""}'],
    ['answer', '{"number":"1","answer":""}'],
    ['answer', '{"number":1,"answer":{}}'],
    ['raft', ''],
    ['raft', 'garbage'],
  ] as const)('%s: %s is refused', (kind, text) => {
    expect(() => decodePayload(kind, Buffer.from(text))).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }));
  });

  test('of any bytes are a message or a BAD_MESSAGE', () => {
    const kinds = fc.constantFrom('raft', 'opinions', 'request', 'answer');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.json().map((text) => new Uint8Array(Buffer.from(text))),
    );
    fc.assert(
      fc.property(kinds, bytes, (kind, payload) => {
        try {
          expect(decodePayload(kind as PeerMessage['kind'], payload).kind).toBe(kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_MESSAGE' });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the handshake', () => {
  const identity = { id: 1, incarnation: 'disk-1', clusterName: 'north', secret: 'of the house' };
  const other = { ...identity, id: 2, incarnation: 'disk-2' };
  const agree = (): null => null;
  const payloadOf = (frame: Buffer): Buffer => frame.subarray(FRAME_HEAD_BYTES);

  /** Both sides in turn, the frames changed on their way; the verdict that ended it. */
  function shake(
    dialer: DialerHandshake,
    acceptor: AcceptorHandshake,
    change: (step: number, frame: Buffer) => void = () => undefined,
  ): { by: string; verdict: Verdict } {
    const kinds: readonly FrameKind[] = ['hello', 'challenge', 'proof', 'proof'];
    let frame = dialer.hello;
    for (let step = 0; ; step++) {
      change(step, frame);
      const by = step % 2 === 0 ? 'acceptor' : 'dialer';
      const verdict = (by === 'acceptor' ? acceptor : dialer).step(kinds[step], payloadOf(frame));
      if (verdict.kind === 'refused' || verdict.kind === 'declined' || step === 3) return { by, verdict };
      frame = verdict.send!;
    }
  }

  test('proves each to the other', () => {
    const met: unknown[] = [];
    const meet = (peer: unknown): null => {
      met.push(peer);
      return null;
    };
    const { verdict } = shake(new DialerHandshake(identity, 2, meet), new AcceptorHandshake(other, meet, agree));
    expect(verdict.kind).toBe('proven');
    expect(met).toEqual([
      { node: 1, incarnation: 'disk-1' },
      { node: 2, incarnation: 'disk-2' },
    ]);
  });

  test('is refused by who is shown another secret or cluster', () => {
    for (const wrong of [{ secret: 'guessed' }, { clusterName: 'south' }]) {
      const dialer = new DialerHandshake({ ...identity, ...wrong }, 2, agree);
      const { by, verdict } = shake(dialer, new AcceptorHandshake(other, agree, agree));
      expect([by, verdict.kind]).toEqual(['acceptor', 'refused']);
    }
  });

  test('is refused when any byte is changed on its way', () => {
    const hello = new DialerHandshake(identity, 2, agree).hello.length;
    const lengths = [hello, FRAME_HEAD_BYTES + 34, FRAME_HEAD_BYTES + 38, FRAME_HEAD_BYTES + 38];
    for (const [changed, length] of lengths.entries()) {
      for (let at = FRAME_HEAD_BYTES; at < length; at++) {
        const { verdict } = shake(
          new DialerHandshake(identity, 2, agree),
          new AcceptorHandshake(other, agree, agree),
          (step, frame) => {
            if (step === changed) frame[at] ^= 1;
          },
        );
        expect([changed, at, verdict.kind]).toEqual([changed, at, 'refused']);
      }
    }
  });

  test('takes no proof twice, and none of its own back', () => {
    const acceptor = new AcceptorHandshake(other, agree, agree);
    const first = new DialerHandshake(identity, 2, agree);
    const challenge = acceptor.step('hello', payloadOf(first.hello));
    const proof = first.step('challenge', payloadOf((challenge as { send: Buffer }).send));
    const replayed = payloadOf((proof as { send: Buffer }).send);
    const fresh = new AcceptorHandshake(other, agree, agree);
    fresh.step('hello', payloadOf(first.hello));
    expect(fresh.step('proof', replayed).kind).toBe('refused');
    expect(first.step('proof', replayed).kind).toBe('refused');
  });

  test('of two that have no version in common ends before anything is proved', () => {
    const hello = Buffer.from(payloadOf(new DialerHandshake(identity, 2, agree).hello));
    const greet = (least: number, greatest: number, more = 0): Verdict => {
      hello.writeUInt16BE(least, 0);
      hello.writeUInt16BE(greatest, 2);
      return new AcceptorHandshake(other, agree, agree).step('hello', Buffer.concat([hello, Buffer.alloc(more)]));
    };
    expect(greet(1, 9).kind).toBe('go-on');
    expect(greet(2, 9, 100)).toMatchObject({ kind: 'refused', tell: 'versions 1 to 1 are spoken here' });
    expect(greet(0, 0).kind).toBe('refused');
    expect(greet(3, 2).kind).toBe('refused');
  });
});

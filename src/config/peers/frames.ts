/**
 * Frames: how the words of config servers to each other lie in a stream of bytes.
 *
 *     "\x89SLPEER\n"  then frames:   length of payload (4)  kind (1)  sum (4)  payload
 *
 * Big-endian. Each side begins with the eight bytes of the preface, which no text protocol begins with: HTTP, RESP and garbage are
 * told apart at the first byte, and answered with nothing. The sum is the CRC-32 of length, kind and payload: TCP's own lets
 * one bad segment in some ten millions pass, and a vote must not be misread.
 *
 * The reader believes nothing: kind and length are judged when the nine bytes of a head are there, before anything is kept for the
 * payload; who has not proved itself may say the words of the handshake only, and those are short. A payload is lent until the
 * taker returns. Kinds are numbers by their place in a list, which only grows at its end.
 */
import { crc32 } from 'node:zlib';

export const PREFACE = Buffer.from('\x89SLPEER\n', 'latin1');
export const FRAME_HEAD_BYTES = 9;
/** The longest payload: a chunk of a snapshot, entries of one message, or a listing has room in it many times over. */
export const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** The longest payload of who has not proved itself. */
export const HANDSHAKE_BYTES_MAX = 512;

const KINDS = ['hello', 'challenge', 'proof', 'farewell', 'ping', 'raft', 'opinions', 'request', 'answer'] as const;

export type FrameKind = (typeof KINDS)[number];

const HANDSHAKE_KINDS: readonly FrameKind[] = ['hello', 'challenge', 'proof', 'farewell'];
const KIND_AT = 4;
const SUM_AT = 5;

/** One frame, whole. The payload is copied. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame[KIND_AT] = KINDS.indexOf(kind);
  frame.writeUInt32BE(sumOf(frame, payload), SUM_AT);
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

export class FrameReader {
  /** Whether the other side has proved who it is: lets it say more than the words of the handshake, and they no longer. */
  isProven = false;

  private prefaceBytes = 0;
  private readonly head = Buffer.alloc(FRAME_HEAD_BYTES);
  private headBytes = 0;
  /** What has come of a payload that is not whole; null where none is, or it lies in the bytes at hand. */
  private payload: Buffer | null = null;
  private payloadBytes = 0;

  /**
   * Reads on. `take` is given each frame, and says whether to go on. Returns what is wrong with the bytes, in words;
   * null where nothing is. After a fault nothing more can be read.
   */
  feed(buffer: Buffer, start: number, end: number, take: (kind: FrameKind, payload: Buffer) => boolean): string | null {
    let at = start;
    while (this.prefaceBytes < PREFACE.length) {
      if (at === end) return null;
      if (buffer[at++] !== PREFACE[this.prefaceBytes++]) return 'it speaks another protocol';
    }
    while (at < end) {
      at = this.fillHead(buffer, at, end);
      if (this.headBytes < FRAME_HEAD_BYTES) return null;
      const fault = this.faultOfHead();
      if (fault !== null) return fault;
      const length = this.head.readUInt32BE(0);
      let payload: Buffer;
      if (this.payload === null && end - at >= length) {
        payload = buffer.subarray(at, at + length);
        at += length;
      } else {
        this.payload ??= Buffer.allocUnsafe(length);
        const count = Math.min(end - at, length - this.payloadBytes);
        buffer.copy(this.payload, this.payloadBytes, at, at + count);
        at += count;
        this.payloadBytes += count;
        if (this.payloadBytes < length) return null;
        payload = this.payload;
      }
      this.headBytes = 0;
      this.payload = null;
      this.payloadBytes = 0;
      if (sumOf(this.head, payload) !== this.head.readUInt32BE(SUM_AT)) return 'the sum of a frame is wrong';
      if (!take(KINDS[this.head[KIND_AT]], payload)) return null;
    }
    return null;
  }

  private fillHead(buffer: Buffer, at: number, end: number): number {
    const count = Math.min(end - at, FRAME_HEAD_BYTES - this.headBytes);
    buffer.copy(this.head, this.headBytes, at, at + count);
    this.headBytes += count;
    return at + count;
  }

  private faultOfHead(): string | null {
    const kind = KINDS[this.head[KIND_AT]] as FrameKind | undefined;
    if (kind === undefined) return 'a frame is of no known kind';
    const isAllowed = kind === 'farewell' || HANDSHAKE_KINDS.includes(kind) !== this.isProven;
    if (!isAllowed) return `a frame of the kind '${kind}' is out of place`;
    const bytesMax = this.isProven ? PAYLOAD_BYTES_MAX : HANDSHAKE_BYTES_MAX;
    return this.head.readUInt32BE(0) > bytesMax ? `a frame of the kind '${kind}' is too long` : null;
  }
}

function sumOf(head: Buffer, payload: Uint8Array): number {
  return crc32(payload, crc32(head.subarray(0, SUM_AT)));
}

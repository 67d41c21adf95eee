/**
 * CRC-64 "Jones", reflected, without inversions: what ends DUMP payloads, RDB files and batches of append-only files. (Redis:
 * crc64.c, which names "Rocksoft" parameters: polynomial 0xad93d23594c935a9, initial value 0; "123456789" gives
 * 0xe9c6d914c4b8d9ca.)
 *
 * JavaScript has no fast integers of 64 bits, WebAssembly has: so the loop over the bytes is some 400 bytes of its code
 * (crc64-machine.ts), and the bytes are copied into its memory first, a piece at a time. Sixteen tables let sixteen bytes be
 * looked up independently ("slicing-by-16", Kounavis and Berry 2005): 0.53 ns per byte, copy included, where two halves of
 * 32 bits in JavaScript need 1.39 (measured, Node 20).
 *
 * Its memory: tables of 2 KiB, row k with what a byte makes of the CRC that k further bytes follow; the CRC; the piece.
 */
import { copyBytes, widen } from '../../base';
import { CRC_AT, makeMachine, MEMORY_BYTES, ROW_BYTES } from './crc64-machine';

/** The polynomial with its bits in reverse, as reflected arithmetic wants it: 0x95ac9329ac4bc9b5. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;

const PIECE_AT = CRC_AT + 8;
/** What fits; small enough to stay in the nearest caches between the copy and the look-ups. */
const PIECE_BYTES = MEMORY_BYTES - PIECE_AT;

const { memory, run } = makeMachine();
const bytes = widen(Buffer.from(memory.buffer));
const words = new Uint32Array(memory.buffer);
makeTables();

/**
 * Goes on with a CRC over `buffer[start, end)`: `remainder` is [bits 0–31, bits 32–63] of what it is so far, at first
 * [0, 0], and afterwards.
 */
export function crc64(buffer: Uint8Array, start: number, end: number, remainder: Uint32Array): void {
  words[CRC_AT / 4] = remainder[0];
  words[CRC_AT / 4 + 1] = remainder[1];
  while (start < end) {
    const pieceEnd = Math.min(end, start + PIECE_BYTES);
    run(PIECE_AT, copyBytes(buffer, start, pieceEnd, bytes, PIECE_AT));
    start = pieceEnd;
  }
  remainder[0] = words[CRC_AT / 4];
  remainder[1] = words[CRC_AT / 4 + 1];
}

function makeTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) === 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    words[2 * byte] = low;
    words[2 * byte + 1] = high;
  }
  for (let i = ROW_BYTES / 4; i < CRC_AT / 4; i += 2) {
    const low = words[i - ROW_BYTES / 4];
    const high = words[i - ROW_BYTES / 4 + 1];
    const byte = 2 * (low & 255);
    words[i] = ((low >>> 8) | (high << 24)) ^ words[byte];
    words[i + 1] = (high >>> 8) ^ words[byte + 1];
  }
}

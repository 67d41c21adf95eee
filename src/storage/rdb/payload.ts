/**
 * Payloads of DUMP: a type, a value, then the version of RDB (u16) and the CRC-64 of all that comes before it, little-endian.
 *
 * The CRC says that nothing was damaged on the way, not that nobody meant harm: whoever can send a payload can also compute
 * its CRC. So what is inside is checked as it is read (decode.ts).
 */
import { Bytes, type Output } from '../../base';
import { readInt32, writeInt32 } from '../int64';
import { crc64 } from './crc64';
import { RDB_VERSION, RDB_VERSION_PACKED_SETS } from './format';

/** The newest version of payloads that is read: that of Redis 7.2, whose replies are ours. Files may be newer. */
const PAYLOAD_VERSION_MAX = RDB_VERSION_PACKED_SETS;
const VERSION_BYTES = 2;
const CRC_BYTES = 8;
const FOOTER_BYTES = VERSION_BYTES + CRC_BYTES;

const remainder = new Uint32Array(2);
const footer = new Uint8Array(FOOTER_BYTES);

/** Ends the payload whose type and value are in `out`, and takes it from there, in memory of its own. */
export function sealPayload(out: Output): Uint8Array {
  footer[0] = RDB_VERSION;
  footer[1] = RDB_VERSION >>> 8;
  out.constant(footer);
  const payload = out.take();
  const crcAt = payload.length - CRC_BYTES;
  takeCrc(payload, 0, crcAt);
  writeInt32(payload, crcAt, remainder[0]);
  writeInt32(payload, crcAt + 4, remainder[1]);
  return payload;
}

/** Points `body` at type and value of a payload; false where its version is too new, or its CRC wrong. */
export function openPayload({ buffer, start, end }: Bytes, body: Bytes): boolean {
  const bodyEnd = end - FOOTER_BYTES;
  if (bodyEnd < start) return false;
  const version = buffer[bodyEnd] | (buffer[bodyEnd + 1] << 8);
  if (version > PAYLOAD_VERSION_MAX) return false;
  const crcAt = end - CRC_BYTES;
  takeCrc(buffer, start, crcAt);
  if (readInt32(buffer, crcAt) >>> 0 !== remainder[0] || readInt32(buffer, crcAt + 4) >>> 0 !== remainder[1])
    return false;
  body.set(buffer, start, bodyEnd);
  return true;
}

function takeCrc(buffer: Uint8Array, start: number, end: number): void {
  remainder.fill(0);
  crc64(buffer, start, end, remainder);
}

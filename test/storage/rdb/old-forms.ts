/**
 * Ziplists and zipmaps as Redis wrote them before version 7, for tests: nothing in src/ writes them any more.
 */

const LONG_FROM = 254;

/** Length of the entry before, as every entry begins. */
function lengthBefore(length: number): Buffer {
  if (length < LONG_FROM) return Buffer.from([length]);
  const bytes = Buffer.from([LONG_FROM, 0, 0, 0, 0]);
  bytes.writeUInt32LE(length, 1);
  return bytes;
}

function integerOf(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : null;
}

/** Kind and data. */
function content(text: string): Buffer {
  const value = integerOf(text);
  if (value !== null) {
    if (value >= 0n && value <= 12n) return Buffer.from([0xf1 + Number(value)]);
    const wide = Buffer.alloc(8);
    wide.writeBigInt64LE(value);
    for (const [kind, bytes] of [
      [0xfe, 1],
      [0xc0, 2],
      [0xf0, 3],
      [0xd0, 4],
      [0xe0, 8],
    ]) {
      if (BigInt.asIntN(bytes * 8, value) === value)
        return Buffer.concat([Buffer.from([kind]), wide.subarray(0, bytes)]);
    }
  }
  const data = Buffer.from(text, 'latin1');
  const { length } = data;
  if (length < 64) return Buffer.concat([Buffer.from([length]), data]);
  if (length < 16_384) return Buffer.concat([Buffer.from([0x40 | (length >> 8), length & 0xff]), data]);
  const head = Buffer.from([0x80, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, data]);
}

export function ziplistOf(texts: readonly string[]): Buffer {
  const entries: Buffer[] = [];
  let before = 0;
  for (const text of texts) {
    const entry = Buffer.concat([lengthBefore(before), content(text)]);
    before = entry.length;
    entries.push(entry);
  }
  const head = Buffer.alloc(10);
  const all = Buffer.concat([head, ...entries, Buffer.from([0xff])]);
  all.writeUInt32LE(all.length, 0);
  all.writeUInt32LE(all.length - 1 - before, 4);
  all.writeUInt16LE(Math.min(texts.length, 0xffff), 8);
  return all;
}

/** A zipmap with a few bytes free behind every third value, as a shorter value leaves them. */
export function zipmapOf(texts: readonly string[]): Buffer {
  const parts: Buffer[] = [Buffer.from([Math.min(texts.length / 2, LONG_FROM)])];
  texts.forEach((text, i) => {
    const data = Buffer.from(text, 'latin1');
    const free = i % 6 === 5 ? 3 : 0;
    parts.push(lengthBefore(data.length));
    if (i % 2 === 1) parts.push(Buffer.from([free]));
    parts.push(data, Buffer.alloc(free, 7));
  });
  return Buffer.concat([...parts, Buffer.from([0xff])]);
}

/** A length of RDB. */
export function rdbLength(length: number): Buffer {
  if (length < 64) return Buffer.from([length]);
  const bytes = Buffer.from([0x80, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** A string of RDB, as it is. */
export function rdbString(data: Buffer): Buffer {
  return Buffer.concat([rdbLength(data.length), data]);
}

/**
 * A stream of one entry 5-1 with a group that has handed it out to a consumer: as Redis 5 wrote it (15), 7.0 (19) and 7.2 (21).
 * The type comes first.
 */
export function streamOf(type: 15 | 19 | 21): Buffer {
  const id = Buffer.from([0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1]);
  const text = (character: string): number[] => [0x81, character.charCodeAt(0), 2];
  const integers = (...values: number[]): number[] => values.flatMap((value) => [value, 1]);
  const master = [...integers(1, 0, 1), ...text('a'), ...integers(0)];
  const elements = [...master, ...integers(2, 0, 0), ...text('b'), ...integers(4)];
  const listpack = Buffer.from([7 + elements.length, 0, 0, 0, 10, 0, ...elements, 0xff]);
  const time = Buffer.from([0, 0x68, 0xe5, 0xcf, 0x8b, 1, 0, 0]);
  const isOld = type === 15;
  return Buffer.concat([
    Buffer.from([type, 1]),
    rdbString(id),
    rdbString(listpack),
    // Entries, last id; first id, largest deleted id, entries added.
    Buffer.from([1, 5, 1, ...(isOld ? [] : [5, 1, 0, 0, 1])]),
    // One group: name, last id, entries read.
    Buffer.from([1, 1, 103, 5, 1, ...(isOld ? [] : [1])]),
    Buffer.concat([Buffer.from([1]), id, time, Buffer.from([3])]),
    // One consumer: name, seen, active, pending.
    Buffer.from([1, 1, 99]),
    Buffer.concat([time, type === 21 ? time : Buffer.alloc(0), Buffer.from([1]), id]),
  ]);
}

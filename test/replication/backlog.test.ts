/**
 * The backlog against the simplest thing that does the same: all bytes in a row.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../src/replication';

/** A sink that keeps copies. */
class Collected {
  readonly chunks: Buffer[] = [];
  write(bytes: Uint8Array): boolean {
    this.chunks.push(Buffer.from(bytes));
    return true;
  }
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** `count` bytes that tell where in the stream they stand. */
function bytesAt(offset: number, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, i) => (offset + i) % 251));
}

describe('a backlog', () => {
  it('has what was written, as far back as it must, and what somebody needs', () => {
    const deed = fc.oneof(
      fc.record({ write: fc.integer({ min: 0, max: 60_000 }) }),
      fc.record({ need: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), fc.array(deed, { maxLength: 20 }), (start, deeds) => {
        const bytesMax = 64 * 1024;
        let needed = Infinity;
        const backlog = new Backlog(start, bytesMax, () => needed);
        let end = start;
        for (const each of deeds) {
          if ('need' in each) {
            needed = Math.floor(backlog.start + each.need * (backlog.end - backlog.start));
          } else {
            backlog.write(bytesAt(end, each.write), 0, each.write);
            end += each.write;
          }
          expect(backlog.end).toBe(end);
          expect(backlog.start).toBeGreaterThanOrEqual(start);
          expect(backlog.start).toBeLessThanOrEqual(Math.max(start, end - bytesMax));
          if (needed !== Infinity) expect(backlog.reaches(needed)).toBe(true);
          const from = Math.floor((backlog.start + end) / 2);
          const sink = new Collected();
          expect(backlog.send(from, Infinity, sink)).toBe(end);
          expect(sink.bytes.equals(bytesAt(from, end - from))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('sends no more than it is asked for', () => {
    const backlog = new Backlog(7, 1024 * 1024, () => Infinity);
    backlog.write(bytesAt(7, 200_000), 0, 200_000);
    const sink = new Collected();
    expect(backlog.send(100, 150_000, sink)).toBe(150_100);
    expect(sink.bytes.equals(bytesAt(100, 150_000))).toBe(true);
  });

  it('keeps its memory within bounds', () => {
    const backlog = new Backlog(0, 1024 * 1024, () => Infinity);
    const chunk = bytesAt(0, 100_000);
    for (let i = 0; i < 200; i++) backlog.write(chunk, 0, chunk.length);
    expect(backlog.memoryBytes).toBeLessThan(1.6 * 1024 * 1024);
    backlog.bytesMax = 64 * 1024;
    backlog.trim();
    expect(backlog.end - backlog.start).toBeLessThan(200 * 1024);
  });
});

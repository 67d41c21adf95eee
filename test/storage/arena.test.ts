import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/base';
import { Arena, sameBlock, SEGMENT_MASK, SEGMENT_SHIFT, type Address } from '../../src/storage/arena';

const KIB = 1024;
const MIB = 1024 * KIB;
const SEGMENT_BYTES = 4 * MIB;
/** Of blocks above this size only head and tail are written and checked. */
const STRIPE_BYTES = 4096;

/** The size of the block that holds `bytes`: exact to 8 up to 1 KiB, above one of eight steps per doubling. */
function blockBytes(bytes: number): number {
  let step = 8;
  while (bytes > KIB && bytes > step * 16) step *= 2;
  return Math.ceil(bytes / step) * step;
}

interface Block {
  address: Address;
  bytes: number;
  mark: number;
}

/** An arena whose blocks are filled with a mark of their own, which must be there when they are given back. */
class MarkedArena {
  readonly arena = new Arena();
  readonly blocks: Block[] = [];
  private marks = 0;

  allocate(bytes: number): Block {
    const block = { address: this.arena.allocate(bytes), bytes, mark: (this.marks++ % 255) + 1 };
    if (block.address === 0) expect.fail(`${bytes} bytes at address 0`);
    for (const stripe of this.stripes(block)) stripe.fill(block.mark);
    this.blocks.push(block);
    return block;
  }

  free(index: number): void {
    const [block] = this.blocks.splice(index, 1);
    this.checkMark(block);
    this.arena.free(block.address, block.bytes);
  }

  check(): void {
    for (const block of this.blocks) this.checkMark(block);
    expect(this.arena.usedBytes).toBe(this.blocks.reduce((sum, { bytes }) => sum + blockBytes(bytes), 0));
    expect(this.arena.committedBytes).toBe(this.arena.u8s.reduce((sum, segment) => sum + segment.length, 0));
  }

  private checkMark(block: Block): void {
    for (const stripe of this.stripes(block)) {
      if (stripe.some((byte) => byte !== block.mark)) {
        expect.fail(`${block.bytes} bytes at ${block.address}: overwritten`);
      }
    }
  }

  private stripes({ address, bytes }: Block): Uint8Array[] {
    const segment = this.arena.u8s[address >>> SEGMENT_SHIFT];
    const start = (address & SEGMENT_MASK) * 8;
    if (bytes <= 2 * STRIPE_BYTES) return [segment.subarray(start, start + bytes)];
    return [
      segment.subarray(start, start + STRIPE_BYTES),
      segment.subarray(start + bytes - STRIPE_BYTES, start + bytes),
    ];
  }
}

const sizes = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 4, arbitrary: fc.integer({ min: KIB - 32, max: KIB + 160 }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 300 * KIB }) },
  { weight: 1, arbitrary: fc.integer({ min: 2 * MIB - 64, max: 2 * MIB + 64 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2 * MIB + 1, max: 20 * MIB }) },
);

afterEach(() => void vi.unstubAllGlobals());

test('blocks never overlap and usedBytes is exact, whatever is allocated and freed', () => {
  const deeds = fc.array(fc.oneof({ weight: 3, arbitrary: sizes }, { weight: 2, arbitrary: fc.constant(0) }), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(deeds, fc.integer(), (steps, seed) => {
      const marked = new MarkedArena();
      const random = new Random(seed);
      for (const size of steps) {
        if (size > 0) marked.allocate(size);
        else if (marked.blocks.length > 0) marked.free(random.below(marked.blocks.length));
      }
      marked.check();
      while (marked.blocks.length > 0) marked.free(random.below(marked.blocks.length));
      marked.check();
    }),
    { numRuns: 40 },
  );
});

test('a long life of small and middling blocks: fill, thin out, fill with other sizes', () => {
  const marked = new MarkedArena();
  const random = new Random(7);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 12_000; i++) marked.allocate(1 + random.below(round % 2 === 0 ? 120 : 3000));
    marked.check();
    while (marked.blocks.length > 1500) marked.free(random.below(marked.blocks.length));
  }
  marked.check();
});

describe('size classes', () => {
  test.each([
    [1, 8],
    [8, 8],
    [9, 16],
    [KIB - 1, KIB],
    [KIB, KIB],
    [KIB + 1, KIB + 128],
    [KIB + 128, KIB + 128],
    [2 * KIB - 1, 2 * KIB],
    [2 * KIB + 1, 2 * KIB + 256],
    [2 * MIB - 1, 2 * MIB],
    [2 * MIB, 2 * MIB],
    [2 * MIB + 1, 2 * MIB + 256 * KIB],
    [3 * MIB + 768 * KIB + 1, 4 * MIB],
    [20 * MIB, 20 * MIB],
  ])('a block for %i bytes takes %i', (bytes, block) => {
    expect(blockBytes(bytes)).toBe(block);
    const arena = new Arena();
    const address = arena.allocate(bytes);
    expect(arena.usedBytes).toBe(block);
    arena.free(address, block);
    expect(arena.usedBytes).toBe(0);
  });

  test('two sizes are of one block exactly if their classes have one size', () => {
    const near = fc.tuple(sizes, fc.integer({ min: -200, max: 200 })).map(([a, by]) => [a, Math.max(1, a + by)]);
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(sizes, sizes)), ([a, b]) => {
        expect(sameBlock(a, b)).toBe(blockBytes(a) === blockBytes(b));
      }),
    );
  });
});

describe('address 0', () => {
  test('is never handed out, whatever is allocated first', () => {
    fc.assert(
      fc.property(fc.oneof(sizes, fc.constantFrom(4 * MIB, 4 * MIB - 5, 3.75 * MIB + 1)), (bytes) => {
        const arena = new Arena();
        const address = arena.allocate(bytes);
        expect(address).toBeGreaterThan(0);
        arena.free(address, bytes);
        arena.reset();
        expect(arena.allocate(bytes)).toBeGreaterThan(0);
      }),
    );
  });

  test('is not a block of one segment’s size either', () => {
    const marked = new MarkedArena();
    marked.allocate(SEGMENT_BYTES);
    marked.allocate(16);
    marked.check();
  });
});

describe('memory', () => {
  test('of huge blocks goes back, and their segment numbers are used again', () => {
    const arena = new Arena();
    arena.allocate(8);
    for (const mebibytes of [3, 20, 4, 7]) {
      const address = arena.allocate(mebibytes * MIB);
      expect(address & SEGMENT_MASK).toBe(0);
      expect(arena.committedBytes).toBe(SEGMENT_BYTES + mebibytes * MIB);
      arena.free(address, mebibytes * MIB);
      expect(arena.committedBytes).toBe(SEGMENT_BYTES);
    }
    expect(arena.u8s.length).toBe(2);
  });

  test('of a freed block serves the next of its class', () => {
    const arena = new Arena();
    const address = arena.allocate(1000);
    arena.allocate(1000);
    arena.free(address, 1000);
    expect(arena.allocate(994)).toBe(address);
  });

  test('of larger free blocks is cut up before a new segment is taken', () => {
    const marked = new MarkedArena();
    while (marked.arena.committedBytes < 3 * SEGMENT_BYTES) marked.allocate(64 * KIB);
    const { committedBytes } = marked.arena;
    while (marked.blocks.length > 0) marked.free(0);
    for (let i = 0; i < 2 * (SEGMENT_BYTES / 200); i++) marked.allocate(200);
    marked.check();
    expect(marked.arena.committedBytes).toBe(committedBytes);
  });

  test('is all gone after a reset', () => {
    const arena = new Arena();
    const first = arena.allocate(100);
    arena.allocate(5 * MIB);
    arena.free(first, 100);
    arena.reset();
    expect([arena.usedBytes, arena.committedBytes, arena.u8s.length]).toEqual([0, 0, 0]);
    expect(arena.allocate(100)).toBe(first);
    expect(arena.usedBytes).toBe(104);
  });
});

test('a machine without memory costs the allocation, not the arena', () => {
  const marked = new MarkedArena();
  const attempt = (bytes: number): void =>
    expect(() => marked.allocate(bytes)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
  const exhaust = (): void => {
    vi.stubGlobal('ArrayBuffer', function () {
      throw new RangeError('Array buffer allocation failed');
    });
  };
  exhaust();
  attempt(100);
  attempt(4 * MIB);
  vi.unstubAllGlobals();
  while (marked.arena.committedBytes < 2 * SEGMENT_BYTES) marked.allocate(600 * KIB);
  exhaust();
  for (let i = 0; i < 40; i++) {
    try {
      marked.allocate(600 * KIB);
    } catch {
      break;
    }
  }
  attempt(2 * MIB);
  attempt(3 * MIB);
  marked.check();
  // What was left of the last segment still serves small blocks, each part of it once.
  for (let i = 0; i < 2000; i++) marked.allocate(100);
  marked.check();
  vi.unstubAllGlobals();
  marked.allocate(2 * MIB);
  marked.allocate(3 * MIB);
  marked.check();
});

/**
 * Marks: a set of 32-bit numbers in 1,024 parts, which grows without a pause.
 *
 * Each part is a small open-addressed table of its own: making one larger costs microseconds even where the whole holds
 * millions, and what belongs to one part (a slot that a walk has passed) is forgotten at once. A mark takes 5 to 10 bytes.
 */

/** Parts of a set of marks: 2^10, as slots. */
export const MARK_PARTS = 1024;
/** Right shift of 32 bits that leaves a number of a part. */
export const MARK_PART_SHIFT = 22;

const CAPACITY_MIN = 8;
/** Spreads numbers that are close together over a table: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b1;

interface Part {
  /** Numbers where there are some, 0 where there are none; a power of two of them. */
  table: Uint32Array;
  count: number;
  /** 0 cannot stand in the table. */
  hasZero: boolean;
}

export class Marks {
  private readonly parts: (Part | null)[] = Array<Part | null>(MARK_PARTS).fill(null);
  /** Marks in all parts. */
  count = 0;

  /** Marks a number; whether it was not marked. */
  add(part: number, value: number): boolean {
    const marks = (this.parts[part] ??= { table: new Uint32Array(CAPACITY_MIN), count: 0, hasZero: false });
    if (value === 0) {
      if (marks.hasZero) return false;
      marks.hasZero = true;
    } else {
      if ((marks.count + 1) * 4 > marks.table.length * 3) grow(marks);
      if (!insert(marks.table, value)) return false;
      marks.count++;
    }
    this.count++;
    return true;
  }

  has(part: number, value: number): boolean {
    const marks = this.parts[part];
    if (marks === null) return false;
    if (value === 0) return marks.hasZero;
    const { table } = marks;
    const mask = table.length - 1;
    for (let at = homeOf(value, mask); table[at] !== 0; at = (at + 1) & mask) if (table[at] === value) return true;
    return false;
  }

  /** Whether a part has no marks. */
  isEmpty(part: number): boolean {
    return this.parts[part] === null;
  }

  /** Forgets the marks of a part. */
  clear(part: number): void {
    const marks = this.parts[part];
    if (marks === null) return;
    this.count -= marks.count + (marks.hasZero ? 1 : 0);
    this.parts[part] = null;
  }
}

/** Puts a number into a table with room; false where it is there already. */
function insert(table: Uint32Array, value: number): boolean {
  const mask = table.length - 1;
  let at = homeOf(value, mask);
  for (; table[at] !== 0; at = (at + 1) & mask) if (table[at] === value) return false;
  table[at] = value;
  return true;
}

function grow(marks: Part): void {
  const old = marks.table;
  marks.table = new Uint32Array(old.length * 2);
  for (const value of old) if (value !== 0) insert(marks.table, value);
}

function homeOf(value: number, mask: number): number {
  return (Math.imul(value, SPREAD) >>> 16) & mask;
}

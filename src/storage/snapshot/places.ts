/**
 * Places: where a number stands in a row of different ones that does not change: an address among those of a value's nodes.
 *
 * An open-addressed table of places, at most half full: 8 to 16 bytes per number besides the row.
 */

/** Spreads numbers that are close together over the table: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b1;
const NOWHERE = -1;

export class Places {
  /** Places counted from 1; 0 where there is none. */
  private readonly table: Uint32Array;
  private readonly shift: number;

  constructor(private readonly row: Uint32Array) {
    const bits = 33 - Math.clz32(row.length);
    this.shift = 32 - bits;
    this.table = new Uint32Array(1 << bits);
    const mask = this.table.length - 1;
    for (let place = 0; place < row.length; place++) {
      let at = this.homeOf(row[place]);
      while (this.table[at] !== 0) at = (at + 1) & mask;
      this.table[at] = place + 1;
    }
  }

  /** The place of a number; −1 where the row does not have it. */
  of(value: number): number {
    const { row, table } = this;
    const mask = table.length - 1;
    for (let at = this.homeOf(value); table[at] !== 0; at = (at + 1) & mask) {
      if (row[table[at] - 1] === value) return table[at] - 1;
    }
    return NOWHERE;
  }

  private homeOf(value: number): number {
    return Math.imul(value, SPREAD) >>> this.shift;
  }
}

/**
 * Random: the only source of chance in the library, so that a simulation can decide it.
 * xoshiro128** 1.1 (Blackman, Vigna 2018), seeded through splitmix32. Not for secrets: those come from node:crypto.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const r = Math.imul(this.b, 5);
    const result = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Forty hexadecimal digits that nobody else has drawn: Redis' form for names of runs and streams, and for marks. */
  identifier(): string {
    return Array.from({ length: 5 }, () => this.uint32().toString(16).padStart(8, '0')).join('');
  }

  /** A whole number in [0, limit), limit ≤ 2^32. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 4294967296) * limit);
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.uint32() / 4294967296;
  }
}

/**
 * Latencies: how long replies took, in microseconds, in so little memory that keeping it disturbs nothing.
 *
 * Each power of two is divided into 64 buckets of one width, as HdrHistogram does it, so that a value is known within 1.6 %
 * wherever it lies between a microsecond and half an hour. The longest is kept exactly, because it is the one that everybody looks at.
 */

/** Buckets per power of two: 2^6. */
const FINENESS_BITS = 6;
const FINENESS = 2 ** FINENESS_BITS;
const MICROS_MAX = 2 ** 31 - 1;
const BUCKETS = bucketOf(MICROS_MAX) + 1;

/** In microseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly longest: number;
}

export class Latencies {
  private readonly counts = new Uint32Array(BUCKETS);
  private count = 0;
  private longest = 0;

  record(micros: number): void {
    const value = Math.min(Math.max(Math.round(micros), 0), MICROS_MAX);
    this.counts[bucketOf(value)]++;
    this.count++;
    if (value > this.longest) this.longest = value;
  }

  /** Of all that was recorded since the last call. */
  take(): Quantiles {
    const { count, longest } = this;
    const quantiles = {
      count,
      p50: this.quantile(0.5),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      p9999: this.quantile(0.9999),
      longest,
    };
    this.counts.fill(0);
    this.count = 0;
    this.longest = 0;
    return quantiles;
  }

  /** The smallest value that a share of all is not above. */
  private quantile(share: number): number {
    let left = Math.ceil(this.count * share);
    for (let bucket = 0; bucket < BUCKETS && left > 0; bucket++) {
      left -= this.counts[bucket];
      if (left <= 0) return Math.min(highestOf(bucket), this.longest);
    }
    return this.longest;
  }
}

/** Values below 128 have a bucket each; above, the leading seven bits of a value and their place make the bucket. */
function bucketOf(value: number): number {
  const shift = Math.max(0, 31 - Math.clz32(value) - FINENESS_BITS);
  return shift * FINENESS + (value >>> shift);
}

function highestOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / FINENESS) - 1);
  return (bucket - shift * FINENESS + 1) * 2 ** shift - 1;
}

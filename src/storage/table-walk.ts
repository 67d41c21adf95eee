/**
 * TableWalk: goes through all entries of a table, page by page, while nobody changes it. It holds the addresses of one page at
 * a time, and is made once and used again.
 */
import type { Address } from './arena';
import { HASHES, type Tables } from './tables';

export class TableWalk {
  private words: Uint32Array = NO_WORDS;
  private at = 0;
  private position = 0;
  private readonly hashes: number[] = [];
  private readonly addresses: Address[] = [];
  private count = 0;
  private next = 0;

  constructor(private readonly tables: Tables) {}

  /** Begins with the table at `words[at]`. */
  start(words: Uint32Array, at: number): void {
    this.words = words;
    this.at = at;
    this.position = words[at] === 0 ? HASHES : 0;
    this.count = this.next = 0;
  }

  /** The hash of the entry that the last step led to. */
  get hash(): number {
    return this.hashes[this.next - 1];
  }

  /** The next entry's address; 0 after the last. */
  step(): Address {
    while (this.next === this.count) {
      if (this.position >= HASHES) return 0;
      const page = this.tables.pageOf(this.words, this.at, this.position);
      this.position = this.tables.pageEnd(page, this.position);
      this.count = this.tables.pages.read(page, this.hashes, this.addresses);
      this.next = 0;
    }
    return this.addresses[this.next++];
  }
}

const NO_WORDS = new Uint32Array(0);

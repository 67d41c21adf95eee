/**
 * HeldReplies: which replies of a session wait for replicas, as places in its output.
 *
 * The bytes stay where they were written, in the session's output: here are three numbers per reply. Places are counted from the
 * session's first byte, so they stay true when what is before them leaves. Replies are added in the order of their offsets in
 * the stream, and are let go, or turned into errors, by an offset: always from the first on.
 */
import { ascii, type Output } from '../../base';

/** Numbers per reply: where it begins, where it ends, and the offset that replicas must have. */
const WIDTH = 3;
/** As many numbers of replies that are gone are cut off together. */
const CUT_FROM = 1024 * WIDTH;

export class HeldReplies {
  private readonly numbers: number[] = [];
  /** Where those of the first reply begin. */
  private first = 0;

  get isEmpty(): boolean {
    return this.first === this.numbers.length;
  }

  /** Where the first of them begins: what is before it may leave. */
  get start(): number {
    return this.numbers[this.first];
  }

  /** The reply in the output from `start` to `end` waits until replicas have the stream up to `offset`. */
  add(start: number, end: number, offset: number): void {
    this.numbers.push(start, end, offset);
  }

  /** Lets go of the replies to what was written up to `offset`; whether there were any. */
  release(offset: number): boolean {
    const before = this.first;
    while (this.reaches(offset)) this.first += WIDTH;
    const hasReleased = this.first > before;
    this.cut();
    return hasReleased;
  }

  /**
   * Lets go of the replies to what was written up to `offset`, with an error in their place where there is one; whether there
   * were any. All of them are in
   * `out`, of whose bytes `flushedBytes` have left.
   */
  fail(offset: number, out: Output, flushedBytes: number, errorAt: (offset: number) => string | null): boolean {
    if (!this.reaches(offset)) return false;
    const { numbers } = this;
    const bytes = out.take();
    let copiedTo = 0;
    for (; this.reaches(offset); this.first += WIDTH) {
      const error = errorAt(numbers[this.first + 2]);
      if (error === null) continue;
      out.bytes(bytes, copiedTo, numbers[this.first] - flushedBytes);
      out.constant(ascii(`-${error}\r\n`));
      copiedTo = numbers[this.first + 1] - flushedBytes;
    }
    out.bytes(bytes, copiedTo, bytes.length);
    const growth = out.length - bytes.length;
    for (let i = this.first; i < numbers.length; i += WIDTH) {
      numbers[i] += growth;
      numbers[i + 1] += growth;
    }
    this.cut();
    return true;
  }

  /** The output was dropped. */
  clear(): void {
    this.numbers.length = 0;
    this.first = 0;
  }

  /** Whether the first reply is one to something that was written up to `offset`. */
  private reaches(offset: number): boolean {
    return this.first < this.numbers.length && this.numbers[this.first + 2] <= offset;
  }

  private cut(): void {
    if (this.isEmpty) {
      this.clear();
    } else if (this.first >= CUT_FROM) {
      this.numbers.splice(0, this.first);
      this.first = 0;
    }
  }
}

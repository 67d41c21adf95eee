/**
 * MessageAssembler: turns chunks of a stream, cut anywhere, into memory in which one whole message lies in one piece.
 *
 * The usual chunk holds many whole messages: they are read where they lie, without a copy. Only the message that a
 * chunk's end cuts in two is copied, into memory of our own, and when the next chunk comes just so many bytes follow
 * it as the message lacks (or a small piece, where that is not known yet). Once it is whole, reading goes on in the
 * chunk itself: what was copied too much is simply read there again.
 *
 * What always holds:
 * - [messageStart, limit) of `data` is the message being read, as far as it is there; all before it is done with.
 * - Either `data` is the borrowed chunk, or it is `own`, and then [chunkAt, chunkEnd) of `chunk` follows it.
 * - `own` grows with the bytes that came, never with the bytes that were announced: a length is only a promise.
 * - Bytes are moved a bounded number of times each, so any message costs linear time however it is cut.
 * - Memory above `OWN_BYTES_KEPT` goes back as soon as its message is done with.
 */
import { copyBytes, EMPTY_BUFFER } from '../base';

/** How many bytes to copy at a time while a message's length is still unknown. */
const PIECE_BYTES = 1024;
const OWN_BYTES_KEPT = 16 * 1024;

export abstract class MessageAssembler {
  protected data: Uint8Array = EMPTY_BUFFER;
  protected messageStart = 0;
  protected limit = 0;
  /** Set by `stop`: nothing is taken in any more. */
  protected failed = false;
  protected owned = false;
  private own: Uint8Array = EMPTY_BUFFER;
  private chunk: Uint8Array = EMPTY_BUFFER;
  private chunkStart = 0;
  private chunkAt = 0;
  private chunkEnd = 0;

  /**
   * Gives the bytes `chunk[start, end)` to read. The chunk is borrowed: it must stay untouched until `next()` has
   * answered NEED_MORE or `retain()` was called. Who feeds without reading must watch `bufferedBytes`: the limits are
   * enforced by `next()`.
   */
  feed(chunk: Uint8Array, start: number, end: number): void {
    if (this.failed) return;
    if (this.unread() > 0) {
      this.retain();
      this.chunk = chunk;
      this.chunkStart = start;
      this.chunkAt = start;
      this.chunkEnd = end;
      return;
    }
    this.leaveOwn();
    this.borrow(chunk, start, end);
  }

  /** Copies all that is unread into memory of our own, for a caller that stops before NEED_MORE. */
  retain(): void {
    if (!this.owned) {
      this.keepRest(0);
    } else if (this.chunkAt < this.chunkEnd) {
      this.append(this.chunkEnd - this.chunkAt, 0);
    }
    this.forgetChunk();
  }

  /** Unread bytes that are held in memory of our own: what `client-query-buffer-limit` limits. */
  get bufferedBytes(): number {
    return this.owned ? this.limit - this.messageStart : 0;
  }

  /** Bytes of memory that this object keeps allocated for messages. */
  get memoryBytes(): number {
    return this.own.length;
  }

  /** Told that the unfinished message now begins `distance` bytes earlier in `data`. */
  protected abstract moved(distance: number): void;

  /** To be called before a message is looked for: what was handed out before is done with. */
  protected leaveOwn(): void {
    if (!this.owned) return;
    const rest = this.limit - this.messageStart;
    if (rest > this.chunkAt - this.chunkStart) return;
    const { chunk, chunkAt, chunkEnd } = this;
    this.forgetChunk();
    if (this.own.length > OWN_BYTES_KEPT) this.own = EMPTY_BUFFER;
    this.borrow(chunk, chunkAt - rest, chunkEnd);
  }

  /**
   * Makes more of the unfinished message available in `data`; false where nothing more has arrived, and then nothing
   * borrowed is referred to any more. `missing` is the number of bytes that the message lacks at least.
   */
  protected more(missing: number): boolean {
    const pending = this.chunkEnd - this.chunkAt;
    if (pending > 0) {
      this.append(Math.min(pending, Math.max(missing, PIECE_BYTES)), missing);
      return true;
    }
    if (!this.owned) this.keepRest(missing);
    this.forgetChunk();
    return false;
  }

  /** Ends it after an error: drops all bytes, and will take no more. */
  protected stop(): void {
    this.failed = true;
    this.forgetChunk();
    this.own = EMPTY_BUFFER;
    this.borrow(EMPTY_BUFFER, 0, 0);
  }

  private unread(): number {
    return this.limit - this.messageStart + (this.chunkEnd - this.chunkAt);
  }

  private borrow(chunk: Uint8Array, start: number, end: number): void {
    this.owned = false;
    this.data = chunk;
    this.moved(this.messageStart - start);
    this.messageStart = start;
    this.limit = end;
  }

  private forgetChunk(): void {
    this.chunk = EMPTY_BUFFER;
    this.chunkStart = 0;
    this.chunkAt = 0;
    this.chunkEnd = 0;
  }

  /** The borrowed chunk is about to go: its last, unfinished message moves into our own memory. */
  private keepRest(missing: number): void {
    const rest = this.limit - this.messageStart;
    if (rest === 0) {
      this.borrow(EMPTY_BUFFER, 0, 0);
      return;
    }
    if (rest > this.own.length) this.own = Buffer.allocUnsafeSlow(capacityFor(rest, rest, missing));
    this.moveTo(this.own);
    this.owned = true;
  }

  private append(count: number, missing: number): void {
    const used = this.limit - this.messageStart;
    if (this.limit + count > this.own.length) {
      this.own = Buffer.allocUnsafeSlow(capacityFor(used + count, used, missing));
      this.moveTo(this.own);
    }
    this.limit = copyBytes(this.chunk, this.chunkAt, this.chunkAt + count, this.own, this.limit);
    this.chunkAt += count;
  }

  private moveTo(target: Uint8Array): void {
    const { messageStart } = this;
    this.limit = copyBytes(this.data, messageStart, this.limit, target, 0);
    this.data = target;
    this.messageStart = 0;
    this.moved(messageStart);
  }
}

/**
 * Room to allocate where `required` bytes are needed at once: twice that, so that growing costs linear time, but not
 * far beyond the end of a long argument where that end is known and far enough away to count as growth.
 */
function capacityFor(required: number, used: number, missing: number): number {
  const doubled = Math.max(PIECE_BYTES, required * 2);
  const known = used + missing + PIECE_BYTES;
  return missing > required / 2 && known >= required ? Math.min(doubled, known) : doubled;
}

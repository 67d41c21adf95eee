/**
 * History: which stream of changes a node's data are the result of. (Redis' replid, replid2 and second_repl_offset.)
 *
 * A stream has an id, forty hexadecimal digits drawn by the master that began it; who has the same id and the same offset has the
 * same data. A replica has its master's. When it is made a master it goes on with an id of its own, as from there on the two
 * may differ, and remembers the former: who followed the same master up to an offset before the parting has the same data too.
 *
 * Offsets are numbers of bytes: those of the stream up to a place. (On the wire PSYNC names the next byte, counted from 1.)
 */
import type { Random } from '../base';

/** The id of no stream. */
export const NO_STREAM = '0'.repeat(40);
/** The end of a former stream where there is none. */
export const NO_OFFSET = -1;

const ID = /^[0-9a-f]{40}$/;

/** Whether a text can be the id of a stream. */
export function isStreamId(text: string): boolean {
  return ID.test(text);
}

export class History {
  id: string;
  /** The stream that this one parted from, and its offset there. */
  formerId = NO_STREAM;
  formerEnd = NO_OFFSET;

  constructor(private readonly random: Random) {
    this.id = random.identifier();
  }

  /** Whether data at `offset` of the stream `id` are on the way to ours. */
  covers(id: string, offset: number): boolean {
    return id === this.id || (id === this.formerId && offset <= this.formerEnd);
  }

  /** A new stream begins that has nothing to do with any before. */
  begin(): void {
    this.follow(this.random.identifier());
  }

  /** Our data are those of another's stream now. */
  follow(id: string): void {
    this.id = id;
    this.formerId = NO_STREAM;
    this.formerEnd = NO_OFFSET;
  }

  /** The stream parts from the one that it was, at `offset`; it goes on as `id`, or under one of its own. */
  part(offset: number, id = this.random.identifier()): void {
    this.formerId = this.id;
    this.formerEnd = offset;
    this.id = id;
  }
}

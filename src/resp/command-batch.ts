/**
 * A batch: several commands of a pipeline, found at once.
 *
 * Most commands that clients pipeline are plain: an array of a few short words, whole in the chunk. Finding a row of them
 * in one tight loop costs half of finding each by `next()`, which must be ready for everything else; and who has a row
 * of commands can fetch what all of them need before running the first.
 */
import { EMPTY_BUFFER } from '../base';

/** Words of a command in a batch. */
export const BATCHED_WORDS_MAX = 8;

/** One command: argument i is `buffer[starts[i], ends[i])`, the whole message `buffer[commandStart, commandEnd)`. */
export class BatchedCommand {
  buffer: Uint8Array = EMPTY_BUFFER;
  argc = 0;
  readonly starts = new Int32Array(BATCHED_WORDS_MAX);
  readonly ends = new Int32Array(BATCHED_WORDS_MAX);
  commandStart = 0;
  commandEnd = 0;
}

/** A batch to be filled by `CommandParser.nextBatch`. */
export type CommandBatch = readonly BatchedCommand[];

export function makeBatch(size: number): CommandBatch {
  return Array.from({ length: size }, () => new BatchedCommand());
}

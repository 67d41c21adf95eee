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
export interface ReceivedCommand {
  readonly buffer: Uint8Array;
  readonly argc: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly commandStart: number;
  readonly commandEnd: number;
}

export class BatchedCommand implements ReceivedCommand {
  buffer: Uint8Array = EMPTY_BUFFER;
  argc = 0;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  commandStart = 0;
  commandEnd = 0;

  constructor(words = BATCHED_WORDS_MAX) {
    this.starts = new Int32Array(words);
    this.ends = new Int32Array(words);
  }

  /**
   * A command in memory of its own, for who must keep it: the message begins at byte 0. Words of `replaced`, by number of
   * argument, stand in the place of those that came; they follow the message, which stays as it was.
   */
  static copyOf(command: ReceivedCommand, replaced?: ReadonlyMap<number, Uint8Array>): BatchedCommand {
    const { buffer, argc, commandStart, commandEnd } = command;
    const copy = new BatchedCommand(argc);
    const message = buffer.subarray(commandStart, commandEnd);
    copy.buffer = replaced === undefined ? Buffer.from(message) : Buffer.concat([message, ...replaced.values()]);
    copy.argc = argc;
    copy.commandEnd = commandEnd - commandStart;
    for (let i = 0; i < argc; i++) {
      copy.starts[i] = command.starts[i] - commandStart;
      copy.ends[i] = command.ends[i] - commandStart;
    }
    let at = copy.commandEnd;
    for (const [i, word] of replaced ?? []) {
      copy.starts[i] = at;
      at += word.length;
      copy.ends[i] = at;
    }
    return copy;
  }
}

/** A batch to be filled by `CommandParser.nextBatch`. */
export type CommandBatch = readonly BatchedCommand[];

export function makeBatch(size: number): CommandBatch {
  return Array.from({ length: size }, () => new BatchedCommand());
}

/**
 * AofTail: the commands of an append-only file that stand behind a place in a stream of replication.
 *
 * For who must keep what a demoted master had beyond its successor when its backlog is gone, as after a restart. Places are noted
 * once per batch, so what is found may begin a little before the place that was asked for, never after it. The files were loaded before,
 * so they are known to be sound; what is torn at the end of the last is passed over.
 */
import type { Files } from '../../base';
import type { ProtocolLimits, ReceivedCommand } from '../../resp';
import { readPlaceLine } from './format';
import { ANNOTATION, AofReader, COMMAND } from './reader';

/** What stands behind a place. */
export interface AofTail {
  /** The place that was found: the last one that is noted up to the one that was asked for. */
  readonly offset: number;
  /** The database that is selected there. */
  readonly database: number;
}

/**
 * Reads increments, in order, and hands each command behind the last noted place up to `offset` of the stream `id` to `take`; `begin` is
 * called first, and whenever a later such place is found: what was taken before is void then. Returns null where no such place is noted.
 * @throws CacheError FILE_FAILED
 */
export function readAofTail(
  files: Files,
  paths: readonly string[],
  limits: ProtocolLimits,
  id: string,
  offset: number,
  begin: () => void,
  take: (command: ReceivedCommand) => void,
): AofTail | null {
  let tail: AofTail | null = null;
  for (const path of paths) {
    const file = files.open(path);
    try {
      const reader = new AofReader(file, 0, file.size, limits);
      for (let kind = reader.next(); kind === COMMAND || kind === ANNOTATION; kind = reader.next()) {
        if (kind === COMMAND) {
          if (tail !== null) take(reader);
          continue;
        }
        const place = readPlaceLine(reader.buffer, reader.commandStart, reader.commandEnd);
        if (place === null || place.id !== id || place.offset > offset) continue;
        tail = { offset: place.offset, database: place.database };
        begin();
      }
    } finally {
      file.close();
    }
  }
  return tail;
}

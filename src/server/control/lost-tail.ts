/**
 * LostTail: what a master that lost its place had written beyond what its successor took over, kept in a file for the operator.
 *
 * A master that was cut off or frozen may have written what no replica has. When it becomes a replica those writes go: its data are
 * replaced. Before that they are written to `lost-<epoch>.aof` in the directory, as commands that redis-cli can replay, and
 * counted (promise F4). The file is synced and has its name before anything is replaced.
 *
 * The commands come from the replication backlog, or where that does not reach back so far, as after a restart, from the append-only file;
 * where neither does, what there is is kept, and the log says so. What a master puts into its stream besides (PING, REPLCONF) is not
 * kept. A file that was read from disk may begin with a few commands that the new master has: places are noted per batch.
 */
import { asBuffer, type Files } from '../../base';
import {
  COMMAND,
  CommandParser,
  defaultProtocolLimits,
  encodeCommand,
  NEED_MORE,
  type ProtocolLimits,
  type ReceivedCommand,
} from '../../resp';
import { readAofTail, type StreamPlace } from '../../storage';
import type { DataNode } from '../data-node';
import { pathIn } from '../persistence/paths';

/** What went with the last demotion. */
export interface Demotion {
  /** Bytes of the stream that were discarded; −1 where nobody knows. */
  readonly discardedBytes: number;
  /** The name of the file that has them; '' where there is none. */
  readonly file: string;
  /** Where the data can be taken to stand in the successor's stream although our own went further, as nothing was written there; else null. */
  readonly place: StreamPlace | null;
}

const NOTHING: Demotion = { discardedBytes: 0, file: '', place: null };
const UNKNOWN: Demotion = { discardedBytes: -1, file: '', place: null };

/** What stands in a stream has passed the limits for clients. */
const LIMITS: ProtocolLimits = { ...defaultProtocolLimits(), bulkBytesMax: 2 ** 32 - 1, queryBytesMax: Infinity };

const LF = 10;
const STAR = 42;
/** What a master says in its stream beside its changes, and what only prepares one. */
const NO_CHANGES: ReadonlySet<string> = new Set(['PING', 'REPLCONF', 'SELECT']);

/** Commands of a stream, and how many bytes of them are changes. */
class Tail {
  commands: Uint8Array[] = [];
  changedBytes = 0;
  selects = false;

  /** @param database is selected where it begins */
  constructor(public database: number) {}

  readonly take = ({ buffer, commandEnd, commandStart, ends, starts }: ReceivedCommand): void => {
    const name = asBuffer(buffer).toString('latin1', starts[0], ends[0]).toUpperCase();
    const isChange = !NO_CHANGES.has(name);
    if (name === 'SELECT') this.selects = true;
    if (!isChange && name !== 'SELECT') return;
    this.commands.push(buffer.slice(commandStart, commandEnd));
    if (isChange) this.changedBytes += commandEnd - commandStart;
  };

  clear(): void {
    this.commands = [];
    this.changedBytes = 0;
  }
}

/**
 * Keeps what this node's stream has beyond a parting. Between two commands, before the data are touched.
 * @param stream, offset where the successor parted; '' and −1 where nobody knows
 * @throws CacheError FILE_FAILED: it cannot be kept
 */
export function keepLostTail(node: DataNode, stream: string, offset: number, epoch: number): Demotion {
  const { journal, replication, world } = node;
  const { history } = replication;
  if ((stream !== history.id && stream !== history.formerId) || offset < 0) return UNKNOWN;
  const end = replication.offset;
  if (end <= offset) return NOTHING;
  const start = Math.max(offset, Math.min(replication.feeds.backlog?.start ?? end, end));
  const bytes = bytesFrom(node, start);
  const tail = start === offset ? tailOf(node, bytes) : (tailOnDisk(node, stream, offset) ?? firstWhole(node, bytes));
  if (start === offset && tail?.changedBytes === 0) {
    const isStill = !tail.selects && stream === history.id;
    return isStill ? { ...NOTHING, place: { id: stream, offset, database: journal.selectedDatabase } } : NOTHING;
  }
  const discardedBytes = start === offset && tail !== null ? tail.changedBytes : end - offset;
  if (tail === null || tail.changedBytes === 0) {
    world.log(
      'warning',
      `${discardedBytes} bytes that the new master does not have are discarded, and are nowhere found`,
    );
    return { discardedBytes, file: '', place: null };
  }
  const name = writeTail(node, tail, epoch);
  world.log('warning', `${discardedBytes} bytes that the new master does not have are discarded; see ${name}`);
  return { discardedBytes, file: name, place: null };
}

/** What the backlog has from this offset on. */
function bytesFrom(node: DataNode, offset: number): Buffer {
  const { backlog } = node.replication.feeds;
  if (backlog === null || offset >= backlog.end) return Buffer.alloc(0);
  const parts: Uint8Array[] = [];
  backlog.send(offset, backlog.end - offset, { write: (bytes) => parts.push(bytes) > 0 });
  return Buffer.concat(parts);
}

/** The commands that some bytes of the stream are; null where they are none, or do not begin with one. */
function tailOf(node: DataNode, bytes: Buffer): Tail | null {
  if (bytes.length > 0 && bytes[0] !== STAR) return null;
  const tail = new Tail(node.journal.selectedDatabase);
  const parser = new CommandParser(LIMITS);
  parser.feed(bytes, 0, bytes.length);
  let answer = parser.next();
  for (; answer === COMMAND; answer = parser.next()) tail.take(parser);
  // Which one was selected before is not said; nearly always there is only this.
  if (tail.selects) tail.database = 0;
  return answer === NEED_MORE ? tail : null;
}

/** The same from the first place on that can be the beginning of a command: before it the end of another one may stand. */
function firstWhole(node: DataNode, bytes: Buffer): Tail | null {
  if (bytes.length > 0) node.world.log('warning', 'The backlog has only the end of what is discarded');
  for (let at = bytes.indexOf(STAR); at >= 0; at = bytes.indexOf(STAR, at + 1)) {
    if (at > 0 && bytes[at - 1] !== LF) continue;
    const tail = tailOf(node, bytes.subarray(at));
    if (tail !== null) return tail;
  }
  return null;
}

/** What the append-only file has behind the last place that it notes up to the parting; null where it has none. */
function tailOnDisk({ persistence, world }: DataNode, stream: string, offset: number): Tail | null {
  const { appendOnly } = persistence;
  if (appendOnly.state !== 'on') return null;
  const tail = new Tail(0);
  const paths = appendOnly.directory.parts.filter(({ kind }) => kind === 'incremental').map(({ path }) => path);
  const found = readAofTail(world.files, paths, LIMITS, stream, offset, () => tail.clear(), tail.take);
  if (found === null) return null;
  tail.database = found.database;
  return tail;
}

/** Writes the file, all of it or none. */
function writeTail({ settings, world }: DataNode, { commands, database }: Tail, epoch: number): string {
  const { files } = world;
  const directory = settings.values['dir'];
  const name = freeName(files, directory, epoch);
  const path = pathIn(directory, name);
  const temporary = `${path}.temp`;
  const file = files.create(temporary);
  try {
    for (const bytes of [encodeCommand(['SELECT', database]), ...commands]) file.write(bytes, 0, bytes.length);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(temporary, path);
  files.syncDirectory(directory);
  return name;
}

/** A name that no file has: a second tail of one epoch must not cost the first. */
function freeName(files: Files, directory: string, epoch: number): string {
  let name = `lost-${epoch}.aof`;
  for (let i = 2; files.size(pathIn(directory, name)) !== null; i++) name = `lost-${epoch}-${i}.aof`;
  return name;
}

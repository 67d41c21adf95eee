/**
 * A client of a node that may die: what it was told before that, it knows; of everything else it knows nothing.
 *
 * Its connection is a list of replies, each of which arrives in the moment it is written. Every command stands for a unit of
 * the history (disk-history.ts), and a reply that is no error acknowledges it, if it is one that writes. (PFCOUNT keeps its result
 * in the value, as a note to itself: what it replies says nothing about that.)
 */
import { commands, FLAG_WRITE } from '../../src/commands';
import { encodeCommand, replyEnd } from '../../src/resp';
import type { Connection } from '../../src/net';
import type { DataNode } from '../../src/server';
import { Session } from '../../src/server/session';
import type { Timers } from '../../src/base';
import type { Sentence } from './sentences';

const ERROR = '-'.charCodeAt(0);
/** What no reply acknowledges. */
const NO_UNIT = 0;

/** Told of every reply: the text of it, one character per byte, and the unit of its command. */
export type Heard = (reply: string, unit: number) => void;

export class DiskClient implements Connection {
  readonly remoteAddress = 'disk:0';
  readonly localAddress = 'disk:0';
  readonly isLocal = true;
  readonly unsentBytes = 0;
  isClosed = false;
  private readonly session: Session;
  /** The units whose replies have not come yet. */
  private readonly units: number[] = [];
  private unread: Buffer = Buffer.alloc(0);
  /** Whether the last command is one that writes, or a transaction with one. */
  private hasWritten = false;

  constructor(
    node: DataNode,
    id: number,
    private readonly timers: Timers,
    private readonly heard: Heard,
  ) {
    this.session = new Session(id, node, this);
    node.sessions.set(id, this.session);
  }

  /** Sends a command, which runs at once; `unitOf` is asked for its unit when it has run. */
  say(words: Sentence, unitOf: () => number): void {
    const isInTransaction = this.session.transaction !== null;
    this.hasWritten = (isInTransaction && this.hasWritten) || isWrite(words);
    const message = encodeCommand(words.map((word) => Buffer.from(word, 'latin1')));
    this.session.received(message, 0, message.length);
    const unit = unitOf();
    this.units.push(this.hasWritten ? unit : NO_UNIT);
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true;
    this.unread = Buffer.concat([this.unread, bytes]);
    let start = 0;
    for (;;) {
      const end = replyEnd(this.unread, start, this.unread.length);
      if (end < 0) break;
      this.heard(this.unread.toString('latin1', start, end), this.units.shift()!);
      start = end;
    }
    this.unread = this.unread.subarray(start);
    return true;
  }

  pauseReading(): void {
    // Nothing is read by itself.
  }

  resumeReading(): void {
    // The same.
  }

  finish(): void {
    this.end();
  }

  end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.timers.endOfTurn(() => this.session.closed());
  }

  destroy(): void {
    this.end();
  }
}

function isWrite([name = '', subcommand = '']: Sentence): boolean {
  const spec = commands.byName(name);
  return (((spec?.subcommands?.byName(subcommand) ?? spec)?.flags ?? 0) & FLAG_WRITE) !== 0;
}

/** Whether a reply is an error. */
export function isError(reply: string): boolean {
  return reply.charCodeAt(0) === ERROR;
}

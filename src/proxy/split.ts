/**
 * Split: a command that several servers carry out together, from its division to its one reply.
 *
 * It is divided by server, not by key: MGET of a hundred keys over three groups is three commands. Each part has a
 * ticket in the queue of its backend; the client's queue holds one, the parent, which gets the merged reply when the
 * last part has been answered. Parts are not atomic together (reliability promise X3): one may fail alone, and then
 * the error is the reply.
 *
 * Before the first byte of any part is written, every server that is needed has been asked whether it takes commands.
 */
import type { Merge } from '../commands';
import { writeBulk, writeHead, type CommandParser, type ReplyWriter } from '../resp';
import type { Backend } from './backend';
import { mergeReplies } from './merge';
import type { Route } from './route';
import { takeTicket, type Ticket } from './ticket';

const STAR = 42;
/** "*" with any count and CR LF. */
const HEAD_BYTES_MAX = 16;
const NO_OWNERS = new Int16Array(0);

export class Split {
  private readonly replies: Uint8Array[];
  private waiting: number;
  /** Bytes of replies that are held until the last one comes. */
  heldBytes = 0;

  constructor(
    /** In the client's queue; owed the one reply. */
    readonly parent: Ticket,
    private readonly merge: Merge,
    partCount: number,
    private readonly owners: Int16Array = NO_OWNERS,
  ) {
    this.waiting = partCount;
    this.replies = Array.from({ length: partCount });
  }

  /** Gives each backend the ticket of a part; the part itself is appended by the caller. */
  expectFrom(backends: readonly Backend[]): void {
    for (let i = 0; i < backends.length; i++) {
      const ticket = takeTicket(null);
      ticket.split = this;
      ticket.part = i;
      backends[i].enqueue(ticket);
      backends[i].expect(ticket);
    }
  }

  /** Takes the reply to a part; true with the last one. */
  answered(part: number, buffer: Uint8Array, start: number, end: number): boolean {
    this.replies[part] = Buffer.from(buffer.subarray(start, end));
    this.heldBytes += end - start;
    return --this.waiting === 0;
  }

  /** Writes the one reply, after the last part has been answered. */
  writeReply(reply: ReplyWriter): void {
    mergeReplies(this.merge, this.replies, this.owners, reply);
  }
}

/** Which backend gets which keys of one command. */
export class Division {
  readonly backends: Backend[] = [];
  /** Keys of each part. */
  readonly keyCounts: number[] = [];
  /** Part of each key, in the order of the keys. */
  readonly owners: Int16Array;

  constructor(keyCount: number) {
    this.owners = new Int16Array(keyCount);
  }

  /** Gives key number `key` to `backend`. */
  give(key: number, backend: Backend): void {
    let part = backend.part;
    if (part >= this.backends.length || this.backends[part] !== backend) {
      part = this.backends.length;
      backend.part = part;
      this.backends.push(backend);
      this.keyCounts.push(0);
    }
    this.owners[key] = part;
    this.keyCounts[part]++;
  }

  /** Appends each part to its backend's output: the command's name, then its keys with what belongs to each. */
  write(route: Route, args: CommandParser): void {
    const { backends, keyCounts, owners } = this;
    const step = route.spec.keyStep;
    for (let part = 0; part < backends.length; part++) {
      const { out } = backends[part];
      out.reserve(HEAD_BYTES_MAX);
      out.position = writeHead(out.buffer, out.position, STAR, 1 + keyCounts[part] * step);
      writeBulk(out, args.buffer, args.starts[0], args.ends[0]);
    }
    for (let key = 0; key < owners.length; key++) {
      const { out } = backends[owners[key]];
      const first = route.keys.positions[key];
      for (let i = first; i < first + step; i++) writeBulk(out, args.buffer, args.starts[i], args.ends[i]);
    }
  }
}

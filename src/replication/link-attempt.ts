/**
 * LinkAttempt: one connection of a replica to its master, from the attempt to open it to its end.
 *
 *   lines of the handshake → its answer ─┬─ a snapshot is announced → its bytes → the stream
 *                                        └─ the stream
 *
 * It knows which of these comes next and cuts what arrives accordingly; MasterLink knows what that means. Once it is closed it
 * says nothing any more, whatever the connection still does. While it is held nothing is read, and what was read already waits
 * here; so does the news that the connection is gone, because what came before is worth having.
 */
import type { Address, Connection, ConnectionHandler } from '../net';
import { encodeCommand } from '../resp';
import type { Handshake, HandshakeEnd } from './handshake';
import { LinkLine } from './link-line';
import { Transfer } from './transfer';

/** Opens a connection: `connect` of net, or what a simulation has in its place. */
export type Connect = (address: Address, handler: ConnectionHandler, opened: (connection: Connection) => void) => void;

/** Who is told. Each may close the attempt; buffers are lent until the call returns. */
export interface AttemptListener {
  opened(): void;
  /** So many bytes have come, of whatever kind. */
  heard(bytes: number): void;
  /** The handshake has ended. */
  agreed(end: HandshakeEnd): void;
  /** A snapshot begins; or this line stands where one should. */
  announced(transfer: Transfer | null, line: string): void;
  piece(buffer: Uint8Array, start: number, end: number): void;
  /** The snapshot has ended, and the attempt is held: what follows is the stream. */
  whole(): void;
  stream(buffer: Uint8Array, start: number, end: number): void;
  /** What came is nothing that a master says. */
  garbled(reason: string): void;
  closed(error: Error | null): void;
}

export class LinkAttempt implements ConnectionHandler {
  isHeld = false;
  private connection: Connection | null = null;
  private readonly line = new LinkLine();
  private transfer: Transfer | null = null;
  private isStream = false;
  /** Came while it was held. */
  private waiting: Buffer[] = [];
  private isReleasing = false;
  private isOver = false;
  /** The connection went while this was held. */
  private isGone = false;
  private goneBecause: Error | null = null;

  constructor(
    private readonly handshake: Handshake,
    private readonly listener: AttemptListener,
  ) {}

  open(connect: Connect, address: Address): void {
    connect(address, this, (connection) => {
      this.connection = connection;
      if (this.isOver) {
        connection.destroy();
        return;
      }
      this.listener.opened();
      this.ask();
    });
  }

  write(bytes: Uint8Array): void {
    this.connection?.write(bytes);
  }

  close(): void {
    this.isOver = true;
    this.waiting = [];
    this.connection?.destroy();
  }

  /** Reads no more, until `release`. */
  hold(): void {
    if (this.isHeld) return;
    this.isHeld = true;
    this.connection?.pauseReading();
  }

  release(): void {
    if (!this.isHeld || this.isReleasing) return;
    this.isReleasing = true;
    this.isHeld = false;
    const { waiting } = this;
    this.waiting = [];
    // Who is given the first of them may hold it again: then the others wait on.
    for (const chunk of waiting) this.take(chunk, 0, chunk.length);
    this.isReleasing = false;
    if (this.isHeld || this.isOver) return;
    if (this.isGone) this.listener.closed(this.goneBecause);
    else this.connection?.resumeReading();
  }

  // ── as the connection's handler ──────────────────────────────────────────────────────────────────────────────

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.isOver) return;
    this.listener.heard(end - start);
    this.take(buffer, start, end);
  }

  closed(error: Error | null): void {
    if (this.isOver) return;
    this.isGone = true;
    this.goneBecause = error;
    if (!this.isHeld) this.listener.closed(error);
  }

  // ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────

  private take(buffer: Uint8Array, start: number, end: number): void {
    while (start < end && !this.isOver) {
      if (this.isHeld) {
        this.waiting.push(Buffer.from(buffer.subarray(start, end)));
        return;
      }
      if (this.isStream) {
        this.listener.stream(buffer, start, end);
        return;
      }
      start = this.transfer === null ? this.takeLine(buffer, start, end) : this.takeSnapshot(buffer, start, end);
    }
  }

  /** Returns the position behind what it has taken. */
  private takeLine(buffer: Uint8Array, start: number, end: number): number {
    const { line } = this;
    const next = line.read(buffer, start, end);
    if (line.isTooLong) this.listener.garbled('The master has sent a line that does not end.');
    if (next < 0) return end;
    // An empty one: the master is busy, and alive.
    if (line.text === '') return next;
    if (this.handshake.end === null) {
      this.takeAnswer(line.text);
      return next;
    }
    this.transfer = Transfer.of(line.text);
    this.listener.announced(this.transfer, line.text);
    // There may be no bytes at all.
    return this.transfer === null || this.isOver ? next : this.takeSnapshot(buffer, next, end);
  }

  private takeAnswer(line: string): void {
    const { handshake } = this;
    handshake.answer(line);
    if (handshake.end === null) {
      this.ask();
      return;
    }
    this.isStream = handshake.end.kind === 'partial';
    this.listener.agreed(handshake.end);
  }

  private takeSnapshot(buffer: Uint8Array, start: number, end: number): number {
    const { listener } = this;
    const transfer = this.transfer!;
    const next = transfer.receive(buffer, start, end, (piece, from, to) => listener.piece(piece, from, to));
    if (transfer.isWhole && !this.isOver) {
      this.isStream = true;
      this.hold();
      listener.whole();
    }
    return next;
  }

  private ask(): void {
    this.write(encodeCommand(this.handshake.command));
  }
}

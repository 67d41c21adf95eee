/**
 * PeerLink: one connection to another config server, from its first byte to its last.
 *
 * It shakes hands, then carries frames both ways. It never queues without bound: what the other side does not take is left out, as
 * Raft says everything again, and who asked asks again; of opinions the newest waits. A link that ends does so once, and its
 * owner hears how: given up by one of the two sides, or gone without a farewell, as the connections of a process that died.
 *
 * Who has not proved itself in time is cut off, however busily it sends; who was proven and is silent too long is held for dead, since
 * both sides say at least a ping now and then: that finds connections of which only one end is left.
 */
import { asBuffer, CacheError, type Clock, type Timers } from '../../base';
import type { Connection, ConnectionHandler } from '../../net';
import type { PeerMessage } from '../control-host';
import { encodeFrame, FrameReader, PAYLOAD_BYTES_MAX, PREFACE, type FrameKind } from './frames';
import { farewellFrame, farewellText, type Handshake, type PeerProof } from './handshake';
import { decodePayload, encodePayload } from './payloads';

/** Bytes that may wait for the other side; what would come on top is left out. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);
/** Failures that say nothing of the other process: the way to it is broken. */
const UNREACHABLE: readonly (string | undefined)[] = ['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'];

/** How a link ended. */
export type LinkEnding =
  /** Its process is gone: its machine refused the connection, or ended one without a farewell. */
  | { readonly kind: 'gone'; readonly reason: string }
  /** It could not be made, broke, was silent, or one of the sides had a reason to end it. */
  | { readonly kind: 'ended'; readonly reason: string }
  /** Its other side is no peer. */
  | { readonly kind: 'stranger'; readonly reason: string };

export interface LinkOwner {
  readonly world: { readonly clock: Clock; readonly timers: Timers };
  /** Ms in which a connection must be made and its handshake done. */
  readonly handshakeMsMax: number;
  /** The other side has proved that it is `link.peer`. */
  linkStands(link: PeerLink): void;
  linkSays(link: PeerLink, message: PeerMessage): void;
  /** Called once, last. */
  linkEnded(link: PeerLink, ending: LinkEnding): void;
}

export class PeerLink implements ConnectionHandler {
  /** Who is at the other side; null until that is proven. */
  peer: PeerProof | null = null;
  /** This side dialled and has sent its proof: the other may hold the link for proven already. */
  hasProved = false;
  /** When it was accepted, where it was: a place in the order of what happens to the owner's links. */
  acceptedAt = 0;
  /** When it was proven, likewise. */
  stoodAt = 0;

  private connection: Connection | null = null;
  private readonly reader = new FrameReader();
  private hasHeard = false;
  private hasSaid = false;
  private isOver = false;
  private heardAtMs: number;
  private saidAtMs: number;
  private opinionsToSend: PeerMessage | null = null;
  private readonly cancelHandshake: () => void;

  /** @param hello what the side that dials begins with; null for the other side */
  constructor(
    private readonly owner: LinkOwner,
    private readonly handshake: Handshake,
    private readonly hello: Buffer | null,
  ) {
    const { clock, timers } = owner.world;
    this.heardAtMs = this.saidAtMs = clock.monotonicMs();
    this.cancelHandshake = timers.after(owner.handshakeMsMax, () => {
      const what = this.connection === null ? 'it cannot be reached' : 'the handshake takes too long';
      this.end({ kind: this.connection === null || this.isDialed ? 'ended' : 'stranger', reason: what }, null);
    });
  }

  get isDialed(): boolean {
    return this.hello !== null;
  }

  get address(): string {
    return this.connection === null ? 'nowhere' : this.connection.remoteAddress;
  }

  /** The connection stands. */
  opened(connection: Connection): void {
    this.connection = connection;
    if (this.isOver) {
      connection.destroy();
      return;
    }
    if (this.hello !== null) this.write(this.hello);
  }

  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.isOver) return;
    this.hasHeard = true;
    this.heardAtMs = this.now();
    const fault = this.reader.feed(asBuffer(buffer), start, end, (kind, payload) => {
      this.take(kind, payload);
      return !this.isOver;
    });
    if (fault !== null) this.end({ kind: this.peer === null ? 'stranger' : 'ended', reason: fault }, null);
  }

  drained(): void {
    if (this.opinionsToSend !== null) this.send(this.opinionsToSend);
  }

  closed(error: Error | null): void {
    if (this.isOver) return;
    const reason = error === null ? 'it closed the connection' : error.message;
    const code = (error as NodeJS.ErrnoException | null)?.code;
    const isGone = this.peer === null ? code === 'ECONNREFUSED' : !UNREACHABLE.includes(code);
    // Who connects and says nothing looks whether somebody listens; or it is a peer that thought better of it.
    const isStranger = this.peer === null && !this.isDialed && this.hasHeard;
    this.end({ kind: isGone ? 'gone' : isStranger ? 'stranger' : 'ended', reason }, null);
  }

  /** Sends a message, or drops it. */
  send(message: PeerMessage): void {
    if (this.isOver || this.connection === null || this.peer === null) return;
    const { unsentBytes } = this.connection;
    if (message.kind === 'opinions') {
      this.opinionsToSend = unsentBytes > 0 ? message : null;
      if (unsentBytes > 0) return;
    }
    const payload = encodePayload(message);
    if (unsentBytes + payload.length > UNSENT_BYTES_MAX || payload.length > PAYLOAD_BYTES_MAX) return;
    this.write(encodeFrame(message.kind, payload));
  }

  /** Says that this side is there, if it said nothing for so long; ends the link when the other was silent for that long. */
  beat(pingAfterMs: number, silentAfterMs: number): void {
    if (this.isOver || this.peer === null) return;
    const nowMs = this.now();
    if (nowMs - this.heardAtMs >= silentAfterMs) {
      this.leave(`it was silent for ${Math.round(nowMs - this.heardAtMs)} ms`);
      return;
    }
    this.drained();
    if (nowMs - this.saidAtMs >= pingAfterMs && this.connection!.unsentBytes === 0) {
      this.write(encodeFrame('ping', NOTHING));
    }
  }

  /** This node itself was stalled: silence until now proves nothing. */
  forgiveSilence(): void {
    this.heardAtMs = this.now();
  }

  /** Ends it from this side. */
  leave(reason: string): void {
    this.end({ kind: 'ended', reason }, reason);
  }

  /** Refuses who is at the other side, without a word. */
  refuse(reason: string): void {
    this.end({ kind: 'stranger', reason }, null);
  }

  private take(kind: FrameKind, payload: Buffer): void {
    if (kind === 'farewell') {
      this.end({ kind: 'ended', reason: `it said: ${farewellText(payload)}` }, null);
    } else if (this.peer === null) {
      this.shakeHands(kind, payload);
    } else if (kind !== 'ping') {
      this.takeMessage(kind as PeerMessage['kind'], payload);
    }
  }

  private shakeHands(kind: FrameKind, payload: Buffer): void {
    const verdict = this.handshake.step(kind, payload);
    if (verdict.kind === 'refused') {
      this.end({ kind: 'stranger', reason: verdict.reason }, verdict.tell);
      return;
    }
    if (verdict.kind === 'declined') {
      this.leave(verdict.tell);
      return;
    }
    if (verdict.send !== null) this.write(verdict.send);
    this.hasProved = this.isDialed;
    if (verdict.kind !== 'proven') return;
    this.cancelHandshake();
    this.reader.isProven = true;
    this.peer = verdict.peer;
    this.owner.linkStands(this);
  }

  private takeMessage(kind: PeerMessage['kind'], payload: Buffer): void {
    let message: PeerMessage;
    try {
      message = decodePayload(kind, payload);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.leave(error.message);
      return;
    }
    this.owner.linkSays(this, message);
  }

  private write(frame: Buffer): void {
    this.saidAtMs = this.now();
    this.connection!.write(this.hasSaid ? frame : Buffer.concat([PREFACE, frame]));
    this.hasSaid = true;
  }

  private end(ending: LinkEnding, farewell: string | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelHandshake();
    this.opinionsToSend = null;
    const { connection } = this;
    if (connection !== null && farewell !== null) {
      this.write(farewellFrame(farewell));
      connection.end();
      // Who does not take it has had its time.
      this.owner.world.timers.after(this.owner.handshakeMsMax, () => connection.destroy());
    } else if (connection !== null) {
      connection.destroy();
    }
    this.owner.linkEnded(this, ending);
  }

  private now(): number {
    return this.owner.world.clock.monotonicMs();
  }
}

/**
 * MasterLink: the connection of a replica to its master, kept up: tried again each second while it is down.
 *
 *   connect → connecting → handshake → sync (a snapshot comes) → connected (the stream comes)
 *                                    ↘ connected, where the replica goes on after what it has
 *
 * What arrives is cut by link-attempt.ts, one per connection; here is the time: silence for `timeoutSeconds` ends a connection in
 * any state; REPLCONF ACK goes out each second once connected, and before that, once the master has promised a snapshot, a line
 * end, by which it knows that we are alive. What comes in is the *user's* (Following). A user that is busy holds the link.
 *
 * It has no timers: whoever owns it calls `tick` several times a second. Log lines are Redis'.
 */
import { ascii, assert, CacheError, type World } from '../base';
import { addressText, type Address } from '../net';
import { encodeCommand } from '../resp';
import { Handshake, type HandshakeEnd, type Introduction } from './handshake';
import { LinkAttempt, type Connect } from './link-attempt';
import type { Transfer } from './transfer';

/** The words that ROLE and INFO have for it. */
export type LinkState = 'connect' | 'connecting' | 'handshake' | 'sync' | 'connected';

/** Who has the link. Buffers are lent until the call returns. */
export interface LinkUser {
  /** What to say to the master; asked once per attempt. */
  introduce(): Introduction;
  /** Seconds of silence after which the link is down. */
  timeoutSeconds(): number;
  /** The master's answer: a snapshot follows, the state at this place; maybe not soon. */
  promised(id: string, offset: number): void;
  /** It will not have us, or not yet; another attempt follows. */
  refused(): void;
  /** The snapshot begins; `totalBytes` is null where nobody knows. Its pieces follow, then `whole`. */
  arriving(totalBytes: number | null): void;
  piece(buffer: Uint8Array, start: number, end: number): void;
  /** All of the snapshot has come. What follows is the stream, which waits until the snapshot is `synchronized`, and `release`. */
  whole(): void;
  /** The stream goes on after what we have; where `id` is not null it has that name now. */
  resumed(id: string | null): void;
  stream(buffer: Uint8Array, start: number, end: number): void;
  /** What REPLCONF ACK tells: up to where the data are the stream's, and what goes with it. */
  acknowledgement(): readonly (string | number)[];
  /** The connection is gone; it will be tried again, unless the link was stopped. */
  lost(): void;
  /** `state` has changed. */
  changed(): void;
}

const RETRY_AFTER_MS = 1000;
const SPEAK_EVERY_MS = 1000;
const LINE_END: Uint8Array = ascii('\n');

/** What the log says of silence. */
const TIMEOUTS: Readonly<Record<LinkState, string>> = {
  connect: '',
  connecting: 'Timeout connecting to the MASTER...',
  handshake: 'Timeout connecting to the MASTER...',
  sync:
    'Timeout receiving bulk data from MASTER... If the problem persists try to set the ' +
    "'repl-timeout' parameter in redis.conf to a larger value.",
  connected: 'MASTER timeout: no data nor PING received...',
};

export class MasterLink {
  state: LinkState = 'connect';
  /** When something came last, and since when the link is not connected (monotonic ms). */
  lastIoMs: number;
  downSinceMs: number;
  /** The snapshot that is coming; null while none is. */
  transfer: Transfer | null = null;
  /** Bytes that have come, over all connections. */
  receivedBytes = 0;

  private address: Address | null = null;
  private attempt: LinkAttempt | null = null;
  private nextTryMs = 0;
  private nextWordMs = 0;

  /** @param connect how connections are opened, asked each time; may throw a CacheError */
  constructor(
    private readonly world: World,
    private readonly user: LinkUser,
    private readonly connect: () => Connect,
  ) {
    this.lastIoMs = this.downSinceMs = world.clock.monotonicMs();
  }

  /** Connects to a master from now on; the link to another is cut. */
  start(address: Address): void {
    this.stop();
    this.address = address;
    this.downSinceMs = this.world.clock.monotonicMs();
    this.open(address);
  }

  /** Cuts the link for good. */
  stop(): void {
    this.address = null;
    this.drop();
  }

  /** Ends this connection for a reason, and tries again in a second. */
  fail(reason: string): void {
    if (this.attempt === null) return;
    this.world.log('warning', reason);
    this.nextTryMs = this.world.clock.monotonicMs() + RETRY_AFTER_MS;
    this.drop();
  }

  /** Several times a second. */
  tick(): void {
    const { address, attempt, state, user, world } = this;
    if (address === null) return;
    const nowMs = world.clock.monotonicMs();
    if (attempt === null) {
      if (nowMs < this.nextTryMs) return;
      world.log('notice', `Reconnecting to MASTER ${addressText(address)}`);
      this.open(address);
    } else if (!attempt.isHeld && nowMs - this.lastIoMs > user.timeoutSeconds() * 1000) {
      this.fail(TIMEOUTS[state]);
    } else if (nowMs >= this.nextWordMs) {
      if (state === 'sync') this.say(LINE_END);
      if (state === 'connected') this.acknowledge();
    }
  }

  /** Says now how far we are, if we are connected. */
  acknowledge(): void {
    if (this.state === 'connected') this.say(encodeCommand(['REPLCONF', 'ACK', ...this.user.acknowledgement()]));
  }

  /** The snapshot is loaded: the stream may come, once the link is not held any more. */
  synchronized(): void {
    this.transfer = null;
    this.enter('connected');
    this.acknowledge();
  }

  get isHeld(): boolean {
    return this.attempt?.isHeld === true;
  }

  /** Reads no more, until `release`. */
  hold(): void {
    this.attempt?.hold();
  }

  release(): void {
    this.attempt?.release();
  }

  // ── one connection ───────────────────────────────────────────────────────────────────────────────────────────

  private open(address: Address): void {
    const { user, world } = this;
    this.attempt = new LinkAttempt(new Handshake(user.introduce()), {
      opened: () => {
        world.log('notice', 'Non blocking connect for SYNC fired the event.');
        this.enter('handshake');
      },
      heard: (bytes) => {
        this.lastIoMs = world.clock.monotonicMs();
        this.receivedBytes += bytes;
      },
      agreed: (end) => this.agreed(end),
      announced: (transfer, line) => this.announced(transfer, line),
      piece: (buffer, from, to) => user.piece(buffer, from, to),
      whole: () => user.whole(),
      stream: (buffer, from, to) => {
        assert(this.state === 'connected', 'the stream waits for the snapshot that it follows');
        user.stream(buffer, from, to);
      },
      garbled: (reason) => this.fail(reason),
      closed: (error) => this.closed(error),
    });
    this.lastIoMs = world.clock.monotonicMs();
    this.enter('connecting');
    world.log('notice', 'MASTER <-> REPLICA sync started');
    try {
      this.attempt.open(this.connect(), address);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.fail(`Unable to connect to MASTER: ${error.message}`);
    }
  }

  private drop(): void {
    const { attempt } = this;
    if (attempt === null) return;
    this.attempt = null;
    this.transfer = null;
    attempt.close();
    this.enter('connect');
    this.user.lost();
  }

  private enter(state: LinkState): void {
    if (this.state === 'connected') this.downSinceMs = this.world.clock.monotonicMs();
    this.state = state;
    this.user.changed();
  }

  private say(bytes: Uint8Array): void {
    this.nextWordMs = this.world.clock.monotonicMs() + SPEAK_EVERY_MS;
    this.attempt?.write(bytes);
  }

  private closed(error: Error | null): void {
    if (this.state === 'connecting') this.fail(`Error condition on socket for SYNC: ${error?.message ?? 'closed'}`);
    else if (this.state === 'connected') this.fail('Connection with master lost.');
    else this.fail('The master has closed the connection.');
  }

  private agreed(end: HandshakeEnd): void {
    const { user, world } = this;
    switch (end.kind) {
      case 'full':
        world.log('notice', `Full resync from master: ${end.id}:${end.offset}`);
        this.enter('sync');
        user.promised(end.id, end.offset);
        return;
      case 'partial':
        world.log('notice', 'Successful partial resynchronization with master.');
        user.resumed(end.id);
        if (this.attempt === null) return;
        world.log('notice', 'MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.');
        this.enter('connected');
        this.acknowledge();
        return;
      default:
        this.fail(end.reason);
        user.refused();
    }
  }

  private announced(transfer: Transfer | null, line: string): void {
    if (transfer === null) {
      this.fail(
        line.startsWith('-')
          ? `MASTER aborted replication with an error: ${line.slice(1)}`
          : `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`,
      );
      return;
    }
    const { totalBytes } = transfer;
    const what = totalBytes === null ? 'streamed RDB from master with EOF' : `${totalBytes} bytes from master`;
    this.world.log('notice', `MASTER <-> REPLICA sync: receiving ${what}`);
    this.transfer = transfer;
    this.user.arriving(totalBytes);
  }
}

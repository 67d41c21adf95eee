/**
 * Following: what a data node does as a replica.
 *
 * MasterLink has the connection, Applying does what the stream says, Arrival brings a whole snapshot into the keyspace; here they
 * are put together, and here is known what the data are: those of a *place* in the master's stream, or no such thing, while they
 * are being replaced or were never the master's. A link that is lost leaves the place as it is: the next one asks to go on from
 * there. A stream that is none, or a snapshot that cannot be loaded, takes the place away: then only a full sync can help.
 *
 * What was done is acknowledged at the end of a turn, when it is in the append-only file.
 */
import { clientTls, connect, type Flushable } from '../../net';
import { MasterLink, type Connect, type Introduction, type LinkState, type LinkUser } from '../../replication';
import type { StreamPlace } from '../../storage';
import type { DataNode } from '../data-node';
import { Applying } from './applying';
import { Arrival, type ArrivalWay } from './arrival';
import type { MasterAddress, Replication } from './replication';

export class Following implements Flushable {
  inTurn = false;
  /** The state of the link has changed. */
  onChange: () => void = () => undefined;
  /** A master has answered our PSYNC: that we may follow it, or not. */
  onAgreed: (isAccepted: boolean) => void = () => undefined;
  /** How connections to masters are opened; a simulation has its own. */
  connect: Connect;

  private readonly link: MasterLink;
  private readonly applying: Applying;
  private arrival: Arrival | null = null;
  /** The place whose state the snapshot is that was promised. */
  private promised = { id: '', offset: 0 };
  private hasPlace = false;
  /** The other is asked to take our place: see Handover. */
  private handsOver = false;
  /** Held because the disk refuses what the stream would leave in the append-only file. */
  private waitsForDisk = false;
  private acknowledges = false;

  constructor(
    private readonly node: DataNode,
    private readonly replication: Replication,
  ) {
    const { settings, world } = node;
    this.connect = (address, handler, opened) =>
      connect(address, handler, opened, settings.values['tls-replication'] ? clientTls(settings.values) : null);
    this.applying = new Applying(node, {
      relay: (buffer, start, end) => replication.feeds.relay(buffer, start, end),
      acknowledgementWanted: () => this.acknowledgeSoon(),
    });
    this.link = new MasterLink(world, this.linkUser(), () => this.connect);
  }

  // ── what is known ────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether the data are those of the master, and its stream comes in. */
  get isConnected(): boolean {
    return this.link.state === 'connected';
  }

  /** The place in the master's stream that the data have; null while they are being replaced, or were never the master's. */
  get place(): StreamPlace | null {
    if (!this.hasPlace) return null;
    return { id: this.replication.history.id, offset: this.offset, database: this.applying.databaseIndex };
  }

  /** Bytes of the stream that the data are the result of, and that have come; whole units of it. */
  get offset(): number {
    return this.applying.offset;
  }

  get readOffset(): number {
    return this.applying.readOffset;
  }

  /** How far the link is, in the words of ROLE; `sync` while the snapshot comes. */
  get linkState(): LinkState {
    return this.link.state;
  }

  /** When the master was last heard of (monotonic ms); null where there is no link that stands. */
  get lastIoAtMs(): number | null {
    return this.link.state === 'connected' || this.link.state === 'sync' ? this.link.lastIoMs : null;
  }

  /** Since when the data are not kept up to date (monotonic ms). */
  get downSinceMs(): number {
    return this.link.downSinceMs;
  }

  /** Bytes of the snapshot that have come, and that there will be; 0 where that is not known. */
  get syncedBytes(): number {
    return this.link.transfer?.receivedBytes ?? 0;
  }

  get totalBytes(): number {
    return this.link.transfer?.totalBytes ?? 0;
  }

  /** Bytes that have come from masters. */
  get receivedBytes(): number {
    return this.link.receivedBytes;
  }

  // ── begin and end ────────────────────────────────────────────────────────────────────────────────────────────

  /** The data are those of a place in the stream that will be followed. */
  resumeAt({ offset, database }: StreamPlace): void {
    this.hasPlace = true;
    this.applying.goOnAt(offset);
    this.applying.select(database);
  }

  /** Follows a master from now on; the data have this place in its stream, or may have; null for none. */
  start(master: MasterAddress, place: StreamPlace | null, handsOver = false): void {
    this.link.stop();
    if (place === null) this.hasPlace = false;
    else this.resumeAt(place);
    this.handsOver = handsOver;
    this.link.start(master);
  }

  /** Follows nobody any more, and is going to be changed by others. */
  stop(): void {
    this.leave();
    this.hasPlace = false;
  }

  /** Follows nobody any more: the node ends, with its data at the place that they have. */
  leave(): void {
    this.link.stop();
  }

  tick(): void {
    this.lookAtDisk();
    this.link.tick();
  }

  /** At the end of a turn, after the append-only file. */
  flush(): void {
    if (!this.acknowledges) return;
    this.acknowledges = false;
    this.link.acknowledge();
  }

  private acknowledgeSoon(): void {
    this.acknowledges = true;
    this.node.turn.join(this);
  }

  // ── the link ─────────────────────────────────────────────────────────────────────────────────────────────────

  private linkUser(): LinkUser {
    return {
      timeoutSeconds: () => this.node.settings.values['repl-timeout'],
      introduce: () => this.introduce(),
      promised: (id, offset) => this.accepted(id, offset),
      refused: () => this.onAgreed(false),
      arriving: (totalBytes) => this.arriving(totalBytes),
      piece: (buffer, start, end) => this.arrival?.piece(buffer, start, end),
      whole: () => this.arrival?.whole(),
      resumed: (id) => this.resumed(id),
      stream: (buffer, start, end) => this.streamed(buffer, start, end),
      acknowledgement: () => this.acknowledgement(),
      lost: () => this.lost(),
      changed: () => this.onChange(),
    };
  }

  /** What has been done, and where there is an append-only file, what of it is on the disk. */
  private acknowledgement(): (string | number)[] {
    const onDisk = this.node.persistence.appendOnly.syncedOffset;
    return onDisk < 0 ? [this.offset] : [this.offset, 'FACK', Math.min(onDisk, this.offset)];
  }

  private introduce(): Introduction {
    const { values } = this.node.settings;
    const { handsOver, place } = this;
    const { log } = this.node.world;
    if (place === null) log('notice', 'Partial resynchronization not possible (no cached master)');
    else log('notice', `Trying a partial resynchronization (request ${place.id}:${place.offset + 1}).`);
    const ownPort = values['tls-replication'] ? values['tls-port'] : values['port'];
    return {
      user: values['masteruser'],
      password: values['masterauth'],
      port: values['replica-announce-port'] === 0 ? ownPort : values['replica-announce-port'],
      address: values['replica-announce-ip'],
      version: values['redis-version'],
      place,
      handsOver,
    };
  }

  private lost(): void {
    this.waitsForDisk = false;
    if (this.arrival !== null) {
      this.arrival.abandon();
      this.arrival = null;
    }
    // What came of a unit that is not whole will come again.
    this.applying.goOnAt(this.offset);
  }

  // ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────

  private accepted(id: string, offset: number): void {
    this.promised = { id, offset };
    this.handsOver = false;
    this.onAgreed(true);
  }

  private resumed(id: string | null): void {
    const { feeds, history } = this.replication;
    if (!this.hasPlace) {
      this.link.fail('The master wants to go on after what we do not have.');
      return;
    }
    this.handsOver = false;
    this.onAgreed(true);
    this.node.journal.standAt(this.offset);
    if (feeds.backlog?.end !== this.offset) feeds.startOver(this.offset);
    if (id === null || id === history.id) return;
    history.part(this.offset, id);
    this.node.world.log('notice', `Master replication ID changed to ${id}`);
    // They come back, and learn the name.
    feeds.dropAll();
  }

  private streamed(buffer: Uint8Array, start: number, end: number): void {
    if (!this.applying.received(buffer, start, end)) {
      this.hasPlace = false;
      this.link.fail(
        'WARNING: The master sends what is no stream of commands: closing the connection, and all will be synchronized anew.',
      );
    }
    this.lookAtDisk();
  }

  /** What cannot be put into the append-only file is not done either, until it can be. */
  private lookAtDisk(): void {
    const { settings, states } = this.node;
    const isRefused = states.misconfiguration !== null && !settings.values['replica-ignore-disk-write-errors'];
    if (isRefused === this.waitsForDisk || this.link.state !== 'connected') return;
    this.waitsForDisk = isRefused;
    if (isRefused) this.link.hold();
    else this.link.release();
  }

  // ── a snapshot ───────────────────────────────────────────────────────────────────────────────────────────────

  private arriving(totalBytes: number | null): void {
    const { history } = this.replication;
    const isOurs = this.hasPlace && this.promised.id === history.id;
    this.arrival = new Arrival(this.node, this.wayOfArrival(), this.promised, totalBytes, isOurs, {
      replacing: () => this.replacing(),
      sated: () => this.link.hold(),
      hungry: () => this.link.release(),
      done: (error, database) => this.arrived(error, database),
    });
    this.arrival.begin();
  }

  private wayOfArrival(): ArrivalWay {
    const { keyspace, settings } = this.node;
    const way = settings.values['repl-diskless-load'];
    if (way === 'swapdb') return 'beside';
    const isEmpty = keyspace.usedDatabases().every((database) => database.size === 0);
    return way === 'on-empty-db' && isEmpty ? 'direct' : 'file';
  }

  private replacing(): void {
    this.hasPlace = false;
    this.replication.feeds.dropAll();
  }

  private arrived(error: Error | null, database: number): void {
    const { applying, link, node, promised } = this;
    this.arrival = null;
    if (error !== null) {
      link.fail(`Failed trying to load the MASTER synchronization DB: ${error.message}`);
      return;
    }
    this.replication.history.follow(promised.id);
    applying.goOnAt(promised.offset);
    applying.select(database);
    this.hasPlace = true;
    node.journal.standAt(promised.offset);
    this.replication.feeds.startOver(promised.offset);
    node.persistence.goOn();
    node.world.log('notice', 'MASTER <-> REPLICA sync: Finished with success');
    link.synchronized();
    link.release();
  }
}

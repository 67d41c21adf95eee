/**
 * ConfigNode: a config server as an object: a control plane with a disk, connections to its peers, and clients.
 *
 * It speaks RESP, so that redis-cli, cachectl, proxies and servers use the same commands (commands.ts). Requests of one connection are carried
 * out one after the other, because a change is answered only when it is durable. Subscribers are sent every view, and the newest only,
 * if they fall behind: a connection that has not taken the last one waits for it.
 *
 * With default settings it is alone: it founds a cluster of one, elects itself, and listens for no peers.
 */
import { join } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import type { World } from '../base';
import {
  clientTls,
  Doorway,
  refusalOf,
  Turn,
  turnAway,
  type Address,
  type Connection,
  type ConnectionHandler,
} from '../net';
import { DiskLog, NOBODY } from '../raft';
import { defaultProtocolLimits, type ProtocolLimits } from '../resp';
import type { ClusterView } from '../slots';
import { ConfigSession } from './config-session';
import { controlParts } from './control-parts';
import { ControlPlane } from './control-plane';
import { readViewFile, retireViewFile, whoami, type Whoami } from './first-start';
import { PeerMesh } from './peers/peer-mesh';
import { peerSockets } from './peers/sockets';
import { serverDialer } from './server-link';
import type { ConfigSettings } from './settings';
import type { ConfigEvent } from './state-parts';
import { StrangerLog } from './stranger-log';

export interface ConfigNodeEvents {
  ready: (addresses: readonly Address[]) => void;
  /** Something was decided. `events` has what, in order; none where the whole state came at once. */
  view: (view: ClusterView, events: readonly ConfigEvent[]) => void;
  /** It cannot go on (promise C6), and serves nothing any more: its process should end. */
  failed: (error: Error) => void;
  stopped: () => void;
}

/** Of one that is alone, and elects itself: there is nobody to wait for, and nobody to keep quiet. */
const ALONE = { electionTimeoutMs: 20, heartbeatMs: 19 };

/** A request is a few words; a view that somebody pushes here would be a mistake. */
const REQUEST_BYTES_MAX = 64 * 1024;
const REQUEST_WORDS_MAX = 2048;

export class ConfigNode extends EventEmitter<ConfigNodeEvents> {
  readonly turn: Turn;
  readonly limits: ProtocolLimits = {
    ...defaultProtocolLimits(),
    bulkBytesMax: REQUEST_BYTES_MAX,
    argumentsMax: REQUEST_WORDS_MAX,
    queryBytesMax: 4 * REQUEST_BYTES_MAX,
  };
  readonly sessions = new Set<ConfigSession>();
  readonly strangers: StrangerLog;
  plane!: ControlPlane;
  private mesh: PeerMesh | null = null;
  private hasViewFile = false;
  private readonly doorway: Doorway;
  private nextSessionId = 1;

  constructor(
    readonly world: World,
    readonly settings: ConfigSettings,
  ) {
    super();
    this.turn = new Turn(world.timers);
    this.strangers = new StrangerLog(world, 'clients');
    this.doorway = new Doorway(world, (connection) => this.accept(connection));
  }

  /**
   * Takes up the log, joins the others, and opens the doors; one that is alone leads when this resolves. Rejects with BAD_LOG (the log
   * is damaged), BAD_VIEW, BAD_SETTING, FILE_FAILED or LISTEN_FAILED.
   */
  async start(): Promise<void> {
    const me = whoami(this.settings);
    this.plane = this.makePlane(me);
    try {
      if (me.peerListener !== null) await this.mesh!.listen(me.peerListener);
      await this.begin(me);
      await this.doorway.open(this.settings);
    } catch (error) {
      this.plane.stop();
      await this.mesh!.close();
      throw error;
    }
    this.emit('ready', this.doorway.addresses);
  }

  /** Listens at one more address; port 0 lets the system choose. Returns where it listens. */
  listen(address: Address): Promise<Address> {
    return this.doorway.add(address);
  }

  get addresses(): readonly Address[] {
    return this.doorway.addresses;
  }

  /** Stops accepting and closes everything. What was answered is durable; what waits is told that nobody knows. */
  async stop(): Promise<void> {
    await this.doorway.close();
    this.plane.stop();
    this.turn.flush();
    for (const session of this.sessions) session.close();
    await this.mesh?.close();
    this.emit('stopped');
  }

  private makePlane(me: Whoami): ControlPlane {
    const { world } = this;
    const { values } = this.settings;
    world.files.makeDirectory(values.dir);
    const log = new DiskLog(world.files, join(values.dir, 'raft'), { id: me.id, random: world.random });
    const saved = log.load();
    const storage = {
      load: () => saved,
      append: log.append.bind(log),
      saveSnapshot: log.saveSnapshot.bind(log),
      close: () => log.close(),
    };
    const identity = { ...me, incarnation: log.incarnation };
    const mesh = new PeerMesh(
      world,
      {
        id: me.id,
        incarnation: log.incarnation,
        clusterName: values['cluster-name'],
        secret: values['cluster-secret'],
        heartbeatMs: values['heartbeat-ms'],
      },
      peerSockets(world, values['tls-peers'] ? values : null),
    );
    this.mesh = mesh;
    const dial = serverDialer(world, {
      username: values['server-username'],
      password: values['server-password'],
      tls: values['tls-servers'] ? clientTls(values) : null,
    });
    const asSet = { electionTimeoutMs: values['election-timeout-ms'], heartbeatMs: values['heartbeat-ms'] };
    const times = me.peerListener === null ? ALONE : asSet;
    const former = readViewFile(world.files, values.dir);
    this.hasViewFile = former !== null;
    const plane = new ControlPlane(
      world,
      identity,
      { storage, peers: mesh, dial, makeParts: controlParts },
      { ...times, ...(former !== null && { initialState: former }) },
    );
    plane.followers = () => [...this.sessions].filter((session) => session.followsView);
    plane.onChange = (events) => this.changed(events);
    plane.onFailed = (error) => this.emit('failed', error);
    return plane;
  }

  private begin(me: Whoami): Promise<void> {
    const { plane, world } = this;
    const isAlone = me.peerListener === null;
    return new Promise((resolve, reject) => {
      plane.start((error) => {
        if (error !== null) return reject(error);
        if (this.hasViewFile) retireViewFile(world.files, this.settings.values.dir);
        if (!isAlone) return resolve();
        const look = (): void => {
          if (plane.isLeader) resolve();
          else if (plane.leader === NOBODY || plane.leader === me.id) world.timers.after(1, look, true);
          else resolve();
        };
        look();
      });
    });
  }

  private changed(events: readonly ConfigEvent[]): void {
    const { view } = this.plane.state;
    for (const event of events) this.world.log('notice', `Version ${event.version}: ${event.text} (by ${event.by})`);
    for (const session of this.sessions) session.offer(events);
    this.emit('view', view, events);
  }

  private accept(connection: Connection): ConnectionHandler {
    const refusal = refusalOf(connection, this.settings.values, 'cache-config', this.sessions.size);
    if (refusal !== null) return turnAway(connection, refusal);
    const session = new ConfigSession(this.nextSessionId++, this, connection);
    this.sessions.add(session);
    return session;
  }
}

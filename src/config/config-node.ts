/**
 * ConfigNode: a member of the control plane as an object; for now the only one, with its state in a file.
 *
 * It speaks RESP, so that redis-cli, proxies and tools use the same commands (commands.ts). Requests of one connection
 * are carried out one after the other, because a change is answered only when it is durable. Subscribers are sent
 * every view, and the newest only, if they fall behind: a connection that has not taken the last one waits for it.
 */
import { EventEmitter } from 'eventemitter3';
import type { World } from '../base';
import { Doorway, refusalOf, Turn, turnAway, type Address, type Connection, type ConnectionHandler } from '../net';
import { defaultProtocolLimits, type ProtocolLimits } from '../resp';
import type { ClusterView } from '../slots';
import { ConfigAuthority } from './authority';
import { ConfigSession } from './config-session';
import type { ConfigSettings } from './settings';
import type { ConfigEvent } from './state';
import { ViewFile } from './view-file';

export interface ConfigNodeEvents {
  ready: (addresses: readonly Address[]) => void;
  /** A change is durable. */
  view: (view: ClusterView, event: ConfigEvent) => void;
  stopped: () => void;
}

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
  authority!: ConfigAuthority;
  private readonly doorway: Doorway;
  private nextSessionId = 1;

  constructor(
    readonly world: World,
    readonly settings: ConfigSettings,
  ) {
    super();
    this.turn = new Turn(world.timers);
    this.doorway = new Doorway(world, (connection) => this.accept(connection));
  }

  /** Takes up the state and opens the doors. Rejects with BAD_VIEW or LISTEN_FAILED. */
  async start(): Promise<void> {
    const { values } = this.settings;
    this.authority = await ConfigAuthority.open(this.world.clock, new ViewFile(values.dir));
    this.authority.on('view', (view, event) => {
      this.world.log('notice', `View ${view.version}: ${event.text} (by ${event.by})`);
      for (const session of this.sessions) session.offerView();
      this.emit('view', view, event);
    });
    await this.doorway.open(this.settings);
    this.emit('ready', this.doorway.addresses);
  }

  /** Listens at one more address; port 0 lets the system choose. Returns where it listens. */
  listen(address: Address): Promise<Address> {
    return this.doorway.add(address);
  }

  get addresses(): readonly Address[] {
    return this.doorway.addresses;
  }

  /** Stops accepting, lets what was proposed become durable, closes everything. */
  async stop(): Promise<void> {
    await this.doorway.close();
    await this.authority.settled();
    this.turn.flush();
    for (const session of this.sessions) session.close();
    this.emit('stopped');
  }

  private accept(connection: Connection): ConnectionHandler {
    const refusal = refusalOf(connection, this.settings.values, 'cache-config', this.sessions.size);
    if (refusal !== null) return turnAway(connection, refusal);
    const session = new ConfigSession(this.nextSessionId++, this, connection);
    this.sessions.add(session);
    return session;
  }
}

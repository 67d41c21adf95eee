/**
 * A ControlHost of paper: virtual time, a state that is decided at once, and data nodes that answer PING, INFO and orders.
 *
 * For tests of the parts that watch and act, one config server of three at a time: what the others say is put in by hand.
 */
import { CacheError, Random, silentLog, type Files, type World } from '../../src/base';
import type {
  ControlHost,
  LinkReply,
  PeerMessage,
  ServerDialer,
  ServerLinkEvents,
} from '../../src/config/control-host';
import { controlParts } from '../../src/config/control-parts';
import type { FailoverDriver } from '../../src/config/failover-driver';
import type { LeaseBook } from '../../src/config/lease-book';
import type { Monitor } from '../../src/config/monitor';
import type { ConfigCommand } from '../../src/config/records';
import { ConfigState, type Acceptance, type Refusal } from '../../src/config/state';
import { VirtualTime } from './virtual-network';

const LATENCY_MS = 1;

/** A data node that says what it is told to say. */
export class PaperServer {
  runId: string;
  role: 'master' | 'slave' = 'slave';
  stream = 'stream-1';
  offset = 100;
  formerStream = '';
  formerOffset = -1;
  master = '';
  priority = 100;
  isSyncing = false;
  isLinkUp = true;
  linkDownSeconds = -1;
  /** One of our own that waits to be told its role. */
  isPending = false;
  keys = 10;
  /** How long answers to INFO are on their way. */
  infoDelayMs = LATENCY_MS;
  /** 'gone': refuses connections; 'frozen': says nothing. */
  health: 'well' | 'gone' | 'frozen' = 'well';
  readonly orders: string[] = [];

  constructor(readonly id: string) {
    this.runId = `run of ${id}`;
  }

  answer(words: readonly string[]): LinkReply | Error {
    const text = words.join(' ');
    if (text === 'PING') return 'PONG';
    if (words[0] === 'INFO') return this.info();
    this.orders.push(text);
    if (text === 'REPLICAOF NO ONE' && this.role === 'slave') {
      Object.assign(this, { role: 'master', formerStream: this.stream, formerOffset: this.offset, master: '' });
      this.stream = `stream of ${this.id}`;
    } else if (words[0] === 'REPLICAOF' && words[1] !== 'NO') {
      Object.assign(this, { role: 'slave', master: `${words[1]}:${words[2]}` });
    } else if (words[1] === 'HOLD') {
      return [this.stream, String(this.offset)];
    }
    return 'OK';
  }

  private info(): string {
    const [host, port] = this.master.split(':');
    const status = `master_link_status:${this.isLinkUp ? 'up' : 'down'}`;
    const down = this.isLinkUp ? [] : [`master_link_down_since_seconds:${this.linkDownSeconds}`];
    const link = this.role === 'slave' ? [`master_host:${host}`, `master_port:${port}`, status, ...down] : [];
    return [
      '# Replication',
      `run_id:${this.runId}`,
      `role:${this.role}`,
      `master_replid:${this.stream}`,
      `${this.role === 'slave' ? 'slave_repl_offset' : 'master_repl_offset'}:${this.offset}`,
      `master_replid2:${this.formerStream === '' ? '0'.repeat(40) : this.formerStream}`,
      `second_repl_offset:${this.formerOffset < 0 ? -1 : this.formerOffset + 1}`,
      `slave_priority:${this.priority}`,
      `master_sync_in_progress:${this.isSyncing ? 1 : 0}`,
      'loading:0',
      `slotcache_pending:${this.isPending ? 1 : 0}`,
      ...link,
      ...(this.keys > 0 ? [`db0:keys=${this.keys},expires=0`] : []),
    ].join('\r\n');
  }
}

/** Config server 1 of three, which leads, and its parts. */
export class PaperHost implements ControlHost {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly id = 1;
  readonly voters = [1, 2, 3];
  state = ConfigState.empty;
  isLeader = false;
  leaderSinceMs = NaN;
  readonly servers = new Map<string, PaperServer>();
  readonly told: PeerMessage[] = [];
  readonly proposed: string[] = [];
  /** What is proposed from now on is decided when this is called. */
  isDeciding = true;
  isConfirmed = true;
  readonly parts;

  constructor() {
    const { time } = this;
    this.world = { clock: time.clock, timers: time, random: new Random(1), files: {} as Files, log: silentLog };
    this.parts = controlParts(this);
  }

  get monitor(): Monitor {
    return this.parts.monitor as Monitor;
  }

  get leases(): LeaseBook {
    return this.parts.leases as LeaseBook;
  }

  get driver(): FailoverDriver {
    return this.parts.driver as FailoverDriver;
  }

  /** A group of a master and replicas at ports 7000 + 10 × group …, which are known and run. */
  group(group: number, engine: 'slotcache' | 'redis', count: number): PaperServer[] {
    this.decide({ does: 'create-group', group });
    return Array.from({ length: count }, (_, i) => {
      const port = 7000 + 10 * group + i;
      const server = new PaperServer(`10.0.0.1:${port}`);
      server.role = i === 0 ? 'master' : 'slave';
      server.master = i === 0 ? '' : `10.0.0.1:${7000 + 10 * group}`;
      this.servers.set(server.id, server);
      const member = { host: '10.0.0.1', port, zone: '', role: i === 0 ? 'master' : 'replica' } as const;
      this.decide({ does: 'add-member', group, member, engine, runId: server.runId });
      return server;
    });
  }

  start(): void {
    for (const part of this.parts.all) part.start();
    this.lead(true);
    this.time.run(200);
  }

  lead(isLeader: boolean): void {
    this.isLeader = isLeader;
    this.leaderSinceMs = isLeader ? this.time.nowMs : NaN;
    for (const part of this.parts.all) part.leadershipChanged?.();
  }

  decide(command: ConfigCommand): Acceptance | Refusal {
    const outcome = this.state.apply(command, { atMs: this.time.nowMs, by: 'test' });
    if (outcome.accepted) this.state = outcome.state;
    return outcome;
  }

  propose(command: ConfigCommand, _by: string, done: (outcome: Acceptance | Refusal | null) => void): void {
    this.proposed.push(command.does);
    if (!this.isDeciding) return;
    this.time.after(LATENCY_MS, () => {
      const outcome = this.decide(command);
      for (const part of this.parts.all) part.stateChanged?.(this.state.view);
      done(outcome);
    });
  }

  confirm(done: (isConfirmed: boolean) => void): void {
    this.time.after(LATENCY_MS, () => done(this.isConfirmed));
  }

  tellPeers(message: PeerMessage): void {
    this.told.push(message);
  }

  /** The other two hold it for down, and say so from now on. */
  othersSay(memberId: string, why: 'silent' | 'refused'): () => void {
    const say = (): void => {
      for (const from of [2, 3]) {
        this.monitor.opinionsCame(from, { isWithdrawn: false, down: [{ memberId, forMs: 1000, why }] });
      }
    };
    say();
    return this.time.every(100, say);
  }

  readonly dial: ServerDialer = ({ host, port }, events: ServerLinkEvents) => {
    const server = this.servers.get(`${host}:${port}`)!;
    let isClosed = false;
    this.time.after(LATENCY_MS, () => {
      if (isClosed || server.health === 'frozen') return;
      if (server.health === 'gone') events.closed(true, 'refused');
      else events.opened();
    });
    return {
      command: (words, done) => {
        this.time.after(words[0] === 'INFO' ? server.infoDelayMs : LATENCY_MS, () => {
          if (isClosed) return;
          if (server.health === 'well') done(server.answer(words));
          if (server.health !== 'gone') return;
          isClosed = true;
          done(new CacheError('CLOSED', 'lost'));
          events.closed(false, 'lost');
        });
      },
      close: () => (isClosed = true),
    };
  };
}

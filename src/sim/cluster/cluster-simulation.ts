/**
 * ClusterSimulation: config servers with the real control plane, models of data nodes and proxies, and writers, on virtual time, in a world
 * that a seed makes bad. First anything may happen, and every promise is checked; then all faults end, and within a bounded virtual time every
 * group must take writes from every proxy, those config servers must vote that were decided to, and all must have the same view.
 */
import { CacheError, Random } from '../../base';
import {
  ConfigState,
  DEFAULT_CLUSTER_SETTINGS,
  type ConfigMember as ConfigRecord,
  type LinkReply,
  type ServerDialer,
} from '../../config';
import { addressOf } from '../../net';
import { isJoint, membersOf, votersOf, type NodeId } from '../../raft';
import { ClusterView } from '../../slots';
import { RaftChecks } from '../raft/raft-checks';
import { SimulatedLines } from '../simulated-lines';
import { SimulatedMachine } from '../simulated-machine';
import { SimulatedNetwork } from '../simulated-network';
import { SimulatedTime } from '../simulated-time';
import { demand, Violation } from '../violation';
import { ClusterChecks } from './cluster-checks';
import { ClusterNemesis, type ClusterActors } from './cluster-nemesis';
import { drawClusterSwarm, type ClusterSwarm } from './cluster-swarm';
import { ConfigMember, type ConfigSurroundings } from './config-member';
import { ModelProxy } from './model-proxy';
import { ModelServer, type ServerAnswer, type ServerRequest } from './model-server';

const CHAOS_SHARE = 0.7;
const HEALING_MS_MAX = 40_000;
const HEALING_EVENTS_MAX = 200_000;
const WRITER_PATIENCE_MS = 4000;
/** No operator takes config servers away below so many. */
const CONFIGS_LEFT_MIN = 2;
const FIRST_SERVER = 20;
const FIRST_PROXY = 60;
const WRITER = 100;
/** Any two clocks differ in rate by less than 5 %: what leases take for granted. */
const CLOCK_RATE_SPREAD = 0.048;

export class ClusterSimulation implements ConfigSurroundings, ClusterActors {
  readonly time = new SimulatedTime();
  readonly swarm: ClusterSwarm;
  readonly network: SimulatedNetwork;
  readonly lines: SimulatedLines;
  readonly raftChecks = new RaftChecks();
  readonly checks: ClusterChecks;
  readonly configs: ConfigMember[];
  readonly servers: ModelServer[];
  readonly proxies: ModelProxy[];
  readonly founders: readonly ConfigRecord[];
  readonly initialState: ConfigState;
  private readonly nemesis: ClusterNemesis;
  private readonly random: Random;
  private readonly operator: SimulatedMachine;
  /** When a config server was last started. */
  private bootedAtMs = 0;
  private tokens = 0;
  /** Acknowledgements since the faults ended, by proxy and group. */
  private healed: Set<string> | null = null;

  constructor(seed: number) {
    const random = new Random(seed ^ 0x5eed);
    const draw = (): Random => new Random(random.uint32());
    const { time } = this;
    this.random = draw();
    this.swarm = drawClusterSwarm(draw());
    const { swarm } = this;
    this.network = new SimulatedNetwork(time, draw());
    this.network.weather = swarm.weather;
    this.lines = new SimulatedLines(this.network);
    this.checks = new ClusterChecks(time, swarm);
    const drawRate = (): number =>
      1 + ((swarm.hasExtremeClocks ? random.below(2) : random.fraction()) - 0.5) * CLOCK_RATE_SPREAD;
    const newMachine = (index: number): SimulatedMachine => new SimulatedMachine(time, index, draw(), drawRate());
    this.operator = newMachine(WRITER);
    this.configs = Array.from(
      { length: swarm.configs + swarm.spareConfigs },
      (_, i) => new ConfigMember(i + 1, newMachine(i + 1), this, draw(), i < swarm.configs),
    );
    this.founders = this.configs
      .slice(0, swarm.configs)
      .map(({ id, peerAddress }) => ({ id, peerAddress, address: '', zone: '', incarnation: '' }));
    const plans = swarm.groups.flatMap(({ engine, members, replicasToAck }, group) =>
      Array.from({ length: members }, (_, place) => ({ group, place, engine, replicasToAck })),
    );
    this.servers = plans.map(({ group, place, engine, replicasToAck }, i) => {
      const first = i - place;
      const plan = { group, engine, replicasToAck, host: hostOf(i), port: 6379 };
      const firstMaster = place === 0 ? '' : `${hostOf(first)}:6379`;
      return new ModelServer(plan, newMachine(FIRST_SERVER + i), this, draw(), firstMaster);
    });
    this.proxies = Array.from(
      { length: swarm.proxies },
      (_, i) => new ModelProxy(newMachine(FIRST_PROXY + i), this, draw()),
    );
    this.checks.servers = this.servers;
    this.checks.proxies = this.proxies;
    const runs = this.servers.map(() => random.identifier());
    this.initialState = this.drawInitialState(runs);
    this.servers.forEach((server, i) => server.boot(runs[i]));
    this.nemesis = new ClusterNemesis(this, draw());
  }

  /** How often things that should be rare have happened, by name. */
  get probes(): ReadonlyMap<string, number> {
    return new Map<string, number>([
      ...this.nemesis.strikes,
      ...this.checks.probes.counts,
      ...this.raftChecks.probes.counts,
      ['messages cut', this.network.messagesCut],
      ['writes', this.tokens],
      ['torn tail opened', this.configs.reduce((sum, { disk }) => sum + disk.tornTails, 0)],
    ]);
  }

  /** Runs about so many events. @throws Violation */
  run(events: number): void {
    for (const { id } of this.founders) this.bootConfig(this.config(id));
    for (const proxy of this.proxies) proxy.boot();
    for (const [i] of this.proxies.entries()) {
      for (let writers = this.swarm.writersPerProxy; writers > 0; writers--) this.writeLater(i);
    }
    this.nemesis.start();
    while (this.time.events < events * CHAOS_SHARE) this.step();
    this.nemesis.end();
    this.heal();
    this.checks.checkTokens();
  }

  // ── what the members see ─────────────────────────────────────────────────────────────────────────────────────

  config(id: NodeId): ConfigMember {
    return this.configs[id - 1];
  }

  server(host: string, port: number): ModelServer {
    return this.servers.find(({ plan }) => plan.host === host && plan.port === port)!;
  }

  /** Conversations of a config server with data nodes. */
  dialer(member: ConfigMember): ServerDialer {
    return ({ host, port }, events) => {
      const waiting = new Map<number, (reply: LinkReply | Error) => void>();
      let number = 0;
      const giveUp = (): void => {
        for (const done of waiting.values()) done(new CacheError('CLOSED', 'the conversation has ended'));
        waiting.clear();
      };
      const end = this.lines.dial(member, this.server(host, port), {
        opened: () => events.opened(),
        arrived: (payload) => {
          const { number: place, reply } = payload as ServerAnswer;
          const done = waiting.get(place);
          waiting.delete(place);
          const isError = typeof reply === 'string' && reply.startsWith('-');
          done?.(isError ? new CacheError('REPLY', reply.slice(1)) : reply);
        },
        closed: (isRefused) => {
          giveUp();
          events.closed(isRefused, 'closed');
        },
      });
      return {
        command: (words, done) => {
          waiting.set(number, done);
          end.send({ number: number++, words } satisfies ServerRequest);
        },
        close: () => {
          end.close();
          giveUp();
        },
      };
    };
  }

  stateChanged(member: ConfigMember): void {
    const before = this.checks.state;
    this.checks.stateChanged(member, this.bootedAtMs, this.namedConfigs());
    const { state } = this.checks;
    if (state === before) return;
    for (const { master, state: phase, id } of state!.view.groups) {
      const server = this.checks.serverOf(master!.id);
      this.checks.wasMaster.add(server);
      if (before !== null && before.view.group(id)!.state !== phase) this.nemesis.moment(server);
    }
  }

  elected(member: ConfigMember): void {
    this.nemesis.moment(member);
  }

  saves(member: ConfigMember): void {
    this.nemesis.saves(member);
  }

  failed(member: ConfigMember): void {
    this.killConfig(member, 'process');
  }

  killConfig(config: ConfigMember, kill: 'process' | 'power'): void {
    if (config.plane === null) return;
    config.die(kill);
    this.lines.died(config.machine);
    for (const other of this.configs) {
      if (kill === 'power' || other.plane === null || this.network.isCut(config.id, other.id)) continue;
      this.network.send(config.machine, other.machine, () => other.noticeGone(config.id));
    }
    this.restartLater(config);
  }

  ask(words: readonly string[]): void {
    const configs = this.namedConfigs();
    const config = configs[this.random.below(configs.length)];
    this.network.send(this.operator, config.machine, () =>
      config.plane?.request(words, 'an operator', () => undefined),
    );
  }

  joinConfig(): void {
    const config = this.configs.find(({ isWanted }) => !isWanted);
    if (config === undefined) return;
    config.isWanted = true;
    const { id, peerAddress, address } = config;
    // Started before it is added, or after that.
    this.time.after(this.random.below(200), () => this.bootConfig(config));
    this.time.after(this.random.below(200), () =>
      this.askTwice(['ONCE', `join-${id}`, 'CONFIG', 'ADD', String(id), peerAddress, address]),
    );
  }

  leaveConfig({ id }: ConfigMember): void {
    const named = this.namedConfigs();
    const mayLeave = named.length > CONFIGS_LEFT_MIN && named.some((config) => config.id === id);
    if (!mayLeave) return;
    this.askTwice(['ONCE', `leave-${id}`, 'CONFIG', 'REMOVE', String(id)]);
  }

  // ── how it goes ──────────────────────────────────────────────────────────────────────────────────────────────

  private step(): void {
    demand(this.time.step(), 'liveness', () => 'nothing is left to happen');
  }

  /** Starts it, unless it has been started meanwhile. */
  private bootConfig(config: ConfigMember): void {
    if (config.plane !== null) return;
    this.bootedAtMs = this.time.nowMs;
    config.boot();
  }

  private restartLater(config: ConfigMember): void {
    this.time.after(20 - 500 * Math.log(1 - this.random.fraction()), () => this.bootConfig(config));
  }

  /** Of one who does not trust the network. */
  private askTwice(words: readonly string[]): void {
    this.ask(words);
    this.time.after(100 + this.random.below(400), () => this.ask(words));
  }

  /** Config servers that belong to the cluster, as far as anybody knows. */
  private namedConfigs(): readonly ConfigMember[] {
    const { state } = this.checks;
    return (state?.configs ?? this.founders).map(({ id }) => this.config(id));
  }

  private writeLater(place: number): void {
    const thinkMs = -this.swarm.thinkMeanMs * Math.log(1 - this.random.fraction());
    this.time.after(thinkMs, () => this.write(place));
  }

  private write(place: number): void {
    const proxy = this.proxies[place];
    const group = this.random.below(this.swarm.groups.length);
    const token = ++this.tokens;
    let isOver = false;
    const end = (isAcknowledged: boolean): void => {
      if (isAcknowledged) this.healed?.add(`${place} ${group}`);
      if (isOver) return;
      isOver = true;
      this.writeLater(place);
    };
    this.time.after(WRITER_PATIENCE_MS, () => end(false));
    if (!proxy.machine.isUp) return;
    proxy.machine.run(() => proxy.write(group, token, (outcome) => end(outcome === 'acknowledged')));
  }

  private heal(): void {
    const healed = new Set<string>();
    this.healed = healed;
    const deadlineMs = this.time.nowMs + HEALING_MS_MAX;
    const eventsMax = this.time.events + HEALING_EVENTS_MAX;
    const needed = this.proxies.length * this.swarm.groups.length;
    while (healed.size < needed || !this.agrees()) {
      for (let i = 0; i < 100; i++) this.step();
      const isLate = this.time.nowMs > deadlineMs || this.time.events > eventsMax;
      if (isLate) throw new Violation('liveness', this.describe(healed));
    }
  }

  /** Nothing is under way, those vote who are named, and all have the same view. */
  private agrees(): boolean {
    const leader = this.configs.find(({ plane }) => plane?.isLeader === true);
    if (leader === undefined) return false;
    const { state, raft } = leader.plane!;
    const { view, configs } = state;
    const { membership } = raft;
    const voters = votersOf(membership);
    const isMember = configs.every(({ id }) => voters.includes(id)) && membersOf(membership).length === configs.length;
    if (!isMember || isJoint(membership)) return false;
    const versions = [
      ...voters.map((id) => this.config(id).plane?.state.view.version),
      ...this.proxies.map(({ link }) => link.versionInForce),
    ];
    return (
      view.groups.every(({ state: phase }) => phase === 'serving') && versions.every((one) => one === view.version)
    );
  }

  private describe(healed: ReadonlySet<string>): string {
    const named = this.namedConfigs().map(({ id }) => id);
    const configs = this.configs.map(({ id, plane, isRunning }) =>
      isRunning ? `${id} ${plane!.raft.role} ${plane!.state.view.version} [${plane!.voters.join()}]` : `${id} away`,
    );
    const servers = this.servers.map(
      ({ id, isMaster, duty, data, replication }) =>
        `${id} ${isMaster ? 'master' : `of ${replication.master}`} ${duty} ${data.offset} ${data.stream.slice(0, 4)}`,
    );
    const view = JSON.stringify(
      this.checks.state?.view.groups.map(({ id, state, epoch, master }) => [id, state, epoch, master!.id]),
    );
    const proxies = this.proxies.map(({ link }) => `${link.versionInForce} ${link.isHeld}`);
    return `not well though all faults have ended (${[...healed].join()}): ${configs.join(', ')}, named ${named.join(' ')}; ${view}; ${servers.join(', ')}; ${proxies.join(', ')}`;
  }

  private drawInitialState(runs: readonly string[]): ConfigState {
    const { groups, downAfterMs, failoverIntervalMs } = this.swarm;
    let view = ClusterView.empty;
    for (const [group, { engine }] of groups.entries()) {
      view = view.withGroup(group, engine);
      for (const server of this.servers.filter(({ plan }) => plan.group === group)) {
        const role = view.group(group)!.members.length === 0 ? 'master' : 'replica';
        view = view.withMember(group, { ...addressOf(server.id), zone: '', role });
      }
    }
    return ConfigState.empty.with({
      view,
      members: new Map(this.servers.map(({ id }, i) => [id, { id, runId: runs[i] }])),
      settings: {
        ...DEFAULT_CLUSTER_SETTINGS,
        'down-after-ms': downAfterMs,
        'lease-ms': downAfterMs * 0.8,
        'failover-interval-ms': failoverIntervalMs,
        'failovers-at-once-percent': 100,
      },
    });
  }
}

function hostOf(place: number): string {
  return `10.0.0.${place + 1}`;
}

/**
 * ClusterNemesis: does to a simulated cluster what machines, networks and operators do, at random and (where the swarm aims) when a
 * change of master begins, a server is promoted or a config server is elected. Whatever it does to a machine it tells the checks, which
 * hold nobody responsible for what he could not help.
 */
import type { Random } from '../../base';
import type { SimulatedMachine } from '../simulated-machine';
import { FAIR_WEATHER, type SimulatedNetwork } from '../simulated-network';
import type { SimulatedTime } from '../simulated-time';
import type { ClusterChecks } from './cluster-checks';
import type { ClusterFault, ClusterSwarm } from './cluster-swarm';
import type { ConfigMember } from './config-member';
import type { ModelProxy } from './model-proxy';
import type { ModelServer } from './model-server';

const HOUR_MS = 3_600_000;
const PAUSE_MS_MAX = 30_000;
/** How long a deed of a disk takes when all is well. */
const HEALED_SYNC_MS = 0.5;
/** Nobody loses its data while another member of the group is about to have lost its own. */
const MOURNING_MS = 15_000;

/** What strikes a config server that waits for its disk. */
const AT_SAVES: readonly ClusterFault[] = ['kill-config', 'power-config', 'bad-disk-config', 'pause-config'];

/** After that, beside what was set, nobody remembers a trouble any more. */
const OBLIVION_MS = 2200;

export interface ClusterActors {
  readonly swarm: ClusterSwarm;
  readonly network: SimulatedNetwork;
  readonly checks: ClusterChecks;
  readonly configs: readonly ConfigMember[];
  readonly servers: readonly ModelServer[];
  readonly proxies: readonly ModelProxy[];
  /** An operator asks any config server. */
  ask(words: readonly string[]): void;
  /** The process of a config server ends, or its machine; it is started again after a while. */
  killConfig(config: ConfigMember, kill: 'process' | 'power'): void;
  /** An operator adds a config server that has never been one. */
  joinConfig(): void;
  leaveConfig(config: ConfigMember): void;
}

export class ClusterNemesis {
  readonly strikes = new Map<ClusterFault, number>();
  private isOver = false;
  private orders = 0;
  private readonly emptied = new Map<number, number>();

  constructor(
    private readonly actors: ClusterActors,
    private readonly random: Random,
  ) {}

  start(): void {
    this.time.after(this.drawMs(this.actors.swarm.faultEveryMs), () => {
      if (this.isOver) return;
      const { faults } = this.actors.swarm;
      this.strike(this.oneOf(faults), null);
      // An operator who is not sure that he was heard says it again, under the same name.
      if (this.random.below(3) === 0) this.order();
      this.start();
    });
  }

  /** Something delicate happens to a machine. */
  moment(target: ModelServer | ConfigMember): void {
    const { aimRate, faults } = this.actors.swarm;
    if (this.isOver || this.random.fraction() >= aimRate) return;
    this.time.after(this.drawMs(20), () => {
      if (!this.isOver) this.strike(this.oneOf(faults), target);
    });
  }

  /** A config server waits for its disk. */
  saves(config: ConfigMember): void {
    const { aimRate, faults } = this.actors.swarm;
    const possible = faults.filter((fault) => AT_SAVES.includes(fault));
    if (this.isOver || possible.length === 0 || this.random.fraction() >= aimRate / 10) return;
    const { life } = config.machine;
    this.time.after(this.drawMs(config.disk.syncMeanMs / 2), () => {
      if (!this.isOver && life === config.machine.life) this.strike(this.oneOf(possible), config);
    });
  }

  /** All is well from now on. */
  end(): void {
    const { network, configs, servers, proxies } = this.actors;
    this.isOver = true;
    network.healAll();
    network.weather = FAIR_WEATHER;
    for (const config of configs) {
      config.disk.syncMeanMs = HEALED_SYNC_MS;
      if (config.plane === null && config.isWanted) config.boot();
    }
    for (const server of servers) if (server.runId === '') server.boot();
    for (const proxy of proxies) if (proxy.runId === '') proxy.boot();
    for (const { machine } of [...configs, ...servers, ...proxies]) machine.resume();
  }

  private get time(): SimulatedTime {
    return this.actors.network.time;
  }

  private strike(fault: ClusterFault, target: ModelServer | ConfigMember | null): void {
    const { actors, random } = this;
    this.strikes.set(fault, (this.strikes.get(fault) ?? 0) + 1);
    const server = target !== null && 'data' in target ? target : this.anyServer();
    const config = target !== null && 'plane' in target ? target : this.anyConfig();
    const proxy = this.oneOf(actors.proxies);
    const pauseMs = Math.min(PAUSE_MS_MAX, this.drawMs(random.below(4) === 0 ? 6000 : 800));
    switch (fault) {
      case 'kill-server':
        return this.kill(server, server.data.tokens.length, false);
      case 'power-server':
        return this.kill(server, Math.max(1, server.data.tokens.length - random.below(this.oneOf([5, 5, 60]))), true);
      case 'empty-server':
        return this.empty(server);
      case 'pause-server':
        this.hurt(server, pauseMs);
        this.watchLease(server, pauseMs);
        return server.machine.pause(pauseMs);
      case 'freeze-server':
        this.hurt(server, pauseMs);
        this.watchLease(server, pauseMs);
        server.machine.freezeNextTurnMs = pauseMs;
        return;
      case 'cut-server':
        return this.isolate(server, this.machines(), 'both');
      case 'cut-server-from-configs':
        return this.isolate(
          server,
          actors.configs.map(({ machine }) => machine),
          'both',
        );
      case 'clog-server':
        return this.clog(server, pauseMs);
      case 'lag-and-kill':
        return this.lagAndKill(server);
      case 'kill-config':
        return actors.killConfig(config, 'process');
      case 'power-config':
        return actors.killConfig(config, 'power');
      case 'bad-disk-config':
        return config.disk.failNextSync();
      case 'slow-disk-config':
        return this.slowDisk(config);
      case 'join-config':
        return actors.joinConfig();
      case 'leave-config':
        return actors.leaveConfig(config);
      case 'pause-config':
        return config.machine.pause(pauseMs);
      case 'stall-configs':
        return this.stallConfigs();
      case 'stale-voices':
        return this.staleVoices(server);
      case 'cut-config':
        return this.isolate(config, this.machines(), 'both');
      case 'one-way-config':
        return this.isolate(config, this.machines(), random.below(2) === 0 ? 'in' : 'out');
      case 'pause-proxy':
        return proxy.machine.pause(pauseMs);
      case 'freeze-proxy':
        proxy.machine.freezeNextTurnMs = pauseMs;
        return;
      case 'kill-proxy':
        if (proxy.runId === '') return;
        proxy.die();
        this.time.after(this.drawMs(300), () => {
          if (proxy.runId === '') proxy.boot();
        });
        return;
      case 'cut-proxy':
        return this.isolate(
          proxy,
          actors.configs.map(({ machine }) => machine),
          'both',
        );
      case 'cut-side':
        return this.cutSide(server, config, proxy);
      case 'wall-jump':
        return (random.below(2) === 0 ? config.machine : this.oneOf(this.machines())).jumpWall(
          (random.fraction() * 2 - 1) * HOUR_MS,
        );
      case 'switch':
        return actors.ask(['GROUP', 'SWITCH', String(server.plan.group)]);
      case 'forced':
        return actors.ask(['GROUP', 'FAILOVER', String(server.plan.group)]);
    }
  }

  private order(): void {
    const words = ['ONCE', `order-${++this.orders}`, 'SET', 'switch-timeout-ms', String(2000 + this.orders)];
    this.actors.ask(words);
    this.time.after(this.drawMs(100), () => this.actors.ask(words));
  }

  /** Whether a lease ends while who holds it is away. */
  private watchLease({ link, machine }: ModelServer, pauseMs: number): void {
    if (link?.isHeld !== true) return;
    const { life } = machine;
    this.time.after(pauseMs, () => {
      if (life === machine.life && !link.isHeld) this.actors.checks.probes.saw('lease lapsed under a paused master');
    });
  }

  /** All config servers stand still, and wake at the same moment: nobody has heard anybody, and nobody is down. */
  private stallConfigs(): void {
    const pauseMs = this.actors.swarm.downAfterMs * (0.6 + 2 * this.random.fraction());
    for (const { machine, isWanted } of this.actors.configs) if (isWanted) machine.pause(pauseMs);
  }

  /**
   * All but one of the config servers that are needed to hold a master for down lose sight of it, and then stand still. Long after that the
   * leader loses sight of it, too: a majority of voices says that it is down, and all but one are old.
   */
  private staleVoices(server: ModelServer): void {
    const { configs, swarm } = this.actors;
    const known = configs.filter(({ isWanted }) => isWanted);
    const silent = known.filter(({ plane }) => plane?.isLeader === false).slice(0, known.length >> 1);
    const hiddenMs = 1.5 * swarm.downAfterMs;
    for (const config of silent) {
      this.hide(server, config, hiddenMs);
      this.time.after(hiddenMs, () => config.machine.pause(PAUSE_MS_MAX));
    }
    this.time.after(hiddenMs + 3 * swarm.downAfterMs + OBLIVION_MS, () => {
      const leader = configs.find(({ plane }) => plane?.isLeader === true);
      // One who is most of them would be right.
      const isMajority = (leader?.plane?.voters.length ?? 0) < 3;
      if (!this.isOver && leader !== undefined && !isMajority) this.hide(server, leader, hiddenMs);
    });
  }

  /** Only this config server does not see it. */
  private hide({ machine }: ModelServer, config: ConfigMember, durationMs: number): void {
    this.hurt(config, durationMs);
    this.cut([machine], [config.machine], 'both', durationMs);
  }

  private slowDisk({ disk }: ConfigMember): void {
    disk.syncMeanMs = this.drawMs(60);
    this.time.after(this.drawMs(2000), () => {
      disk.syncMeanMs = this.isOver ? HEALED_SYNC_MS : this.actors.swarm.syncMeanMs;
    });
  }

  private kill(server: ModelServer, tokensKept: number, isPowerLost: boolean): void {
    if (server.runId === '') return;
    const awayMs = 20 + this.drawMs(this.random.below(3) === 0 ? 4000 : 300);
    this.hurt(server, awayMs);
    this.actors.checks.died(server, server.data.tokens.slice(tokensKept), isPowerLost);
    server.die(tokensKept, isPowerLost);
    this.time.after(awayMs, () => {
      if (server.runId === '') server.boot();
    });
  }

  /** One of its replicas falls behind, and then it dies. */
  private lagAndKill(server: ModelServer): void {
    const { servers, network } = this.actors;
    const replicas = servers.filter((one) => one.plan.group === server.plan.group && one !== server);
    const replica = this.oneOf(replicas);
    const durationMs = 500 + this.drawMs(1000);
    this.hurt(replica, durationMs);
    this.hurt(server, durationMs);
    network.clog(server.machine.index, replica.machine.index, durationMs);
    this.time.after(this.drawMs(200), () => {
      if (!this.isOver) this.kill(server, server.data.tokens.length, false);
    });
  }

  private empty(server: ModelServer): void {
    const { group } = server.plan;
    const { checks, servers } = this.actors;
    const others = servers.filter((one) => one.plan.group === group && one !== server);
    const isMourning = this.time.nowMs - (this.emptied.get(group) ?? -Infinity) < MOURNING_MS;
    if (isMourning || !others.every((one) => one.machine.isWell && checks.isSound(one))) return;
    this.emptied.set(group, this.time.nowMs);
    this.kill(server, 0, false);
  }

  /** A master, a config server and a proxy stay together, and all others on the other side. */
  private cutSide(server: ModelServer, config: ConfigMember, proxy: ModelProxy): void {
    const side = [server.machine, config.machine, proxy.machine];
    const others = this.machines().filter((machine) => !side.includes(machine));
    const durationMs = 200 + this.drawMs(2500);
    this.hurt(server, durationMs);
    this.hurt(config, durationMs);
    this.cut(side, others, 'both', durationMs);
  }

  private isolate(
    whom: ModelServer | ConfigMember | ModelProxy,
    from: readonly SimulatedMachine[],
    way: 'both' | 'in' | 'out',
  ): void {
    const durationMs = 100 + this.drawMs(this.random.below(3) === 0 ? 4000 : 700);
    this.hurt(whom, durationMs);
    this.cut([whom.machine], from, way, durationMs);
  }

  private cut(
    side: readonly SimulatedMachine[],
    others: readonly SimulatedMachine[],
    way: 'both' | 'in' | 'out',
    durationMs: number,
  ): void {
    const { network } = this.actors;
    const links: [number, number][] = [];
    for (const one of side) {
      for (const other of others) {
        if (way !== 'in') links.push([one.index, other.index]);
        if (way !== 'out') links.push([other.index, one.index]);
      }
    }
    for (const [from, to] of links) network.cut(from, to);
    this.time.after(durationMs, () => {
      for (const [from, to] of links) network.mend(from, to);
    });
  }

  private clog(server: ModelServer, durationMs: number): void {
    const { configs, servers, proxies, network } = this.actors;
    const other = this.oneOf([...configs, ...servers, ...proxies]);
    this.hurt(server, durationMs);
    this.hurt(other, durationMs);
    network.clog(server.machine.index, other.machine.index, durationMs);
  }

  private hurt(whom: object, durationMs: number): void {
    this.actors.checks.trouble(whom, this.time.nowMs + durationMs);
  }

  /** Masters twice as often as others. */
  private anyServer(): ModelServer {
    const server = this.oneOf(this.actors.servers);
    const master = this.actors.checks.state?.view.group(server.plan.group)?.master;
    return this.random.below(2) === 0 || master === undefined || master === null
      ? server
      : this.actors.checks.serverOf(master.id);
  }

  private anyConfig(): ConfigMember {
    const configs = this.actors.configs.filter(({ isWanted }) => isWanted);
    const leader = configs.find(({ plane }) => plane?.isLeader === true);
    return leader !== undefined && this.random.below(2) === 0 ? leader : this.oneOf(configs);
  }

  private machines(): SimulatedMachine[] {
    const { configs, servers, proxies } = this.actors;
    return [...configs, ...servers, ...proxies].map(({ machine }) => machine);
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }

  /** Exponential. */
  private drawMs(meanMs: number): number {
    return -meanMs * Math.log(1 - this.random.fraction());
  }
}

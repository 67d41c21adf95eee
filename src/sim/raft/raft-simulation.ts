/**
 * RaftSimulation: a Raft cluster of real nodes, on virtual time, in a world that a seed makes bad.
 *
 * Two phases, as in TigerBeetle's: while anything may happen, safety is checked with every event; then all faults end, and within a bounded
 * virtual time the cluster must have a leader, answer every client, and agree. In the end the clients' histories must be linearizable.
 */
import { Random } from '../../base';
import { membersOf, reachedByQuorum, type NodeId } from '../../raft';
import { isLinearizable } from '../linearizability';
import { SimulatedMachine } from '../simulated-machine';
import { SimulatedNetwork } from '../simulated-network';
import { SimulatedTime } from '../simulated-time';
import { demand, Violation } from '../violation';
import { RaftChecks } from './raft-checks';
import { RaftClient } from './raft-client';
import { RaftMember, type RaftSurroundings } from './raft-member';
import { RaftNemesis } from './raft-nemesis';
import { drawRaftSwarm, type RaftSwarm } from './raft-swarm';

/** Of the events that a run is given, those before the faults end. */
const CHAOS_SHARE = 0.8;
/** Virtual time after the end of the faults in which everything pending must finish. */
const HEALING_MS_MAX = 15_000;
/** Events that this may take: nodes that only shout at each other are not well either. */
const HEALING_EVENTS_MAX = 300_000;
/** Of the search for an order of a history; almost all are decided in a tenth of it. */
const SEARCH_STEPS_MAX = 10_000;
const SWEEP_EVERY_MS = 50;
/** A leader without a quorum notices after at most two election timeouts of 150 ms on its own clock. */
const LEADERLESS_MS_MAX = 500;

export class RaftSimulation implements RaftSurroundings {
  readonly time = new SimulatedTime();
  readonly swarm: RaftSwarm;
  readonly network: SimulatedNetwork;
  readonly checks = new RaftChecks();
  readonly members: RaftMember[];
  private readonly clients: RaftClient[];
  private readonly nemesis: RaftNemesis;

  constructor(seed: number) {
    const random = new Random(seed);
    const draw = (): Random => new Random(random.uint32());
    const { time } = this;
    this.swarm = drawRaftSwarm(seed, draw());
    this.network = new SimulatedNetwork(time, draw());
    this.network.weather = this.swarm.weather;
    // Reads by lease take for granted that any two clocks differ in rate by less than 5 %; nothing else does.
    const spread = this.swarm.readsByLease ? 0.048 : 0.1;
    const drawRate = (): number =>
      1 + ((this.swarm.hasExtremeClocks ? random.below(2) : random.fraction()) - 0.5) * spread;
    const newMachine = (index: number): SimulatedMachine => new SimulatedMachine(time, index, draw(), drawRate());
    const { nodes, spares } = this.swarm;
    this.members = Array.from(
      { length: nodes + spares },
      (_, i) => new RaftMember(i + 1, newMachine(i + 1), this, draw()),
    );
    const { swarm, network, checks, members } = this;
    this.nemesis = new RaftNemesis(swarm, network, members, draw());
    this.clients = Array.from(
      { length: swarm.clients },
      (_, i) => new RaftClient(i + 1, newMachine(100 + i), { swarm, network, checks, members, random: draw() }),
    );
  }

  /** What has happened, for those who compare runs. */
  get hash(): string {
    return this.time.hash;
  }

  /** Runs about so many events. @throws Violation */
  run(events: number): void {
    for (const member of this.members) member.boot();
    for (const client of this.clients) client.start();
    this.nemesis.start();
    this.sweep();
    while (this.time.events < events * CHAOS_SHARE) this.step();
    this.nemesis.end();
    this.heal();
    this.checkHistories();
  }

  /** How often things that should be rare have happened, by name. */
  get probes(): ReadonlyMap<string, number> {
    const probes = new Map<string, number>([...this.nemesis.strikes, ...this.checks.probes.counts]);
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
    probes.set('messages cut', this.network.messagesCut);
    probes.set('answered', sum(this.clients.map(({ answered }) => answered)));
    probes.set('torn tail opened', sum(this.members.map(({ disk }) => disk.tornTails)));
    return probes;
  }

  member(id: NodeId): RaftMember {
    return this.members[id - 1];
  }

  moment(member: RaftMember, kind: 'leads' | 'syncs'): void {
    this.nemesis.moment(member, kind);
  }

  failed(member: RaftMember): void {
    this.nemesis.restartLater(member);
  }

  private step(): void {
    demand(this.time.step(), 'liveness', () => 'nothing is left to happen');
  }

  private sweep(): void {
    for (const member of this.members) this.checkQuorum(member);
    this.time.after(SWEEP_EVERY_MS, () => this.sweep());
  }

  /** Nobody leads for long whom a quorum cannot reach. */
  private checkQuorum(member: RaftMember): void {
    const { node, machine, heardAtMs } = member;
    if (node === null || !node.isLeader) return;
    // Who did not run could not notice; and who was told of a new member waits for it for a while.
    if (!machine.isWell || node.membership !== member.ledMembership) member.leadsSinceMs = this.time.nowMs;
    member.ledMembership = node.membership;
    const heard = reachedByQuorum(node.membership, (id) => (id === node.id ? Infinity : (heardAtMs.get(id) ?? 0)));
    const sinceMs = this.time.nowMs - Math.max(heard, member.leadsSinceMs);
    demand(
      !(sinceMs > LEADERLESS_MS_MAX),
      'check-quorum',
      () => `node ${node.id} leads and hears no quorum for ${sinceMs} ms`,
    );
  }

  private heal(): void {
    const before = this.clients.map(({ answered }) => answered);
    const deadlineMs = this.time.nowMs + HEALING_MS_MAX;
    const eventsMax = this.time.events + HEALING_EVENTS_MAX;
    const isSettled = (): boolean =>
      this.clients.every(({ answered }, i) => answered >= before[i] + 2) && this.agrees();
    while (!isSettled()) {
      for (let i = 0; i < 20; i++) this.step();
      if (this.time.nowMs > deadlineMs || this.time.events > eventsMax)
        throw new Violation('liveness', this.describe());
    }
  }

  /** All members have carried out what the leader has. */
  private agrees(): boolean {
    const leader = this.members.find(({ node }) => node?.isLeader === true)?.node;
    if (leader === undefined || leader === null) return false;
    return membersOf(leader.membership).every((id) => (this.member(id).node?.applied ?? 0) >= leader.applied - 5);
  }

  private checkHistories(): void {
    for (const client of this.clients) client.finish();
    for (let key = 0; key < this.swarm.keys; key++) {
      const history = this.clients.flatMap(({ histories }) => histories.get(key) ?? []);
      const verdict = isLinearizable(history, SEARCH_STEPS_MAX);
      demand(verdict !== false, 'C1', () => `the history of key ${key} is not linearizable`);
    }
  }

  private describe(): string {
    const nodes = this.members.map(({ id, node }) =>
      node === null ? `${id} down` : `${id} ${node.role} term ${node.term} applied ${node.applied}/${node.commit}`,
    );
    return `not well though all faults have ended: ${nodes.join(', ')}`;
  }
}

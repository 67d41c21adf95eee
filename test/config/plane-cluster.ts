/**
 * A cluster of control planes of paper: one process, virtual time, peers that hear each other after a millisecond or not at all.
 *
 * Data nodes are nowhere: every dial is refused.
 */
import { Random, silentLog, type World } from '../../src/base';
import {
  controlParts,
  ControlPlane,
  type ConfigMember,
  type ControlAnswer,
  type PeerMessage,
  type PeerNetwork,
  type ServerDialer,
} from '../../src/config';
import { MemoryLog } from '../../src/raft';
import { VirtualTime } from './virtual-network';

const DELAY_MS = 1;

export const refusingDialer =
  (time: VirtualTime): ServerDialer =>
  (_, events) => {
    time.after(1, () => events.closed(true, 'nobody listens there'));
    return { command: (_words, done) => done(new Error('closed')), close: () => undefined };
  };

export class PlaneCluster {
  readonly time = new VirtualTime();
  readonly planes = new Map<number, ControlPlane>();
  readonly logs = new Map<number, MemoryLog>();
  /** Nodes that hear nobody and that nobody hears. */
  readonly cut = new Set<number>();
  dial: ServerDialer = refusingDialer(this.time);
  private readonly networks = new Map<number, PaperPeers>();
  private readonly random = new Random(7);

  constructor(
    private readonly founders: readonly number[],
    joiners: readonly number[] = [],
  ) {
    for (const id of [...founders, ...joiners]) this.start(id);
  }

  start(id: number): ControlPlane {
    const { clock } = this.time;
    const world: World = {
      clock: { monotonicMs: clock.monotonicMs, wallMs: () => 1_700_000_000_000 + clock.wallMs() },
      timers: this.time,
      random: new Random(this.random.uint32()),
      files: null as never,
      log: silentLog,
    };
    const log = this.logs.get(id) ?? new MemoryLog();
    this.logs.set(id, log);
    const peers = new PaperPeers(this, id);
    this.networks.set(id, peers);
    const plane = new ControlPlane(
      world,
      {
        id,
        zone: `z${id}`,
        address: `10.0.0.${id}:6390`,
        peerAddress: `10.0.0.${id}:16390`,
        incarnation: `disk${id}`,
        initialConfigs: this.founders.map((each): ConfigMember => ({
          id: each,
          peerAddress: `10.0.0.${each}:16390`,
          address: '',
          zone: '',
          incarnation: '',
        })),
        isJoining: !this.founders.includes(id),
      },
      { storage: log, peers, dial: (...dialed) => this.dial(...dialed), makeParts: controlParts },
    );
    plane.start();
    this.planes.set(id, plane);
    return plane;
  }

  kill(id: number): void {
    this.planes.get(id)!.stop();
    this.planes.delete(id);
    for (const [other, network] of this.networks) if (other !== id) network.onGone(id);
  }

  deliver(from: number, to: number, message: PeerMessage): void {
    if (this.cut.has(from) || this.cut.has(to)) return;
    this.time.after(DELAY_MS, () => {
      if (this.planes.has(to)) this.networks.get(to)!.onMessage(from, message);
    });
  }

  /** The one that leads and knows it, when there is one. */
  leader(): ControlPlane {
    for (let i = 0; i < 200; i++) {
      const leading = [...this.planes.values()].filter(({ isLeader, id }) => isLeader && !this.cut.has(id));
      if (leading.length === 1) return leading[0];
      this.time.run(50);
    }
    throw new Error('nobody leads');
  }

  plane(id: number): ControlPlane {
    return this.planes.get(id)!;
  }

  /** Asks a node in the words of a line, and waits for the answer: its value, or its error with '-'. */
  ask(id: number, line: string, withinMs = 61_000): unknown {
    let answer: ControlAnswer | null = null;
    this.plane(id).request(line.split(' '), `tester ${id}`, (given) => (answer = given));
    for (let waitedMs = 0; answer === null && waitedMs < withinMs; waitedMs += 10) this.time.run(10);
    const given = answer as ControlAnswer | null;
    if (given === null) throw new Error(`no answer to ${line}`);
    return given.kind === 'value' ? given.value : `-${given.text}`;
  }
}

class PaperPeers implements PeerNetwork {
  onMessage: PeerNetwork['onMessage'] = () => undefined;
  onGone: PeerNetwork['onGone'] = () => undefined;
  followed: readonly { id: number; address: string; incarnation: string }[] = [];

  constructor(
    private readonly cluster: PlaneCluster,
    private readonly id: number,
  ) {}

  send(to: number, message: PeerMessage): void {
    this.cluster.deliver(this.id, to, message);
  }

  follow(peers: PaperPeers['followed']): void {
    this.followed = peers;
  }
}

/**
 * Meshes of config servers on a network of paper, for tests.
 */
import { expect } from 'vitest';
import type { PeerMessage } from '../../src/config/control-host';
import { PeerMesh, type PeerMeshOptions } from '../../src/config/peers/peer-mesh';
import { VirtualNetwork } from './virtual-network';

export const PORT = 7;

/** Meshes on one network, each on a machine of its own, `n1`, `n2` …, with all that they report. */
export class Cluster {
  readonly network: VirtualNetwork;
  readonly meshes = new Map<number, PeerMesh>();
  /** `to from text` */
  readonly heard: string[] = [];
  /** `at node` */
  readonly gone: string[] = [];
  /** `at node incarnation` */
  readonly incarnations: string[] = [];

  constructor(seed: number) {
    this.network = new VirtualNetwork(seed);
  }

  start(id: number, options: Partial<PeerMeshOptions> = {}): PeerMesh {
    const identity = { id, incarnation: `disk-${id}`, clusterName: 'north', secret: 'of the house', ...options };
    const mesh = new PeerMesh(this.network.world, identity, this.network.socketsOf(`n${id}`));
    mesh.onMessage = (from, message) => this.heard.push(`${id} ${from} ${textOf(message)}`);
    mesh.onGone = (node) => this.gone.push(`${id} ${node}`);
    mesh.onIncarnation = (node, incarnation) => this.incarnations.push(`${id} ${node} ${incarnation}`);
    this.meshes.set(id, mesh);
    void mesh.listen({ host: `n${id}`, port: PORT });
    return mesh;
  }

  /** Starts so many, each of which follows all, at moments within `withinMs`. */
  startAll(count: number, withinMs = 0): void {
    const ids = Array.from({ length: count }, (_, i) => i + 1);
    for (const id of ids) {
      this.network.time.after(this.network.random.fraction() * withinMs, () => this.start(id).follow(peers(ids)));
    }
    this.run(withinMs);
  }

  /** The process of that node ends; it can be started anew. */
  kill(id: number): void {
    void this.meshes.get(id)!.close();
    this.network.end(`n${id}`, true);
    this.meshes.delete(id);
  }

  run(forMs: number): void {
    this.network.time.run(forMs);
  }

  mesh(id: number): PeerMesh {
    return this.meshes.get(id)!;
  }

  say(from: number, to: number, text: string): void {
    this.mesh(from).send(to, { kind: 'answer', number: 1, answer: text });
  }

  linesWith(text: string): string[] {
    return this.network.lines.filter((line) => line.includes(text));
  }

  /** Everybody is connected to everybody else, by one connection for each two, and what is said is heard. */
  expectWhole(): void {
    const ids = [...this.meshes.keys()].sort(upward);
    const others = (id: number): number[] => ids.filter((each) => each !== id);
    expect(ids.map((id) => [...this.mesh(id).connected].sort(upward))).toEqual(ids.map(others));
    expect(this.network.open.size).toBe(ids.length * (ids.length - 1));
    this.heard.length = 0;
    for (const from of ids) for (const to of others(from)) this.say(from, to, 'hello');
    this.run(10);
    const expected = ids.flatMap((from) => others(from).map((to) => `${to} ${from} hello`));
    expect(this.heard.sort()).toEqual(expected.sort());
  }
}

/** Followed, as `follow` takes them. */
export function peers(
  ids: readonly number[],
  incarnation = '',
): { id: number; address: string; incarnation: string }[] {
  return ids.map((id) => ({ id, address: `n${id}:${PORT}`, incarnation }));
}

function upward(a: number, b: number): number {
  return a - b;
}

function textOf(message: PeerMessage): string {
  return message.kind === 'answer' ? message.answer : message.kind === 'raft' ? message.message.type : message.kind;
}

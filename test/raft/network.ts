/**
 * Network: a handful of cores, their logs in memory and the links between them, on virtual time, to be told what happens.
 *
 * Messages are delivered one by one in the order of sending, saves are done at once, and nothing is lost, unless a test says
 * otherwise: `drop` decides on each message, `slowDisks` are nodes whose saves do not end until they are taken off that list.
 */
import { Random } from '../../src/base';
import {
  MemoryLog,
  membershipOf,
  NOBODY,
  RaftCore,
  type Entry,
  type Membership,
  type Message,
  type NodeId,
  type RaftOptions,
  type Ready,
} from '../../src/raft';

export const ELECTION_TIMEOUT_MS = 100;
export const HEARTBEAT_MS = 10;

interface Member {
  core: RaftCore;
  readonly storage: MemoryLog;
  /** Commands, as text, that were applied. */
  applied: string[];
  /** Index of each read that was answered; −1 of those that failed. */
  reads: Map<number, number>;
  /** A save that has not ended. */
  pending: Ready | null;
}

export class Network {
  nowMs = 0;
  readonly members = new Map<NodeId, Member>();
  readonly slowDisks = new Set<NodeId>();
  /** Whether a message is lost. */
  drop: (message: Message) => boolean = () => false;
  /** All that was delivered. */
  readonly delivered: Message[] = [];
  private inFlight: Message[] = [];

  constructor(
    readonly ids: readonly NodeId[],
    private readonly options: Partial<RaftOptions> = {},
    private readonly membership: Membership = membershipOf(ids),
  ) {
    for (const id of ids) this.start(id);
  }

  /** Starts a node, with what its storage has. */
  start(id: NodeId, membership = this.membership): RaftCore {
    const storage = this.members.get(id)?.storage ?? new MemoryLog();
    const random = new Random(id + 1000 * this.nowMs);
    const times = { electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS };
    const saved = storage.load();
    const core = new RaftCore({ id, ...times, random, ...this.options }, saved, membership, this.nowMs);
    const applied = saved.snapshot === null ? [] : restored(saved.snapshot.data);
    this.members.set(id, { core, storage, applied, reads: new Map(), pending: null });
    return core;
  }

  core(id: NodeId): RaftCore {
    return this.member(id).core;
  }

  applied(id: NodeId): string[] {
    return this.member(id).applied;
  }

  /** The leader of the latest term that has one now; null where none leads. */
  get leader(): RaftCore | null {
    const leaders = [...this.members.values()].map(({ core }) => core).filter(({ role }) => role === 'leader');
    return leaders.sort((a, b) => b.term - a.term)[0] ?? null;
  }

  /** Nodes that only the others of the list can talk to. */
  cutOff(...nodes: NodeId[]): void {
    this.drop = ({ from, to }) => nodes.includes(from) !== nodes.includes(to);
  }

  heal(): void {
    this.drop = () => false;
  }

  /** Does all that follows from what has happened, without letting time pass. */
  settle(): void {
    do {
      for (const id of this.members.keys()) this.work(id);
      const messages = this.inFlight;
      this.inFlight = [];
      for (const message of messages) this.deliver(message);
    } while (this.inFlight.length > 0 || [...this.members.keys()].some((id) => this.work(id)));
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    this.settle();
    for (;;) {
      const wakeAtMs = Math.min(...[...this.members.values()].map(({ core }) => core.wakeAtMs));
      if (wakeAtMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, wakeAtMs);
      for (const { core } of this.members.values()) {
        if (core.wakeAtMs <= this.nowMs) core.tick(this.nowMs);
      }
      this.settle();
    }
    this.nowMs = endMs;
  }

  /** Makes that node leader by letting its time come first. */
  elect(id: NodeId): RaftCore {
    const core = this.core(id);
    for (const other of this.members.values()) {
      if (other.core.role === 'leader' && other.core !== core && other.core.transferTo(id, this.nowMs)) this.settle();
    }
    if (core.role !== 'leader') {
      this.nowMs = Math.max(this.nowMs, core.wakeAtMs);
      core.tick(this.nowMs);
      this.settle();
    }
    return core;
  }

  /** Proposes at the leader and lets it be done. */
  propose(text: string, id = this.leader?.id ?? 0): number | null {
    const index = this.core(id).propose(Buffer.from(text), this.nowMs);
    this.settle();
    return index;
  }

  /** A linearizable read at that node: the index that answers it; −1 failed, null not answered or not leader. */
  read(id: NodeId): number | null {
    const { core, reads } = this.member(id);
    const number = core.requestRead(this.nowMs);
    this.settle();
    return number === null ? null : (reads.get(number) ?? null);
  }

  /** Takes a snapshot of what was applied. */
  compact(id: NodeId): void {
    const { core, storage, applied } = this.member(id);
    storage.saveSnapshot(core.compact(core.applied, Buffer.from(JSON.stringify(applied))), null, () => {});
  }

  /** Terms of a node's log. */
  terms(id: NodeId): number[] {
    return this.member(id)
      .storage.load()
      .entries.map(({ term }) => term);
  }

  /** Ends a save that was slow. */
  finishSave(id: NodeId): void {
    this.slowDisks.delete(id);
    this.settle();
  }

  /** Hands a message to its receiver as if it came from the wire. */
  deliver(message: Message): void {
    if (this.drop(message)) return;
    this.delivered.push(message);
    this.members.get(message.to)?.core.step(message, this.nowMs);
  }

  private work(id: NodeId): boolean {
    const member = this.member(id);
    const urgent = member.core.takeUrgent();
    this.inFlight.push(...urgent);
    member.pending ??= member.core.ready();
    if (member.pending === null || this.slowDisks.has(id)) return urgent.length > 0;
    this.finish(member, member.pending);
    return true;
  }

  private finish(member: Member, { hardState, snapshot, entries, messages, committed, reads }: Ready): void {
    member.pending = null;
    if (snapshot !== null) {
      member.storage.saveSnapshot(snapshot, hardState, () => {});
      member.applied = restored(snapshot.data);
    }
    if (entries.length > 0 || hardState !== null) member.storage.append(hardState, entries, () => {});
    this.inFlight.push(...messages);
    for (const entry of committed) if (entry.kind === 'command') member.applied.push(textOf(entry));
    for (const { number, index } of reads) member.reads.set(number, index);
    member.core.advance();
  }

  private member(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }
}

/** Entries of these terms, from the first on. */
export function entriesOf(...terms: number[]): Entry[] {
  return terms.map((term, i) => ({ index: i + 1, term, kind: 'command', data: Buffer.from(`${i + 1}@${term}`) }));
}

/** A network whose nodes begin with logs of these terms; in the last of them, or all in one. */
export function networkWith(
  logs: readonly (readonly number[])[],
  term?: number,
  options?: Partial<RaftOptions>,
): Network {
  const network = new Network(
    logs.map((_, i) => i + 1),
    options,
  );
  for (const [i, terms] of logs.entries()) {
    const hardState = { term: term ?? Math.max(...terms), vote: NOBODY, commit: 0 };
    network.members.get(i + 1)?.storage.append(hardState, entriesOf(...terms), () => {});
    network.start(i + 1);
  }
  return network;
}

function restored(data: Uint8Array): string[] {
  return JSON.parse(Buffer.from(data).toString()) as string[];
}

function textOf({ data }: Entry): string {
  return Buffer.from(data).toString();
}

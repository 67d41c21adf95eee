/**
 * RaftChecks: the promises of consensus, looked at from outside while it runs.
 *
 * Nothing here asks a node what it thinks. What is checked is what it *did*: what it gave to its disk, what it said on the wire, what it
 * carried out. Each check costs a look into a table per entry or message, so all of them run on everything.
 *
 *  R1 one leader per term (who speaks as one) · R2 a leader never replaces entries · R3 the same index and term, the same entry and the
 *  same history before it · R4 who comes to lead has all that was committed in earlier terms · R5 all carry out the same ·
 *  R6 what was carried out anywhere is never replaced · R7 terms do not fall and a vote is given once per term, across crashes ·
 *  R8 reads are not older than what was acknowledged · R9 one change of membership in flight, and any quorum before it meets any
 *  after it · pre-vote: nobody stands whom a quorum would not elect (dissertation §9.6) · check-quorum: nobody leads for long whom a quorum cannot reach (§6.2) · C1 what is acknowledged
 *  is on the disk · transfer: who is given the leader's place has its log (§3.10).
 */
import {
  isJoint,
  isVoter,
  reachedByQuorum,
  voteResult,
  type Entry,
  type Membership,
  type Message,
  type NodeId,
  type SavedLog,
  type Snapshot,
} from '../../raft';
import { Probes } from '../probes';
import { demand } from '../violation';
import { quorumsMeet } from './quorum-meeting';

/** What the checks look at of a node. */
export interface CheckedNode {
  readonly id: NodeId;
  readonly isLeader: boolean;
  readonly term: number;
  readonly applied: number;
  readonly commit: number;
  readonly membership: Membership;
}

interface KnownEntry {
  readonly sum: number;
  readonly previousTerm: number;
}

interface Committed {
  readonly term: number;
  /** The term of the node that carried it out first: it was committed in this one or before. */
  readonly inTerm: number;
  readonly digest: number;
}

/** A node's log as its disk was given it. */
class Mirror {
  base = 0;
  baseTerm = 0;
  terms: number[] = [];
  /** The last entry that is on the disk. */
  durable = 0;
  /** Indexes of entries that change the membership. */
  changes: number[] = [];
  /** The last entry that is known to have been carried out. */
  advanced = 0;
  /** What was in force when its node, as leader of that term, last began a change of membership. */
  changing: { readonly term: number; readonly from: Membership } | null = null;

  get lastIndex(): number {
    return this.base + this.terms.length;
  }

  termAt(index: number): number | null {
    return index === this.base ? this.baseTerm : (this.terms[index - this.base - 1] ?? null);
  }

  rebase(index: number, term: number): void {
    this.terms = this.termAt(index) === term ? this.terms.slice(index - this.base) : [];
    this.base = index;
    this.baseTerm = term;
    this.changes = this.changes.filter((at) => at > index && at <= this.lastIndex);
  }
}

const TERMS_PER_INDEX = 1_000_000;

export class RaftChecks {
  readonly probes = new Probes();
  /** The last entry that a client may know to be committed: its effect was acknowledged, or read. */
  acknowledged = 0;
  private readonly leaders = new Map<number, NodeId>();
  private readonly known = new Map<number, KnownEntry>();
  private readonly committed = new Map<number, Committed>();
  private lastCommitted = 0;
  private readonly memberships = new Map<NodeId, readonly Membership[]>();
  /** By term, what its leader knew to be committed when it was elected. */
  private readonly commitsAtElection = new Map<number, number>();
  private readonly mirrors = new Map<NodeId, Mirror>();
  private readonly votes = new Map<string, NodeId>();
  private readonly highestTerms = new Map<NodeId, number>();
  /** By candidate and term that it asked about: who would elect it, and whether they were a quorum when the last of them said so. */
  private readonly preVotes = new Map<string, { readonly granted: Map<NodeId, boolean>; isElected: boolean }>();

  /** A process starts with what is on its disk. */
  loaded(id: NodeId, { hardState, snapshot, entries }: SavedLog): void {
    const mirror = new Mirror();
    this.mirrors.set(id, mirror);
    if (snapshot !== null) mirror.rebase(snapshot.index, snapshot.term);
    this.add(id, mirror, entries);
    mirror.durable = mirror.lastIndex;
    const said = this.highestTerms.get(id) ?? 0;
    demand(hardState.term >= said, 'R7', () => `node ${id} has been in term ${said} and starts in ${hardState.term}`);
  }

  /** A node gives entries to its disk. */
  saving(node: CheckedNode, entries: readonly Entry[]): void {
    const mirror = this.mirrors.get(node.id)!;
    this.checkReplaced(node, mirror, entries);
    this.add(node.id, mirror, entries);
    if (!node.isLeader) return;
    this.checkChanged(node, mirror);
    for (const { index, kind } of entries) {
      if (kind !== 'membership') continue;
      const earlier = mirror.changes.find((at) => at < index && at > node.applied);
      demand(
        earlier === undefined,
        'R9',
        () => `leader ${node.id} adds change ${index}, and ${earlier} is not applied`,
      );
      mirror.changing = { term: node.term, from: node.membership };
      const former = mirror.changes.filter((at) => at < index).at(-1) ?? mirror.base;
      if (isJoint(node.membership) && mirror.termAt(former) !== node.term)
        this.probes.saw('joint membership left by another leader');
    }
  }

  /** The disk says that it has entries up to this one. */
  saved(id: NodeId, lastIndex: number): void {
    this.mirrors.get(id)!.durable = lastIndex;
  }

  savedSnapshot(id: NodeId): void {
    const mirror = this.mirrors.get(id)!;
    mirror.durable = Math.min(Math.max(mirror.durable, mirror.base), mirror.lastIndex);
  }

  savingSnapshot(id: NodeId, { index, term }: Snapshot): void {
    const mirror = this.mirrors.get(id)!;
    const present = mirror.termAt(index);
    if (present !== null && present !== term) this.probes.saw('snapshot over a conflicting tail');
    mirror.rebase(index, term);
  }

  /** A node has carried out an entry. */
  applied(node: CheckedNode, { index, term }: Pick<Entry, 'index' | 'term'>, digest: number): void {
    const mirror = this.mirrors.get(node.id)!;
    this.membershipsOf(node);
    demand(index <= mirror.durable, 'C4', () => `node ${node.id} carries out entry ${index}, which its disk has not`);
    const before = this.committed.get(index);
    if (before !== undefined) {
      const isSame = before.term === term && before.digest === digest;
      demand(isSame, 'R5', () => `node ${node.id} carries out another entry ${index}`);
      return;
    }
    this.committed.set(index, { term, inTerm: node.term, digest });
    this.lastCommitted = Math.max(this.lastCommitted, index);
    if (node.isLeader && node.commit > (this.commitsAtElection.get(node.term) ?? 0))
      this.checkDecided(node, mirror, index);
  }

  /** A node may have carried out more, of which nobody tells what it did: so the entries themselves must be the same (R3) everywhere. */
  advanced(node: CheckedNode): void {
    const mirror = this.mirrors.get(node.id)!;
    for (let index = Math.max(mirror.base, mirror.advanced) + 1; index <= node.applied; index++) {
      const term = mirror.termAt(index);
      demand(
        term !== null,
        'C4',
        () => `node ${node.id} has carried out entry ${index}, which its disk was never given`,
      );
      this.applied(node, { index, term }, this.known.get(keyOf(index, term))?.sum ?? 0);
      mirror.advanced = index;
    }
  }

  /** A state came in the place of entries up to `index`. */
  restored(id: NodeId, index: number, digest: number): void {
    for (let at = index; at > 0; at--) {
      const known = this.committed.get(at);
      if (known === undefined) continue;
      demand(
        known.digest === digest,
        'R5',
        () => `node ${id} restores another state than others had after entry ${at}`,
      );
      return;
    }
  }

  becameLeader({ id, term, commit }: CheckedNode): void {
    this.commitsAtElection.set(term, commit);
    const mirror = this.mirrors.get(id)!;
    if (this.isContradicted(mirror)) this.probes.saw('leader whose log others contradict');
    for (let index = this.lastCommitted; index > mirror.base; index--) {
      const entry = this.committed.get(index);
      if (entry === undefined || entry.inTerm >= term) continue;
      demand(
        mirror.termAt(index) === entry.term,
        'R4',
        () => `leader ${id} of term ${term} lacks committed entry ${index}`,
      );
    }
  }

  /** A message leaves a node. */
  sent(node: CheckedNode, message: Message): void {
    const { type, from, to, term } = message;
    if (type === 'pre-vote') {
      const key = `${from}:${term}`;
      if (!this.preVotes.has(key)) this.preVotes.set(key, { granted: new Map([[from, true]]), isElected: false });
      return;
    }
    if (type === 'pre-vote-reply') return;
    const highest = this.highestTerms.get(from) ?? 0;
    demand(term >= highest, 'R7', () => `node ${from} was in term ${highest} and speaks in ${term}`);
    this.highestTerms.set(from, term);
    if (type === 'append' || type === 'heartbeat' || type === 'snapshot') this.leads(from, term);
    else if (type === 'vote') {
      this.giveVote(from, term, from);
      const isElected = message.isTransfer || this.preVotes.get(`${from}:${term}`)?.isElected === true;
      demand(isElected, 'pre-vote', () => `node ${from} stands in term ${term} unasked`);
    } else if (type === 'vote-reply' && message.isGranted) this.giveVote(from, term, to);
    else if (type === 'append-reply' && !message.isRejected && term === node.term)
      this.checkDurable(from, message.index);
    else if (type === 'timeout-now') this.checkTransfer(node, to);
  }

  /** A message reaches a node. */
  received({ membership }: CheckedNode, message: Message): void {
    if (message.type !== 'pre-vote-reply' || !message.isGranted) return;
    const asked = this.preVotes.get(`${message.to}:${message.term}`);
    if (asked === undefined) return;
    asked.granted.set(message.from, true);
    asked.isElected ||= voteResult(membership, asked.granted) === 'won';
  }

  /** A node says that all which was acknowledged before a read began has been carried out. */
  readable(node: CheckedNode, acknowledgedBefore: number): void {
    demand(
      node.applied >= acknowledgedBefore,
      'R8',
      () => `node ${node.id} lets read at entry ${node.applied}, and ${acknowledgedBefore} was acknowledged`,
    );
    this.acknowledged = Math.max(this.acknowledged, node.applied);
  }

  /** Another node has entries in the place of some that this one has. */
  private isContradicted(mirror: Mirror): boolean {
    for (const other of this.mirrors.values()) {
      const index = Math.min(mirror.lastIndex, other.lastIndex);
      const [mine, others] = [mirror.termAt(index), other.termAt(index)];
      if (mine !== null && others !== null && mine !== others) return true;
    }
    return false;
  }

  private leads(id: NodeId, term: number): void {
    const other = this.leaders.get(term);
    this.leaders.set(term, id);
    demand(other === undefined || other === id, 'R1', () => `nodes ${other} and ${id} both lead in term ${term}`);
  }

  private giveVote(id: NodeId, term: number, candidate: NodeId): void {
    const key = `${id}:${term}`;
    const other = this.votes.get(key);
    this.votes.set(key, candidate);
    demand(
      other === undefined || other === candidate,
      'R7',
      () => `node ${id} votes for ${other} and ${candidate} in ${term}`,
    );
  }

  /** What a leader decides a quorum has on its disks, and an entry of its own term is decided with it (Figure 8). */
  private checkDecided(node: CheckedNode, mirror: Mirror, index: number): void {
    const { id, term, commit } = node;
    const ownTerm = mirror.termAt(commit);
    demand(
      ownTerm === null || ownTerm === term,
      'R4',
      () => `leader ${id} decides entry ${commit} of term ${ownTerm} by counting`,
    );
    const decided = mirror.termAt(index);
    const reached = (voter: NodeId): number => {
      const other = this.mirrors.get(voter);
      if (other === undefined || other.durable < index) return 0;
      return other.base >= index || other.termAt(index) === decided ? index : 0;
    };
    // What was decided before a change of membership was applied is carried out after that.
    const isDecided = this.membershipsOf(node).some((membership) => reachedByQuorum(membership, reached) >= index);
    demand(isDecided, 'R4', () => `leader ${id} decides entry ${index}, which a quorum has not`);
  }

  /** A change that a leader began has come into force, as the only one since: so nobody can have decided without those before it. */
  private checkChanged({ id, term, membership }: CheckedNode, mirror: Mirror): void {
    const { changing } = mirror;
    if (changing === null || changing.from === membership) return;
    mirror.changing = null;
    const isSafe = changing.term !== term || quorumsMeet(changing.from, membership);
    demand(isSafe, 'R9', () => `leader ${id} changes the membership so that two quorums may have nobody in common`);
  }

  /** The membership that a node acts by, and the one before. */
  private membershipsOf({ id, membership }: CheckedNode): readonly Membership[] {
    const [now = membership, before = now] = this.memberships.get(id) ?? [];
    const present = now === membership ? [now, before] : [membership, now];
    this.memberships.set(id, present);
    return present;
  }

  private checkDurable(id: NodeId, index: number): void {
    const { durable } = this.mirrors.get(id)!;
    demand(
      index <= durable,
      'C1',
      () => `node ${id} acknowledges entry ${index}, and its disk has them up to ${durable}`,
    );
  }

  /** Who is told to take the leader's place has all that the leader has (§3.10); one that must go itself may be quicker. */
  private checkTransfer({ id, membership }: CheckedNode, target: NodeId): void {
    const { lastIndex } = this.mirrors.get(id)!;
    const has = this.mirrors.get(target)!.durable;
    const isDue = has >= lastIndex || !isVoter(membership, id);
    demand(isDue, 'transfer', () => `node ${target} is to lead with entries up to ${has} of ${lastIndex}`);
  }

  private checkReplaced(node: CheckedNode, mirror: Mirror, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = entries[0].index;
    for (let index = first; index <= mirror.lastIndex; index++) {
      const term = mirror.termAt(index);
      if (entries[index - first]?.term === term) continue;
      demand(!node.isLeader, 'R2', () => `leader ${node.id} replaces entry ${index}`);
      const committed = this.committed.get(index);
      demand(committed?.term !== term, 'R6', () => `node ${node.id} replaces entry ${index}, which is committed`);
    }
  }

  private add(id: NodeId, mirror: Mirror, entries: readonly Entry[]): void {
    for (const { index, term, kind, data } of entries) {
      const previousTerm = mirror.termAt(index - 1);
      if (previousTerm === null) continue;
      this.checkKnown(id, index, term, { sum: sumOf(data), previousTerm });
      mirror.terms.length = index - mirror.base - 1;
      mirror.terms.push(term);
      while (mirror.changes.length > 0 && mirror.changes[mirror.changes.length - 1] >= index) mirror.changes.pop();
      if (kind === 'membership') mirror.changes.push(index);
    }
  }

  private checkKnown(id: NodeId, index: number, term: number, entry: KnownEntry): void {
    const key = keyOf(index, term);
    const known = this.known.get(key);
    if (known === undefined) {
      this.known.set(key, entry);
      return;
    }
    const isSame = known.sum === entry.sum && known.previousTerm === entry.previousTerm;
    demand(isSame, 'R3', () => `node ${id} has another entry ${index} of term ${term}, or another history before it`);
  }
}

function keyOf(index: number, term: number): number {
  return index * TERMS_PER_INDEX + term;
}

function sumOf(data: Uint8Array): number {
  let sum = data.length;
  for (const byte of data) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum;
}

/**
 * ControlHost: what the parts of a config server that watch and act see of the whole, and the ports by which it reaches the world.
 *
 * The parts (monitor, lease book, failover driver, reconciler) are given a host and are told by it what happens. So each can be
 * tested with a host of paper, and the simulator runs all of them with ports of its own.
 */
import type { World } from '../base';
import type { Message, NodeId } from '../raft';
import type { ClusterView } from '../slots';
import type { ConfigCommand, FailoverKind } from './records';
import type { Acceptance, ConfigState, Refusal } from './state';

/** What a config server thinks of the health of data nodes; sent to all others now and then, and when it changes. */
export interface Opinions {
  /** This observer's voice does not count at the moment: it noticed a stall of its own. */
  readonly isWithdrawn: boolean;
  /** Members that it holds for down: `host:port`, since how many ms (on its own clock, at sending), and why. */
  readonly down: readonly { readonly memberId: string; readonly forMs: number; readonly why: 'silent' | 'refused' }[];
}

/** A request that a node passes on to the leader: words of the API (commands.ts), and who said them. */
export interface PassedRequest {
  readonly words: readonly string[];
  readonly by: string;
  /** Names the request, so that it is carried out once however often it is sent. */
  readonly requestId: string;
}

/** What config servers say to each other, over one connection. */
export type PeerMessage =
  | { readonly kind: 'raft'; readonly message: Message }
  | { readonly kind: 'opinions'; readonly opinions: Opinions }
  | { readonly kind: 'request'; readonly number: number; readonly request: PassedRequest }
  /** `answer` is JSON: a reply (commands.ts), or that this node does not lead. */
  | { readonly kind: 'answer'; readonly number: number; readonly answer: string };

/** The other config servers. What is sent may be lost; what is received was sent by who it says. */
export interface PeerNetwork {
  send(to: NodeId, message: PeerMessage): void;
  onMessage: (from: NodeId, message: PeerMessage) => void;
  /** That peer's process is gone: its machine refused a connection or ended one. A hint. */
  onGone: (node: NodeId) => void;
  /**
   * Keeps connections to these from now on, and lets in nobody else.
   * @param peers those without an address are let in and not dialled; `incarnation` '' : not known yet
   * @param letsInUnknown other numbers are let in, too, where they prove that they know the secret
   */
  follow(
    peers: readonly { readonly id: NodeId; readonly address: string; readonly incarnation: string }[],
    letsInUnknown: boolean,
  ): void;
}

/** A conversation with a data node, in RESP. Replies come in the order of the commands. */
export interface ServerLink {
  /** `done` gets text of a simple or bulk string, an integer as text, nested arrays of them; or an Error (error reply: CacheError REPLY; lost: CLOSED). */
  command(words: readonly string[], done: (reply: LinkReply | Error) => void): void;
  /** Ends it; `closed` is not called any more, and what waits is told CLOSED. */
  close(): void;
}

export type LinkReply = string | null | readonly LinkReply[];

export interface ServerLinkEvents {
  /** It stands, and is authenticated. */
  opened(): void;
  /** It was lost, or could not be made. `isRefused`: the machine answers, and nobody listens there. */
  closed(isRefused: boolean, reason: string): void;
}

/** Opens conversations with data nodes. */
export type ServerDialer = (
  address: { readonly host: string; readonly port: number },
  events: ServerLinkEvents,
) => ServerLink;

export interface ControlHost {
  readonly world: World;
  readonly id: NodeId;
  /** As applied here; the leader's is the newest that is decided. */
  readonly state: ConfigState;
  readonly isLeader: boolean;
  /** Monotonic ms when this node became leader; NaN where it is not. */
  readonly leaderSinceMs: number;
  /** Who votes on health: the voters of Raft. */
  readonly voters: readonly NodeId[];
  readonly dial: ServerDialer;
  /** Proposes a change; `done` gets null where nobody knows what became of it. */
  propose(command: ConfigCommand, by: string, done: (outcome: Acceptance | Refusal | null) => void): void;
  /**
   * A linearizable read: `done(true)` as soon as a majority has confirmed that this node leads now and `state` is at least as new as
   * that; `done(false)` where it does not lead, or nobody confirms.
   */
  confirm(done: (isConfirmed: boolean) => void): void;
  /** Tells all other config servers. */
  tellPeers(message: PeerMessage): void;
}

/** What a part is told. */
export interface ControlPart {
  start(): void;
  stop(): void;
  /** The state has changed. */
  stateChanged?(view: ClusterView): void;
  /** This node has become leader, or is no longer. */
  leadershipChanged?(): void;
}

/** Figures of a node by their names, as NODE LIST and PROXY LIST show them. */
export type Figures = Readonly<Record<string, string | number | null>>;

/** An answer to a renewal: the values that the protocol has for it, or the text of an error reply (without '-'). */
export type LeaseAnswer = { readonly values: readonly (string | number)[] } | { readonly error: string };

/** What became of a change of master that an operator asked for. */
export type SwitchOutcome =
  /** `newMaster` took over; `text` says how it was, in a line. */
  | { readonly isDone: true; readonly newMaster: string; readonly text: string }
  /** The former master goes on, or nothing had begun. `code` is the first word of the error reply. */
  | { readonly isDone: false; readonly code: string; readonly message: string };

/** Watches data nodes. Works on every config server. */
export interface MonitorPart extends ControlPart {
  opinionsCame(from: NodeId, opinions: Opinions): void;
  /** What is seen of a member; '' and −1 for what is not known. */
  describe(memberId: string): Figures;
}

/** Grants leases. Asked on the leader only, right after a read that a quorum has confirmed. */
export interface LeaseBookPart extends ControlPart {
  renewServer(runId: string, version: number): LeaseAnswer;
  renewProxy(runId: string, version: number): LeaseAnswer;
  /** Lease and version of a holder. */
  describe(runId: string): Figures;
}

/** Changes masters. Works on the leader only. */
export interface FailoverDriverPart extends ControlPart {
  /**
   * Begins a change of master that an operator asks for; `done` is called once, when it has ended.
   * @param target the member that is to be master; '' for the best
   */
  request(
    kind: Exclude<FailoverKind, 'automatic'>,
    group: number,
    target: string,
    by: string,
    done: (outcome: SwitchOutcome) => void,
  ): void;
  /** How far a change of master in that group has come, in a word; '' where none runs here. */
  phase(group: number): string;
}

/** The parts of a config server that watch and act. */
export interface ControlParts {
  readonly monitor: MonitorPart;
  readonly leases: LeaseBookPart;
  readonly driver: FailoverDriverPart;
  /** All of them, in the order in which they are started and told. */
  readonly all: readonly ControlPart[];
}

/** Makes the parts for a host; they are started later. */
export type PartsMaker = (host: ControlHost) => ControlParts;

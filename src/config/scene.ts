/**
 * Scene: what is observed at the moment and decided by nobody, as the commands that describe the cluster need it.
 */
import type { NodeId } from '../raft';
import type { Figures } from './control-host';

/** What RESP can carry: bulk string, integer, null, array, map. Plain data: config servers pass it to each other as JSON. */
export type ReplyValue = string | number | null | readonly ReplyValue[] | { readonly [name: string]: ReplyValue };

/** A connection that follows the view. */
export interface Follower {
  /** As STATUS shows it. */
  readonly name: string;
  /** The version that it acknowledged last; -1 before the first. */
  readonly version: number;
}

export interface Scene {
  /** Who describes it. */
  readonly id: NodeId;
  /** 0 for nobody. */
  readonly leader: NodeId;
  readonly term: number;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Who follows the view by a connection to this node. */
  readonly followers: Iterable<Follower>;
  /** Health of a member, as the monitor has it. */
  readonly health: (memberId: string) => Figures;
  /** The lease of a run of a proxy or server. */
  readonly lease: (runId: string) => Figures;
  /** How far the change of master in a group has come; '' where nobody knows. */
  readonly phase: (group: number) => string;
}

/** Nobody observes anything. */
export const NO_SCENE: Scene = {
  id: 0,
  leader: 0,
  term: 0,
  voters: [],
  learners: [],
  followers: [],
  health: () => ({}),
  lease: () => ({}),
  phase: () => '',
};

/**
 * StateParts: all that the control plane has decided, as plain data; `ConfigState` is what can be done with it.
 *
 * None of it is ever changed in place, maps and sets included: a state may be shared, kept, and compared with a later one. Maps keep the
 * order in which things came, so that what is derived from them is the same on every config server.
 */
import type { Lineage } from '../failover';
import { ClusterView } from '../slots';
import {
  DEFAULT_CLUSTER_SETTINGS,
  type ClusterSettings,
  type ConfigMember,
  type FailoverReport,
  type MemberRecord,
  type Parting,
  type ProxyRecord,
  type RunningFailover,
} from './records';

/** When something was asked, and by whom; given from outside, because the state has no clock. */
export interface Stamp {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The asker, as people would look for it: an address or a name. */
  readonly by: string;
}

/** A change that happened. */
export interface ConfigEvent extends Stamp {
  /** The version of the view that it made. */
  readonly version: number;
  /** The command, as it could be typed. */
  readonly text: string;
}

export interface StateParts {
  readonly view: ClusterView;
  /** The last changes, oldest first. */
  readonly events: readonly ConfigEvent[];
  /** Forty hexadecimal digits; '' before the cluster was named. */
  readonly clusterId: string;
  readonly settings: ClusterSettings;
  /** By their addresses. */
  readonly proxies: ReadonlyMap<string, ProxyRecord>;
  /** By their ids (`host:port`); one for each member of the view. */
  readonly members: ReadonlyMap<string, MemberRecord>;
  /** Changes of master under way, by group; one for each group that does not serve. */
  readonly failovers: ReadonlyMap<number, RunningFailover>;
  /** Of the last change of master, by group. */
  readonly partings: ReadonlyMap<number, Parting>;
  /** The streams of the masters that each group has had, as far as they were noted. */
  readonly lineages: ReadonlyMap<number, Lineage>;
  /** The last changes of master, oldest first. */
  readonly reports: readonly FailoverReport[];
  /** Groups whose masters are not replaced automatically; {@link ALL_GROUPS} for all. */
  readonly paused: ReadonlySet<number>;
  /** In the order of their numbers. */
  readonly configs: readonly ConfigMember[];
  /** Outcomes of named requests, as texts of replies: `:17`, `-REFUSED …`; oldest first. */
  readonly requests: ReadonlyMap<string, string>;
}

/** How many events, reports, and requests are remembered. */
export const EVENTS_MAX = 1000;
export const REPORTS_MAX = 100;
export const REQUESTS_MAX = 1000;
/** In place of a group: all of them. */
export const ALL_GROUPS = -1;

/** Nothing is decided. */
export const NOTHING: StateParts = {
  view: ClusterView.empty,
  events: [],
  clusterId: '',
  settings: DEFAULT_CLUSTER_SETTINGS,
  proxies: new Map(),
  members: new Map(),
  failovers: new Map(),
  partings: new Map(),
  lineages: new Map(),
  reports: [],
  paused: new Set(),
  configs: [],
  requests: new Map(),
};

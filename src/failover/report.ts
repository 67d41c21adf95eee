/**
 * MemberReport: what a data node says of itself, as far as a change of master depends on it.
 *
 * A *stream* is the history of writes of one master, named by its replication id; an offset is a place in it, in bytes. A node that
 * becomes a master begins a stream of its own and remembers where it left the former one. So two nodes can be compared where
 * their positions are in the same stream, and only there.
 */

export interface MemberReport {
  /** Names the run of its process. */
  readonly runId: string;
  readonly role: 'master' | 'replica';
  /** The replication id that it writes or follows (`master_replid`). */
  readonly stream: string;
  /** Bytes of it that it has carried out. */
  readonly offset: number;
  /** The stream that it had before this one (`master_replid2`), and how many bytes of it are in its data; '' and −1 for none. */
  readonly formerStream: string;
  readonly formerOffset: number;
  /** 0: never to be promoted; else the lowest first. */
  readonly priority: number;
  /** Whom it follows; '' and 0 for a master. */
  readonly masterHost: string;
  readonly masterPort: number;
  /** It is connected to whom it follows. */
  readonly isLinkUp: boolean;
  /** Whole seconds, cut, for which it has not been; 0 while it is, −1 where it never was. */
  readonly linkDownSeconds: number;
  /** It is being filled with the data of whom it follows: what it has at the moment is neither old nor new. */
  readonly isSyncing: boolean;
  readonly isLoading: boolean;
  /** One of our own that was started and has not been told what to be: it stands where its files left it. */
  readonly isPending: boolean;
  /** There are keys. */
  readonly hasKeys: boolean;
}

/** A stock server that never had a byte of a stream, or lost its data while it was being filled, shows this offset, or less. */
export const OFFSET_OF_NOTHING = 1;

/** A place in a stream. */
export interface Position {
  readonly stream: string;
  readonly offset: number;
}

/**
 * Where its data stand in the stream of the group's former master: a replica, or who waits to be told its role, where it says;
 * one that has been promoted, or was restarted as a master from its files, where it left that stream.
 */
export function positionOf(report: MemberReport): Position {
  if (report.role === 'replica' || report.isPending) return { stream: report.stream, offset: report.offset };
  return { stream: report.formerStream, offset: report.formerOffset };
}

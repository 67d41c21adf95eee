/**
 * What an observer sees of the members, and what a member that answers is worth as the next master.
 *
 * A report shows what was when it was asked for, or later; never what was before. So all that is concluded from a report is concluded of
 * the moment of the question.
 */
import type { Candidate } from './choose';
import { positionOf, type MemberReport, type Position } from './report';

/** What can be seen of a member. */
export interface MemberSight {
  /** Not subjectively down, and a conversation with it stands. */
  readonly isReachable: boolean;
  readonly isDown: boolean;
  /** Its newest answer, and when that was asked for; null and −Infinity for none. */
  readonly report: MemberReport | null;
  readonly askedMs: number;
}

/** Where somebody was seen, and when that was asked for. */
export interface Sighting extends Position {
  readonly askedMs: number;
}

/** Whether its answer shows what was at that moment, or after it. */
export function isNewerThan({ report, askedMs }: MemberSight, sinceMs: number): boolean {
  return report !== null && askedMs >= sinceMs;
}

/**
 * A member that has answered, as a candidate.
 * @param formerMaster `host:port`
 * @param lastSeen where that was last seen; null where nobody saw it
 */
export function candidateOf(
  memberId: string,
  { report, isReachable, askedMs }: MemberSight,
  formerMaster: string,
  lastSeen: Sighting | null,
): Candidate {
  const { runId, priority, isLoading, isSyncing, isPending, role, masterHost, masterPort } = report!;
  const isOfIt = `${masterHost}:${masterPort}` === formerMaster;
  return {
    memberId,
    isHealthy: isReachable && !isLoading && !isSyncing,
    priority,
    ...positionOf(report!),
    runId,
    isFollower: isOfIt && lastSeen !== null && connectedUntilMs(report!, askedMs) >= lastSeen.askedMs,
    isPromoted: role === 'master' && !isPending,
  };
}

/** Until when it was connected to its master. Seconds are cut, so this is right to about one of them. */
function connectedUntilMs({ isLinkUp, linkDownSeconds }: MemberReport, askedMs: number): number {
  if (isLinkUp) return askedMs;
  return linkDownSeconds < 0 ? -Infinity : askedMs - 1000 * linkDownSeconds;
}

/**
 * Returning: whether a master whose process was restarted may go on as the master of its group.
 *
 * It has what was on its disk, which may be all, the most that anybody has, or nothing. It may go on where nobody else has more: where
 * each of the others stands in the same stream and not beyond it, or in one that the group left, with no more of it than was taken
 * over that this one has not; or has nothing at all, or cannot say where it stands: a stock server that was restarted from an append-only file does not
 * know, and there the one who took all writes is the best guess. Positions in other streams cannot be compared, so who stands there
 * with data is in the way; so is who is still loading. One that came back empty goes on only where all others were seen, and are empty, too: those who cannot
 * be reached may have what it lost.
 */
import { isPlanted } from '../base';
import { isBehind, type Lineage } from './lineage';
import { OFFSET_OF_NOTHING, positionOf, type MemberReport } from './report';

/** Whether there is anything that could be lost with it. */
export function holdsData(report: MemberReport): boolean {
  return report.hasKeys || positionOf(report).offset > OFFSET_OF_NOTHING;
}

/**
 * Whether the restarted master lacks nothing that any of the others is known to have.
 * @param others reports of all other members that can be reached
 * @param areAll there are no more members than these
 * @param lineage the streams that the group is known to have had
 */
export function mayReturn(
  former: MemberReport,
  others: readonly MemberReport[],
  areAll: boolean,
  lineage: Lineage,
): boolean {
  if (isPlanted('restarted-master-goes-on')) return true;
  const present = positionOf(former);
  const isNoRival = (other: MemberReport): boolean => {
    const position = positionOf(other);
    return position.stream === '' || isBehind(lineage, position, present);
  };
  if (others.some(({ isLoading }) => isLoading)) return false;
  const rivals = others.filter(holdsData);
  return holdsData(former) ? rivals.every(isNoRival) : areAll && rivals.length === 0;
}

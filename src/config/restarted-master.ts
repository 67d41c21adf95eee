/**
 * Restarted masters: whether a master whose process was replaced may go on.
 *
 * A process that was restarted has what was on its disk, which may be nothing. Then its replicas are the ones who have the data, and
 * they would throw them away as soon as they synchronize with it. So it may go on only where it lacks nothing that any of them is
 * known to have. Stock Redis tells that from its RDB file: the stream that it left and where, as a promoted replica does.
 */
import { isPlanted } from '../base';
import { mayReturn, positionOf } from '../failover';
import type { Group } from '../slots';
import type { Monitor } from './monitor';
import type { ConfigState } from './state';

/** Another process than the one that the state knows answers at the master's place. */
export function isRestarted(state: ConfigState, monitor: Monitor, { master }: Group): boolean {
  const known = state.members.get(master?.id ?? '')?.runId ?? '';
  const info = master === null ? null : monitor.info(master.id);
  return info !== null && known !== '' && info.report.runId !== known && !info.report.isLoading;
}

/** It is, and lacks what a replica has: it is to be treated as dead although it answers. */
export function isReplaced(state: ConfigState, monitor: Monitor, group: Group): boolean {
  return group.members.length > 1 && isRestarted(state, monitor, group) && !lacksNothing(state, monitor, group);
}

/** Whether all others who can be reached have said where they stand since the master was restarted; who has not is asked. */
export function haveSpokenSince(monitor: Monitor, { master, members }: Group): boolean {
  const sinceMs = monitor.runSinceMs(master!.id);
  const silent = members.filter(({ id }) => {
    const { isReachable, askedMs } = monitor.sight(id);
    return id !== master!.id && isReachable && askedMs < sinceMs;
  });
  for (const { id } of silent) monitor.ask(id);
  return silent.length === 0;
}

/** Whether the new process has all that the former was seen to have, and none of the others, of whom all are known, has more. */
function lacksNothing(state: ConfigState, monitor: Monitor, { id: group, master, members }: Group): boolean {
  if (isPlanted('restarted-master-goes-on')) return true;
  const masterId = master!.id;
  const report = monitor.info(masterId)!.report;
  if (report.role !== 'master') return false;
  const others = members.map(({ id }) => id).filter((id) => id !== masterId);
  const { stream, offset } = positionOf(report);
  const lastSeen = monitor.lastSeenAsMaster(masterId, state.members.get(masterId)!.runId, others);
  if (lastSeen !== null && (lastSeen.stream !== stream || lastSeen.offset > offset)) return false;
  const reports = others.flatMap((id) => monitor.info(id)?.report ?? []);
  const areAll = reports.length === others.length;
  return areAll && mayReturn(report, reports, areAll, state.lineages.get(group) ?? []);
}

/**
 * What a managed node tells of its place in the cluster: fields of the section "replication" of INFO, by which config servers and people
 * know what it holds itself for.
 */
import type { Fields } from '../../metrics';
import type { DataNode } from '../data-node';

/** None, of a node that follows no config servers: it looks like a Redis. */
export function allegianceFields({ allegiance, world }: DataNode): Fields {
  if (allegiance === null) return {};
  const { configServer, duty, epoch, group, guard, isPending, lastDemotion, viewVersion } = allegiance;
  const nowMs = world.clock.monotonicMs();
  return {
    slotcache_managed: 1,
    slotcache_duty: isPending && duty !== 'stranger' ? 'pending' : duty,
    slotcache_pending: isPending ? 1 : 0,
    slotcache_group: group,
    slotcache_epoch: epoch,
    slotcache_lease_ms: guard.isHeld(nowMs) ? Math.floor(guard.lease.leftMs(nowMs)) : 0,
    slotcache_view: viewVersion,
    slotcache_config_server: configServer ?? '',
    last_demotion_discarded_bytes: lastDemotion?.discardedBytes ?? 0,
    last_demotion_file: lastDemotion?.file ?? '',
  };
}

/**
 * The sections of INFO of the proxy. Fields that Redis has keep Redis' names and order, so that tools find what they look
 * for; what a proxy does not have (data, their memory, replicas) is left out rather than made up. What only a proxy
 * knows is in the last section, our own.
 */
import { commands, replyName } from '../commands';
import {
  byteRateFields,
  clientMemory,
  cpuFields,
  errorFields,
  human,
  limitFields,
  ownFields,
  serverFields,
  trafficFields,
  turnFields,
  turnRateFields,
  type Fields,
  type Sections,
} from '../metrics';
import type { ProxyNode } from './proxy-node';

export const SECTIONS: Sections<ProxyNode> = {
  server: { title: 'Server', fields: nodeFields },
  clients: { title: 'Clients', fields: clientFields },
  memory: { title: 'Memory', fields: memoryFields },
  stats: { title: 'Stats', fields: statisticsFields },
  cpu: { title: 'CPU', fields: cpuFields },
  commandstats: { title: 'Commandstats', onlyOnRequest: true, fields: commandFields },
  errorstats: { title: 'Errorstats', fields: ({ statistics }) => errorFields(statistics.errors) },
  // To its clients the proxy is one server: what clients call a cluster, they must not look for here.
  cluster: { title: 'Cluster', fields: () => ({ cluster_enabled: 0 }) },
  slotcache: { title: 'Slotcache', fields: slotcacheFields },
};

function nodeFields(node: ProxyNode): Fields {
  return { ...serverFields(node), executable: node.processGauge.executable, ...node.doorway.infoFields };
}

function clientFields({ sessions, settings }: ProxyNode): Fields {
  const { maxInputBytes, maxOutputBytes } = clientMemory(sessions.values());
  return {
    connected_clients: sessions.size,
    maxclients: settings.values['maxclients'],
    client_recent_max_input_buffer: maxInputBytes,
    client_recent_max_output_buffer: maxOutputBytes,
    blocked_clients: 0,
  };
}

function memoryFields({ sessions, processGauge }: ProxyNode): Fields {
  const { residentBytes, machineBytes } = processGauge.memory();
  return {
    used_memory_rss: residentBytes,
    used_memory_rss_human: human(residentBytes),
    total_system_memory: machineBytes,
    total_system_memory_human: human(machineBytes),
    mem_clients_normal: clientMemory(sessions.values()).totalBytes,
  };
}

function statisticsFields({ statistics }: ProxyNode): Fields {
  return {
    ...trafficFields(statistics),
    ...byteRateFields(statistics),
    rejected_connections: statistics.connectionsRejected,
    total_error_replies: statistics.errors.total,
    total_reads_processed: statistics.reads,
    total_writes_processed: statistics.writes,
    ...limitFields(statistics),
    ...turnFields(statistics),
    ...turnRateFields(statistics),
    acl_access_denied_auth: statistics.deniedAuthentications,
  };
}

function commandFields({ statistics }: ProxyNode): Fields {
  const called = commands.all.filter((spec) => statistics.calls[spec.id] > 0);
  return Object.fromEntries(called.map((spec) => [`cmdstat_${replyName(spec)}`, `calls=${statistics.calls[spec.id]}`]));
}

function slotcacheFields(node: ProxyNode): Fields {
  const { router, backends, sessions, settings, statistics, allegiance, holding } = node;
  const { view } = router;
  let repliesOwed = 0;
  for (const session of sessions.values()) repliesOwed += session.owed;
  const fields: Fields = {
    ...ownFields(node, statistics),
    slotcache_role: 'proxy',
    slotcache_zone: settings.values['zone'],
    slotcache_view_version: view.version,
    slotcache_view_in_force: allegiance?.versionInForce ?? view.version,
    slotcache_config_server: allegiance?.connectedTo ?? '',
    slotcache_lease_ms: Math.floor(allegiance?.lease.leftMs(node.world.clock.monotonicMs()) ?? 0),
    slotcache_held_sessions: holding.sessionCount,
    slotcache_held_bytes: holding.heldBytes,
    slotcache_groups: view.groups.length,
    slotcache_replies_owed: repliesOwed,
  };
  let count = 0;
  for (const { id, protocol, state, owed, commands: sent, losses, unsentBytes } of backends.all) {
    fields[`slotcache_backend${count++}`] =
      `server=${id},resp=${protocol},state=${state},in_flight=${owed},commands=${sent},losses=${losses},` +
      `unsent_bytes=${unsentBytes}`;
  }
  return fields;
}

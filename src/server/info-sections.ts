/**
 * The sections of INFO: names, order and format of the fields are those of Redis 7.2, which dashboards and exporters
 * know by heart; the last section is our own.
 *
 * What a field of Redis means and we have is told; what we do not have (scripts, cluster links) is what
 * a fresh Redis says, nearly always 0. `used_memory` is what the data take (`used_memory_dataset`, exactly: see
 * MemoryGauge; it is what `maxmemory` bounds) and what is used of V8's heap; the allocator's fields describe arena and
 * heap together; what the process takes as a whole is `used_memory_rss`.
 */
import { commands, replyName } from '../commands';
import {
  byteRateFields,
  clientMemory,
  cpuFields,
  errorFields,
  fixed,
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
import { allegianceFields } from './control/info';
import type { DataNode } from './data-node';
import { persistenceFields } from './persistence/info';
import { replicationFields, replicationMemoryFields } from './replication/info';
import type { Session } from './session';

export const SECTIONS: Sections<DataNode> = {
  server: { title: 'Server', fields: nodeFields },
  clients: { title: 'Clients', fields: clientFields },
  memory: { title: 'Memory', fields: memoryFields },
  persistence: { title: 'Persistence', fields: persistenceFields },
  stats: { title: 'Stats', fields: statisticsFields },
  replication: { title: 'Replication', fields: (node) => ({ ...replicationFields(node), ...allegianceFields(node) }) },
  cpu: { title: 'CPU', fields: cpuFields },
  modules: { title: 'Modules', fields: () => ({}) },
  commandstats: { title: 'Commandstats', onlyOnRequest: true, fields: commandFields },
  errorstats: { title: 'Errorstats', fields: ({ statistics }) => errorFields(statistics.errors) },
  latencystats: { title: 'Latencystats', onlyOnRequest: true, fields: () => ({}) },
  cluster: { title: 'Cluster', fields: () => ({ cluster_enabled: 0 }) },
  keyspace: { title: 'Keyspace', fields: keyspaceFields },
  slotcache: { title: 'Slotcache', fields: slotcacheFields },
};

function nodeFields(node: DataNode): Fields {
  const { values } = node.settings;
  return {
    ...serverFields(node),
    hz: values['hz'],
    configured_hz: values['hz'],
    lru_clock: node.keyspace.accessClock,
    executable: node.processGauge.executable,
    config_file: node.configFile ?? '',
    io_threads_active: 0,
    ...(node.isShuttingDown ? { shutdown_in_milliseconds: node.leaving.restMs } : {}),
    ...node.doorway.infoFields,
  };
}

function clientFields(node: DataNode): Fields {
  const { maxInputBytes, maxOutputBytes } = clientMemory(normalClients(node));
  return {
    connected_clients: node.sessions.size - node.replication.feeds.all.length,
    cluster_connections: 0,
    maxclients: node.settings.values['maxclients'],
    client_recent_max_input_buffer: maxInputBytes,
    client_recent_max_output_buffer: maxOutputBytes,
    blocked_clients: node.paused.size + node.blocking.count,
    tracking_clients: 0,
    clients_in_timeout_table: node.blocking.timedCount,
    total_blocking_keys: node.blocking.keyCount,
    total_blocking_keys_on_nokey: node.blocking.lossKeyCount,
  };
}

function normalClients({ sessions }: DataNode): Session[] {
  return [...sessions.values()].filter(({ isReplica }) => !isReplica);
}

function memoryFields(node: DataNode): Fields {
  const { values } = node.settings;
  const { residentBytes, heapUsedBytes, heapTotalBytes, machineBytes } = node.processGauge.memory();
  const dataset = node.memory.usedBytes();
  const used = dataset + heapUsedBytes;
  const peak = node.memory.peakBytes() + heapUsedBytes;
  const active = node.keyspace.arena.committedBytes + heapTotalBytes;
  return {
    used_memory: used,
    used_memory_human: human(used),
    used_memory_rss: residentBytes,
    used_memory_rss_human: human(residentBytes),
    used_memory_peak: peak,
    used_memory_peak_human: human(peak),
    used_memory_peak_perc: percent(used, peak),
    used_memory_overhead: heapUsedBytes,
    used_memory_startup: 0,
    used_memory_dataset: dataset,
    used_memory_dataset_perc: percent(dataset, used),
    allocator_allocated: used,
    allocator_active: active,
    allocator_resident: active,
    total_system_memory: machineBytes,
    total_system_memory_human: human(machineBytes),
    used_memory_lua: 0,
    used_memory_vm_eval: 0,
    used_memory_lua_human: human(0),
    used_memory_scripts_eval: 0,
    number_of_cached_scripts: 0,
    number_of_functions: 0,
    number_of_libraries: 0,
    used_memory_vm_functions: 0,
    used_memory_vm_total: 0,
    used_memory_vm_total_human: human(0),
    used_memory_functions: 0,
    used_memory_scripts: 0,
    used_memory_scripts_human: human(0),
    maxmemory: values['maxmemory'],
    maxmemory_human: human(values['maxmemory']),
    maxmemory_policy: values['maxmemory-policy'],
    allocator_frag_ratio: ratio(active, used),
    allocator_frag_bytes: active - used,
    allocator_rss_ratio: ratio(active, active),
    allocator_rss_bytes: 0,
    rss_overhead_ratio: ratio(residentBytes, active),
    rss_overhead_bytes: residentBytes - active,
    mem_fragmentation_ratio: ratio(residentBytes, used),
    mem_fragmentation_bytes: residentBytes - used,
    mem_not_counted_for_evict: 0,
    ...replicationMemoryFields(node),
    mem_clients_normal: clientMemory(normalClients(node)).totalBytes,
    mem_cluster_links: 0,
    mem_aof_buffer: node.persistence.appendOnly.pendingBytes,
    mem_allocator: 'arena',
    active_defrag_running: 0,
    lazyfree_pending_objects: 0,
    lazyfreed_objects: 0,
  };
}

function statisticsFields({ statistics, keyspace, persistence, replication }: DataNode): Fields {
  return {
    ...trafficFields(statistics),
    total_net_repl_input_bytes: replication.following.receivedBytes,
    total_net_repl_output_bytes: replication.feeds.sentBytes,
    ...byteRateFields(statistics),
    instantaneous_input_repl_kbps: fixed(0),
    instantaneous_output_repl_kbps: fixed(0),
    rejected_connections: statistics.connectionsRejected,
    sync_full: statistics.fullSyncs,
    sync_partial_ok: statistics.partialSyncs,
    sync_partial_err: statistics.partialRefusals,
    expired_keys: keyspace.expiredKeys - statistics.expiredBefore,
    expired_stale_perc: fixed(0),
    expired_time_cap_reached_count: 0,
    expire_cycle_cpu_milliseconds: 0,
    evicted_keys: keyspace.eviction.evictedKeys - statistics.evictedBefore,
    evicted_clients: 0,
    total_eviction_exceeded_time: 0,
    current_eviction_exceeded_time: 0,
    keyspace_hits: statistics.keyspaceHits,
    keyspace_misses: statistics.keyspaceMisses,
    pubsub_channels: 0,
    pubsub_patterns: 0,
    pubsubshard_channels: 0,
    // No process is forked: how long it took to begin the last snapshot, and how many there were.
    latest_fork_usec: persistence.lastBeginMicroseconds,
    total_forks: persistence.snapshots,
    migrate_cached_sockets: 0,
    slave_expires_tracked_keys: 0,
    active_defrag_hits: 0,
    active_defrag_misses: 0,
    active_defrag_key_hits: 0,
    active_defrag_key_misses: 0,
    total_active_defrag_time: 0,
    current_active_defrag_time: 0,
    tracking_total_keys: 0,
    tracking_total_items: 0,
    tracking_total_prefixes: 0,
    unexpected_error_replies: 0,
    total_error_replies: statistics.errors.total,
    dump_payload_sanitizations: 0,
    total_reads_processed: statistics.reads,
    total_writes_processed: statistics.writes,
    io_threaded_reads_processed: 0,
    io_threaded_writes_processed: 0,
    ...limitFields(statistics),
    reply_buffer_shrinks: 0,
    reply_buffer_expands: 0,
    ...turnFields(statistics),
    eventloop_duration_cmd_sum: Math.round(statistics.microseconds.reduce((sum, each) => sum + each, 0)),
    ...turnRateFields(statistics),
    acl_access_denied_auth: statistics.deniedAuthentications,
    acl_access_denied_cmd: 0,
    acl_access_denied_key: 0,
    acl_access_denied_channel: 0,
  };
}

function commandFields({ statistics }: DataNode): Fields {
  const fields: Fields = {};
  for (const spec of commands.all) {
    const calls = statistics.calls[spec.id];
    const rejected = statistics.rejectedCalls[spec.id];
    const failed = statistics.failedCalls[spec.id];
    if (calls + rejected + failed === 0) continue;
    const microseconds = statistics.microseconds[spec.id];
    const perCall = calls === 0 ? 0 : microseconds / calls;
    fields[`cmdstat_${replyName(spec)}`] =
      `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${fixed(perCall)},` +
      `rejected_calls=${rejected},failed_calls=${failed}`;
  }
  return fields;
}

function keyspaceFields({ keyspace }: DataNode): Fields {
  const fields: Fields = {};
  for (let i = 0; i < keyspace.databaseCount; i++) {
    if (!keyspace.hasDatabase(i)) continue;
    const database = keyspace.database(i);
    if (database.size === 0) continue;
    fields[`db${i}`] = `keys=${database.size},expires=${database.expiring},avg_ttl=${database.averageTtlMs()}`;
  }
  return fields;
}

function slotcacheFields(node: DataNode): Fields {
  const { usedBytes, committedBytes } = node.keyspace.arena;
  return {
    ...ownFields(node, node.statistics),
    slotcache_arena_used_bytes: usedBytes,
    slotcache_arena_committed_bytes: committedBytes,
  };
}

function ratio(part: number, whole: number): string {
  return fixed(whole === 0 ? 0 : part / whole);
}

function percent(part: number, whole: number): string {
  return `${ratio(part * 100, whole)}%`;
}

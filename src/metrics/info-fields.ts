/**
 * Fields of INFO that every node has: names, format and order are those of Redis 7.2, which dashboards and exporters know
 * by heart. Each function gives a run of fields that stand together in Redis, so that a node with more can put its
 * own between them.
 */
import { VERSION, type Clock, type ProcessGauge } from '../base';
import type { ErrorCounts } from './error-counts';
import { fixed, type Fields } from './info';
import type { TrafficStatistics } from './traffic';

const SECONDS_PER_DAY = 86_400;

/** What a node is and since when. */
export interface NodeFacts {
  readonly world: { readonly clock: Clock };
  readonly settings: { readonly values: { readonly port: number; readonly 'redis-version': string } };
  readonly processGauge: ProcessGauge;
  readonly runId: string;
  /** Monotonic ms. */
  readonly startedMs: number;
}

/** The beginning of the section "server". */
export function serverFields({ world, settings, processGauge, runId, startedMs }: NodeFacts): Fields {
  const uptimeSeconds = Math.floor((world.clock.monotonicMs() - startedMs) / 1000);
  return {
    redis_version: settings.values['redis-version'],
    redis_git_sha1: '00000000',
    redis_git_dirty: 0,
    redis_build_id: 0,
    redis_mode: 'standalone',
    os: processGauge.operatingSystem,
    arch_bits: processGauge.pointerBits,
    monotonic_clock: 'POSIX clock_gettime',
    multiplexing_api: 'libuv',
    atomicvar_api: 'none',
    gcc_version: '0.0.0',
    process_id: processGauge.id,
    process_supervised: 'no',
    run_id: runId,
    tcp_port: settings.values.port,
    server_time_usec: Math.floor(world.clock.wallMs() * 1000),
    uptime_in_seconds: uptimeSeconds,
    uptime_in_days: Math.floor(uptimeSeconds / SECONDS_PER_DAY),
  };
}

/** What the buffers of all clients take now, in bytes. O(clients). */
export function clientMemory(
  sessions: Iterable<{ readonly parser: { readonly memoryBytes: number }; readonly unsentBytes: number }>,
): { totalBytes: number; maxInputBytes: number; maxOutputBytes: number } {
  let totalBytes = 0;
  let maxInputBytes = 0;
  let maxOutputBytes = 0;
  for (const { parser, unsentBytes } of sessions) {
    totalBytes += parser.memoryBytes + unsentBytes;
    maxInputBytes = Math.max(maxInputBytes, parser.memoryBytes);
    maxOutputBytes = Math.max(maxOutputBytes, unsentBytes);
  }
  return { totalBytes, maxInputBytes, maxOutputBytes };
}

/** The beginning of the section "stats". */
export function trafficFields(statistics: TrafficStatistics): Fields {
  return {
    total_connections_received: statistics.connectionsReceived,
    total_commands_processed: statistics.commands,
    instantaneous_ops_per_sec: Math.round(statistics.commandRate.perSecond),
    total_net_input_bytes: statistics.inputBytes,
    total_net_output_bytes: statistics.outputBytes,
  };
}

export function byteRateFields(statistics: TrafficStatistics): Fields {
  return {
    instantaneous_input_kbps: fixed(statistics.inputRate.perSecond / 1024),
    instantaneous_output_kbps: fixed(statistics.outputRate.perSecond / 1024),
  };
}

/** Both are of Redis 7.4. */
export function limitFields(statistics: TrafficStatistics): Fields {
  return {
    client_query_buffer_limit_disconnections: statistics.queryLimitDisconnects,
    client_output_buffer_limit_disconnections: statistics.outputLimitDisconnects,
  };
}

export function turnFields(statistics: TrafficStatistics): Fields {
  return {
    eventloop_cycles: statistics.turns,
    eventloop_duration_sum: Math.round(statistics.busyMs * 1000),
  };
}

export function turnRateFields({ turnRate, busyRate }: TrafficStatistics): Fields {
  const { perSecond } = turnRate;
  return {
    instantaneous_eventloop_cycles_per_sec: Math.round(perSecond),
    instantaneous_eventloop_duration_usec: perSecond === 0 ? 0 : Math.round((busyRate.perSecond * 1000) / perSecond),
  };
}

/** The section "cpu". */
export function cpuFields({ processGauge }: NodeFacts): Fields {
  const { systemMicroseconds, userMicroseconds } = processGauge.cpu();
  return {
    used_cpu_sys: fixed(systemMicroseconds / 1e6, 6),
    used_cpu_user: fixed(userMicroseconds / 1e6, 6),
    used_cpu_sys_children: fixed(0, 6),
    used_cpu_user_children: fixed(0, 6),
  };
}

/** The section "errorstats". */
export function errorFields({ byCode }: ErrorCounts): Fields {
  const codes = [...byCode.keys()].sort();
  return Object.fromEntries(codes.map((code) => [`errorstat_${code}`, `count=${byCode.get(code)}`]));
}

/** The beginning of the section "slotcache", our own. */
export function ownFields({ processGauge }: NodeFacts, { longestTurnMs }: TrafficStatistics): Fields {
  const { heapUsedBytes, heapTotalBytes } = processGauge.memory();
  return {
    slotcache_version: VERSION,
    slotcache_node_version: processGauge.nodeVersion,
    slotcache_v8_heap_used: heapUsedBytes,
    slotcache_v8_heap_total: heapTotalBytes,
    slotcache_longest_pause_ms: fixed(longestTurnMs, 3),
  };
}

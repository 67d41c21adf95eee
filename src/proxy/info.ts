/**
 * INFO of the proxy. Sections and fields that Redis has keep Redis' names, so that tools find what they look for; what
 * only a proxy knows is in the section `slotcache`.
 */
import { ProcessGauge, VERSION } from '../base';
import { replyName } from '../commands';
import { addressText } from '../net';
import type { ProxyNode } from './proxy-node';

const gauge = new ProcessGauge();

type Fields = readonly (readonly [name: string, value: string | number])[];

const SECTIONS: Readonly<Record<string, (node: ProxyNode) => Fields>> = {
  server: serverSection,
  clients: clientsSection,
  memory: memorySection,
  stats: statsSection,
  slotcache: slotcacheSection,
  commandstats: commandSection,
};

/** Sections that are shown to who names none. */
const DEFAULT_SECTIONS = ['server', 'clients', 'memory', 'stats', 'slotcache'];

/** The text for the sections that were asked for, in any case; unknown ones are left out, as in Redis. */
export function infoText(node: ProxyNode, asked: readonly string[]): string {
  const wanted = new Set<string>();
  for (const word of asked.length === 0 ? ['default'] : asked) {
    const name = word.toLowerCase();
    const names =
      name === 'default' ? DEFAULT_SECTIONS : name === 'all' || name === 'everything' ? Object.keys(SECTIONS) : [name];
    for (const each of names) wanted.add(each);
  }
  return Object.entries(SECTIONS)
    .filter(([name]) => wanted.has(name))
    .map(([name, fields]) => {
      const lines = fields(node).map(([field, value]) => `${field}:${value}\r\n`);
      return `# ${name[0].toUpperCase()}${name.slice(1)}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}

function serverSection({ settings, world, startedMs, runId, addresses }: ProxyNode): Fields {
  const uptimeSeconds = Math.floor((world.clock.monotonicMs() - startedMs) / 1000);
  const tcp = addresses.find((address) => 'port' in address);
  return [
    ['redis_version', settings.values['redis-version']],
    ['slotcache_version', VERSION],
    ['redis_mode', 'standalone'],
    ['node_version', gauge.nodeVersion],
    ['process_id', gauge.id],
    ['run_id', runId],
    ['tcp_port', tcp !== undefined && 'port' in tcp ? tcp.port : 0],
    ['server_time_usec', Math.floor(world.clock.wallMs() * 1000)],
    ['uptime_in_seconds', uptimeSeconds],
    ['uptime_in_days', Math.floor(uptimeSeconds / 86_400)],
    ['listeners', addresses.map(addressText).join(',')],
  ];
}

function clientsSection({ sessions, settings }: ProxyNode): Fields {
  let owed = 0;
  let unsentBytes = 0;
  for (const session of sessions.values()) {
    owed += session.owed;
    unsentBytes += session.unsentBytes;
  }
  return [
    ['connected_clients', sessions.size],
    ['maxclients', settings.values['maxclients']],
    ['blocked_clients', 0],
    ['replies_owed', owed],
    ['unsent_reply_bytes', unsentBytes],
  ];
}

function memorySection(): Fields {
  const { residentBytes, heapUsedBytes, heapTotalBytes } = gauge.memory();
  return [
    ['used_memory_rss', residentBytes],
    ['v8_heap_used', heapUsedBytes],
    ['v8_heap_total', heapTotalBytes],
  ];
}

function statsSection({ statistics }: ProxyNode): Fields {
  return [
    ['total_connections_received', statistics.connectionsReceived],
    ['total_commands_processed', statistics.commands],
    ['total_net_input_bytes', statistics.inputBytes],
    ['total_net_output_bytes', statistics.outputBytes],
    ['rejected_connections', statistics.connectionsRejected],
    ['total_error_replies', statistics.errorReplies],
    ['client_output_buffer_limit_disconnections', statistics.outputLimitDisconnects],
    ...[...statistics.errors].map(([code, count]) => [`errorstat_${code}`, `count=${count}`] as const),
  ];
}

function slotcacheSection({ router, backends, statistics, viewLink, settings }: ProxyNode): Fields {
  const { view } = router;
  return [
    ['role', 'proxy'],
    ['zone', settings.values['zone']],
    ['view_version', view.version],
    ['config_server', viewLink?.connectedTo ?? ''],
    ['groups', view.groups.length],
    ['longest_turn_ms', statistics.longestTurnMs.toFixed(3)],
    ...[...backends.all].map(
      ({ id, protocol, state, owed, commands, losses, unsentBytes }, i) =>
        [
          `backend${i}`,
          `server=${id},resp=${protocol},state=${state},in_flight=${owed},commands=${commands},losses=${losses},` +
            `unsent_bytes=${unsentBytes}`,
        ] as const,
    ),
  ];
}

function commandSection({ statistics }: ProxyNode): Fields {
  return [...statistics.byCommand()].map(([spec, calls]) => [`cmdstat_${replyName(spec)}`, `calls=${calls}`]);
}

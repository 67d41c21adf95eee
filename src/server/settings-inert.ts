/**
 * Settings of Redis 7.2 that are known here and do nothing (yet): read from files and command lines, checked, kept,
 * reported by CONFIG GET and changed by CONFIG SET exactly as Redis would, without effect.
 *
 * A feature that comes to life moves its lines to settings.ts, which is all there is to do. Those that somebody sets
 * to another value than the default are named in a warning at the start (`Settings.inertInUse`).
 */
import {
  integer,
  LONG_MAX,
  memory,
  oneOf,
  percentiles,
  text,
  UNSIGNED_LONG_MAX,
  words,
  yesNo,
  type Traits,
} from '../base';
import { hostName, keyspaceEvents, oomScores, processTitle } from './settings-checks';

const MEBIBYTE = 1024 * 1024;
const PORT_MAX = 65535;

/** Traits of what has no effect. */
function inert<Extra extends object>(does: string, extra?: Extra): Traits & Extra {
  return { does, inert: true, ...extra } as Traits & Extra;
}

const PERSISTENCE = {
  'rdb-del-sync-files': yesNo(false, inert('Removes RDB files of a full sync where persistence is off.')),
  'rdb-save-incremental-fsync': yesNo(true, inert('Fsyncs an RDB file in steps while it is written.')),
  'sanitize-dump-payload': oneOf(
    'no',
    ['no', 'yes', 'clients'],
    inert('Which payloads of RESTORE and RDB are checked whole; here all are.'),
  ),
  'aof-rewrite-incremental-fsync': yesNo(true, inert('Fsyncs a rewritten file in steps.')),
  'aof-disable-auto-gc': yesNo(false, inert('Keeps append-only files that are no longer needed.')),
};

const REPLICATION = {
  'replica-lazy-flush': yesNo(
    false,
    inert('Drops old data in the background before a full sync; here they always are.', { alias: 'slave-lazy-flush' }),
  ),
  'repl-disable-tcp-nodelay': yesNo(false, inert('Lets the system gather packets to replicas.')),
  'propagation-error-behavior': oneOf(
    'ignore',
    ['ignore', 'panic', 'panic-on-replicas'],
    inert('What follows an error in the journal.'),
  ),
};

const MEMORY = {
  'maxmemory-eviction-tenacity': integer(10, inert('How long eviction may take, from 0 to 100.', { max: 100 })),
  'maxmemory-clients': memory(0, inert('Bytes, or percent of maxmemory, for all clients together.', { percent: true })),
  'lazyfree-lazy-eviction': yesNo(false, inert('Frees evicted values in the background.')),
  'lazyfree-lazy-expire': yesNo(false, inert('Frees expired values in the background.')),
  'lazyfree-lazy-server-del': yesNo(false, inert('Frees overwritten values in the background.')),
  'lazyfree-lazy-user-del': yesNo(false, inert('Makes DEL act as UNLINK.')),
  'lazyfree-lazy-user-flush': yesNo(false, inert('Makes FLUSHALL and FLUSHDB act as with ASYNC.')),
  activerehashing: yesNo(true, inert('Grows tables in idle time too.')),
  activedefrag: yesNo(false, inert('Moves values to heal fragmentation.')),
  'active-defrag-ignore-bytes': memory(
    100 * MEBIBYTE,
    inert('Bytes of fragmentation that are left alone.', { min: 1 }),
  ),
  'active-defrag-threshold-lower': integer(10, inert('Percent of fragmentation at which it begins.', { max: 1000 })),
  'active-defrag-threshold-upper': integer(
    100,
    inert('Percent of fragmentation at which it works hardest.', { max: 1000 }),
  ),
  'active-defrag-cycle-min': integer(1, inert('Percent of CPU at least.', { min: 1, max: 99 })),
  'active-defrag-cycle-max': integer(25, inert('Percent of CPU at most.', { min: 1, max: 99 })),
  'active-defrag-max-scan-fields': integer(
    1000,
    inert('Elements up to which a value is done at once.', { min: 1, max: LONG_MAX }),
  ),
  'jemalloc-bg-thread': yesNo(true, inert('Thread of jemalloc; there is no jemalloc here.')),
};

const ENCODINGS = {
  'list-compress-depth': integer(
    0,
    inert('Chunks at the ends of a list that are not compressed; 0 for no compression.'),
  ),
};

const OBSERVATION = {
  'slowlog-log-slower-than': integer(
    10000,
    inert('Microseconds from which a command is slow; -1 for never.', { min: -1, max: LONG_MAX }),
  ),
  'slowlog-max-len': integer(128, inert('Entries of the slow log.', { max: LONG_MAX })),
  'latency-monitor-threshold': integer(
    0,
    inert('Milliseconds from which an event is recorded; 0 for never.', { max: LONG_MAX }),
  ),
  'latency-tracking': yesNo(true, inert('Keeps a histogram of latency per command.')),
  'latency-tracking-info-percentiles': percentiles([50, 99, 99.9], inert('Percentiles that INFO shows.')),
  'notify-keyspace-events': keyspaceEvents(inert('Classes of keyspace events that are published.')),
  'tracking-table-max-keys': integer(1000000, inert('Keys remembered for client side caches.', { max: LONG_MAX })),
  'busy-reply-threshold': integer(
    5000,
    inert('Milliseconds after which a script makes the server busy.', { max: LONG_MAX, alias: 'lua-time-limit' }),
  ),
  'syslog-enabled': yesNo(false, inert('Logs to the system log.', { immutable: true })),
  'syslog-ident': text('redis', inert('Name in the system log.', { immutable: true })),
  'syslog-facility': oneOf(
    'local0',
    ['user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
    inert('Facility of the system log.', { immutable: true }),
  ),
  'crash-log-enabled': yesNo(true, inert('Writes a report when the process dies.')),
  'crash-memcheck-enabled': yesNo(true, inert('Checks memory when the process dies.')),
  'always-show-logo': yesNo(false, inert('Shows the logo at the start.', { immutable: true })),
  'ignore-warnings': text('', inert('Warnings about the system that do not stop the start.')),
};

const PROCESS = {
  daemonize: yesNo(false, inert('Goes to the background.', { immutable: true })),
  supervised: oneOf(
    'no',
    ['upstart', 'systemd', 'auto', 'no'],
    inert('Reports readiness to a supervisor.', { immutable: true }),
  ),
  pidfile: text('', inert('File with the number of the process.', { immutable: true })),
  'set-proc-title': yesNo(true, inert('Sets the title of the process.', { immutable: true })),
  'proc-title-template': text(
    '{title} {listen-addr} {server-mode}',
    inert('Title of the process.', { check: processTitle }),
  ),
  'dynamic-hz': yesNo(true, inert('Works more often with more clients.')),
  'io-threads': integer(1, inert('Threads for reading and writing.', { min: 1, max: 128, immutable: true })),
  'io-threads-do-reads': yesNo(false, inert('Reads in threads too.', { immutable: true })),
  server_cpulist: text('', inert('CPUs of the main thread.', { immutable: true })),
  bio_cpulist: text('', inert('CPUs of background threads.', { immutable: true })),
  aof_rewrite_cpulist: text('', inert('CPUs of a rewrite.', { immutable: true })),
  bgsave_cpulist: text('', inert('CPUs of a save.', { immutable: true })),
  'oom-score-adj': oneOf('no', ['no', 'yes', 'relative', 'absolute'], inert('Tells the system whom to kill first.')),
  'oom-score-adj-values': words(
    ['0', '200', '800'],
    inert('Scores of a master, a replica, a child.', { check: oomScores }),
  ),
  'disable-thp': yesNo(true, inert('Turns transparent huge pages off.', { immutable: true })),
  'locale-collate': text('', inert('Locale that SORT ALPHA compares by.')),
  'bind-source-addr': text('', inert('Address that outgoing connections come from.')),
  'socket-mark-id': integer(0, inert('Mark of packets for the firewall.', { max: 4294967295 })),
  'enable-module-command': oneOf('no', ['no', 'yes', 'local'], inert('Who may use MODULE.', { immutable: true })),
  aclfile: text('', inert('File of users.', { immutable: true })),
  'acllog-max-len': integer(128, inert('Entries of ACL LOG.', { max: LONG_MAX })),
  'acl-pubsub-default': oneOf(
    'resetchannels',
    ['allchannels', 'resetchannels'],
    inert('Channels that a new user may use.'),
  ),
};

const CLUSTER = {
  'cluster-enabled': yesNo(
    false,
    inert('Redis Cluster; here the proxy and the control plane do that.', { immutable: true }),
  ),
  'cluster-config-file': text('nodes.conf', inert('State of a cluster node.', { immutable: true })),
  'cluster-port': integer(0, inert('Port of the cluster bus.', { max: PORT_MAX, immutable: true })),
  'cluster-node-timeout': integer(
    15000,
    inert('Milliseconds of silence after which a node is down.', { max: LONG_MAX }),
  ),
  'cluster-require-full-coverage': yesNo(true, inert('Refuses all keys while some slot has no owner.')),
  'cluster-replica-validity-factor': integer(
    10,
    inert('How old a replica may be to become master.', { alias: 'cluster-slave-validity-factor' }),
  ),
  'cluster-replica-no-failover': yesNo(
    false,
    inert('Never becomes master by itself.', { alias: 'cluster-slave-no-failover' }),
  ),
  'cluster-migration-barrier': integer(1, inert('Replicas that a master keeps.')),
  'cluster-allow-replica-migration': yesNo(true, inert('Moves replicas to masters without any.')),
  'cluster-allow-reads-when-down': yesNo(false, inert('Answers reads while the cluster is down.')),
  'cluster-allow-pubsubshard-when-down': yesNo(true, inert('Publishes while the cluster is down.')),
  'cluster-link-sendbuf-limit': memory(
    0,
    inert('Bytes that may wait on a link of the bus.', { max: UNSIGNED_LONG_MAX }),
  ),
  'cluster-announce-ip': text('', inert('Address that others are told.')),
  'cluster-announce-hostname': text('', inert('Host name that others are told.', { check: hostName })),
  'cluster-announce-human-nodename': text('', inert('Name for people in logs.', { check: hostName })),
  'cluster-announce-port': integer(0, inert('Port that others are told.', { max: PORT_MAX })),
  'cluster-announce-tls-port': integer(0, inert('TLS port that others are told.', { max: PORT_MAX })),
  'cluster-announce-bus-port': integer(0, inert('Port of the bus that others are told.', { max: PORT_MAX })),
  'cluster-preferred-endpoint-type': oneOf(
    'ip',
    ['ip', 'hostname', 'unknown-endpoint'],
    inert('How others are named to clients.'),
  ),
};

const TLS = {
  'tls-cluster': yesNo(false, inert('TLS on the cluster bus.')),
  'tls-session-cache-size': integer(
    20480,
    inert('Sessions kept; here clients keep them, as tickets, and there is no cache.'),
  ),
};

/** Settings of Redis 7.2 without effect here, by name. */
export const INERT_SETTINGS = {
  ...PERSISTENCE,
  ...REPLICATION,
  ...MEMORY,
  ...ENCODINGS,
  ...OBSERVATION,
  ...PROCESS,
  ...CLUSTER,
  ...TLS,
};

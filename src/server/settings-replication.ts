/**
 * Settings of replication: whose replica the node is, what it keeps for replicas of its own, and what a write needs of them.
 *
 * Names, defaults and bounds are Redis'. Ours are `write-quorum` and `write-quorum-timeout`: replies to writes wait until so
 * many replicas have what was written.
 */
import { integer, LONG_MAX, memory, oneOf, text, words, yesNo } from '../base';
import { hostAndPort, isNoOne } from './settings-checks';

const MEBIBYTE = 1024 * 1024;
const PORT_MAX = 65535;
const BACKLOG_BYTES_MIN = 16 * 1024;

/** CONFIG SET must not change it; REPLICAOF does, by `Settings.set`. */
const MASTER = words([], {
  immutable: true,
  alias: 'slaveof',
  check: hostAndPort,
  does: 'Host and port of the master; none for a master.',
});

export const REPLICATION_SETTINGS = {
  replicaof: {
    ...MASTER,
    parse: (...[given, ...rest]: Parameters<typeof MASTER.parse>) =>
      isNoOne(given) ? [] : MASTER.parse(given, ...rest),
  },
  'tls-replication': yesNo(false, { does: 'Connects to the master by TLS.' }),
  masterauth: text('', { sensitive: true, does: 'Password that the master asks for.' }),
  masteruser: text('', { sensitive: true, does: 'User to be on the master.' }),
  'replica-serve-stale-data': yesNo(true, {
    alias: 'slave-serve-stale-data',
    does: 'Answers while the link to the master is down.',
  }),
  'replica-read-only': yesNo(true, {
    alias: 'slave-read-only',
    does: 'Refuses writes of clients on a replica.',
  }),
  'replica-ignore-maxmemory': yesNo(true, {
    alias: 'slave-ignore-maxmemory',
    does: 'Leaves eviction to the master.',
  }),
  'replica-ignore-disk-write-errors': yesNo(false, {
    does: 'Goes on with what the master sends after a write to disk has failed.',
  }),
  'replica-priority': integer(100, {
    alias: 'slave-priority',
    does: 'Who becomes master: the least; 0 for never.',
  }),
  'replica-announced': yesNo(true, { does: 'Is shown to sentinels.' }),
  'replica-announce-ip': text('', { alias: 'slave-announce-ip', does: 'Address that the master is told.' }),
  'replica-announce-port': integer(0, {
    max: PORT_MAX,
    alias: 'slave-announce-port',
    does: 'Port that the master is told.',
  }),
  'repl-ping-replica-period': integer(10, {
    min: 1,
    alias: 'repl-ping-slave-period',
    does: 'Seconds between pings to replicas.',
  }),
  'repl-timeout': integer(60, { min: 1, does: 'Seconds of silence after which a link is down.' }),
  'repl-backlog-size': memory(MEBIBYTE, {
    min: 1,
    adjust: (bytes: number) => Math.max(BACKLOG_BYTES_MIN, bytes),
    does: 'Bytes of the stream kept for replicas that come back.',
  }),
  'repl-backlog-ttl': integer(3600, {
    max: LONG_MAX,
    does: 'Seconds without replicas after which the backlog is freed; 0 for never.',
  }),
  'repl-diskless-sync': yesNo(true, { does: 'Sends an RDB to replicas without a file between.' }),
  'repl-diskless-sync-delay': integer(5, { does: 'Seconds to wait for more replicas before a sync.' }),
  'repl-diskless-sync-max-replicas': integer(0, {
    does: 'Replicas for which a sync waits no longer; 0 for the delay only.',
  }),
  'repl-diskless-load': oneOf('disabled', ['disabled', 'on-empty-db', 'swapdb'], {
    does: 'When a replica loads an RDB as it comes, without a file between; swapdb: beside the data that it has.',
  }),
  'min-replicas-to-write': integer(0, {
    alias: 'min-slaves-to-write',
    does: 'Replicas without which writes are refused; 0 for none.',
  }),
  'min-replicas-max-lag': integer(10, {
    alias: 'min-slaves-max-lag',
    does: 'Seconds of lag with which a replica still counts.',
  }),
  'write-quorum': integer(0, {
    does: 'Replicas that must have acknowledged a write before its reply leaves; 0 for none.',
  }),
  'write-quorum-timeout': integer(1000, {
    min: 1,
    does: 'Milliseconds that the reply to a write waits for `write-quorum`; then it is an error.',
  }),
};

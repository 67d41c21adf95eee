/**
 * The settings of a config server. Names that Redis has too mean the same here.
 */
import { integer, oneOf, Settings, text, UINT32_MAX, words, yesNo } from '../base';
import { doorwaySettings } from '../net';

/** From the port for clients to that for peers, where nobody says otherwise; Redis Cluster's bus keeps the same distance. */
export const PEER_PORT_DISTANCE = 10_000;

const PEER = /^[1-9][0-9]{0,9}@(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._%-]+):[0-9]{1,5}$/;

const table = {
  ...doorwaySettings(6390),
  id: integer(1, { min: 1, max: UINT32_MAX, immutable: true, does: 'Number of this config server in its cluster.' }),
  peers: words([], {
    immutable: true,
    check: (peers) => (peers.every((peer) => PEER.test(peer)) ? null : 'argument must be id@host:peer-port …'),
    does: 'The founders of the cluster, this one among them, as id@host:peer-port; the same on all. None: it is alone.',
  }),
  join: yesNo(false, { immutable: true, does: 'Founds no cluster, and waits to be added to one (CONFIG ADD).' }),
  'peer-port': integer(0, {
    max: 65535,
    immutable: true,
    does: 'TCP port for other config servers. 0: that of peers, else port + 10000 with join; none for one that is alone.',
  }),
  'announce-host': text('', {
    immutable: true,
    does: 'Host where clients and peers reach this config server. Empty: that of peers, else the first of bind.',
  }),
  zone: text('', { immutable: true, does: 'Where it stands.' }),
  'cluster-secret': text('', {
    immutable: true,
    sensitive: true,
    does: 'What config servers prove to each other to know; without one only those of this machine, or of a TLS authority, get in.',
  }),
  'cluster-name': text('slotcache', { immutable: true, does: 'Keeps config servers of different clusters apart.' }),
  'election-timeout-ms': integer(150, {
    min: 10,
    max: 60_000,
    immutable: true,
    does: 'Least milliseconds without a leader after which another is elected.',
  }),
  'heartbeat-ms': integer(50, {
    min: 1,
    max: 30_000,
    immutable: true,
    does: 'Milliseconds between heartbeats of the leader; well below election-timeout-ms.',
  }),
  'tls-peers': yesNo(false, { immutable: true, does: 'Speaks TLS with other config servers.' }),
  'server-username': text('', { does: 'User as whom data nodes are asked; empty for the default user.' }),
  'server-password': text('', { sensitive: true, does: 'Password for the data nodes; empty for none.' }),
  'tls-servers': yesNo(false, { immutable: true, does: 'Speaks TLS with the data nodes.' }),
  dir: text('.', { immutable: true, does: 'Directory of the state: the log is in raft/ there.' }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], {
    does: 'Least level that is logged.',
  }),
  logfile: text('', { immutable: true, does: 'File to log to; empty: standard output.' }),
} as const;

export type ConfigSettings = Settings<typeof table>;

export function configSettings(): ConfigSettings {
  return new Settings(table);
}

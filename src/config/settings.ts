/**
 * The settings of a config server. Names that Redis has too mean the same here.
 */
import { integer, oneOf, octal, Settings, text, words, yesNo } from '../base';

const table = {
  port: integer(6390, { min: 0, max: 65535, immutable: true, does: 'TCP port to listen on; 0 for none.' }),
  bind: words(['*', '-::*'], { immutable: true, does: 'Addresses to listen on; with "-" before it, one may be missing.' }),
  unixsocket: text('', { immutable: true, does: 'Path of a unix socket to listen on.' }),
  unixsocketperm: octal(0, { max: 0o777, immutable: true, does: 'Permissions of the unix socket.' }),
  'tcp-backlog': integer(511, { min: 0, max: 65535, immutable: true, does: 'Connections that may wait to be accepted.' }),
  'tcp-keepalive': integer(300, { min: 0, max: 86400, does: 'Seconds of silence before a peer is probed; 0 for never.' }),
  maxclients: integer(10000, { min: 1, max: 1000000, does: 'Most connections at a time.' }),
  requirepass: text('', { sensitive: true, does: 'Password that every connection must give.' }),
  'protected-mode': yesNo(true, { does: 'Without a password, lets in connections from this machine only.' }),
  dir: text('.', { immutable: true, does: 'Directory of view.json, the state.' }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], { does: 'Least level that is logged.' }),
  logfile: text('', { immutable: true, does: 'File to log to; empty: standard output.' }),
} as const;

export type ConfigSettings = Settings<typeof table>;

export function configSettings(): ConfigSettings {
  return new Settings(table);
}

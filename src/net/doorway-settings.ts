/**
 * The settings that all nodes have in common: where they listen, whom they let in, how much a client may send. Names,
 * defaults and bounds are Redis'; where Redis can change one while it runs and we cannot, it is immutable here.
 */
import { integer, memory, octal, text, UINT32_MAX, words, yesNo, type Settings } from '../base';
import { defaultProtocolLimits, type ProtocolLimits } from '../resp';
import { tlsSettings } from './tls-settings';

/** The version of Redis that clients are told, unless `redis-version` says otherwise. */
export const REDIS_VERSION = '7.2.5';

const MEBIBYTE = 1024 * 1024;
const BIND_ADDRESSES_MAX = 16;

/** Where a node listens and whom it lets in; `port` is the default of its own. */
export function doorwaySettings(port: number) {
  return {
    port: integer(port, { max: 65535, immutable: true, does: 'TCP port to listen on; 0 for none.' }),
    bind: words(['*', '-::*'], {
      immutable: true,
      check: (addresses) => (addresses.length > BIND_ADDRESSES_MAX ? 'Too many bind addresses specified.' : null),
      does: 'Addresses to listen on; one that begins with "-" may be missing on the machine.',
    }),
    unixsocket: text('', { immutable: true, does: 'Path of a unix socket to listen on; empty for none.' }),
    unixsocketperm: octal(0, {
      immutable: true,
      does: "Permissions of the unix socket, octal; 0 for the system's default.",
    }),
    'tcp-backlog': integer(511, { immutable: true, does: 'How many connections may wait to be accepted.' }),
    'tcp-keepalive': integer(300, { does: 'Seconds between TCP keep-alives on idle connections; 0 for none.' }),
    maxclients: integer(10000, { min: 1, max: UINT32_MAX, does: 'How many clients may be connected at once.' }),
    'protected-mode': yesNo(true, { does: 'Refuses clients from other machines while there is no password.' }),
    requirepass: text('', {
      sensitive: true,
      does: 'Password that clients must give by AUTH or HELLO; empty for none.',
    }),
    ...tlsSettings(),
  };
}

/** Settings with these among them. */
export type DoorwaySettings = Settings<ReturnType<typeof doorwaySettings>>;

/** What a client of a data node or proxy may do and is told. */
export function clientSettings() {
  return {
    timeout: integer(0, { does: 'Seconds after which an idle client is closed; 0 for never.' }),
    'client-query-buffer-limit': memory(1024 * MEBIBYTE, {
      min: MEBIBYTE,
      does: 'Bytes of commands that may wait to be read whole, per client.',
    }),
    'proto-max-bulk-len': memory(512 * MEBIBYTE, {
      min: MEBIBYTE,
      does: 'Bytes that one argument of a command may have.',
    }),
    'redis-version': text(REDIS_VERSION, {
      check: (version) => (/^\d+\.\d+\.\d+$/.test(version) ? null : 'argument must be a version such as 7.2.5'),
      does: 'Version of Redis that INFO and HELLO report, as clients choose features by it. Ours, not Redis’.',
    }),
  };
}

/** The limits for parsers of commands that these settings mean, now and after every change. */
export function protocolLimitsOf(settings: Settings<ReturnType<typeof clientSettings>>): ProtocolLimits {
  const { values } = settings;
  const limits: ProtocolLimits = {
    ...defaultProtocolLimits(),
    bulkBytesMax: values['proto-max-bulk-len'],
    queryBytesMax: values['client-query-buffer-limit'],
  };
  settings.onChange('proto-max-bulk-len', (bytes) => (limits.bulkBytesMax = bytes));
  settings.onChange('client-query-buffer-limit', (bytes) => (limits.queryBytesMax = bytes));
  return limits;
}

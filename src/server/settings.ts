/**
 * The settings of the data node: those that work, and with them all others of Redis 7.2 (see settings-inert.ts), so that
 * a redis.conf works as it is and tools that read CONFIG GET find what they look for.
 *
 * Names, defaults and bounds are Redis'. Where ours differ, the reason stands beside it: a setting that could not keep
 * its promise is refused rather than accepted in silence.
 */
import {
  INT32_MAX,
  integer,
  memory,
  octal,
  oneOf,
  outputLimits,
  Settings,
  text,
  UINT32_MAX,
  UNSIGNED_LONG_MAX,
  words,
  yesNo,
  type Directives,
} from '../base';
import { INERT_SETTINGS } from './settings-inert';

/** The version of Redis that clients are told, unless `redis-version` says otherwise. */
export const REDIS_VERSION = '7.2.5';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** Who may do a thing: nobody, everybody, clients from this machine. */
const PERMISSION = ['no', 'yes', 'local'] as const;

const EFFECTIVE_SETTINGS = {
  // Redis can move its listeners while it runs; we cannot, so these two can be given at the start only.
  port: integer(6379, { max: 65535, immutable: true, does: 'TCP port to listen on; 0 for none.' }),
  bind: words(['*', '-::*'], {
    immutable: true,
    check: (addresses) => (addresses.length > 16 ? 'Too many bind addresses specified.' : null),
    does: 'Addresses to listen on; one that begins with "-" may be missing on the machine.',
  }),
  unixsocket: text('', { immutable: true, does: 'Path of a unix socket to listen on; empty for none.' }),
  unixsocketperm: octal(0, {
    immutable: true,
    does: "Permissions of the unix socket, octal; 0 for the system's default.",
  }),
  'tcp-backlog': integer(511, { immutable: true, does: 'How many connections may wait to be accepted.' }),
  'tcp-keepalive': integer(300, { does: 'Seconds between TCP keep-alives on idle connections; 0 for none.' }),
  timeout: integer(0, { does: 'Seconds after which an idle client is closed; 0 for never.' }),
  maxclients: integer(10000, { min: 1, max: UINT32_MAX, does: 'How many clients may be connected at once.' }),
  'protected-mode': yesNo(true, {
    does: 'Refuses clients from other machines while there is neither a password nor a list of addresses to bind.',
  }),
  requirepass: text('', { sensitive: true, does: 'Password that clients must give by AUTH or HELLO; empty for none.' }),
  'client-output-buffer-limit': outputLimits(
    {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * MEBIBYTE, softBytes: 64 * MEBIBYTE, softSeconds: 60 },
      pubsub: { hardBytes: 32 * MEBIBYTE, softBytes: 8 * MEBIBYTE, softSeconds: 60 },
    },
    { does: 'Per class of client: bytes of replies that may wait, and how many of them for how many seconds.' },
  ),
  'client-query-buffer-limit': memory(KIBIBYTE * MEBIBYTE, {
    min: MEBIBYTE,
    does: 'Bytes of commands that may wait to be read whole, per client.',
  }),
  'proto-max-bulk-len': memory(512 * MEBIBYTE, {
    min: MEBIBYTE,
    does: 'Bytes that one argument of a command may have.',
  }),
  databases: integer(16, { min: 1, immutable: true, does: 'How many databases SELECT can choose from.' }),
  maxmemory: memory(0, {
    max: UNSIGNED_LONG_MAX,
    does: 'Bytes of data after which `maxmemory-policy` decides; 0 for no limit.',
  }),
  'maxmemory-policy': oneOf(
    'noeviction',
    [
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ],
    { does: 'Which keys make room when `maxmemory` is reached; noeviction refuses writes instead.' },
  ),
  'active-expire-effort': integer(1, {
    min: 1,
    max: 10,
    does: 'How hard expired keys are searched for, from 1 to 10.',
  }),
  hz: integer(10, {
    max: INT32_MAX,
    adjust: (value) => Math.min(500, Math.max(1, value)),
    does: 'Background work per second: expiry, timeouts; between 1 and 500.',
  }),
  dir: text('.', { protected: true, does: 'Directory that data files are relative to.' }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], { does: 'Least level that is logged.' }),
  logfile: text('', { immutable: true, does: 'File that the log goes to; empty for standard output.' }),
  'enable-debug-command': oneOf('no', PERMISSION, { immutable: true, does: 'Who may use DEBUG.' }),
  'enable-protected-configs': oneOf('no', PERMISSION, {
    immutable: true,
    does: 'Who may change protected settings by CONFIG SET.',
  }),
  'redis-version': text(REDIS_VERSION, {
    check: (version) => (/^\d+\.\d+\.\d+$/.test(version) ? null : 'argument must be a version such as 7.2.5'),
    does: 'Version of Redis that INFO and HELLO report, as clients choose features by it. Ours, not Redis’.',
  }),
};

/** Every setting of the data node, by name. */
export const SERVER_SETTINGS = { ...EFFECTIVE_SETTINGS, ...INERT_SETTINGS };

export type ServerSettings = Settings<typeof SERVER_SETTINGS>;

/** Settings of a data node, all at their defaults. */
export function serverSettings(): ServerSettings {
  return new Settings(SERVER_SETTINGS);
}

/**
 * Directives of a redis.conf that are no settings. What would be dangerous to pass over is refused: who renames or
 * restricts a command relies on it.
 */
export const SERVER_DIRECTIVES: Directives = {
  'rename-command': () => 'rename-command is not supported by this server',
  user: () => 'user is not supported by this server: there is one user, with the password of requirepass',
  loadmodule: () => 'loadmodule is not supported by this server',
  // Redis itself passes over these three since they lost their meaning.
  'list-max-ziplist-entries': oneWord,
  'list-max-ziplist-value': oneWord,
  'lua-replicate-commands': oneWord,
};

function oneWord(given: readonly string[]): string | null {
  return given.length === 1 ? null : 'Bad directive or wrong number of arguments';
}

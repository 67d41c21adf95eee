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
  oneOf,
  outputLimits,
  Settings,
  text,
  UNSIGNED_LONG_MAX,
  type Directives,
} from '../base';
import { clientSettings, doorwaySettings } from '../net';
import { EVICTION_POLICIES } from '../storage';
import { followerSettings } from '../views';
import { INERT_SETTINGS } from './settings-inert';
import { PACKING_SETTINGS } from './settings-packing';
import { PERSISTENCE_SETTINGS } from './settings-persistence';
import { REPLICATION_SETTINGS } from './settings-replication';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** Who may do a thing: nobody, everybody, clients from this machine. */
const PERMISSION = ['no', 'yes', 'local'] as const;

const EFFECTIVE_SETTINGS = {
  ...doorwaySettings(6379),
  ...clientSettings(),
  'client-output-buffer-limit': outputLimits(
    {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * MEBIBYTE, softBytes: 64 * MEBIBYTE, softSeconds: 60 },
      pubsub: { hardBytes: 32 * MEBIBYTE, softBytes: 8 * MEBIBYTE, softSeconds: 60 },
    },
    { does: 'Per class of client: bytes of replies that may wait, and how many of them for how many seconds.' },
  ),
  databases: integer(16, { min: 1, immutable: true, does: 'How many databases SELECT can choose from.' }),
  maxmemory: memory(0, {
    max: UNSIGNED_LONG_MAX,
    does: 'Bytes of data after which `maxmemory-policy` decides; 0 for no limit.',
  }),
  'maxmemory-policy': oneOf('noeviction', EVICTION_POLICIES, {
    does: 'Which keys make room when `maxmemory` is reached; noeviction refuses writes instead.',
  }),
  'maxmemory-samples': integer(5, { min: 1, does: 'How many keys are drawn to choose one for eviction.' }),
  'lfu-log-factor': integer(10, { does: 'How slowly the counter of uses grows.' }),
  'lfu-decay-time': integer(1, { does: 'Minutes after which the counter of uses shrinks by one; 0 for never.' }),
  'active-expire-effort': integer(1, {
    min: 1,
    max: 10,
    does: 'How hard expired keys are searched for, from 1 to 10.',
  }),
  ...PACKING_SETTINGS,
  ...PERSISTENCE_SETTINGS,
  ...REPLICATION_SETTINGS,
  ...followerSettings(),
  'hll-sparse-max-bytes': memory(3000, { does: 'Bytes up to which a HyperLogLog is sparse.' }),
  hz: integer(10, {
    max: INT32_MAX,
    adjust: (value) => Math.min(500, Math.max(1, value)),
    does: 'Background work per second: expiry, timeouts; between 1 and 500.',
  }),
  loglevel: oneOf('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing'], {
    does: 'Least level that is logged.',
  }),
  logfile: text('', { immutable: true, does: 'File that the log goes to; empty for standard output.' }),
  'enable-debug-command': oneOf('no', PERMISSION, { immutable: true, does: 'Who may use DEBUG.' }),
  'enable-protected-configs': oneOf('no', PERMISSION, {
    immutable: true,
    does: 'Who may change protected settings by CONFIG SET.',
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

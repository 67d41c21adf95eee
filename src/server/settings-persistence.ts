/**
 * Settings of what the data node leaves on disk: when it saves, how its append-only file is kept, what a shutdown does.
 *
 * Names, defaults and bounds are Redis'. One is our own: `rdb-version`, because Redis 7.0 refuses files of version 11 though
 * all that they say can be said in version 10, which every Redis 7 reads.
 */
import { integer, memory, oneOf, savePoints, text, yesNo } from '../base';
import { fileName, neededFileName, shutdownOptions } from './settings-checks';

const MEBIBYTE = 1024 * 1024;

const DEFAULT_SAVE_POINTS = [
  { seconds: 3600, changes: 1 },
  { seconds: 300, changes: 100 },
  { seconds: 60, changes: 10000 },
];

export const PERSISTENCE_SETTINGS = {
  dir: text('.', { protected: true, does: 'Directory that data files are relative to.' }),
  save: savePoints(DEFAULT_SAVE_POINTS, {
    does: 'Pairs of seconds and changes after which the data are saved; "" for never.',
  }),
  dbfilename: text('dump.rdb', {
    protected: true,
    check: fileName('dbfilename', 'filename'),
    does: 'Name of the RDB file.',
  }),
  rdbcompression: yesNo(true, { does: 'Compresses strings in RDB files and payloads of DUMP.' }),
  rdbchecksum: yesNo(true, { immutable: true, does: 'Ends RDB files with a checksum.' }),
  'rdb-version': integer(10, {
    min: 10,
    max: 11,
    does: 'Version of the RDB files that are written: 10 for every Redis 7, 11 for Redis 7.2 and later.',
  }),
  'stop-writes-on-bgsave-error': yesNo(true, { does: 'Refuses writes after a save has failed.' }),
  appendonly: yesNo(false, { does: 'Keeps an append-only file.' }),
  appendfilename: text('appendonly.aof', {
    immutable: true,
    check: neededFileName('appendfilename', 'filename'),
    does: 'Base name of the append-only files.',
  }),
  appenddirname: text('appendonlydir', {
    immutable: true,
    check: neededFileName('appenddirname', 'dirname'),
    does: 'Directory of the append-only files.',
  }),
  appendfsync: oneOf('everysec', ['everysec', 'always', 'no'], { does: 'When the append-only file is fsynced.' }),
  'no-appendfsync-on-rewrite': yesNo(false, { does: 'Does not fsync while a save or a rewrite runs.' }),
  'auto-aof-rewrite-percentage': integer(100, {
    does: 'Growth in percent after which the append-only file is rewritten; 0 for never.',
  }),
  'auto-aof-rewrite-min-size': memory(64 * MEBIBYTE, {
    does: 'Bytes below which the append-only file is not rewritten by itself.',
  }),
  'aof-load-truncated': yesNo(true, { does: 'Starts though the end of the append-only file is missing.' }),
  'aof-use-rdb-preamble': yesNo(true, { does: 'Begins a rewritten append-only file with an RDB.' }),
  'aof-timestamp-enabled': yesNo(false, { does: 'Records times in the append-only file.' }),
  'shutdown-on-sigint': shutdownOptions({ does: 'What SIGINT does.' }),
  'shutdown-on-sigterm': shutdownOptions({ does: 'What SIGTERM does.' }),
  'shutdown-timeout': integer(10, { does: 'Seconds that a shutdown waits for replicas that lag; 0 for not at all.' }),
};

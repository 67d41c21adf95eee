/**
 * What the data node says when a command cannot be done with the data: constants, in Redis' own words, because clients and
 * people search for them. Texts about commands and greetings are those of all nodes (src/commands/errors.ts).
 */
export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_A_FLOAT = 'ERR value is not a valid float';
export const WOULD_OVERFLOW = 'ERR increment or decrement would overflow';
export const DECREMENT_WOULD_OVERFLOW = 'ERR decrement would overflow';
export const NOT_FINITE = 'ERR increment would produce NaN or Infinity';
export const VALUE_IS_NOT_FINITE = 'ERR value is NaN or Infinity';
export const HASH_VALUE_IS_NOT_AN_INTEGER = 'ERR hash value is not an integer';
export const HASH_VALUE_IS_NOT_A_FLOAT = 'ERR hash value is not a float';
export const NOT_A_SCORE = "ERR One or more scores can't be converted into double";
export const OUT_OF_RANGE = 'ERR value is out of range';
export const NOT_A_COUNT = 'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807';
export const NOT_POSITIVE = 'ERR value is out of range, must be positive';
export const NUMKEYS_NOT_POSITIVE = 'ERR numkeys should be greater than 0';
export const TOO_MANY_KEYS = "ERR Number of keys can't be greater than number of args";
export const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";
export const INDEX_OUT_OF_RANGE = 'ERR index out of range';
export const COUNT_NEGATIVE = "ERR COUNT can't be negative";
export const MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";
export const RANK_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the " +
  'end of the list';
export const COUNT_NOT_POSITIVE = 'ERR count should be greater than 0';
export const BAD_SCORE_RANGE = 'ERR min or max is not a float';
export const BAD_NAME_RANGE = 'ERR min or max not valid string range item';
export const LIMIT_NEEDS_BOUNDS =
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX';
export const SCORES_WITHOUT_ORDER = 'ERR syntax error, WITHSCORES not supported in combination with BYLEX';
export const SCORE_IS_NAN = 'ERR resulting score is not a number (NaN)';
export const BAD_WEIGHT = 'ERR weight value is not a float';
export const XX_AND_NX = 'ERR XX and NX options at the same time are not compatible';
export const GT_LT_AND_NX = 'ERR GT, LT, and/or NX options at the same time are not compatible';
export const INCR_TAKES_ONE_PAIR = 'ERR INCR option supports a single increment-element pair';
export const OFFSET_OUT_OF_RANGE = 'ERR offset is out of range';
export const BIT_OFFSET_OUT_OF_RANGE = 'ERR bit offset is not an integer or out of range';
export const BIT_OUT_OF_RANGE = 'ERR bit is not an integer or out of range';
export const BIT_IS_NOT_0_OR_1 = 'ERR The bit argument must be 1 or 0.';
export const BITOP_NOT_TAKES_ONE = 'ERR BITOP NOT must be called with a single source key.';
export const BITFIELD_RO_ONLY_GETS = 'ERR BITFIELD_RO only supports the GET subcommand';
export const BAD_OVERFLOW_TYPE = 'ERR Invalid OVERFLOW type specified';
export const BAD_BITFIELD_TYPE =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
export const LCS_NEEDS_STRINGS = 'ERR The specified keys must contain string values';
export const LCS_LEN_AND_IDX = 'ERR If you want both the length and indexes, please just use IDX.';
export const LCS_TOO_LARGE = 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const NO_SUCH_KEY = 'ERR no such key';
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const SAME_OBJECT = 'ERR source and destination objects are the same';
export const INVALID_CURSOR = 'ERR invalid cursor';
export const NOT_IN_TRANSACTION = 'ERR Command not allowed inside a transaction';
export const NESTED_MULTI = 'ERR MULTI calls can not be nested';
export const WATCH_INSIDE_MULTI = 'ERR WATCH inside MULTI is not allowed';
export const EXEC_WITHOUT_MULTI = 'ERR EXEC without MULTI';
export const DISCARD_WITHOUT_MULTI = 'ERR DISCARD without MULTI';
export const EXEC_ABORTED = 'EXECABORT Transaction discarded because of previous errors.';
export const NOT_A_HYPERLOGLOG = 'WRONGTYPE Key is not a valid HyperLogLog string value.';
export const CORRUPT_HYPERLOGLOG = 'INVALIDOBJ Corrupted HLL object detected';
export const NOT_SPARSE = 'ERR HLL encoding is not sparse';
export const KEY_DOES_NOT_EXIST = 'ERR The specified key does not exist';
export const KEY_EXISTS = 'BUSYKEY Target key name already exists.';
export const BAD_TTL = 'ERR Invalid TTL value, must be >= 0';
export const BAD_IDLE_TIME = 'ERR Invalid IDLETIME value, must be >= 0';
export const BAD_FREQUENCY = 'ERR Invalid FREQ value, must be >= 0 and <= 255';
export const BAD_PAYLOAD = 'ERR DUMP payload version or checksum are wrong';
export const BAD_DATA = 'ERR Bad data format';
export const DEBUG_NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  'connection, otherwise you need to set this option in the configuration file, and then restart the server.';

export const READ_ONLY = "READONLY You can't write against a read only replica.";
export const TOO_FEW_REPLICAS = 'NOREPLICAS Not enough good replicas to write.';
/** For writes of clients to a master without a lease. They were not run. */
export const LEASE_LAPSED =
  'CLUSTERDOWN The lease of this master has lapsed, or it never had one. Nothing was written: ask the control plane who is master.';
export const MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
export const ROLE_CHANGED =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
export const WAIT_ON_REPLICA =
  'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be ' +
  'writable (which is not the default) writes to replicas are just local and are not propagated.';
export const WAITAOF_ON_REPLICA =
  'ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not ' +
  'propagated.';
export const WAITAOF_WITHOUT_FILE = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';
export const LOADING = 'LOADING Redis is loading the dataset in memory';
export const CANNOT_SAVE =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may " +
  'modify the data set are disabled, because this instance is configured to report errors during writes if RDB ' +
  'snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.';

/** For writes while the append-only file cannot be written for this reason, in the system's words. */
export function cannotAppend(reason: string): string {
  return `MISCONF Errors writing to the AOF file: ${reason}`;
}

/** For writes that are refused, as fewer replicas are online than `write-quorum`. */
export function tooFewOnline(online: number, needed: number): string {
  return `NOREPLICAS Nothing was written: ${online} replicas online, and write-quorum is ${needed}.`;
}

/** Instead of the reply to a write up to this offset of the stream, which fewer replicas have acknowledged than `write-quorum`. */
export function notAcknowledged(offset: number, acknowledged: number, online: number, needed: number): string {
  return (
    `NOREPLICAS Done here, but acknowledged by ${acknowledged} of ${online} online replicas, and write-quorum is ` +
    `${needed}: the write, at offset ${offset}, may or may not survive.`
  );
}

/** For an EXEC that itself was refused for `error`. */
export function execAborted(error: string): string {
  return `EXECABORT Transaction discarded because of: ${error.replace(/^ERR /, '')}`;
}

export function invalidExpireTime(name: string): string {
  return `ERR invalid expire time in '${name}' command`;
}

export function noInputKey(name: string): string {
  return `ERR at least 1 input key is needed for '${name}' command`;
}

// ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

export const BAD_STREAM_ID = 'ERR Invalid stream ID specified as stream command argument';
export const INVALID_START_ID = 'ERR invalid start ID for the interval';
export const INVALID_END_ID = 'ERR invalid end ID for the interval';
export const MAXLEN_AND_MINID = 'ERR syntax error, MAXLEN and MINID options at the same time are not compatible';
export const MAXLEN_IS_NEGATIVE = 'ERR The MAXLEN argument must be >= 0.';
export const LIMIT_IS_NEGATIVE = 'ERR The LIMIT argument must be >= 0.';
export const LIMIT_WITHOUT_TRIMMING = 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy';
export const LIMIT_WITHOUT_ABOUT = 'ERR syntax error, LIMIT cannot be used without the special ~ option';
export const TRIMMING_MISSING = 'ERR syntax error, XTRIM must be called with a trimming strategy';
export const ID_IS_ZERO = 'ERR The ID specified in XADD must be greater than 0-0';
export const ID_NOT_ABOVE_TOP = 'ERR The ID specified in XADD is equal or smaller than the target stream top item';
export const IDS_EXHAUSTED = 'ERR The stream has exhausted the last possible ID, unable to add more items';
export const ENTRY_IS_TOO_LARGE = 'ERR Elements are too large to be stored';
export const ENTRIES_ADDED_IS_NEGATIVE = 'ERR entries_added must be positive';
export const ENTRIES_ADDED_BELOW_LENGTH =
  'ERR The entries_added specified in XSETID is smaller than the target stream length';
export const ID_BELOW_GIVEN_DELETED =
  'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id';
export const ID_BELOW_DELETED = 'ERR The ID specified in XSETID is smaller than current max_deleted_entry_id';
export const ID_BELOW_TOP = 'ERR The ID specified in XSETID is smaller than the target stream top item';
export const GROUP_NOT_FOR_XREAD = 'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.';
export const NOACK_NOT_FOR_XREAD = 'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.';
export const GROUP_MISSING = 'ERR Missing GROUP option for XREADGROUP';
export const NEW_NOT_FOR_XREAD =
  'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.';
export const LATEST_NOT_FOR_XREADGROUP =
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by ' +
  'specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.';
export const GROUP_NEEDS_KEY =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option ' +
  'to create an empty stream automatically.';
export const GROUP_EXISTS = 'BUSYGROUP Consumer Group name already exists';
export const ENTRIES_READ_IS_NEGATIVE = 'ERR value for ENTRIESREAD must be positive or -1';

// ── geo ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const UNSUPPORTED_UNIT = 'ERR unsupported unit provided. please use M, KM, FT, MI';
export const RADIUS_IS_NOT_NUMERIC = 'ERR need numeric radius';
export const RADIUS_IS_NEGATIVE = 'ERR radius cannot be negative';
export const WIDTH_IS_NOT_NUMERIC = 'ERR need numeric width';
export const HEIGHT_IS_NOT_NUMERIC = 'ERR need numeric height';
export const BOX_IS_NEGATIVE = 'ERR height or width cannot be negative';
export const NO_SUCH_PLACE = 'ERR could not decode requested zset member';
export const COUNT_IS_NOT_ABOVE_0 = 'ERR COUNT must be > 0';
export const ANY_NEEDS_COUNT = 'ERR the ANY argument requires COUNT argument';

export function placeOutOfRange(longitude: string, latitude: string): string {
  return `ERR invalid longitude,latitude pair ${longitude},${latitude}`;
}

/** For a command or option that stores, given with options that only a reply can have. */
export function notStorable(what: string): string {
  return `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`;
}

/** `name` as the client spelled it. */
export function oneCenterNeeded(name: string): string {
  return `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`;
}

/** `name` as the client spelled it. */
export function oneShapeNeeded(name: string): string {
  return `ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`;
}

/** What a client is told that wants to be a replica. */
export const CANNOT_SHUT_DOWN = 'ERR Errors trying to SHUTDOWN. Check logs.';
export const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
/** What is held back for all is not held back for replicas: so they must leave the keys alone. */
export const KEYSPACE_OF_REPLICA = "ERR Replica can't interact with the keyspace";
export const NO_MASTER_LINK = "NOMASTERLINK Can't SYNC while not connected with my master";
export const NO_SYNC_IN_FAILOVER = "NOMASTERLINK Can't SYNC while failing over";
export const SYNC_WITH_PENDING_OUTPUT = 'ERR SYNC and PSYNC are invalid with pending output';
export const FILTER_NEEDS_END_MARK = 'ERR Filtered replica requires EOF capability';
export const FAILOVER_OF_MASTER = "ERR PSYNC FAILOVER can't be sent to a master.";
export const FAILOVER_OF_OTHER_STREAM = 'ERR PSYNC FAILOVER replid must match my replid.';

/** For a word that REPLCONF does not know. */
export function unknownReplicaOption(option: string): string {
  return `ERR Unrecognized REPLCONF option: ${option}`;
}

/** For a filter of REPLCONF RDB-FILTER-ONLY. */
export function cannotFilterBy(filter: string): string {
  return `ERR Unsupported rdb-filter-only option: ${filter}`;
}

/** For REPLCONF IP-ADDRESS. */
export function tooLongAddress(bytes: number): string {
  return `ERR REPLCONF ip-address provided by replica instance is too long: ${bytes} bytes`;
}

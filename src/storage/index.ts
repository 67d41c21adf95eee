export type { Address } from './arena';
export { Database } from './database';
export { ExpiryCycle } from './expiry-cycle';
export { Keyspace, type KeyspaceOptions } from './keyspace';
export { Lookahead, LOOKAHEAD_MAX } from './lookahead';
export { ENCODING_INT, ENCODING_NAMES, NO_EXPIRY, TYPE_NAMES, TYPE_STRING } from './records';
export { KEEP_EXPIRY, Strings } from './strings';
export { forEachKey, scan } from './walk';

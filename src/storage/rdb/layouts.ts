/**
 * Layouts: what follows the type of an item in an RDB, for who steps over items without reading them (measure.ts). A layout has
 * one character for each part:
 *
 *   S  string    L  length    T  score as text    1 4 8  so many bytes    I  id of 16 bytes    H  header of the file
 *   (…)  a length, and what is in parentheses as many times
 *
 * The first string of what is no opcode is the key's name. Of unknown types nothing else is known. What decode.ts, decode-stream.ts
 * and loader.ts read is the same, as tests say that feed them byte by byte.
 */
import {
  OPCODE_AUX,
  OPCODE_DATABASE,
  OPCODE_END,
  OPCODE_EXPIRY_MS,
  OPCODE_EXPIRY_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_FUNCTION_EARLY,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RESIZE,
  OPCODE_SLOT_INFO,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_METADATA,
  RDB_HASH_LISTPACK_METADATA_EARLY,
  RDB_HASH_METADATA,
  RDB_HASH_METADATA_EARLY,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  RDB_MODULE,
  RDB_MODULE_EARLY,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_SORTED_SET,
  RDB_SORTED_SET_2,
  RDB_SORTED_SET_LISTPACK,
  RDB_SORTED_SET_ZIPLIST,
  RDB_STREAM_LISTPACKS,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
} from './format';

/** Of what an RDB begins with. */
export const HEADER_LAYOUT = 'H';

const TYPES = 256;
/** Types whose values are one string. */
const OF_ONE_STRING = [
  RDB_STRING,
  RDB_HASH_ZIPMAP,
  RDB_HASH_ZIPLIST,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_METADATA_EARLY,
  RDB_LIST_ZIPLIST,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_SORTED_SET_ZIPLIST,
  RDB_SORTED_SET_LISTPACK,
];

/** The layouts of all types and opcodes, by number; `hasChecksum`: whether an RDB of this version ends in one. */
export function layoutsOf(hasChecksum: boolean): string[] {
  const layouts = Array.from({ length: TYPES }, () => 'S');
  for (const type of OF_ONE_STRING) layouts[type] = 'SS';
  layouts[RDB_LIST] = layouts[RDB_SET] = layouts[RDB_LIST_QUICKLIST] = 'S(S)';
  layouts[RDB_LIST_QUICKLIST_2] = 'S(LS)';
  layouts[RDB_HASH] = 'S(SS)';
  layouts[RDB_HASH_METADATA_EARLY] = 'S(LSS)';
  layouts[RDB_HASH_METADATA] = 'S8(LSS)';
  layouts[RDB_HASH_LISTPACK_METADATA] = 'S8S';
  layouts[RDB_SORTED_SET] = 'S(ST)';
  layouts[RDB_SORTED_SET_2] = 'S(S8)';
  layouts[RDB_STREAM_LISTPACKS] = 'S(SS)LLL(SLL(I8L)(S8(I)))';
  layouts[RDB_STREAM_LISTPACKS_2] = 'S(SS)LLLLLLLL(SLLL(I8L)(S8(I)))';
  layouts[RDB_STREAM_LISTPACKS_3] = 'S(SS)LLLLLLLL(SLLL(I8L)(S88(I)))';
  layouts[RDB_MODULE] = layouts[RDB_MODULE_EARLY] = 'SL';
  layouts[OPCODE_FUNCTION] = 'S';
  layouts[OPCODE_FUNCTION_EARLY] = '';
  layouts[OPCODE_AUX] = 'SS';
  layouts[OPCODE_MODULE_AUX] = layouts[OPCODE_IDLE] = layouts[OPCODE_DATABASE] = 'L';
  layouts[OPCODE_RESIZE] = 'LL';
  layouts[OPCODE_SLOT_INFO] = 'LLL';
  layouts[OPCODE_FREQUENCY] = '1';
  layouts[OPCODE_EXPIRY_SECONDS] = '4';
  layouts[OPCODE_EXPIRY_MS] = '8';
  layouts[OPCODE_END] = hasChecksum ? '8' : '';
  return layouts;
}

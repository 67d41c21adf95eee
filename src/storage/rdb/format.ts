/**
 * The RDB value format: its numbers. Who writes it is in writer.ts and encode.ts, who reads it in reader.ts and decode.ts.
 *
 * A value is a type (one byte) and what that type says. Most of it is lengths and strings:
 *
 *   00llllll                      length of 6 bits       11000000 + i8     string: the decimal spelling of that integer
 *   01llllll + 8 bits             length of 14 bits      11000001 + i16    the same, little-endian
 *   10000000 + u32, big-endian    length of 32 bits      11000010 + i32    the same
 *   10000001 + u64, big-endian    length of 64 bits      11000011          string: compressed length, length, LZF
 *
 * (A file is "REDIS", its version in four digits, then opcodes and keys in turn: a key is its value's type, its name as a
 * string and its value; what opcodes say holds for the next key or for all that follow. See loader.ts.)
 *
 * A string is one of the right column, or its length and its bytes. Packed collections are strings that hold a listpack,
 * an intset or one of their forerunners, exactly as they lie in memory; others are a length and that many strings.
 * (Redis: rdb.h of 7.2.)
 */

/** Types that are written. */
export const RDB_STRING = 0;
export const RDB_SET = 2;
export const RDB_HASH = 4;
export const RDB_SORTED_SET_2 = 5;
export const RDB_SET_INTSET = 11;
export const RDB_HASH_LISTPACK = 16;
export const RDB_SORTED_SET_LISTPACK = 17;
export const RDB_LIST_QUICKLIST_2 = 18;
export const RDB_STREAM_LISTPACKS_2 = 19;

/** Types that came with version 11 and are written where that is asked for. */
export const RDB_SET_LISTPACK = 20;
export const RDB_STREAM_LISTPACKS_3 = 21;

/** Types that are read besides, of older versions. */
export const RDB_LIST = 1;
export const RDB_SORTED_SET = 3;
export const RDB_HASH_ZIPMAP = 9;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_SORTED_SET_ZIPLIST = 12;
export const RDB_HASH_ZIPLIST = 13;
export const RDB_LIST_QUICKLIST = 14;
export const RDB_STREAM_LISTPACKS = 15;

/** Types of version 12 that are read where no field has an expiry: hashes of Redis 7.4, and of its release candidates. */
export const RDB_HASH_METADATA_EARLY = 22;
export const RDB_HASH_LISTPACK_METADATA_EARLY = 23;
export const RDB_HASH_METADATA = 24;
export const RDB_HASH_LISTPACK_METADATA = 25;

/** Types that are known and refused: values of modules, and those of the release candidates of Redis 4. */
export const RDB_MODULE_EARLY = 6;
export const RDB_MODULE = 7;

/** What a file begins with: "REDIS" and its version. */
export const RDB_HEADER_BYTES = 9;

/** What stands in the place of a type in files. */
export const OPCODE_SLOT_INFO = 0xf4;
export const OPCODE_FUNCTION = 0xf5;
/** Of the release candidates of Redis 7. */
export const OPCODE_FUNCTION_EARLY = 0xf6;
export const OPCODE_MODULE_AUX = 0xf7;
export const OPCODE_IDLE = 0xf8;
export const OPCODE_FREQUENCY = 0xf9;
export const OPCODE_AUX = 0xfa;
export const OPCODE_RESIZE = 0xfb;
export const OPCODE_EXPIRY_MS = 0xfc;
export const OPCODE_EXPIRY_SECONDS = 0xfd;
export const OPCODE_DATABASE = 0xfe;
export const OPCODE_END = 0xff;

/** The version that is written, if nobody asks for another: any Redis 7 reads it. */
export const RDB_VERSION = 10;
/** The newest version that is written: with the packed sets and the streams of 7.2. */
export const RDB_VERSION_PACKED_SETS = 11;
/** The newest version that is read. */
export const RDB_VERSION_MAX = 12;
/** The first version whose files end in a CRC-64. */
export const RDB_VERSION_CHECKSUM = 5;

/** What a node of a RDB_LIST_QUICKLIST_2 holds: one element as it is, or a listpack. */
export const NODE_PLAIN = 1;
export const NODE_PACKED = 2;

/** Kinds of first bytes, in their upper two bits, and the limits of what fits. */
export const LENGTH_KIND_SHIFT = 6;
export const LENGTH_6 = 0;
export const LENGTH_14 = 1;
export const LENGTH_LONG = 2;
export const LENGTH_6_LIMIT = 1 << 6;
export const LENGTH_14_LIMIT = 1 << 14;
export const LENGTH_32_LIMIT = 2 ** 32;

/** First bytes. */
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
export const INTEGER_8 = 0xc0;
export const INTEGER_16 = 0xc1;
export const INTEGER_32 = 0xc2;
export const COMPRESSED = 0xc3;

/** Strings are compressed from this length on, and only if that saves as many bytes as this. */
export const COMPRESSED_FROM_BYTES = 21;
export const COMPRESSION_GAIN_BYTES = 4;
/** No LZF makes more of a byte: three bytes stand for 264 at most. */
export const EXPANSION_MAX = 88;

/** Lengths of text that tell scores of RDB_SORTED_SET which have no digits. */
export const SCORE_NAN = 253;
export const SCORE_INFINITE = 254;
export const SCORE_MINUS_INFINITE = 255;

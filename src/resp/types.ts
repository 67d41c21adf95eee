/**
 * The type bytes of RESP2 and RESP3, by the names of the RESP3 specification's types.
 * RESP2 knows the first five; its null is a bulk string or an array of length -1.
 */
export const SIMPLE = 43; // +
export const ERROR = 45; // -
export const INTEGER = 58; // :
export const BULK = 36; // $
export const ARRAY = 42; // *
export const NULL = 95; // _
export const BOOLEAN = 35; // #
export const DOUBLE = 44; // ,
export const BIG_NUMBER = 40; // (
export const BULK_ERROR = 33; // !
export const VERBATIM = 61; // =
export const MAP = 37; // %
export const SET = 126; // ~
export const PUSH = 62; // >
export const ATTRIBUTE = 124; // |

/**
 * The machine that computes CRC-64 (crc64.ts): a module of WebAssembly, put together from its instructions.
 *
 * It has one memory, `m`, in which tables lie from the start, then the CRC, and one function, `r(from, to)`, which goes on with
 * the CRC over those bytes of the memory: sixteen at a time, each looked up in the row of as many bytes as follow it, then
 * one at a time. The encoding is that of the WebAssembly core specification 1.0, section 5. Code is nested as one would
 * indent it and flattened in the end; operands come before what is done with them, as on the machine's stack.
 */

const ROWS = 16;
/** A row of the tables: 256 words of 64 bits. */
export const ROW_BYTES = 256 * 8;
/** Where the CRC is. */
export const CRC_AT = ROWS * ROW_BYTES;
const PAGES = 2;
export const MEMORY_BYTES = PAGES * 65_536;

export interface Machine {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Goes on with the CRC over `[from, to)` of the memory. */
  readonly run: (from: number, to: number) => void;
}

/** What is used of the global of this name, whose types come with those of browsers only. */
interface Loader {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { m: Machine['memory']; r: Machine['run'] } };
}

type Code = (number | Code)[];

const INT32 = 0x7f;
const INT64 = 0x7e;
const END = 0x0b;
/** Instructions on one or two operands. */
const [XOR_32, AND_32, SHIFT_LEFT_32, ADD_32, XOR_64, SHIFT_RIGHT_64, LOW_32] = [
  0x73, 0x71, 0x74, 0x6a, 0x85, 0x88, 0xa7,
];
const ABOVE_32 = 0x4b;
/** Instructions with an address as operand, an alignment and an offset. */
const LOAD_8: Code = [0x2d, 0, 0];
const STORE_64: Code = [0x37, 0, 0];
const load64 = (offset: number): Code => [0x29, 0, unsigned(offset)];
const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const int32 = (value: number): Code => [0x41, signed(value)];
const int64 = (value: number): Code => [0x42, signed(value)];

/** The function's locals: its arguments, the CRC, and two words of the bytes. */
const FROM = 0;
const TO = 1;
const CRC = 2;
const FIRST = 3;
const SECOND = 4;

/** A machine with a memory of its own, all zeros. */
export function makeMachine(): Machine {
  const locals: Code = [1, 3, INT64];
  const start: Code = [int32(CRC_AT), load64(0), set(CRC)];
  const finish: Code = [int32(CRC_AT), get(CRC), STORE_64, END];
  const body = flatten([locals, start, whileThereAre(ROWS, sixteen()), whileThereAre(1, one()), finish]);
  const module: Code = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 2, INT32, INT32, 0]),
    section(3, [1, 0]),
    section(5, [1, 0, PAGES]),
    section(7, [2, 1, 0x6d, 2, 0, 1, 0x72, 0, 0]),
    section(10, [1, unsigned(body.length), body]),
  ];
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Loader }).WebAssembly;
  const { m, r } = new Instance(new Module(Uint8Array.from(flatten(module)))).exports;
  return { memory: m, run: r };
}

/** While FROM + `count` is not above TO. */
function whileThereAre(count: number, body: Code): Code {
  const block = 0x02;
  const loop = 0x03;
  const noValue = 0x40;
  const isOver: Code = [get(FROM), int32(count), ADD_32, get(TO), ABOVE_32];
  const leaveIf: Code = [0x0d, 1];
  const repeat: Code = [0x0c, 0];
  return [block, noValue, loop, noValue, isOver, leaveIf, body, advance(count), repeat, END, END];
}

function advance(count: number): Code {
  return [get(FROM), int32(count), ADD_32, set(FROM)];
}

function sixteen(): Code {
  const words: Code = [
    [get(FROM), load64(0), get(CRC), XOR_64, set(FIRST)],
    [get(FROM), load64(8), set(SECOND)],
  ];
  const bytes = Array.from({ length: ROWS }, (_, i) => lookUp(byteOf(i < 8 ? FIRST : SECOND, i & 7), ROWS - 1 - i));
  return [words, bytes, Array.from({ length: ROWS - 1 }, () => XOR_64), set(CRC)];
}

function one(): Code {
  const byte: Code = [get(CRC), LOW_32, get(FROM), LOAD_8, XOR_32];
  return [lookUp(byte, 0), get(CRC), int64(8), SHIFT_RIGHT_64, XOR_64, set(CRC)];
}

function byteOf(word: number, index: number): Code {
  return [get(word), int64(8 * index), SHIFT_RIGHT_64, LOW_32];
}

/** What a row of the tables has for the lowest eight bits of a value. */
function lookUp(value: Code, row: number): Code {
  return [value, int32(255), AND_32, int32(3), SHIFT_LEFT_32, load64(row * ROW_BYTES)];
}

function section(id: number, content: Code): Code {
  const bytes = flatten(content);
  return [id, unsigned(bytes.length), bytes];
}

function flatten(code: Code): number[] {
  return code.flatMap((part) => (typeof part === 'number' ? part : flatten(part)));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, unsigned(value >>> 7)];
}

/** LEB128 of what is not negative, where the reader takes the highest bit for a sign. */
function signed(value: number): Code {
  return value < 64 ? [value] : [(value & 127) | 128, signed(value >>> 7)];
}

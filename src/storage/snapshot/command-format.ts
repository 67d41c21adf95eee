/**
 * CommandFormat: a snapshot as the commands that make it, in RESP: the base of a journal where `aof-use-rdb-preamble` is no.
 *
 * The commands are those of Redis: SET, RPUSH, SADD, ZADD and HMSET of up to 64 elements, for streams see command-streams.ts;
 * PEXPIREAT behind a key that has an expiry. The parts of a large value are a command each, as they come in any order.
 */
import { Bytes, type Output } from '../../base';
import { doubleText, writeBulk } from '../../resp';
import type { Address } from '../arena';
import type { Database } from '../database';
import { Hash } from '../hash';
import { fixedWord } from '../journal';
import type { Keyspace } from '../keyspace';
import { List } from '../list';
import { Listpack } from '../listpack';
import { writeBulks } from '../listpack-bulks';
import { NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET, TYPE_STRING } from '../records';
import { MemberSet } from '../set';
import { SortedSet } from '../sorted-set';
import { Stream } from '../stream';
import type { StreamId } from '../stream-id';
import { StreamCommands } from './command-streams';
import { beginCommand, writeText, writeWhole } from './command-words';
import type { LargeValue, SnapshotFormat } from './format';

/** Elements of a command at most. */
const ELEMENTS_MAX = 64;

const SELECT = fixedWord('SELECT');
const SET = fixedWord('SET');
const RPUSH = fixedWord('RPUSH');
const SADD = fixedWord('SADD');
const ZADD = fixedWord('ZADD');
const HMSET = fixedWord('HMSET');
const PEXPIREAT = fixedWord('PEXPIREAT');
const FUNCTION = fixedWord('FUNCTION');
const LOAD = fixedWord('LOAD');

export class CommandFormat implements SnapshotFormat {
  private readonly hash: Hash;
  private readonly list: List;
  private readonly set: MemberSet;
  private readonly sortedSet: SortedSet;
  private readonly stream: Stream;
  private readonly streams: StreamCommands;
  private readonly listpack = new Listpack();
  private readonly key = new Bytes();
  private readonly text = new Bytes();

  /** `functions`: libraries of functions, as their code. */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly functions: readonly Uint8Array[],
  ) {
    this.hash = new Hash(keyspace);
    this.list = new List(keyspace);
    this.set = new MemberSet(keyspace);
    this.sortedSet = new SortedSet(keyspace);
    this.stream = new Stream(keyspace);
    this.streams = new StreamCommands(keyspace.arena);
  }

  begin(out: Output): void {
    for (const library of this.functions) {
      beginCommand(out, 3, FUNCTION);
      out.constant(LOAD);
      writeBulk(out, library, 0, library.length);
    }
  }

  database(out: Output, index: number): void {
    beginCommand(out, 2, SELECT);
    writeWhole(out, index);
  }

  whole(out: Output, database: Database, record: Address): void {
    const { records } = this.keyspace;
    const key = records.key(record, this.key);
    switch (records.type(record)) {
      case TYPE_STRING:
        beginCommand(out, 3, SET);
        writeText(out, key);
        writeText(out, records.value(record, this.text));
        break;
      case TYPE_LIST:
        this.list.open(database, key, record);
        this.writeList(out);
        break;
      case TYPE_SET:
        this.set.open(database, key, record);
        this.writeSet(out);
        break;
      case TYPE_SORTED_SET:
        this.sortedSet.open(database, key, record);
        this.writeSortedSet(out);
        break;
      case TYPE_HASH:
        this.hash.open(database, key, record);
        this.writeHash(out);
        break;
      default:
        this.stream.open(database, key, record);
        this.streams.whole(out, key, this.stream);
    }
    writeExpiry(out, key, records.expiry(record));
  }

  open(_out: Output, _value: LargeValue): void {}

  field(out: Output, value: LargeValue, name: Bytes, text: Bytes): void {
    beginPart(out, HMSET, value.key, 2);
    writeText(out, name);
    writeText(out, text);
  }

  member(out: Output, value: LargeValue, name: Bytes): void {
    beginPart(out, SADD, value.key, 1);
    writeText(out, name);
  }

  scored(out: Output, value: LargeValue, name: Bytes, score: number): void {
    beginPart(out, ZADD, value.key, 2);
    writeScore(out, score);
    writeText(out, name);
  }

  listNode(out: Output, value: LargeValue, listpack: Bytes): void {
    writeElements(out, value.key, this.listpack.over(listpack));
  }

  streamNode(out: Output, value: LargeValue, id: StreamId, listpack: Bytes): void {
    this.streams.entries(out, value.key, id, listpack);
  }

  streamRest(out: Output, value: LargeValue, stream: Stream): void {
    this.streams.rest(out, value.key, stream);
  }

  close(out: Output, value: LargeValue): void {
    writeExpiry(out, value.key, value.expiryAtMs);
  }

  end(_out: Output): void {}

  // ── small values, under the key at hand ──────────────────────────────────────────────────────────────────────

  private writeList(out: Output): void {
    const { list } = this;
    const { nodeCount } = list;
    for (let i = 0; i < nodeCount; i++) writeElements(out, this.key, list.node(i));
  }

  private writeSet(out: Output): void {
    const { set, text } = this;
    const { length } = set;
    let done = 0;
    for (set.start(); set.next(); done++) {
      if (done % ELEMENTS_MAX === 0) beginPart(out, SADD, this.key, Math.min(length - done, ELEMENTS_MAX));
      writeText(out, set.name(text));
    }
  }

  /** From the first member to the last. */
  private writeSortedSet(out: Output): void {
    const { sortedSet, text } = this;
    const { length } = sortedSet;
    let done = 0;
    for (sortedSet.start(); sortedSet.next(); done++) {
      if (done % ELEMENTS_MAX === 0) beginPart(out, ZADD, this.key, 2 * Math.min(length - done, ELEMENTS_MAX));
      writeScore(out, sortedSet.score);
      writeText(out, sortedSet.name(text));
    }
  }

  private writeHash(out: Output): void {
    const { hash, text } = this;
    const { length } = hash;
    let done = 0;
    for (hash.start(); hash.next(); done++) {
      if (done % ELEMENTS_MAX === 0) beginPart(out, HMSET, this.key, 2 * Math.min(length - done, ELEMENTS_MAX));
      writeText(out, hash.name(text));
      writeText(out, hash.value(text));
    }
  }
}

/** Begins a command about a key that takes so many words more. */
function beginPart(out: Output, name: Uint8Array, key: Bytes, words: number): void {
  beginCommand(out, 2 + words, name);
  writeText(out, key);
}

/** Appends the elements of a listpack to a list. */
function writeElements(out: Output, key: Bytes, listpack: Listpack): void {
  const { u8, base } = listpack;
  let at = listpack.first();
  for (let left = listpack.count; left > 0;) {
    const count = Math.min(left, ELEMENTS_MAX);
    beginPart(out, RPUSH, key, count);
    writeBulks(out, u8, base, at, count);
    left -= count;
    if (left > 0) for (let i = 0; i < count; i++) at = listpack.next(at);
  }
}

function writeScore(out: Output, score: number): void {
  if (Number.isSafeInteger(score) && !Object.is(score, -0)) return writeWhole(out, score);
  const text = Buffer.from(doubleText(score));
  writeBulk(out, text, 0, text.length);
}

function writeExpiry(out: Output, key: Bytes, expiryAtMs: number): void {
  if (expiryAtMs === NO_EXPIRY) return;
  beginPart(out, PEXPIREAT, key, 1);
  writeWhole(out, expiryAtMs);
}

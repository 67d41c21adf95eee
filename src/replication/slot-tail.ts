/**
 * SlotTail: of the journal what changes the keys of some slots, as a stream that another server can follow.
 *
 * An entry whose keys all lie in the slots is handed on as it is, and one that writes none of them is left out; a unit, MULTI … EXEC,
 * stays one for what remains of it. Between these are entries that cross the border. DEL and MSET do to each key what they
 * do whatever becomes of the others, and are divided. Any other one that writes a key inside may depend on keys outside, which the
 * receiver does not have: SUNIONSTORE, RENAME, LMOVE. What such a key holds then cannot be said by an entry, so it becomes *stale*:
 * what follows for it is left out too, and in the end its state is handed on (slot-feed.ts). And as who reads a stale key computes
 * what the receiver could not, all that an entry with a stale key writes becomes stale. So does the result of a SORT, whose patterns
 * may name any key.
 *
 * Always: a receiver that had these slots as they were where the tail began has, after what was handed on, every key of them as it is
 * at the end of what was read, but for the stale ones. Where all keys of a database went or changed places (FLUSHALL,
 * FLUSHDB, SWAPDB) it has nothing of use: the tail is `isVoid` and reads no more.
 *
 * Per entry nothing is allocated while no key is stale.
 */
import Denque from 'denque';
import { assert, Bytes, Output, parseIntegerAt, type ByteSink } from '../base';
import { commands, findKeys, KeyPositions, resolve, type CommandSpec } from '../commands';
import {
  COMMAND,
  CommandParser,
  encodeCommand,
  HEAD_BYTES_MAX,
  NEED_MORE,
  writeBulk,
  writeCommand,
  writeHead,
} from '../resp';
import { slotOfBytes } from '../slots';
import { fixedWord, type JournalSink } from '../storage';
import { StaleKeys } from './stale-keys';

/** Bytes that are handed on in one go. */
const PORTION_BYTES = 1024 * 1024;
/** The stream is our own: what stands in it has passed the limits of clients. */
const NO_LIMITS = { bulkBytesMax: Infinity, argumentsMax: 2 ** 31 - 1, inlineBytesMax: 64, queryBytesMax: Infinity };

const STAR = 42;
const MULTI: Uint8Array = encodeCommand(['MULTI']);
const EXEC: Uint8Array = encodeCommand(['EXEC']);
const DEL = fixedWord('DEL');
const MSET = fixedWord('MSET');

/** No database was said yet. */
const UNSAID = -1;

/** By command: whether it reads keys that it does not name (the patterns of SORT). */
const READS_UNNAMED: readonly boolean[] = commands.all.map(({ keyLayout }) =>
  keyLayout.specs.some(({ begin, flags }) => begin.kind === 'unknown' && flags[0] === 'RO'),
);

/** Where the tail stands: outside of units, in one of which nothing was handed on yet, or in one that was begun there too. */
type UnitState = 'none' | 'silent' | 'said';

export class SlotTail implements JournalSink {
  readonly stale = new StaleKeys();
  isVoid = false;

  private readonly parser = new CommandParser(NO_LIMITS);
  private readonly positions = new KeyPositions();
  private readonly key = new Bytes();
  private readonly portions = new Denque<Output>();
  private portionsBytes = 0;
  private out = new Output();
  /** The database that the receiver has selected. */
  private saidDatabase = UNSAID;
  private unit: UnitState = 'none';

  /**
   * @param chosen by slot: 1 where it is one of them
   * @param database the one that the stream has selected where the tail begins
   */
  constructor(
    private readonly chosen: Uint8Array,
    private database: number,
  ) {}

  /** Bytes that wait to be handed on. */
  get pendingBytes(): number {
    return this.portionsBytes + this.out.length;
  }

  /** The receiver is sent something else in between. Where nothing is pending. */
  interrupt(): void {
    this.saidDatabase = UNSAID;
  }

  /** Writes what is pending to `sink`, or the first part of it where that is much; whether it was all. */
  handOn(sink: ByteSink): boolean {
    const portion = this.portions.shift();
    this.portionsBytes -= portion?.length ?? 0;
    (portion ?? this.out).flush(sink);
    return this.pendingBytes === 0;
  }

  // ── the journal's entries ────────────────────────────────────────────────────────────────────────────────────

  write(buffer: Uint8Array, start: number, end: number): void {
    const { parser } = this;
    if (this.isVoid) return;
    parser.feed(buffer, start, end);
    let answer = parser.next();
    for (; answer === COMMAND && !this.isVoid; answer = parser.next()) this.take();
    assert(this.isVoid || (answer === NEED_MORE && parser.bufferedBytes === 0), 'the journal hands on whole commands');
    if (this.out.length < PORTION_BYTES) return;
    this.portions.push(this.out);
    this.portionsBytes += this.out.length;
    this.out = new Output();
  }

  private take(): void {
    const { chosen, parser, positions } = this;
    const { buffer, starts, ends } = parser;
    const spec = resolve(commands, parser);
    assert(spec !== null, 'the journal holds a command that nobody knows');
    const count = findKeys(spec, parser, positions);
    assert(count >= 0, `the journal holds a ${spec.name} without its keys`);
    if (count === 0) return this.takeKeyless(spec);
    let inside = 0;
    for (let i = 0; i < count; i++) {
      const at = positions.positions[i];
      inside += chosen[slotOfBytes(buffer, starts[at], ends[at])];
    }
    if (inside === 0) return;
    if (inside === count && this.stale.count === 0 && !READS_UNNAMED[spec.id]) this.pass();
    else this.takeMixed(spec, inside === count);
  }

  private takeKeyless({ name }: CommandSpec): void {
    switch (name) {
      case 'SELECT':
        this.database = this.integer(1);
        break;
      case 'MULTI':
        this.unit = 'silent';
        break;
      case 'EXEC':
        if (this.unit === 'said') this.out.constant(EXEC);
        this.unit = 'none';
        break;
      case 'FLUSHALL':
      case 'FLUSHDB':
      case 'SWAPDB':
        this.isVoid = true;
        break;
      // All others (PING, REPLCONF, PUBLISH …) change no key.
    }
  }

  /** Hands the entry on as it is. */
  private pass(): void {
    const { buffer, commandStart, commandEnd } = this.parser;
    this.open().bytes(buffer, commandStart, commandEnd);
  }

  /** Where the next command for the receiver is written: it is in the right database, and in a unit if we are. */
  private open(): Output {
    const { out, database } = this;
    if (this.saidDatabase !== database) writeCommand(out, ['SELECT', database]);
    this.saidDatabase = database;
    if (this.unit === 'silent') {
      out.constant(MULTI);
      this.unit = 'said';
    }
    return out;
  }

  // ── across the border ────────────────────────────────────────────────────────────────────────────────────────

  private takeMixed(spec: CommandSpec, isInside: boolean): void {
    switch (spec.name) {
      case 'DEL':
      case 'UNLINK':
        return this.passPart(DEL, 1);
      case 'MSET':
      case 'MSETNX':
        // It stands here, so no key was there.
        return this.passPart(MSET, 2);
    }
    const other = this.otherDatabase(spec);
    if (isInside && !READS_UNNAMED[spec.id] && !this.hasStale(other)) return this.pass();
    const { positions, specs, count } = this.positions;
    for (let i = 0; i < count; i++) {
      const key = this.argument(positions[i]);
      const isRead = spec.keyLayout.specs[specs[i]].flags[0] === 'RO';
      if (isRead || !this.isChosen(key)) continue;
      this.stale.add(this.database, key);
      this.stale.add(other, key);
    }
  }

  /** Hands on what the entry does to the keys inside, each of which has `width` words. */
  private passPart(name: Uint8Array, width: number): void {
    const { parser, positions } = this;
    const { buffer, starts, ends } = parser;
    const inside: number[] = [];
    for (let i = 0; i < positions.count; i++) {
      const at = positions.positions[i];
      if (this.isChosen(this.argument(at))) inside.push(at);
    }
    const out = this.open();
    out.reserve(HEAD_BYTES_MAX);
    out.position = writeHead(out.buffer, out.position, STAR, 1 + width * inside.length);
    out.constant(name);
    for (const at of inside) for (let i = at; i < at + width; i++) writeBulk(out, buffer, starts[i], ends[i]);
  }

  /** Whether the entry has a stale key, in the database that is selected or the one that it names. */
  private hasStale(other: number): boolean {
    const { positions, count } = this.positions;
    for (let i = 0; i < count; i++) {
      const key = this.argument(positions[i]);
      if (this.stale.has(this.database, key) || this.stale.has(other, key)) return true;
    }
    return false;
  }

  /** The database that the entry names; the selected one where it names none. */
  private otherDatabase({ name }: CommandSpec): number {
    if (name === 'MOVE') return this.integer(2);
    if (name !== 'COPY') return this.database;
    for (let i = 3; i + 1 < this.parser.argc; i++) if (this.argument(i).is('db')) return this.integer(i + 1);
    return this.database;
  }

  private isChosen({ buffer, start, end }: Bytes): boolean {
    return this.chosen[slotOfBytes(buffer, start, end)] === 1;
  }

  private argument(at: number): Bytes {
    const { buffer, starts, ends } = this.parser;
    return this.key.set(buffer, starts[at], ends[at]);
  }

  private integer(at: number): number {
    const { buffer, starts, ends } = this.parser;
    return parseIntegerAt(buffer, starts[at], ends[at]);
  }
}

/**
 * StreamCheck: whether what a stranger calls a node of a stream is one: numbers where numbers must be, entries with as many
 * elements as they say, counts that agree, ids that ascend from node to node. What passes can be walked both ways and changed
 * by deeds that look at nothing twice. (What a node is, see stream-node.ts.)
 */
import { Bytes } from '../../base';
import { Int64 } from '../int64';
import { isValidListpack, Listpack, NOWHERE } from '../listpack';
import { isString } from '../listpack-elements';
import { ENTRY_DELETED, ENTRY_HAS_MASTER_NAMES } from '../stream-node';
import { StreamId } from '../stream-id';

/** Elements of an entry but for its values, names and their number. */
const ELEMENTS_FIXED = 3;
/** All flags together. */
const FLAGS = ENTRY_DELETED | ENTRY_HAS_MASTER_NAMES;

export class StreamCheck {
  /** Living entries of all nodes so far. */
  entries = 0;
  /** The largest id so far, be its entry deleted or not. */
  readonly lastId = new StreamId();
  private readonly listpack = new Listpack();
  private at = NOWHERE;
  private isRight = true;
  private readonly id = new StreamId();
  private readonly wide = new Int64();
  /** Whether there was an entry: any id is larger than none. */
  private hasEntries = false;

  /** Begins with a stream without nodes. */
  start(): void {
    this.entries = 0;
    this.lastId.setZero();
    this.hasEntries = false;
  }

  /** Whether this may be the next node. */
  takes(nodeId: StreamId, bytes: Bytes): boolean {
    if (!isValidListpack(bytes.buffer, bytes.start, bytes.end, true)) return false;
    if (this.hasEntries && nodeId.compare(this.lastId) <= 0) return false;
    const { listpack } = this;
    this.isRight = true;
    this.at = listpack.over(bytes).first();
    let living = this.natural();
    let deleted = this.natural();
    const masterFields = this.natural();
    this.skip(masterFields);
    if (this.natural() !== 0 || !this.isRight || this.at === NOWHERE) return false;
    while (this.at !== NOWHERE) {
      const flags = this.takeEntry(nodeId, masterFields);
      if (!this.isRight) return false;
      if ((flags & ENTRY_DELETED) !== 0) {
        deleted--;
      } else {
        living--;
        this.entries++;
      }
    }
    return living === 0 && deleted === 0;
  }

  /** Goes over an entry; returns its flags. */
  private takeEntry(nodeId: StreamId, masterFields: number): number {
    const { id, lastId } = this;
    const flagsAt = this.at;
    const flags = this.natural();
    // They are changed in place: they must be the integer of one byte that they have room for.
    if (flags > FLAGS || this.listpack.sizeAt(flagsAt) !== FLAGS_BYTES) this.isRight = false;
    id.set(nodeId);
    id.addMs(this.difference());
    id.addSequence(this.difference());
    if (id.compare(nodeId) < 0 || (this.hasEntries && id.compare(lastId) <= 0)) this.isRight = false;
    lastId.set(id);
    this.hasEntries = true;
    let elements = ELEMENTS_FIXED;
    if ((flags & ENTRY_HAS_MASTER_NAMES) !== 0) {
      elements += masterFields;
      this.skip(masterFields);
    } else {
      const fields = this.natural();
      elements += 1 + 2 * fields;
      this.skip(2 * fields);
    }
    if (this.natural() !== elements) this.isRight = false;
    return flags;
  }

  /** Goes over an integer; its value, 0 where it is none, or negative. */
  private natural(): number {
    const at = this.step();
    const value = at === NOWHERE ? NaN : this.listpack.integerAt(at);
    if (value >= 0) return value;
    this.isRight = false;
    return 0;
  }

  /** Goes over an integer of any 64 bits. */
  private difference(): Int64 {
    const { wide, listpack } = this;
    const at = this.step();
    wide.set(0);
    if (at === NOWHERE || isString(listpack.u8[listpack.base + at])) {
      this.isRight = false;
      return wide;
    }
    const value = listpack.integerAt(at);
    if (Number.isNaN(value)) wide.read(listpack.u8, listpack.base + at + 1);
    else wide.set(value);
    return wide;
  }

  private skip(elements: number): void {
    for (; elements > 0 && this.isRight; elements--) if (this.step() === NOWHERE) this.isRight = false;
  }

  /** Goes to the next element; returns where this one is. */
  private step(): number {
    const { at } = this;
    if (at !== NOWHERE) this.at = this.listpack.next(at);
    return at;
  }
}

/** Bytes of an element that is an integer of 7 bits. */
const FLAGS_BYTES = 2;

/**
 * StreamWalk: a walk over the living entries of a stream between two ids, forwards or backwards.
 *
 * It seeks the node where the range begins, then goes entry by entry, as far inside a node as the range wants. Entries are
 * read where they lie. A walk is good until its stream's entries change; groups may change meanwhile.
 */
import type { Bytes } from '../base';
import type { Arena } from './arena';
import { StreamId } from './stream-id';
import { StreamNode } from './stream-node';
import type { StreamNodes } from './stream-nodes';
import { TreeCursor } from './tree-cursor';

export class StreamWalk {
  /** The node and entry where the walk stands. */
  readonly node: StreamNode;
  private readonly cursor: TreeCursor;
  private readonly first = new StreamId();
  private readonly last = new StreamId();
  private isBackwards = false;
  private isOver = true;

  constructor(
    arena: Arena,
    private readonly nodes: StreamNodes,
  ) {
    this.node = new StreamNode(arena);
    this.cursor = new TreeCursor(nodes.tree);
  }

  /** The entry's id. */
  get id(): StreamId {
    return this.node.id;
  }

  get fieldCount(): number {
    return this.node.fieldCount;
  }

  /** Points `into` at the name of the entry's next field; to be read in turn with `value`. */
  name(into: Bytes): Bytes {
    return this.node.name(into);
  }

  /** Points `into` at the value of the field whose name was read last. */
  value(into: Bytes): Bytes {
    return this.node.value(into);
  }

  /** Begins a walk over the stream whose tree's words are at `words[at]`, from the one end of `first … last` to the other. */
  start(words: Uint32Array, at: number, first: StreamId, last: StreamId, isBackwards: boolean): void {
    const { cursor } = this;
    const begin = isBackwards ? last : first;
    this.first.set(first);
    this.last.set(last);
    this.isBackwards = isBackwards;
    this.nodes.tree.seek(words, at, begin.score, begin.name(), true, cursor);
    // The entry is in the node before; where there is none, forwards the first node has larger ones.
    this.isOver = !cursor.previous() && (isBackwards || !cursor.next());
    if (!this.isOver) this.enter();
  }

  /** Goes on to the next entry; false after the last. */
  next(): boolean {
    if (this.isOver) return false;
    const { cursor, node } = this;
    do {
      while (this.isBackwards ? node.previous() : node.next()) {
        if (node.isDeleted) continue;
        if (node.id.compare(this.isBackwards ? this.last : this.first) * this.direction < 0) continue;
        if (node.id.compare(this.isBackwards ? this.first : this.last) * this.direction <= 0) return true;
        this.isOver = true;
        return false;
      }
    } while ((this.isBackwards ? cursor.previous() : cursor.next()) && this.enter());
    this.isOver = true;
    return false;
  }

  private get direction(): number {
    return this.isBackwards ? -1 : 1;
  }

  private enter(): boolean {
    this.node.open(this.cursor.member);
    if (this.isBackwards) this.node.toEnd();
    return true;
  }
}

/**
 * FrozenList: a large list as it was when a walk began (see frozen-nodes.ts): each of its nodes is a listpack.
 */
import type { Bytes, Output } from '../../base';
import type { Address } from '../arena';
import { ChainNodes } from '../chain-nodes';
import { Listpack } from '../listpack';
import { FrozenNodes } from './frozen-nodes';

export class FrozenList extends FrozenNodes {
  private readonly chainNodes = new ChainNodes(this.keyspace.arena);
  private readonly pack = new Listpack();

  protected override bytesOf(node: Address, into: Bytes): Bytes {
    const { u8, base, length } = this.chainNodes.open(node, this.pack);
    return into.set(u8, base, base + length);
  }

  protected override writeNode(out: Output, listpack: Bytes): void {
    this.format.listNode(out, this, listpack);
  }
}

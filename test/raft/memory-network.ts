/** A network in memory for nodes on one event loop: every message goes through its bytes and arrives in a later turn. */
import type { Timers } from '../../src/base';
import type { Transport } from '../../src/raft/ports';
import type { Message, NodeId } from '../../src/raft/types';
import { decodeMessage, encodeMessage } from '../../src/raft/wire';

export class MemoryNetwork {
  /** Whether a message gets through; all do at first. */
  lets: (message: Message) => boolean = () => true;
  /** How long it is under way, in milliseconds; once for each time that it arrives. */
  delaysMs: (message: Message) => readonly number[] = () => [1];
  private readonly transports = new Map<NodeId, Transport>();

  constructor(private readonly timers: Pick<Timers, 'after'>) {}

  of(node: NodeId): Transport {
    const transport: Transport = {
      send: (message) => this.send(message),
      onMessage: () => {},
      onGone: () => {},
    };
    this.transports.set(node, transport);
    return transport;
  }

  private send(message: Message): void {
    if (!this.lets(message)) return;
    const bytes = encodeMessage(message);
    for (const delayMs of this.delaysMs(message)) {
      this.timers.after(delayMs, () => this.transports.get(message.to)?.onMessage(decodeMessage(bytes)));
    }
  }
}

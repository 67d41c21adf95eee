/**
 * A node to which slots move: it runs what a slot feed hands on like any client's commands, and lets no key of these slots expire.
 * Its clock is a day ahead, so that all that has an expiry is past it.
 */
import { SlotSweep, type SlotFeedSink } from '../../src/replication';
import { SLOT_COUNT } from '../../src/slots';
import { JournaledNode, type DirectClient } from '../server/journaled';

const AHEAD_MS = 24 * 3600 * 1000;
const ERROR_REPLY = /(^|\r\n)-[A-Z]+ .*/;

export class SlotReceiver implements SlotFeedSink {
  readonly subject: JournaledNode;
  /** How often a copy began. */
  copies = 0;
  private client: DirectClient;

  constructor(
    private readonly slots: readonly number[],
    settings: Readonly<Record<string, string>>,
  ) {
    this.subject = new JournaledNode(2, settings);
    this.subject.nowMs += AHEAD_MS;
    this.client = this.subject.client();
    const arriving = new Uint8Array(SLOT_COUNT);
    for (const slot of slots) arriving[slot] = 1;
    this.subject.node.keyspace.arriving = arriving;
  }

  begin(): void {
    this.copies++;
    this.client.leave();
    this.client = this.subject.client();
    new SlotSweep(this.subject.node.keyspace, this.slots).run(() => false);
  }

  write(bytes: Uint8Array): boolean {
    const error = ERROR_REPLY.exec(this.client.send(bytes));
    if (error !== null) throw new Error(`the receiver was handed what it cannot run: ${error[0].trim()}`);
    return true;
  }
}

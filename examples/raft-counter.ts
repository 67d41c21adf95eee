/**
 * Consensus by itself: three Raft nodes in one process agree on a counter, and go on when the one that leads is gone.
 *
 * What a program of its own puts in the place of these lines: a network between the nodes (`Transport`), a disk (`DiskLog`), because a
 * node that forgets its vote is dangerous, and its own state (`StateMachine`).
 */
import { realWorld } from 'slotcache';
import {
  MemoryLog,
  membershipOf,
  RaftNode,
  type Entry,
  type Message,
  type Outcome,
  type StateMachine,
  type Transport,
} from 'slotcache/raft';

const IDS = [1, 2, 3];

/** Adds the numbers that the log has. */
class Counter implements StateMachine {
  total = 0;

  apply({ data }: Entry): number {
    this.total += Number(Buffer.from(data).toString());
    return this.total;
  }

  snapshot(): Uint8Array {
    return Buffer.from(String(this.total));
  }

  restore(data: Uint8Array): void {
    this.total = Number(Buffer.from(data).toString());
  }
}

export async function run(log: (line: string) => void): Promise<void> {
  const lines = new Map<number, Transport>();
  const connectLine = (): Transport => ({
    // Messages take a turn of the event loop, and those to somebody who is gone are lost.
    send: (message: Message) => void setImmediate(() => lines.get(message.to)?.onMessage(message)),
    onMessage: () => {},
    onGone: () => {},
  });
  const membership = membershipOf(IDS);
  const counters = new Map<number, Counter>();
  const nodes = IDS.map((id) => {
    const machine = new Counter();
    const transport = connectLine();
    counters.set(id, machine);
    lines.set(id, transport);
    const node = new RaftNode(realWorld(), { storage: new MemoryLog(), transport, machine }, { id, membership });
    node.start();
    return node;
  });

  const add = async (number: number): Promise<unknown> => {
    for (;;) {
      const leader = nodes.find(({ id, isLeader }) => isLeader && lines.has(id));
      const outcome =
        leader && (await new Promise<Outcome>((done) => leader.propose(Buffer.from(String(number)), done)));
      if (outcome?.kind === 'applied') return outcome.result;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  await add(1);
  log(`after 1 and 2: ${String(await add(2))}`);

  const lost = nodes.find(({ isLeader }) => isLeader)!;
  lines.delete(lost.id);
  lost.stop();
  log(`and 3, by another leader: ${String(await add(3))}`);

  const [leader] = nodes.filter(({ id, isLeader }) => isLeader && id !== lost.id);
  const isCurrent = await new Promise<boolean>((done) => leader.read(done));
  log(`a read that a majority confirmed: ${isCurrent}, ${counters.get(leader.id)!.total}`);
  nodes.forEach((node) => node.id === lost.id || node.stop());
}

// prints:
// after 1 and 2: 3
// and 3, by another leader: 6
// a read that a majority confirmed: true, 6

/**
 * What every Transport must do: the tests that ours pass, for whoever makes another.
 *
 *     transportConformance({ test, assert }, async (nodes) => {
 *       const net = await MyNetwork.open(nodes);
 *       return { transports: nodes.map((node) => net.of(node)), settle: () => net.idle(), close: () => net.close() };
 *     });
 *
 * A transport may lose messages, so each test sends until it sees what it waits for, within limits; it may repeat and reorder them,
 * so only what is never allowed is held against it: a message that was changed, that came to another node, or while `send` ran.
 */
import type { ConformanceTools } from './conformance-log-storage';
import type { Transport } from './ports';
import type { Entry, Message, NodeId } from './types';

/** Transports of some nodes that can reach each other. */
export interface TransportsUnderTest {
  /** In the order of the nodes that were asked for. */
  readonly transports: readonly Transport[];
  /** Resolves when what was sent has had time to arrive. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const NODES: readonly NodeId[] = [1, 2, 4_294_967_295];
/** How often a message is sent before it counts as one that never arrives. */
const TRIES = 100;

/** Declares the tests; `make` gives each of them transports of its own, for the nodes that it names. */
export function transportConformance(
  { test, assert }: ConformanceTools,
  make: (nodes: readonly NodeId[]) => Promise<TransportsUnderTest>,
): void {
  const run = (name: string, play: (net: Net) => Promise<void>): void => {
    test(name, async () => {
      const made = await make(NODES);
      try {
        await play(new Net(made));
      } finally {
        await made.close();
      }
    });
  };

  for (const message of samples(1, 2)) {
    run(`carries a message of the type '${message.type}'`, async (net) => {
      assert.ok(await net.carries(message), 'it arrives');
      for (const received of net.received(2)) assert.deepEqual(received, message);
    });
  }

  run('carries from each to each, and to nobody else', async (net) => {
    for (const from of NODES) {
      for (const to of NODES)
        if (from !== to) assert.ok(await net.carries({ type: 'timeout-now', from, to, term: from }));
    }
    for (const node of NODES) assert.ok(net.received(node).every(({ to }) => to === node));
  });

  run('carries many entries in one message, and the largest of snapshots in chunks', async (net) => {
    const entries = Array.from({ length: 2000 }, (_, i) => entry(i + 1, 300));
    const [append] = samples(1, 2).filter(({ type }) => type === 'append');
    assert.ok(await net.carries({ ...append, entries } as Message), 'entries arrive');
    const [chunk] = samples(2, 1).filter(({ type }) => type === 'snapshot');
    const data = new Uint8Array(1024 * 1024).fill(7);
    assert.ok(
      await net.carries({ ...chunk, data, offset: 2 ** 33, totalBytes: 2 ** 34 } as Message),
      'a chunk arrives',
    );
  });

  run('does not deliver while it is asked to send', async (net) => {
    let isSending = false;
    net.listen(2, () => assert.ok(!isSending, 'who sends is not called'));
    for (const message of samples(1, 2)) {
      isSending = true;
      net.send(message);
      isSending = false;
      await net.settle();
    }
  });

  run('drops what is for a node that nobody knows', async (net) => {
    net.send({ type: 'timeout-now', from: 1, to: 77, term: 1 });
    assert.ok(await net.carries({ type: 'timeout-now', from: 1, to: 2, term: 1 }), 'others still get theirs');
    for (const node of NODES) assert.ok(net.received(node).every(({ to }) => to === node));
  });
}

/** Transports with who listens. */
class Net {
  private readonly inboxes = new Map<NodeId, Message[]>(NODES.map((node) => [node, []]));

  constructor(private readonly made: TransportsUnderTest) {
    for (const node of NODES) this.listen(node, () => {});
  }

  listen(node: NodeId, heard: (message: Message) => void): void {
    this.of(node).onMessage = (message) => {
      this.received(node).push(message);
      heard(message);
    };
  }

  received(node: NodeId): Message[] {
    return this.inboxes.get(node) ?? [];
  }

  send(message: Message): void {
    this.of(message.from).send(message);
  }

  settle(): Promise<void> {
    return this.made.settle();
  }

  /** Whether a message arrives, be it at the hundredth time. */
  async carries(message: Message): Promise<boolean> {
    const before = this.received(message.to).length;
    for (let tries = 0; tries < TRIES && this.received(message.to).length === before; tries++) {
      this.send(message);
      await this.settle();
    }
    return this.received(message.to)
      .slice(before)
      .some(({ type, from }) => type === message.type && from === message.from);
  }

  private of(node: NodeId): Transport {
    return this.made.transports[NODES.indexOf(node)];
  }
}

function entry(index: number, bytes: number): Entry {
  return { index, term: 2 ** 50 + 1, kind: 'command', data: new Uint8Array(bytes).fill(index & 0xff) };
}

/** One message of each type, with numbers that do not fit into 32 bits where they may be. */
function samples(from: NodeId, to: NodeId): Message[] {
  const big = 2 ** 52 + 1;
  const head = { from, to, term: big } as const;
  const membership = { voters: [1, 2], votersOutgoing: [1], learners: [3], learnersNext: [], autoLeave: true };
  const data = new Uint8Array([0, 13, 10, 255]);
  return [
    { type: 'pre-vote', ...head, lastIndex: big, lastTerm: 2, isTransfer: false },
    { type: 'vote', ...head, lastIndex: 1, lastTerm: big, isTransfer: true },
    { type: 'pre-vote-reply', ...head, isGranted: true },
    { type: 'vote-reply', ...head, isGranted: false },
    {
      type: 'append',
      ...head,
      previousIndex: big,
      previousTerm: 3,
      entries: [entry(big + 1, 3), entry(big + 2, 0)],
      commit: 9,
    },
    { type: 'append-reply', ...head, index: big, isRejected: true, hintIndex: 4, hintTerm: 2 },
    { type: 'heartbeat', ...head, commit: big, round: 12 },
    { type: 'heartbeat-reply', ...head, round: big },
    { type: 'snapshot', ...head, index: big, indexTerm: 5, membership, totalBytes: 10, offset: 6, data },
    { type: 'snapshot-reply', ...head, index: big, nextOffset: 10 },
    { type: 'timeout-now', ...head },
  ];
}

/**
 * A data node in a world where nothing happens by itself: time stands until it is set, and what a node does at the end of a
 * turn is done when `speak` returns. So a run of random commands is the same each time, and as fast as the node.
 */
import { Random, realWorld, type Timers } from '../../src/base';
import { DataNode, serverSettings } from '../../src/server';

export class StillNode {
  readonly node: DataNode;
  wallMs = 1_700_000_000_000;
  private readonly due: (() => void)[] = [];
  private readonly write: (bytes: Buffer) => void;

  constructor(seed: number, values: Readonly<Record<string, string | number>> = {}) {
    const timers: Timers = {
      every: () => () => undefined,
      after: () => () => undefined,
      endOfTurn: (task) => void this.due.push(task),
    };
    const settings = serverSettings();
    settings.assign({ port: 0, 'enable-debug-command': 'yes', ...values });
    const clock = { wallMs: () => this.wallMs, monotonicMs: () => this.wallMs - 1_600_000_000_000 };
    this.node = new DataNode(realWorld({ timers, clock, random: new Random(seed) }), settings);
    const end = this.node.connectInMemory();
    end.attach({ received: () => undefined, closed: () => undefined });
    this.write = (bytes) => void end.connection.write(bytes);
  }

  /** Runs one command to its end. */
  speak(words: readonly string[]): void {
    this.write(Buffer.concat(encoded(words)));
    while (this.due.length > 0) this.due.shift()!();
  }
}

function encoded(words: readonly string[]): Buffer[] {
  const parts = words.map((word) => Buffer.from(word, 'latin1'));
  return [
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ];
}

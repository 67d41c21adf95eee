/**
 * A data node in memory for tests, with a clock that is set by hand and clients that speak in lines.
 */
import { realWorld, type LogLevel, type World } from '../../src/base';
import { Client } from '../../src/net';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';

export type Say = (line: string) => ReturnType<Client['command']>;

export class TestNode {
  nowMs = 1_700_000_000_000;
  readonly log: [LogLevel, string][] = [];
  readonly world: World = realWorld({
    clock: { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs },
    log: (level, message) => void this.log.push([level, message]),
  });
  readonly node: DataNode;

  constructor(settings: Readonly<Record<string, string>> = {}, configFile: string | null = null) {
    const table = serverSettings();
    table.assign({ save: '', ...settings });
    this.node = new DataNode(this.world, table, configFile);
  }

  /** A new client: what it is told in one line (words divided by blanks) it sends as a command. */
  client(): Say {
    const end = this.node.connectInMemory();
    const client = Client.over(end.connection, this.world.timers);
    end.attach(client);
    return (line) => client.command(...line.split(' '));
  }

  /** Lets everything that is on its way in memory arrive. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A reply that must be a string. */
export async function textOf(reply: ReturnType<Say>): Promise<string> {
  const value = await reply;
  if (typeof value !== 'string') throw new Error('the reply is no string');
  return value;
}

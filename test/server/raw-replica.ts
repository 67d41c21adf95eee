/**
 * A replica that is spoken by hand: a connection in memory to a node, which says lines and keeps all that comes.
 */
import type { DataNode } from '../../src/server/data-node';
import type { Connection } from '../../src/net';
import { until } from './replicas';

const MARK = /\$EOF:([0-9a-f]{40})\r\n/;

export class RawReplica {
  /** What came, one character per byte. */
  received = '';
  isClosed = false;
  readonly connection: Connection;

  constructor({ node }: { readonly node: DataNode }) {
    const end = node.connectInMemory();
    this.connection = end.connection;
    end.attach({
      received: (buffer, start, stop) =>
        (this.received += Buffer.from(buffer.subarray(start, stop)).toString('latin1')),
      closed: () => (this.isClosed = true),
    });
  }

  say(line: string): void {
    this.connection.write(Buffer.from(`${line}\r\n`));
  }

  /** Says a line, and resolves with what comes next. */
  async ask(line: string): Promise<string> {
    this.received = '';
    this.say(line);
    await until(() => this.received !== '' || this.isClosed, `the answer to ${line}`);
    return this.received;
  }

  /** Becomes a replica that has nothing; resolves when the snapshot is there. Returns it without what is around it. */
  async sync(): Promise<{ id: string; offset: number; snapshot: string }> {
    this.received = '';
    this.say('PSYNC ? -1');
    await until(() => this.whole() !== null, 'the snapshot');
    const [, id, offset] = /\+FULLRESYNC ([0-9a-f]{40}) (\d+)\r\n/.exec(this.received)!;
    return { id, offset: Number(offset), snapshot: this.whole()! };
  }

  private whole(): string | null {
    const head = MARK.exec(this.received);
    if (head === null) return null;
    const start = head.index + head[0].length;
    const end = this.received.indexOf(head[1], start);
    return end < 0 ? null : this.received.slice(start, end);
  }

  /** Becomes a replica that is online. */
  async join(): Promise<{ id: string; offset: number }> {
    await this.ask('REPLCONF listening-port 7777 capa eof capa psync2');
    const { id, offset } = await this.sync();
    this.received = '';
    this.say(`REPLCONF ACK ${offset}`);
    return { id, offset };
  }
}

/**
 * Our own stages: a data node without sockets, one behind TCP in both protocols, and three behind a proxy.
 */
import { realWorld } from '../../src/base';
import type { MemoryEnd } from '../../src/net';
import { ProxyNode, proxySettings } from '../../src/proxy';
import { DataNode, serverSettings } from '../../src/server';
import { WireSession, type Stage, type StageSession } from './session';
import { TcpStage } from './tcp-stage';

/** A data node as the transcripts want it. */
function makeNode(): DataNode {
  const settings = serverSettings();
  settings.assign({ port: 0, 'enable-debug-command': 'yes' });
  return new DataNode(realWorld(), settings);
}

/** A session over a connection in memory. */
export class MemorySession extends WireSession {
  constructor(private readonly end: MemoryEnd) {
    super(2);
    end.attach({
      received: (buffer, from, to) => this.receive(Buffer.from(buffer.subarray(from, to))),
      closed: () => this.ended(),
    });
  }

  override write(bytes: Buffer): void {
    this.end.connection.write(bytes);
  }

  override close(): Promise<void> {
    this.end.connection.end();
    return Promise.resolve();
  }
}

/** The node in this process, by connections in memory. */
export class InProcessStage implements Stage {
  readonly name = 'in-process';
  readonly protocol = 2;
  readonly skipped = null;
  private readonly node = makeNode();

  open(): Promise<StageSession> {
    return Promise.resolve(new MemorySession(this.node.connectInMemory()));
  }

  close(): Promise<void> {
    return this.node.stop();
  }
}

/** The node behind a port. */
export class ServerStage extends TcpStage {
  protected readonly node = makeNode();
  private listening: Promise<void> | null = null;

  constructor(protocol: 2 | 3) {
    super(`server RESP${protocol}`, '127.0.0.1', 0, protocol);
  }

  override async open(): Promise<StageSession> {
    this.listening ??= this.listen();
    await this.listening;
    return super.open();
  }

  override close(): Promise<void> {
    return this.node.stop();
  }

  private async listen(): Promise<void> {
    const address = await this.node.listen({ host: '127.0.0.1', port: 0 });
    if ('port' in address) this.port = address.port;
  }
}

/** Three nodes behind a proxy, everything over TCP. */
export class ProxyStage extends TcpStage {
  private readonly nodes = [makeNode(), makeNode(), makeNode()];
  private proxy: ProxyNode | null = null;
  private starting: Promise<void> | null = null;

  constructor(protocol: 2 | 3) {
    super(`proxy RESP${protocol}`, '127.0.0.1', 0, protocol);
  }

  override async open(): Promise<StageSession> {
    this.starting ??= this.start();
    await this.starting;
    return super.open();
  }

  override async close(): Promise<void> {
    await this.proxy?.stop();
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  private async start(): Promise<void> {
    const settings = proxySettings();
    settings.assign({ port: 0 });
    for (const [i, node] of this.nodes.entries()) {
      const address = await node.listen({ host: '127.0.0.1', port: 0 });
      if ('port' in address) settings.set('group', [String(i + 1), `127.0.0.1:${address.port}`], 'file');
    }
    this.proxy = new ProxyNode(realWorld(), settings);
    await this.proxy.start();
    const address = await this.proxy.listen({ host: '127.0.0.1', port: 0 });
    if ('port' in address) this.port = address.port;
  }
}

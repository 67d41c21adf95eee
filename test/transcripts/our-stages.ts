/**
 * Our own stages: a data node without sockets, one that is made anew from its file, one whose replica answers, one behind TCP in
 * both protocols, and three behind a proxy.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, realWorld, type World } from '../../src/base';
import { commands, FLAG_READONLY } from '../../src/commands';
import type { MemoryEnd } from '../../src/net';
import { ProxyNode, proxySettings } from '../../src/proxy';
import { DataNode, serverSettings } from '../../src/server';
import { SimulatedDisk } from '../../src/sim';
import { command, WireSession, type Stage, type StageSession } from './session';
import { TcpStage } from './tcp-stage';

const folders: string[] = [];
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A data node as the transcripts want it. What it saves goes to a folder of its own. */
function makeNode(more: Readonly<Record<string, string>> = {}, world: Partial<World> = {}): DataNode {
  const dir = mkdtempSync(join(tmpdir(), 'slotcache-transcripts-'));
  folders.push(dir);
  const settings = serverSettings();
  settings.assign({ port: 0, 'enable-debug-command': 'yes', save: '', dir, ...more });
  return new DataNode(realWorld(world), settings);
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

/** Whether a command leaves nothing, whatever it finds; PFCOUNT may leave what it has counted. */
function isReader([name]: readonly Buffer[]): boolean {
  const spec = commands.find(name, 0, name.length);
  return spec !== null && (spec.flags & FLAG_READONLY) !== 0 && spec.name !== 'PFCOUNT';
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

/**
 * The node in this process, whose keyspace is made anew from its append-only file before every command that only reads: so
 * whatever a command leaves in the journal is as good as what it did.
 */
export class ReloadedStage implements Stage {
  readonly name = 'reloaded';
  readonly protocol = 2;
  readonly skipped = null;
  private readonly disk = new SimulatedDisk(new Random(1), { directories: ['/data'] });
  private readonly node = makeNode({ dir: '/data', appendonly: 'yes' }, { files: this.disk });
  private starting: Promise<void> | null = null;

  async open(): Promise<StageSession> {
    this.starting ??= this.node.start();
    await this.starting;
    return new ReloadingSession(this.node.connectInMemory(), this.node);
  }

  /** Empties the databases, and the file. */
  async reset(): Promise<void> {
    const session = await this.open();
    await session.send(command('FLUSHALL'));
    await session.send(command('BGREWRITEAOF'));
    while (this.node.persistence.isSnapshotRunning) {
      this.disk.runPending();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await session.close();
    while (this.node.sessions.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  close(): Promise<void> {
    return this.node.stop();
  }
}

class ReloadingSession extends MemorySession {
  constructor(
    end: MemoryEnd,
    private readonly node: DataNode,
  ) {
    super(end);
  }

  override send(args: Buffer[]): Promise<string> {
    if (isReader(args) && this.isQuiet()) this.node.persistence.reloadAppendOnly();
    return super.send(args);
  }

  /** Whether no client is in the middle of something that a reload would touch. */
  private isQuiet(): boolean {
    return [...this.node.sessions.values()].every(
      ({ isWaiting, transaction, watcher }) => !isWaiting && transaction === null && watcher === null,
    );
  }
}

/**
 * A node in this process and its replica: what only reads is asked of the replica, once that has all that the master has. So what
 * a command leaves in the stream is as good as what it did.
 */
export class ReplicaStage implements Stage {
  readonly name = 'replica';
  readonly protocol = 2;
  readonly skipped = null;
  private readonly master = makeNode({ 'repl-diskless-sync-delay': '0' });
  private readonly replica = makeNode({ 'repl-diskless-load': 'swapdb' });
  private isFollowing = false;

  async open(): Promise<StageSession> {
    const { master, replica } = this;
    if (!this.isFollowing) this.follow();
    const pair: ReplicatedPair = { master, untilCaughtUp: () => this.untilCaughtUp() };
    await this.untilCaughtUp();
    return new ReplicatedSession(master.connectInMemory(), new MemorySession(replica.connectInMemory()), pair);
  }

  async close(): Promise<void> {
    await Promise.all([this.replica.stop(), this.master.stop()]);
  }

  private follow(): void {
    const { replication } = this.replica;
    this.isFollowing = true;
    replication.following.connect = (_address, handler, opened) => {
      const end = this.master.connectInMemory();
      end.attach(handler);
      opened(end.connection);
    };
    replication.follow({ host: 'master', port: 1 });
  }

  private async untilCaughtUp(): Promise<void> {
    const { following } = this.replica.replication;
    while (!following.isConnected || following.offset !== this.master.replication.offset) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

interface ReplicatedPair {
  readonly master: DataNode;
  /** Resolves when the replica has all that the master has. */
  untilCaughtUp(): Promise<void>;
}

/** What is to be the same of both: of the connection, or of the node and not of its data. */
const SAID_TO_BOTH: ReadonlySet<string> = new Set(['SELECT', 'HELLO', 'RESET', 'AUTH', 'CONFIG', 'DEBUG']);

class ReplicatedSession extends MemorySession {
  constructor(
    end: MemoryEnd,
    private readonly reader: MemorySession,
    private readonly pair: ReplicatedPair,
  ) {
    super(end);
  }

  override async send(args: Buffer[]): Promise<string> {
    const { pair, reader } = this;
    const isQueuing = [...pair.master.sessions.values()].some(({ transaction }) => transaction !== null);
    if (isReader(args) && !isQueuing) {
      await pair.untilCaughtUp();
      return reader.send(args);
    }
    if (SAID_TO_BOTH.has(args[0].toString().toUpperCase())) await reader.send(args);
    return super.send(args);
  }

  override async close(): Promise<void> {
    await Promise.all([this.reader.close(), super.close()]);
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

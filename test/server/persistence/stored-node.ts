/**
 * A data node with files, for tests: in a fresh directory of the real disk, or on a simulated one; started, spoken to, ended.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, realWorld, type World } from '../../../src/base';
import { Client } from '../../../src/net';
import { DataNode, serverSettings } from '../../../src/server';
import { SimulatedDisk } from '../../../src/sim';

const folders: string[] = [];

/** A directory that `endAll` removes. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slotcache-persistence-'));
  folders.push(folder);
  return folder;
}

const nodes = new Set<StoredNode>();

/** Ends all nodes and removes all directories: to be called after each test. */
export async function endAll(): Promise<void> {
  await Promise.all([...nodes].map((each) => each.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A disk that is given as `files` has one directory, `/data`. */
export function simulatedDisk(seed = 1): SimulatedDisk {
  return new SimulatedDisk(new Random(seed), { directories: ['/data'] });
}

export type Settings = Readonly<Record<string, string>>;

export class StoredNode {
  readonly log: string[] = [];
  readonly node: DataNode;
  readonly failures: Error[] = [];
  private ownClient: Client | null = null;

  constructor(settings: Settings, overrides: Partial<World> = {}) {
    const table = serverSettings();
    table.assign({ port: 0, save: '', 'enable-debug-command': 'yes', ...settings });
    const world = realWorld({ log: (_level, message) => void this.log.push(message), ...overrides });
    this.node = new DataNode(world, table);
    this.node.on('failed', (error) => this.failures.push(error));
    nodes.add(this);
  }

  static async start(settings: Settings, overrides: Partial<World> = {}): Promise<StoredNode> {
    const stored = new StoredNode(settings, overrides);
    await stored.node.start();
    return stored;
  }

  /** A new client. */
  client(): Client {
    const end = this.node.connectInMemory();
    const client = Client.over(end.connection, this.node.world.timers);
    end.attach(client);
    return client;
  }

  /** Sends a command, its words divided by blanks. */
  say(line: string): ReturnType<Client['command']> {
    this.ownClient ??= this.client();
    return this.ownClient.command(...line.split(' '));
  }

  /** The value of a field of INFO. */
  async info(field: string): Promise<string> {
    const text = String(await this.say('INFO everything'));
    return new RegExp(`^${field}:(.*)\r$`, 'm').exec(text)?.[1] ?? '';
  }

  /** Resolves when the field has that value. */
  async reaches(field: string, value: string): Promise<void> {
    while ((await this.info(field)) !== value) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  stop(): Promise<void> {
    nodes.delete(this);
    return this.node.stop();
  }
}

/**
 * A data node whose journal is kept in memory, and one that follows it: for tests of what commands leave.
 *
 * Clients are driven without a network and without waiting, so that thousands of commands are a matter of milliseconds and a
 * failing run can be repeated.
 */
import { Random, realWorld } from '../../src/base';
import type { Connection } from '../../src/net';
import { COMMAND, CommandParser, defaultProtocolLimits, encodeCommand } from '../../src/resp';
import { DataNode } from '../../src/server/data-node';
import { NOWHERE, Replayer } from '../../src/server/replay';
import { Session } from '../../src/server/session';
import { serverSettings } from '../../src/server/settings';

/** A connection whose peer listens to nobody: replies are taken from the session's output. */
const DEAF: Connection = { ...NOWHERE, isLocal: true };

/** A client that speaks in words, one character per byte. */
export class DirectClient {
  private readonly session: Session;

  constructor(node: DataNode, id: number) {
    this.session = new Session(id, node, DEAF);
    node.sessions.set(id, this.session);
  }

  /** Whether its last command waits. */
  get waits(): boolean {
    return this.session.isWaiting;
  }

  /** Sends a command; the bytes of its reply, one character each, as far as there is one. */
  say(...words: readonly string[]): string {
    const message = encodeCommand(words.map((word) => Buffer.from(word, 'latin1')));
    return this.send(message);
  }

  send(message: Uint8Array): string {
    this.session.received(message, 0, message.length);
    return this.session.out.take().toString('latin1');
  }

  leave(): void {
    this.session.closed();
  }
}

export class JournaledNode {
  nowMs = 1_700_000_000_000;
  readonly node: DataNode;
  private readonly chunks: Buffer[] = [];
  private clients = 0;

  constructor(seed = 1, settings: Readonly<Record<string, string>> = {}) {
    const table = serverSettings();
    table.assign({ 'enable-debug-command': 'yes', ...settings });
    const clock = { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };
    this.node = new DataNode(realWorld({ clock, random: new Random(seed) }), table);
    this.node.journal.setFile({
      write: (buffer, start, end) => void this.chunks.push(Buffer.from(buffer.subarray(start, end))),
    });
  }

  client(): DirectClient {
    return new DirectClient(this.node, 1000 + this.clients++);
  }

  /** Everything that was journaled so far. */
  taken(): Buffer {
    this.node.journal.commit();
    return Buffer.concat(this.chunks);
  }
}

/**
 * A node that has replayed these bytes, `laterMs` after 1,700,000,000 s.
 * @throws Error where an entry was answered by an error
 */
export function follow(
  journal: Uint8Array,
  laterMs: number,
  settings: Readonly<Record<string, string>> = {},
): JournaledNode {
  const follower = new JournaledNode(2, settings);
  const { node } = follower;
  follower.nowMs += laterMs;
  node.journal.isActive = false;
  node.keyspace.setTime(follower.nowMs);
  node.keyspace.dueKeys = 'stay';
  const replayer = new Replayer(node);
  forEachCommand(journal, (words, parser) => {
    const error = replayer.execute(parser);
    if (error !== null) throw new Error(`${words.join(' ')}: ${error}`);
  });
  return follower;
}

/** The entries of a journal as words, one character per byte. */
export function entriesOf(journal: Uint8Array): string[][] {
  const entries: string[][] = [];
  forEachCommand(journal, (words) => entries.push(words));
  return entries;
}

function forEachCommand(journal: Uint8Array, visit: (words: string[], parser: CommandParser) => void): void {
  const parser = new CommandParser(defaultProtocolLimits());
  parser.feed(journal, 0, journal.length);
  let end = 0;
  while (parser.next() === COMMAND) {
    const words: string[] = [];
    for (let i = 0; i < parser.argc; i++) {
      words.push(Buffer.from(parser.buffer.subarray(parser.starts[i], parser.ends[i])).toString('latin1'));
    }
    end += parser.commandEnd - parser.commandStart;
    visit(words, parser);
  }
  if (end !== journal.length) throw new Error(`${journal.length - end} bytes of the journal are no command`);
}

/** All that can be known of the databases, key by key; of consumers not when they were last seen. */
export function contentsOf({ node }: Pick<JournaledNode, 'node'>, client: DirectClient): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const { index } of node.keyspace.usedDatabases()) {
    client.say('SELECT', String(index));
    for (const key of keysIn(client)) {
      const type = client.say('TYPE', key);
      const stream = type.includes('stream') ? streamFacts(client, key) : '';
      contents[`${index} ${key}`] = [
        type,
        client.say('PEXPIRETIME', key),
        client.say('DEBUG', 'DIGEST-VALUE', key),
        stream,
      ].join('');
    }
  }
  return contents;
}

function keysIn(client: DirectClient): string[] {
  const reply = client.say('KEYS', '*');
  return reply === '*0\r\n' ? [] : entriesOf(Buffer.from(reply, 'latin1'))[0].sort();
}

/** What DIGEST-VALUE does not look at, but for nodes and for when consumers were seen. */
function streamFacts(client: DirectClient, key: string): string {
  return client
    .say('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0')
    .replace(/\$\d+\r\n(radix-tree-keys|radix-tree-nodes|seen-time|active-time)\r\n:-?\d+\r\n/g, '');
}

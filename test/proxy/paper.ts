/**
 * A proxy on virtual time between config servers and masters of paper: nothing happens but by the word of a test.
 */
import { plant } from '../../src/base/mutants';
import { addressText, type Address } from '../../src/net';
import { ProxyNode, proxySettings, type Dial } from '../../src/proxy';
import { ClusterView, slotOf, type Engine, type GroupState } from '../../src/slots';
import { PaperServer, VirtualTime } from '../views/virtual';
import { RawClient } from './cluster';

/** What the proxy says by itself. */
const OWN_COMMANDS = /^(SLOTCACHE|SELECT|HELLO)/;

/** A server that answers every command with its name, at once or when it is released. */
export class PaperMaster extends PaperServer {
  /** Replies to clients' commands stay under way. */
  isHeld = false;
  /** Epochs below this one are refused. */
  epochMin = 0;
  private waiting = '';

  override answer(words: readonly string[]): string | null {
    const reply = this.replyTo(words);
    if (!this.isHeld) return reply;
    if (OWN_COMMANDS.test(words[0]) && this.waiting === '') return reply;
    this.waiting += reply;
    return null;
  }

  private replyTo(words: readonly string[]): string {
    if (words[0] === 'SLOTCACHE' && Number(words[3]) < this.epochMin) return '-STALEEPOCH a higher epoch is known\r\n';
    return OWN_COMMANDS.test(words[0]) ? '+OK\r\n' : `+${this.address.host}\r\n`;
  }

  /** Sends what is owed over the connection that was made last, if it stands. */
  release(): void {
    this.isHeld = false;
    this.sessions.at(-1)!.send(this.waiting);
    this.waiting = '';
  }

  /** The commands of clients that it got. */
  get commands(): string[] {
    return this.heard.filter((line) => !OWN_COMMANDS.test(line));
  }
}

export interface PaperGroup {
  readonly epoch: number;
  readonly state?: GroupState;
  /** Name of the master. */
  readonly master: string;
}

/** Group 1 owns the lower half of the slots and has the members a and b, group 2 has c. */
export class PaperCluster {
  readonly time = new VirtualTime();
  readonly config = new PaperServer(this.time, { host: 'config', port: 6390 });
  readonly a = new PaperMaster(this.time, { host: 'a', port: 6379 });
  readonly b = new PaperMaster(this.time, { host: 'b', port: 6379 });
  readonly c = new PaperMaster(this.time, { host: 'c', port: 6379 });
  readonly proxy: ProxyNode;
  private version = 10;

  constructor(
    settings: Parameters<ReturnType<typeof proxySettings>['assign']>[0] = {},
    private readonly engine: Engine = 'slotcache',
  ) {
    const values = proxySettings();
    values.assign({ port: 0, databases: 1, 'config-servers': 'config:6390', announce: 'proxy:6380', ...settings });
    const dial: Dial = (address: Address, handler, opened) => {
      [this.a, this.b, this.c]
        .find((server) => addressText(server.address) === addressText(address))!
        .accept(handler, opened);
    };
    this.proxy = new ProxyNode(this.time.world, values, dial, (_address, handler, opened) =>
      this.config.accept(handler, opened),
    );
    this.proxy.allegiance!.start();
    this.pass(5);
  }

  /** Pushes a view in which group 1 is so; returns its version. Group 2 serves, with c. */
  push({ epoch, state = 'serving', master }: PaperGroup): number {
    const role = (name: string): 'master' | 'replica' => (name === master ? 'master' : 'replica');
    const member = (host: string) => ({ host, port: 6379, zone: '', role: role(host) });
    const { engine } = this;
    const view = new ClusterView({
      version: ++this.version,
      groups: [
        { id: 1, epoch, engine, state, members: [member('a'), member('b')] },
        { id: 2, epoch: 1, engine, members: [{ ...member('c'), role: 'master' }] },
      ],
      slots: [
        [0, 511, 1],
        [512, 1023, 2],
      ],
    });
    const json = JSON.stringify(view);
    this.config.sessions.at(-1)!.send(`>3\r\n$4\r\nview\r\n:${view.version}\r\n$${json.length}\r\n${json}\r\n`);
    this.pass(10);
    return view.version;
  }

  pass(ms: number): void {
    this.time.pass(ms);
  }

  client(): RawClient {
    return new RawClient(this.proxy);
  }

  /** Sends a command and lets it be answered. */
  ask(client: RawClient, text: string, ms = 20): string {
    const before = client.text.length;
    client.send(text);
    this.pass(ms);
    return client.text.slice(before);
  }

  /** The version that the proxy says is in force. */
  get inForce(): number {
    const renewals = this.config.heard.filter((line) => line.startsWith('LEASE'));
    return Number(renewals.at(-1)!.split(' ').at(-1));
  }
}

/** Keys of group 1 and of group 2. */
export const [LOWER, UPPER] = [(slot: number) => slot < 512, (slot: number) => slot >= 512].map((isThere) => {
  for (let i = 0; ; i++) if (isThere(slotOf(`key${i}`))) return `key${i}`;
});

/** Runs `task` while a bug is planted. */
export function withPlanted(name: string, task: () => void): void {
  plant(name);
  try {
    task();
  } finally {
    plant(null);
  }
}

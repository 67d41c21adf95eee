/**
 * Zones: machines that can be cut off from each other: network namespaces on one bridge, which the drill itself is on, too.
 *
 * A process that is started in a zone has the zone's address, so its pid, its signals and its files are as ever, and only its
 * network can be broken: `cut` lets nothing through its cable, both ways (its port at the bridge is closed; the cable itself stays in, as
 * the kernel would notice that it came back a second late); `deafen` lets one zone's packets to another vanish (their
 * neighbour gets a hardware address that nobody has) while those the other way arrive. Nothing is refused: what is sent into a cut
 * is not answered, as when a switch dies. Needs Linux and root.
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Hardware address that nobody on the bridge has. */
const NOBODY = '02:00:00:00:00:01';
const SUBNETS = 200;
/** States of a port of a bridge, as spanning trees have them. */
const DISABLED = 0;
const FORWARDING = 3;
/** Errors are for us, the rest for nobody. */
const PLAINLY: StdioOptions = ['ignore', 'ignore', 'pipe'];

export class Zone {
  readonly host: string;

  constructor(
    private readonly prefix: string,
    readonly number: number,
    network: string,
  ) {
    this.host = `${network}.${number}`;
  }

  get namespace(): string {
    return `${this.prefix}n${this.number}`;
  }

  /** The bridge's end of its cable. */
  get cable(): string {
    return `${this.prefix}v${this.number}`;
  }

  /** Words before a program that is to run in this zone; its pid is that of what is spawned. */
  get enter(): readonly string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  /** Nobody hears it, and it hears nobody, but itself. */
  cut(): void {
    this.setPort(DISABLED);
  }

  mend(): void {
    this.setPort(FORWARDING);
  }

  private setPort(state: number): void {
    execFileSync('bridge', ['link', 'set', 'dev', this.cable, 'state', String(state)], { stdio: PLAINLY });
  }

  /** What it sends to that zone does not arrive; what it is sent does. */
  deafen(other: Zone): void {
    ip('-n', this.namespace, 'neigh', 'replace', other.host, 'lladdr', NOBODY, 'dev', 'eth0', 'nud', 'permanent');
  }

  undeafen(other: Zone): void {
    ip('-n', this.namespace, 'neigh', 'del', other.host, 'dev', 'eth0');
  }
}

const standing = new Set<Zones>();
process.on('exit', () => standing.forEach((zones) => zones.dispose()));

export class Zones {
  readonly all: readonly Zone[];
  private readonly bridge: string;

  private constructor(prefix: string, network: string, count: number) {
    this.bridge = `${prefix}br`;
    this.all = Array.from({ length: count }, (_, i) => new Zone(prefix, i + 1, network));
    ip('link', 'add', this.bridge, 'type', 'bridge');
    ip('addr', 'add', `${network}.254/24`, 'dev', this.bridge);
    ip('link', 'set', this.bridge, 'up');
    for (const { namespace, cable, host } of this.all) {
      ip('netns', 'add', namespace);
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('link', 'set', cable, 'master', this.bridge, 'up');
      ip('-n', namespace, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
  }

  /** Why there can be none here; null where there can. */
  static reasonAgainst(): string | null {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux';
    return existsSync('/run/netns') || canMakeNamespaces() ? null : 'network namespaces cannot be made here';
  }

  /** So many zones, by themselves: others may run beside. */
  static make(count: number): Zones {
    const zones = new Zones(`sc${process.pid}`.slice(0, 10), `10.77.${process.pid % SUBNETS}`, count);
    standing.add(zones);
    return zones;
  }

  /** Ends the zones. Processes in them go on without a network. */
  dispose(): void {
    standing.delete(this);
    for (const { cable, namespace } of this.all) {
      quietly('link', 'del', cable);
      quietly('netns', 'del', namespace);
    }
    quietly('link', 'del', this.bridge);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: PLAINLY });
}

function quietly(...args: readonly string[]): void {
  try {
    ip(...args);
  } catch {
    // It is gone already.
  }
}

function canMakeNamespaces(): boolean {
  const name = `sc${process.pid}try`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch {
    return false;
  }
}

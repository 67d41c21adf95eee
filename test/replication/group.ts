/**
 * Group: servers that replicate each other through links that may fail, and what is to be true of them: how often a master has
 * given everything, or only what was lacking, and that all have the same data.
 */
import { differences } from '../drill/keyspaces';
import { LinkProxy } from '../drill/link-proxy';
import type { Folder } from '../drill/folder';
import { Member, type SyncCounts } from '../drill/member';
import { PEER, type Settings, type Target } from '../drill/server-process';

export interface Formation {
  readonly name: string;
  /** Whether each server is ours; the first is the master. */
  readonly areOurs: readonly boolean[];
  /** In a chain each follows the one before, in a star all follow the first. */
  readonly shape: 'chain' | 'star';
}

/** Syncs that the master at the upper end of each link is to have given. */
export type Expected = readonly Partial<SyncCounts>[];

const NONE: SyncCounts = { full: 0, partial: 0 };

export class Group {
  /** What was wrong. */
  readonly problems: string[] = [];

  private constructor(
    /** In the order of the formation: of who leads first. */
    readonly members: Member[],
    /** Of each replica, to its master. */
    readonly links: LinkProxy[],
    readonly isChain: boolean,
  ) {}

  /** Starts servers and links; nobody follows anybody yet. */
  static async start(formation: Formation, ours: Target, folder: Folder, settings: Settings): Promise<Group> {
    const members = await Promise.all(
      formation.areOurs.map((isOurs, i) => {
        const target = isOurs ? ours : PEER;
        return Member.start(`${target.name} ${i}`, target, folder.at(`member-${i}`), settings);
      }),
    );
    const group = new Group(members, [], formation.shape === 'chain');
    for (let i = 1; i < members.length; i++) group.links.push(await LinkProxy.open(group.masterOf(i).port));
    return group;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end('SIGKILL')));
    await Promise.all(this.links.map((link) => link.close()));
  }

  get master(): Member {
    return this.members[0];
  }

  get last(): Member {
    return this.members[this.members.length - 1];
  }

  masterOf(index: number): Member {
    return this.members[this.isChain ? index - 1 : 0];
  }

  async everyoneFollows(): Promise<void> {
    for (const [i, link] of this.links.entries()) {
      link.masterPort = this.masterOf(i + 1).port;
      await this.members[i + 1].follow(link.port);
      await this.members[i + 1].untilInSync(this.masterOf(i + 1));
    }
  }

  /** The last one becomes the master, and is to be followed in the opposite order. */
  async turnAround(): Promise<void> {
    await this.last.follow(null);
    this.members.reverse();
    this.links.reverse();
  }

  async configure(name: string, value: string): Promise<void> {
    await Promise.all(this.members.map((member) => member.client.command('CONFIG', 'SET', name, value)));
  }

  /** Does something, after which replicas have asked for a sync as often as is expected, and all have the same data. */
  async expect(expected: Expected, deed: () => Promise<void>): Promise<void> {
    const masters = this.links.map((_, i) => this.masterOf(i + 1));
    const processes = masters.map((master) => master.server);
    const before = await Promise.all(masters.map((master) => master.syncCounts()));
    await deed();
    for (const [i, master] of masters.entries()) {
      const from = master.server === processes[i] ? before[i] : NONE;
      const should = sumOf(expected.filter((_, link) => masters[link] === master));
      const least = from.full + from.partial + should.full + should.partial;
      await master.until('stats', (info) => Number(info.sync_full) + Number(info.sync_partial_ok) >= least);
      await this.members[i + 1].untilInSync(master);
      const is = subtract(await master.syncCounts(), from);
      if (shown(is) !== shown(should)) this.problems.push(`${master.name} gave ${shown(is)}, not ${shown(should)}`);
    }
    await this.compare();
  }

  /** Notes what replicas have that differs from what the master has. */
  async compare(): Promise<void> {
    const [master, ...replicas] = this.members;
    // What a redis-server does not tell its replicas, nobody below it knows.
    const areTold = this.members.slice(0, -1).every(({ target }) => target.isOurs);
    for (const [i, replica] of replicas.entries()) {
      await replica.untilInSync(this.masterOf(i + 1));
      const found = await differences(master, replica, areTold ? 'whole' : 'as-told-by-7.0');
      this.problems.push(...found.map((difference) => `${replica.name}: ${difference}`));
    }
  }
}

function sumOf(all: Expected): SyncCounts {
  return all.reduce<SyncCounts>(
    (sum, { full = 0, partial = 0 }) => ({ full: sum.full + full, partial: sum.partial + partial }),
    NONE,
  );
}

function subtract(a: SyncCounts, b: SyncCounts): SyncCounts {
  return { full: a.full - b.full, partial: a.partial - b.partial };
}

function shown({ full, partial }: SyncCounts): string {
  return `${full} full syncs and ${partial} partial ones`;
}

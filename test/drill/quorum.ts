/**
 * A master dies and its replica takes its place: what was acknowledged with `write-quorum 1` is all there; and whoever dies, once
 * two servers are in sync again there is no difference between them.
 *
 * Rounds go on with the same two servers. Mostly the master is killed under load, at the worst moment (right behind an answer),
 * the replica promoted and judged, and the dead one comes back as its replica, with whatever it has kept: nothing, a save, or an
 * append-only file, which may have what no replica ever heard of. Often their link has been slow before: what the master has sent
 * does not arrive any more. In the other rounds the replica is killed and comes back.
 *
 * `none` is the same without a quorum: then writes may be lost, but only the last ones, and still nothing may differ.
 */
import { Random } from '../../src/base';
import { differences } from './keyspaces';
import { Folder } from './folder';
import type { RoundOptions } from './kill';
import { LinkProxy } from './link-proxy';
import { judge, Load, sleep } from './load';
import { Member, type Keeping } from './member';
import { milliseconds, quantile, type Report } from './report';
import type { Settings, Target } from './server-process';

export const QUORUMS = ['1', 'none'] as const;
export type Quorum = (typeof QUORUMS)[number];

const LOAD_MS_MIN = 100;
const LOAD_MS_MAX = 500;
const ANSWER_WITHIN_MS = 1000;
const ACKNOWLEDGED_MIN = 20;
const REPLICA_DIES_ONE_IN = 4;
const LINK_HELD_ONE_IN = 2;
const LINK_HELD_MS_MAX = 60;
const KEEPINGS: readonly Keeping[] = ['nothing', 'rdb', 'append-only'];
/** So long that no reply gives up while a replica is there. */
const QUORUM_TIMEOUT_MS = 60_000;

export async function drillQuorum(target: Target, quorum: Quorum, { rounds, seed }: RoundOptions): Promise<Report> {
  const folder = new Folder();
  const drill = await QuorumDrill.begin(target, quorum, folder, seed);
  const failures: string[] = [];
  try {
    for (let round = 1; round <= rounds && failures.length === 0; round++) {
      const found = await drill.round(round);
      if (found.length === 0 || !target.isOurs) continue;
      folder.keep();
      failures.push(`round ${round} (seed ${seed}): ${found.join('; ')}; see ${folder.path}`);
    }
  } finally {
    await drill.stop();
    folder.dispose();
  }
  return { figures: drill.figures(), failures };
}

class QuorumDrill {
  private rounds = 0;
  private acknowledged = 0;
  private lost = 0;
  private partial = 0;
  private full = 0;
  private differing = 0;
  private readonly backMs: number[] = [];

  private constructor(
    private readonly quorum: Quorum,
    private readonly random: Random,
    private master: Member,
    private replica: Member,
    private readonly link: LinkProxy,
  ) {}

  static async begin(target: Target, quorum: Quorum, folder: Folder, seed: number): Promise<QuorumDrill> {
    const random = new Random(seed);
    const settings: Settings =
      quorum === 'none' || !target.isOurs
        ? {}
        : { 'write-quorum': quorum, 'write-quorum-timeout': String(QUORUM_TIMEOUT_MS) };
    const a = await Member.start('a', target, folder.at('a'), settings);
    const b = await Member.start('b', target, folder.at('b'), settings);
    const link = await LinkProxy.open(a.port);
    await b.follow(link.port);
    await b.untilInSync(a);
    return new QuorumDrill(quorum, random, a, b, link);
  }

  /** What is wrong after it. */
  async round(round: number): Promise<string[]> {
    const { random } = this;
    this.rounds++;
    const { master, replica } = this;
    await master.keep(KEEPINGS[random.below(KEEPINGS.length)]);
    await replica.keep(KEEPINGS[random.below(KEEPINGS.length)]);
    const load = await Load.begin(master.server, random.uint32(), `round${round}`);
    await sleep(LOAD_MS_MIN + random.below(LOAD_MS_MAX - LOAD_MS_MIN));
    await Promise.race([load.nextAnswer(), sleep(ANSWER_WITHIN_MS)]);
    const found = random.below(REPLICA_DIES_ONE_IN) === 0 ? await this.replicaDies(load) : await this.masterDies(load);
    found.push(...(await this.compare()));
    await this.master.client.command('FLUSHALL');
    return found;
  }

  async stop(): Promise<void> {
    await this.master.end('SIGKILL');
    await this.replica.end('SIGKILL');
    await this.link.close();
  }

  figures(): string {
    const { acknowledged, backMs, differing, full, lost, partial, rounds } = this;
    return (
      `${rounds} rounds, ${acknowledged} acknowledged, ${lost} lost, ${differing} rounds with a difference; ` +
      `${partial} came back by a partial sync, ${full} by a full one; in sync again ${milliseconds(quantile(backMs, 0.5))} median`
    );
  }

  private async masterDies(load: Load): Promise<string[]> {
    const { link, master: dead, random, replica: heir } = this;
    if (random.below(LINK_HELD_ONE_IN) === 0) {
      link.hold();
      await sleep(random.below(LINK_HELD_MS_MAX));
    }
    const atMs = performance.now();
    load.end();
    await dead.end('SIGKILL');
    link.cut();
    // What it had sent before it died was acknowledged.
    await load.settled();
    await heir.follow(null);
    const { acknowledged, lost, oldestLostMs, problems } = await judge(heir.client, load, atMs);
    await load.close();
    this.acknowledged += acknowledged;
    this.lost += lost;
    const found = [...problems];
    if (acknowledged < ACKNOWLEDGED_MIN) found.push(`only ${acknowledged} operations were acknowledged`);
    if (lost > 0 && this.quorum !== 'none') {
      found.push(`${lost} acknowledged operations are lost, the oldest ${milliseconds(oldestLostMs)} old`);
    }
    [this.master, this.replica] = [heir, dead];
    await this.comesBack();
    return found;
  }

  private async replicaDies(load: Load): Promise<string[]> {
    await this.replica.end('SIGKILL');
    await this.comesBack();
    load.end();
    await load.settled();
    await load.close();
    return [];
  }

  private async comesBack(): Promise<void> {
    const { link, master, replica } = this;
    const before = await master.syncCounts();
    const fromMs = performance.now();
    link.release();
    link.masterPort = master.port;
    await replica.begin(link.port);
    await replica.untilInSync(master);
    // Until it has acknowledged what it was given it is sent no more.
    await master.until('replication', ({ slave0 }) => slave0?.includes('state=online') === true);
    this.backMs.push(performance.now() - fromMs);
    const now = await master.syncCounts();
    this.partial += now.partial - before.partial;
    this.full += now.full - before.full;
  }

  private async compare(): Promise<string[]> {
    const found = await differences(this.master, this.replica, this.master.target.isOurs ? 'whole' : 'as-told-by-7.0');
    if (found.length > 0) this.differing++;
    return found;
  }
}

/**
 * The matrix: who may replicate whom, and what befalls them. Servers of ours and redis-servers follow each other through links
 * that fail, restart with what they have kept, or without, and change their roles, while a dataset of every type is written at.
 *
 * After each of these phases all have the same data, key by key, and exactly as many full and partial syncs have been given as
 * a group of redis-servers gives: replicas that could have been given what they lacked were not given everything, and the other
 * way round. The formations of redis-servers only are the judges of what is expected here. How full syncs are sent and loaded
 * (`repl-diskless-sync`, `repl-diskless-load`) the seed says.
 */
import { Random } from '../../src/base';
import { datasetCommands } from '../drill/dataset';
import { Folder } from '../drill/folder';
import { sleep } from '../drill/load';
import type { Keeping, Member, SyncCounts } from '../drill/member';
import type { Target } from '../drill/server-process';
import { Traffic } from '../drill/traffic';
import { one } from '../fuzz/words';
import { Group, type Expected, type Formation } from './group';

export const FORMATIONS: readonly Formation[] = [
  { name: 'ours→ours', areOurs: [true, true], shape: 'chain' },
  { name: 'redis→ours', areOurs: [false, true], shape: 'chain' },
  { name: 'ours→redis', areOurs: [true, false], shape: 'chain' },
  { name: 'ours→redis→ours', areOurs: [true, false, true], shape: 'chain' },
  { name: 'redis→ours→redis', areOurs: [false, true, false], shape: 'chain' },
  { name: 'ours→ours+redis', areOurs: [true, true, false], shape: 'star' },
  { name: 'redis→ours+redis', areOurs: [false, true, false], shape: 'star' },
];

/** What they expect of ours is what these do. */
export const JUDGES: readonly Formation[] = [
  { name: 'redis→redis→redis', areOurs: [false, false, false], shape: 'chain' },
  { name: 'redis→redis+redis', areOurs: [false, false, false], shape: 'star' },
];

export interface MatrixOptions {
  readonly seed: number;
  /** How long is written in each phase. */
  readonly writeMs: number;
  readonly phases: readonly PhaseName[];
}

/** Enough for everything that is written here; and so little that `OVERRUN` is more. */
const BACKLOG = '128mb';
const SMALL_BACKLOG = '32kb';
const OVERRUN_COMMANDS = 400;
const OVERRUN_VALUE = 'overrun '.repeat(2048);
const TROUBLE_MS = 150;
const CUT_WITHIN_BYTES_MAX = 4000;
const CUT_SYNCS = 5;
const SYNC_BYTES = 100_000;

const NONE: Partial<SyncCounts> = {};
const PARTIAL: Partial<SyncCounts> = { partial: 1 };
const FULL: Partial<SyncCounts> = { full: 1 };

/** What was wrong; nothing where all is well. */
export async function playMatrix(formation: Formation, ours: Target, options: MatrixOptions): Promise<string[]> {
  const folder = new Folder();
  const random = new Random(options.seed);
  const group = await Group.start(formation, ours, folder, {
    'repl-backlog-size': BACKLOG,
    'repl-diskless-sync': one(random, ['yes', 'no']),
    'repl-diskless-load': one(random, ['disabled', 'on-empty-db', 'swapdb']),
  });
  const { problems } = group;
  const matrix = new Matrix(group, random, options);
  let phase: PhaseName = 'first sync';
  try {
    for (phase of options.phases) {
      await PHASES[phase](matrix);
      if (problems.length > 0) break;
    }
  } catch (error) {
    problems.push((error as Error).message);
  } finally {
    await group.stop();
    if (problems.length > 0) folder.keep();
    folder.dispose();
  }
  return problems.map((problem) => `${formation.name}, seed ${options.seed}: ${phase}: ${problem}; see ${folder.path}`);
}

/** What phases are made of. */
class Matrix {
  private part = 0;

  constructor(
    readonly group: Group,
    private readonly random: Random,
    private readonly options: MatrixOptions,
  ) {}

  async writeDataset(): Promise<void> {
    const { client } = this.group.master;
    const commands = datasetCommands(this.options.seed, this.part++);
    // What it changes of the part before may have been flushed meanwhile.
    await Promise.allSettled(commands.map((words) => client.command(...words)));
  }

  /** Writes while something happens. */
  async underTraffic(deed: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const traffic = await Traffic.begin(this.group.master, this.random.uint32());
    try {
      await sleep(this.options.writeMs);
      await deed();
    } finally {
      await traffic.end();
    }
    if (traffic.done < traffic.refused) {
      this.group.problems.push(`${traffic.refused} writes were refused, ${traffic.done} done`);
    }
  }

  /** What is expected of the first link, and of the others. */
  first(expected: Partial<SyncCounts>, others: Partial<SyncCounts> = NONE): Expected {
    return this.group.links.map((_, i) => (i === 0 ? expected : others));
  }

  last(expected: Partial<SyncCounts>): Expected {
    return this.group.links.map((_, i, { length }) => (i === length - 1 ? expected : NONE));
  }

  every(expected: Partial<SyncCounts>): Expected {
    return this.first(expected, expected);
  }

  async trouble(name: Trouble): Promise<void> {
    const [link] = this.group.links;
    if (name === 'cut') link.cut();
    else if (name === 'cut within a command') link.cutWithin(this.random.below(CUT_WITHIN_BYTES_MAX));
    else if (name === 'ended towards the replica') link.endTowards('replica');
    else if (name === 'ended towards the master') link.endTowards('master');
    else link.hold();
    await sleep(TROUBLE_MS);
    if (name === 'held') link.release();
  }

  /** Writes more than replicas that were away can be given. */
  async overrun(): Promise<void> {
    const { group } = this;
    const [link] = group.links;
    await group.configure('repl-backlog-size', SMALL_BACKLOG);
    link.isDown = true;
    link.cut();
    for (let i = 0; i < OVERRUN_COMMANDS; i++) {
      await group.master.client.command('SET', `overrun:${i % 7}`, OVERRUN_VALUE);
    }
    link.isDown = false;
    await group.configure('repl-backlog-size', BACKLOG);
  }

  async replicaRestarts(keeping: Keeping, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { last, links } = this.group;
    await last.keep(keeping);
    await this.underTraffic(async () => {
      await last.end(signal);
      await last.begin(links[links.length - 1].port);
    });
  }

  async masterRestarts(keeping: Keeping, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { master } = this.group;
    await master.keep(keeping);
    await this.underTraffic();
    await master.end(signal);
    await master.begin();
    await this.writeDataset();
  }

  /** The last one loses all, and is not left in peace while it is given everything. */
  async fullSyncsAreCut(): Promise<void> {
    const { last, links } = this.group;
    const link = links[links.length - 1];
    await last.keep('nothing');
    await last.end('SIGKILL');
    await last.begin(link.port);
    await this.underTraffic(async () => {
      for (let i = 0; i < CUT_SYNCS; i++) {
        link.cutWithin(this.random.below(SYNC_BYTES));
        await sleep(TROUBLE_MS);
        link.cut();
      }
    });
  }
}

type Trouble = 'cut' | 'cut within a command' | 'ended towards the replica' | 'ended towards the master' | 'held';

type Phase = (matrix: Matrix) => Promise<void>;

/** Ours knows from its append-only file where in the stream it was. */
function sinceAppendOnly({ target }: Member): Partial<SyncCounts> {
  return target.isOurs ? PARTIAL : FULL;
}

function troubled(name: Trouble, expected: Partial<SyncCounts>): Phase {
  return (matrix) => matrix.group.expect(matrix.first(expected), () => matrix.underTraffic(() => matrix.trouble(name)));
}

const PHASES = {
  'first sync': (matrix) =>
    matrix.group.expect(matrix.every(FULL), async () => {
      await matrix.writeDataset();
      await matrix.group.everyoneFollows();
      await matrix.writeDataset();
    }),
  writes: (matrix) => matrix.group.expect([], () => matrix.underTraffic()),
  'the link is cut': troubled('cut', PARTIAL),
  'the link is cut within a command': troubled('cut within a command', PARTIAL),
  'the link is ended towards the replica': troubled('ended towards the replica', PARTIAL),
  'the link is ended towards the master': troubled('ended towards the master', PARTIAL),
  'the link is held': troubled('held', NONE),
  'more is written than the backlog keeps': (matrix) =>
    matrix.group.expect(matrix.first(FULL, matrix.group.isChain ? FULL : NONE), () => matrix.overrun()),
  'full syncs are cut': async (matrix) => {
    await matrix.fullSyncsAreCut();
    await matrix.group.compare();
  },
  'a replica restarts with nothing': (matrix) =>
    matrix.group.expect(matrix.last(FULL), () => matrix.replicaRestarts('nothing', 'SIGKILL')),
  'a replica saves, ends and restarts': (matrix) =>
    matrix.group.expect(matrix.last(PARTIAL), () => matrix.replicaRestarts('rdb', 'SIGTERM')),
  'a replica dies and restarts with an older save': (matrix) =>
    matrix.group.expect(matrix.last(PARTIAL), () => matrix.replicaRestarts('rdb', 'SIGKILL')),
  'a replica dies and restarts with its append-only file': (matrix) =>
    matrix.group.expect(matrix.last(sinceAppendOnly(matrix.group.last)), () =>
      matrix.replicaRestarts('append-only', 'SIGKILL'),
    ),
  // Its stream has another name then, which replicas of replicas have to learn.
  'the master saves, ends and restarts': (matrix) =>
    matrix.group.expect(matrix.every(PARTIAL), () => matrix.masterRestarts('rdb', 'SIGTERM')),
  'the master dies and restarts with its append-only file': (matrix) =>
    matrix.group.expect(matrix.every(sinceAppendOnly(matrix.group.master)), () =>
      matrix.masterRestarts('append-only', 'SIGKILL'),
    ),
  'the master dies and restarts with nothing': (matrix) =>
    matrix.group.expect(matrix.every(FULL), () => matrix.masterRestarts('nothing', 'SIGKILL')),
  'roles turn around': async (matrix) => {
    await matrix.group.turnAround();
    await matrix.writeDataset();
    await matrix.group.expect(matrix.every(PARTIAL), () => matrix.group.everyoneFollows());
    await matrix.group.expect([], () => matrix.underTraffic());
  },
} satisfies Readonly<Record<string, Phase>>;

export type PhaseName = keyof typeof PHASES;
export const ALL_PHASES = Object.keys(PHASES) as PhaseName[];

/**
 * npm run fuzz [-- family …] [--sentences N] [--seed S] [--keep-going]
 * npm run fuzz -- snapshots | disk | deeds [--rounds N] [--seed S] [--keep-going]
 *
 * Without a subject: speaks random sentences to a data node and to a real redis-server and compares what they say and what they
 * hold. `snapshots`: walks under fire (snapshots.ts). `disk`: random stories on a disk that dies and fails (disk.ts).
 * `deeds`: a crash at every deed of all workloads of up to N operations (disk-deeds.ts). Exit status 1 where something is
 * wrong, and the seed or the shortest conversation that shows it. The same seed says the same.
 */
import { parseArgs } from 'node:util';
import { families } from '../../src/commands';
import { oracleVersion } from '../oracle/oracle-stage';
import { SKIPPED } from './comparison';
import { DiskTrial } from './disk';
import { dieAtEveryDeed, workloads } from './disk-deeds';
import { Duel, type Difference } from './duel';
import { SnapshotTrial } from './snapshots';

const ROUND = 400;
const REPORT_EVERY_MS = 5000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sentences: { type: 'string', default: '1000000' },
    rounds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
  },
});
const firstSeed = Number(values.seed);

/** Says now and then how far it has come. */
class Reporter {
  private reportMs = Date.now();
  private faults = 0;

  /** A round is over; whether to go on. */
  passed(fault: string | null, seed: number, progress: () => string): boolean {
    if (fault !== null) {
      this.faults++;
      console.log(`\nSeed ${seed}: ${fault}`);
      process.exitCode = 1;
    }
    if (Date.now() - this.reportMs > REPORT_EVERY_MS) {
      this.reportMs = Date.now();
      console.log(`${progress()}, ${this.faults} faults`);
    }
    return fault === null || values['keep-going'];
  }

  end(progress: string): void {
    console.log(`${progress}, ${this.faults} faults`);
  }
}

function fuzzSnapshots(): void {
  const last = firstSeed + Number(values.rounds ?? 100_000) - 1;
  const trial = new SnapshotTrial(firstSeed);
  const reporter = new Reporter();
  let seed = firstSeed;
  const progress = (): string => `${seed - firstSeed} snapshots`;
  while (seed <= last) {
    if (!reporter.passed(trial.round(seed), seed++, progress)) break;
  }
  reporter.end(progress());
}

async function fuzzDisk(): Promise<void> {
  const last = firstSeed + Number(values.rounds ?? 10_000) - 1;
  const trial = new DiskTrial();
  const reporter = new Reporter();
  const lostMs: number[] = [];
  let deaths = 0;
  let seed = firstSeed;
  const progress = (): string => `${seed - firstSeed} stories, ${deaths} deaths`;
  while (seed <= last) {
    const round = await trial.round(seed);
    deaths += round.deaths;
    lostMs.push(...round.lostMs);
    if (!reporter.passed(round.fault, seed++, progress)) break;
  }
  reporter.end(progress());
  console.log(
    `everysec and a loss of power: ${lostMs.length} took acknowledged writes; the oldest was ` +
      `${percentile(lostMs, 0.5)} ms old in the median, ${percentile(lostMs, 0.99)} ms at p99, ${percentile(lostMs, 1)} ms at most`,
  );
}

async function fuzzDeeds(): Promise<void> {
  const operationsMax = Number(values.rounds ?? 2);
  const reporter = new Reporter();
  let runs = 0;
  const progress = (): string => `${runs} deaths`;
  for (let operations = 0; operations <= operationsMax; operations++) {
    for (const workload of workloads(operations)) {
      const result = await dieAtEveryDeed(workload, firstSeed);
      runs += result.runs;
      if (!reporter.passed(result.fault, firstSeed, progress)) return reporter.end(progress());
    }
  }
  reporter.end(progress());
}

/** The value below which this part of all values lies, rounded; 0 where there are none. */
function percentile(all: readonly number[], part: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0);
}

async function fuzzCommands(): Promise<void> {
  const unknown = positionals.filter((name) => !families.some((family) => family.name === name));
  if (unknown.length > 0) throw new Error(`no such family: ${unknown.join(', ')}`);
  if (oracleVersion === null) throw new Error('there is no redis-server on the PATH to compare with');
  const total = Number(values.sentences);
  const duel = new Duel(positionals);
  await duel.open();
  console.log(
    `${total} sentences to slotcache and to redis-server ${oracleVersion}; not spoken: ${[...SKIPPED.keys()].join(', ')}`,
  );
  const reporter = new Reporter();
  const progress = (): string => `${duel.spoken} sentences`;
  for (let seed = firstSeed; duel.spoken < total; seed++) {
    const difference = await duel.round(seed, ROUND);
    if (!reporter.passed(difference === null ? null : render(difference), seed, progress)) break;
  }
  reporter.end(progress());
  await duel.close();
}

function render({ sentences, ours, theirs }: Difference): string {
  const lines = sentences.map((words) =>
    words.map((word) => JSON.stringify(word.length > 200 ? `${word.slice(0, 20)}…${word.length}` : word)).join(' '),
  );
  return ['a difference', ...lines.map((line) => `> ${line}`), 'ours:', ours, 'theirs:', theirs].join('\n');
}

const SUBJECTS: Readonly<Record<string, () => void | Promise<void>>> = {
  snapshots: fuzzSnapshots,
  disk: fuzzDisk,
  deeds: fuzzDeeds,
};

// The redis-server goes when this process exits.
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));
await (SUBJECTS[positionals[0]] ?? fuzzCommands)();

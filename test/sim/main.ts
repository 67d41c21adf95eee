/**
 * npm run sim [-- --seed N] [--seeds N | --minutes N] [--stage raft …] [--events N]
 *
 * Simulates clusters, seed after seed, from the given one on (by default from one that the clock chooses, and for a minute), and prints a line for each
 * that breaks a promise: seed, event, what, and how to see it again. With `--seed` alone: that seed only. Every hundredth seed runs
 * twice and must do the same. Exit status: 128 where something pending did not finish, 129 where an answer or a deed was wrong, 130
 * where a seed did not repeat itself, 131 where a long run lacked what should occur in it.
 */
import { parseArgs } from 'node:util';
import { PROBES, simulate, STAGES, type Stage, type Verdict } from '../../src/sim';

const EXIT = { liveness: 128, correctness: 129, repetition: 130, rarity: 131 } as const;
const REPORT_EVERY_MS = 10_000;
const SEEDS_PER_REPETITION = 100;
/** After so many seeds everything that can go wrong must have done so somewhere. */
const SEEDS_FOR_PROBES = 2000;
const DEFAULT_MINUTES = 1;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    stage: { type: 'string', multiple: true },
    events: { type: 'string', default: '5000' },
  },
});
const stages = (values.stage ?? STAGES).filter((name): name is Stage => STAGES.includes(name as Stage));
const events = Number(values.events);
const startMs = Date.now();
const firstSeed = values.seed === undefined ? startMs % 1_000_000_000 : Number(values.seed);
const isOne = values.seed !== undefined && values.seeds === undefined && values.minutes === undefined;
const seedsMax = isOne ? 1 : Number(values.seeds ?? Infinity);
const minutes = values.minutes ?? (seedsMax === Infinity ? DEFAULT_MINUTES : Infinity);
const deadlineMs = startMs + Number(minutes) * 60_000;

const totals = { seeds: 0, events: 0, virtualMs: 0, faults: 0 };
/** By stage and name. */
const probes = new Map<string, number>();
let reportMs = startMs;

for (let seed = firstSeed; totals.seeds < seedsMax && Date.now() < deadlineMs; seed++) {
  for (const stage of stages) look(simulate(stage, seed, events));
  totals.seeds++;
  if (Date.now() - reportMs >= REPORT_EVERY_MS) report();
}
report();
if (!isOne) reportProbes();

function look(verdict: Verdict): void {
  const { stage, seed, fault } = verdict;
  totals.events += verdict.events;
  totals.virtualMs += verdict.virtualMs;
  for (const [name, count] of verdict.probes) {
    if (count > 0) probes.set(`${stage} ${name}`, (probes.get(`${stage} ${name}`) ?? 0) + count);
  }
  if (isOne) console.log(`seed ${seed}, ${stage}: ${verdict.events} events, hash ${verdict.hash}`);
  if (fault !== null) {
    totals.faults++;
    process.exitCode = EXIT[fault.kind];
    console.log(`seed ${seed}, ${stage}, event ${verdict.events}: ${fault.message}`);
    console.log(`  again: npm run sim -- --seed ${seed} --stage ${stage} --events ${events}`);
  }
  if (seed % SEEDS_PER_REPETITION !== 0) return;
  const { hash } = simulate(stage, seed, events);
  if (hash === verdict.hash) return;
  process.exitCode = EXIT.repetition;
  console.log(`seed ${seed}, ${stage}: hash ${verdict.hash} the first time, ${hash} the second`);
}

function report(): void {
  reportMs = Date.now();
  const seconds = (reportMs - startMs) / 1000;
  const perSecond = Math.round(totals.events / seconds);
  const hours = (totals.virtualMs / 3_600_000).toFixed(1);
  const { seeds, faults } = totals;
  console.log(`${seeds} seeds, ${totals.events} events (${perSecond}/s), ${hours} virtual hours, ${faults} faults`);
}

/** What occurred how often; and after a long run, what never did. */
function reportProbes(): void {
  for (const stage of stages) {
    const counts = PROBES[stage].map((name) => `${name} ${probes.get(`${stage} ${name}`) ?? 0}`);
    console.log(`${stage}: ${counts.join(', ')}`);
  }
  const missing = stages.flatMap((stage) => PROBES[stage].filter((name) => !probes.has(`${stage} ${name}`)));
  if (missing.length === 0 || totals.seeds < SEEDS_FOR_PROBES) return;
  process.exitCode ||= EXIT.rarity;
  console.log(`never seen: ${missing.join(', ')}`);
}

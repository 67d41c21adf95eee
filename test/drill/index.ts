/**
 * npm run drill [-- kill power flips full sync replicas quorum control …] [--rounds N] [--seed S] [--policy P …] [--peer] [--server script]
 *
 * Real processes die, real disks lose power, bits flip, disks are full or fail, links break: is what was acknowledged still there,
 * and is nothing else? Prints figures; exit status 1 where a promise was broken, with the directory that shows it. `--policy`
 * leaves out the other policies (of flips: kinds of files, of sync: faults, of replicas: formations,
 * of control: what happens, `-redis` with stock servers); several are told apart by commas. `--peer` measures redis-server by the same
 * drills, and holds it to nothing.
 */
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTROL_VARIANTS, drillControl } from './control/control';
import { workAsWitness, WITNESS } from './control/witness';
import { workAsClient, ZONE_CLIENT } from './control/zone-client';
import { serveInZone } from './control/zone-process';
import { drillFlips, FILE_KINDS } from './flips';
import { drillFull } from './full';
import { drillKill } from './kill';
import { drillPower } from './power';
import { drillQuorum, QUORUMS, type Quorum } from './quorum';
import { drillReplicas, FORMATION_NAMES } from './replicas';
import type { Report } from './report';
import { ourTarget, PEER, POLICIES, type Policy, type Target } from './server-process';
import { drillSync, SYNC_FAULTS, type SyncFault } from './sync';

const FAILURES_SHOWN_MAX = 5;

await serveInZone(process.argv.slice(2), { [ZONE_CLIENT]: workAsClient, [WITNESS]: workAsWitness });

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    policy: { type: 'string', multiple: true },
    peer: { type: 'boolean', default: false },
    server: { type: 'string', default: 'dist/bin/cache-server.js' },
  },
});

interface Drill {
  /** Without `--rounds`. */
  readonly rounds: number;
  /** What it is done for, one after the other. */
  readonly variants: readonly string[];
  readonly run: (target: Target, variant: string, rounds: number, seed: number) => Promise<Report>;
}

const DRILLS: Readonly<Record<string, Drill>> = {
  kill: {
    rounds: 50,
    variants: [...POLICIES, 'rdb'],
    run: (target, policy, rounds, seed) => drillKill(target, policy as Policy | 'rdb', { rounds, seed }),
  },
  power: {
    rounds: 20,
    variants: POLICIES,
    run: (target, policy, rounds, seed) => drillPower(target, policy as Policy, { rounds, seed }),
  },
  flips: {
    rounds: 300,
    variants: Object.keys(FILE_KINDS),
    run: (target, kind, rounds, seed) => drillFlips(target, kind, { rounds, seed }),
  },
  full: {
    rounds: 3,
    variants: POLICIES,
    run: (target, policy, rounds, seed) => drillFull(target, policy as Policy, { rounds, seed }),
  },
  sync: {
    rounds: 1,
    variants: SYNC_FAULTS,
    run: (target, fault, _rounds, seed) => drillSync(target, fault as SyncFault, seed),
  },
  replicas: {
    rounds: 1,
    variants: FORMATION_NAMES,
    run: (target, formation, rounds, seed) => drillReplicas(target, formation, { rounds, seed }),
  },
  quorum: {
    rounds: 200,
    variants: QUORUMS,
    run: (target, quorum, rounds, seed) => drillQuorum(target, quorum as Quorum, { rounds, seed }),
  },
  control: {
    rounds: 50,
    variants: CONTROL_VARIANTS,
    run: (_target, kind, rounds, seed) => drillControl(resolve(dirname(values.server)), kind, { rounds, seed }),
  },
};

async function main(): Promise<void> {
  const names = positionals.length > 0 ? positionals : Object.keys(DRILLS);
  const unknown = names.find((name) => !(name in DRILLS));
  if (unknown !== undefined) throw new Error(`no such drill: ${unknown}; there are ${Object.keys(DRILLS).join(', ')}`);
  const chosen = names.flatMap((name) => DRILLS[name].variants).filter(isWanted);
  if (chosen.length === 0) throw new Error(`none of these drills knows ${values.policy?.join(' or ')}`);
  const target = values.peer ? PEER : ourTarget(values.server);
  for (const name of names) await drill(target, name, DRILLS[name]);
}

function isWanted(variant: string): boolean {
  return values.policy?.some((each) => each.split(',').includes(variant)) ?? true;
}

async function drill(target: Target, name: string, { rounds, run, variants }: Drill): Promise<void> {
  const count = Number(values.rounds ?? rounds);
  for (const variant of variants.filter(isWanted)) {
    const { figures, failures } = await run(target, variant, count, Number(values.seed)).catch((error: Error) =>
      notDone(target, error),
    );
    console.log(`${name} ${variant}, ${target.name}: ${figures}`);
    for (const failure of failures.slice(0, FAILURES_SHOWN_MAX)) console.log(`  FAILED ${failure}`);
    if (failures.length > FAILURES_SHOWN_MAX) console.log(`  … and ${failures.length - FAILURES_SHOWN_MAX} more`);
    if (failures.length > 0) process.exitCode = 1;
  }
}

/** A drill that could not be done to its end has failed; a peer may have ended where it should not. */
function notDone(target: Target, error: Error): Report {
  return { figures: `not done: ${error.message}`, failures: target.isOurs ? [error.stack ?? error.message] : [] };
}

// Servers go when this process exits.
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));
await main();

/**
 * npm run fuzz [-- family …] [--sentences N] [--seed S]
 *
 * Speaks random sentences to a data node and to a real redis-server and compares what they say and what they hold. Exit status 1
 * and the shortest conversation found where they differ. The same seed says the same.
 */
import { parseArgs } from 'node:util';
import { families } from '../../src/commands';
import { oracleVersion } from '../oracle/oracle-stage';
import { SKIPPED } from './comparison';
import { Duel, type Difference } from './duel';

const ROUND = 400;
const REPORT_EVERY_MS = 5000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sentences: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const unknown = positionals.filter((name) => !families.some((family) => family.name === name));
  if (unknown.length > 0) throw new Error(`no such family: ${unknown.join(', ')}`);
  if (oracleVersion === null) throw new Error('there is no redis-server on the PATH to compare with');
  const total = Number(values.sentences);
  const duel = new Duel(positionals);
  await duel.open();
  console.log(
    `${total} sentences to slotcache and to redis-server ${oracleVersion}; not spoken: ${[...SKIPPED.keys()].join(', ')}`,
  );
  let differences = 0;
  let reportMs = Date.now();
  for (let seed = Number(values.seed); duel.spoken < total; seed++) {
    const difference = await duel.round(seed, ROUND);
    if (difference !== null) {
      differences++;
      console.log(`\nA difference, seed ${seed}:\n${render(difference)}`);
      process.exitCode = 1;
      if (!values['keep-going']) break;
    }
    if (Date.now() - reportMs > REPORT_EVERY_MS) {
      reportMs = Date.now();
      console.log(`${duel.spoken} sentences, ${differences} differences`);
    }
  }
  console.log(`${duel.spoken} sentences, ${differences} differences`);
  await duel.close();
}

function render({ sentences, ours, theirs }: Difference): string {
  const lines = sentences.map((words) =>
    words.map((word) => JSON.stringify(word.length > 200 ? `${word.slice(0, 20)}…${word.length}` : word)).join(' '),
  );
  return [...lines.map((line) => `> ${line}`), 'ours:', ours, 'theirs:', theirs].join('\n');
}

// The redis-server goes when this process exits.
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));
await main();

/**
 * npm run bench [-- server | proxy | memory | collections | large | snapshot | replication | control | all] [--quick] [--calibrate] [--write]
 *
 * Each bench answers one question by comparing with a peer in the same run, prints how it compared, and prints the
 * figures that lose as well. A question that cannot be answered here, because a program is missing, costs one line
 * and exit status 1; the other questions are answered all the same. A missed target is an answer, not a failure.
 */
import { parseArgs } from 'node:util';
import { benchCollections } from './collections';
import { benchControl } from './control';
import { benchLarge } from './large';
import { benchMemory } from './memory';
import { BenchError, stopAll } from './processes';
import { benchProxy } from './proxy';
import { benchReplication } from './replication';
import { benchServer } from './server';
import { benchSnapshot } from './snapshot';
import { type Options, renderReport, type Report, writeSection } from './table';

const PAGE = 'docs/BENCHMARKS.md';

const USAGE = `npm run bench -- [question] [options]

Questions
  server       CPU per operation: cache-server and redis-server
  proxy        CPU per operation: cache-proxy and twemproxy
  memory       bytes per key, V8 heap, pauses while loading: cache-server and redis-server
  collections  CPU per operation on hashes, lists, sets, sorted sets: cache-server and redis-server
  large        memory and pauses of collections of millions of elements: cache-server and redis-server
  snapshot     saving under load, loading, the append-only file: cache-server and redis-server
  replication  a master's cost, a full sync, what a replica can do: cache-server and redis-server
  control      the control plane: views, changes, leases, reads, loss of the leader; what it takes when idle, and redis-sentinel
  all          all of them (default)

Options
  --quick      fewer requests and keys: for a look, not for quoting
  --calibrate  the peer against itself: what is left of a difference is noise
  --write      put the tables into ${PAGE}
  --help       this text
`;

const QUESTIONS: ReadonlyMap<string, (options: Options) => Promise<Report>> = new Map([
  ['server', benchServer],
  ['proxy', benchProxy],
  ['memory', benchMemory],
  ['collections', benchCollections],
  ['large', benchLarge],
  ['snapshot', benchSnapshot],
  ['replication', benchReplication],
  ['control', benchControl],
]);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        calibrate: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new BenchError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (process.platform !== 'linux') throw new BenchError('the benches read /proc: they run on Linux only');
  if (values.write && values.calibrate)
    throw new BenchError('--calibrate measures the peer; there is nothing to write');
  const asked = positionals.length === 0 || positionals.includes('all') ? [...QUESTIONS.keys()] : positionals;
  for (const name of asked) {
    if (!QUESTIONS.has(name)) throw new BenchError(`there is no bench "${name}"\n\n${USAGE}`);
  }
  for (const name of asked) await answer(name, values, values.write);
}

async function answer(name: string, options: Options, write: boolean): Promise<void> {
  try {
    const report = await QUESTIONS.get(name)?.(options);
    if (report === undefined) return;
    const text = renderReport(report);
    process.stdout.write(`${text}\n`);
    if (write) writeSection(PAGE, report.name, text);
  } catch (error) {
    complain(error);
  }
}

/** One line for what the user can mend; anything else is a bug of the bench and shown whole. */
function complain(error: unknown): void {
  console.error(error instanceof BenchError ? error.message : error);
  process.exitCode = 1;
}

process.once('exit', stopAll);
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

main().catch(complain);

/**
 * Damage: one bit of a file is wrong, or its end is missing. A damaged file is refused, by its name and the place, or loads as
 * the very same data; only the last batch of the last file, which power may have torn just so, may be cut off instead, and
 * the log says where. Never is there a server with other data that says nothing. A file whose end is missing loads as what it was
 * some commands earlier.
 *
 * What was loaded is loaded a second time: opening must not have made it worse.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Random } from '../../src/base';
import { datasetCommands, signatureOf, writeAll } from './dataset';
import { Folder } from './folder';
import type { RoundOptions } from './kill';
import { openerInProcess, openerOf, type Opened, type Opener } from './opening';
import { lastLine, type Report } from './report';
import { appendOnlySettings, ServerProcess, type Settings, type Target } from './server-process';
import { infoOf } from './troubles';

/** A kind of file: what has to be set for a server to write it, and what it is called. */
interface Kind {
  readonly settings: Settings;
  readonly pattern: RegExp;
}

export const FILE_KINDS: Readonly<Record<string, Kind>> = {
  rdb: { settings: { appendonly: 'no' }, pattern: /^dump\.rdb$/ },
  'base-rdb': { settings: {}, pattern: /\.base\.rdb$/ },
  'base-commands': { settings: { 'aof-use-rdb-preamble': 'no' }, pattern: /\.base\.aof$/ },
  increment: { settings: {}, pattern: /\.incr\.aof$/ },
  manifest: { settings: {}, pattern: /\.manifest$/ },
};

const SEED_OF_DATA = 7;
const TAIL_COMMANDS = 40;
const CUT_BYTES_MAX = 200;
const BITS_OF_SHORT_FILE = 2000;
/** Positions that are tried with real processes too. */
const BY_PROCESS = 3;

interface Trial {
  readonly name: string;
  readonly isCut: boolean;
  damage(file: string): void;
}

type Result = 'refused' | 'the same' | 'earlier' | 'DIFFERENT';

export async function drillFlips(target: Target, kind: string, { rounds, seed }: RoundOptions): Promise<Report> {
  const folder = new Folder();
  try {
    const sample = await Sample.make(target, folder, FILE_KINDS[kind]);
    const random = new Random(seed);
    const bits = readFileSync(sample.path).length * 8;
    const trials = positions(bits, rounds, random).map((bit) => flipOf(bit));
    const cuts = kind === 'increment' ? Array.from({ length: CUT_BYTES_MAX }, (_, i) => i + 1) : [];
    const opener = target.isOurs ? openerInProcess() : openerOf(target);
    const flipped = await sample.tryAll(opener, trials);
    const cut = await sample.tryAll(
      opener,
      cuts.map((bytes) => cutOf(bits / 8, bytes)),
    );
    const checked = target.isOurs ? await sample.tryAll(openerOf(target), trials.slice(0, BY_PROCESS)) : new Results();
    const failures = [flipped, cut, checked].flatMap((results) => results.failures);
    if (target.isOurs && failures.length > 0) folder.keep();
    const figures = [`${bits / 8} bytes, flips: ${flipped}`, cuts.length > 0 ? `cuts: ${cut}` : ''];
    return {
      figures: figures.filter((text) => text !== '').join('; '),
      failures: target.isOurs ? failures.map((failure) => `${failure}; the files: ${folder.path}`) : [],
    };
  } finally {
    folder.dispose();
  }
}

/** A directory with a file to be damaged, and what a server finds in it while it is whole. */
class Sample {
  /** Of the data up to each of the last commands. */
  private readonly signatures: string[] = [];

  private constructor(
    private readonly dir: string,
    private readonly settings: Settings,
    private readonly file: string,
    private readonly scratch: string,
  ) {}

  static async make(target: Target, folder: Folder, { settings: own, pattern }: Kind): Promise<Sample> {
    const dir = folder.at('whole');
    mkdirSync(dir);
    const settings = { ...appendOnlySettings(dir, 'everysec'), ...own };
    const server = await ServerProcess.start(target, settings);
    const client = await server.connect();
    await writeAll(client, datasetCommands(SEED_OF_DATA, 0));
    if (settings.appendonly === 'yes') {
      await client.command('BGREWRITEAOF');
      while ((await infoOf(client)).aof_rewrite_in_progress === '1');
    }
    await writeAll(client, datasetCommands(SEED_OF_DATA, 1));
    const signatures = [await signatureOf(client)];
    for (let i = 0; i < TAIL_COMMANDS; i++) {
      if (i % 2 === 0) await client.command('SET', 'tail', i);
      else await writeAll(client, [['MULTI'], ['SET', 'tail', `${i}`], ['INCR', 'tails'], ['EXEC']]);
      signatures.push(await signatureOf(client));
    }
    if (settings.appendonly === 'no') await client.command('SAVE');
    // SHUTDOWN is answered by the end.
    await client.command('SHUTDOWN').catch(() => undefined);
    await server.ended;
    const name = readdirSync(dir, { recursive: true })
      .map(String)
      .find((path) => pattern.test(basename(path)));
    if (name === undefined) throw new Error(`there is no file like ${pattern} in ${dir}`);
    const sample = new Sample(dir, settings, name, folder.at('damaged'));
    sample.signatures.push(...signatures);
    return sample;
  }

  get path(): string {
    return join(this.dir, this.file);
  }

  async tryAll(opener: Opener, trials: readonly Trial[]): Promise<Results> {
    const results = new Results(basename(this.file));
    for (const trial of trials) {
      this.restore();
      trial.damage(join(this.scratch, this.file));
      results.add(trial, ...(await this.open(opener, trial.isCut)));
    }
    return results;
  }

  private async open(opener: Opener, mayBeEarlier: boolean): Promise<[Result, Opened]> {
    const settings = { ...this.settings, dir: this.scratch };
    const opened = await opener(settings);
    if (opened.signature === null) return ['refused', opened];
    const again = await opener(settings);
    if (again.signature !== opened.signature) return ['DIFFERENT', again];
    if (opened.signature === this.signatures.at(-1)) return ['the same', opened];
    const isEarlier = this.signatures.includes(opened.signature);
    const isSaid = mayBeEarlier || opened.log.includes('Truncating the AOF');
    return [isEarlier && isSaid ? 'earlier' : 'DIFFERENT', opened];
  }

  private restore(): void {
    rmSync(this.scratch, { recursive: true, force: true });
    for (const entry of readdirSync(this.dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const from = join(entry.parentPath, entry.name);
      const to = join(this.scratch, from.slice(this.dir.length));
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(from, to);
    }
  }
}

/** Where the damage is: a byte, a line, or a file that is named and not there. */
const PLACE = /\b(byte|offset|line)\b\D{0,3}\d+|names the file '.*', which is not there/;

/** How often each result came, and which are wrong. */
class Results {
  readonly failures: string[] = [];
  private readonly counts = new Map<Result, number>();
  /** Refusals that do not say where. */
  private vague = 0;

  constructor(private readonly fileName = '') {}

  add({ name, isCut }: Trial, result: Result, { log }: Opened): void {
    this.counts.set(result, (this.counts.get(result) ?? 0) + 1);
    const said = lastLine(log);
    if (result === 'DIFFERENT') this.failures.push(`${name}: other data, and nobody says so: ${said}`);
    if (result !== 'refused') return;
    if (isCut) this.failures.push(`${name}: refused: ${said}`);
    if (log.includes(this.fileName) && PLACE.test(log)) return;
    this.vague++;
    this.failures.push(`${name}: refused without a place: ${said}`);
  }

  toString(): string {
    const counts = [...this.counts].map(([result, count]) => `${count} ${result}`);
    return [...counts, ...(this.vague > 0 ? [`${this.vague} of the refusals do not say where`] : [])].join(', ');
  }
}

/** Bits to be tried: of a short file all, in any order. */
function positions(bits: number, count: number, random: Random): number[] {
  if (bits > BITS_OF_SHORT_FILE) return Array.from({ length: count }, () => random.below(bits));
  const all = Array.from({ length: bits }, (_, i) => ({ bit: i, order: random.uint32() }));
  return all.sort((a, b) => a.order - b.order).map(({ bit }) => bit);
}

function flipOf(bit: number): Trial {
  return {
    name: `bit ${bit}`,
    isCut: false,
    damage(file) {
      const bytes = readFileSync(file);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(file, bytes);
    },
  };
}

function cutOf(size: number, bytes: number): Trial {
  return { name: `${bytes} bytes missing`, isCut: true, damage: (file) => truncateSync(file, size - bytes) };
}

/**
 * CrashRounds: load, disaster, restart on what is left, judgement; again and again on the same data.
 *
 * In half of the rounds administrators make troubles meanwhile. Some restarts are killed half-way and begun again. Each round
 * also looks at what the round before had left: once loaded, nothing of it may change. The state of the disk after the
 * disaster is copied before anything starts on it, and kept where a promise was broken.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/base';
import { Folder } from './folder';
import { judge, Load, readState, sleep, type Outcome } from './load';
import { lastLine, milliseconds, quantile, type Report } from './report';
import { appendOnlySettings, ServerProcess, type Policy, type Settings, type Target } from './server-process';
import { makeTroubles, type Keeping } from './troubles';

/** What happens to the server, and where its data lie. */
export interface Disaster {
  readonly dir: string;
  /**
   * Ends the server, and the load's answers from when on they do not count; afterwards `dir` is as the next start finds it.
   * Returns what has kept the disaster from happening.
   */
  strike(server: ServerProcess, load: Load): Promise<string[]>;
  dispose(): void;
}

/** What may be lost of what was acknowledged. */
export interface Allowance {
  /** No acknowledgement that is lost may be older; null for no promise, 0 for none may be lost. */
  readonly oldestMsMax: number | null;
  /** The same for 99 of 100 disasters. */
  readonly oldestMsP99: number | null;
}

export interface CrashOptions {
  readonly target: Target;
  readonly policy: Policy | 'rdb';
  readonly rounds: number;
  readonly seed: number;
  readonly allowance: Allowance;
  /** How long a load goes on at most before the disaster: longer than what may be lost. */
  readonly loadMsMax: number;
  makeDisaster(folder: Folder, random: Random): Disaster;
}

export const NOTHING_LOST: Allowance = { oldestMsMax: 0, oldestMsP99: null };

const LOAD_MS_MIN = 150;
const ANSWER_WITHIN_MS = 1000;
const ACKNOWLEDGED_MIN = 50;
const EARLY_KILL_ONE_IN = 8;
const EARLY_KILL_MS_MAX = 600;

/** A load of an earlier round, and how much of each history was there then. */
interface Settled {
  readonly load: Load;
  readonly kept: readonly number[];
}

export async function crashRounds(options: CrashOptions): Promise<Report> {
  const { target, policy, allowance } = options;
  const folder = new Folder();
  const random = new Random(options.seed);
  const disaster = options.makeDisaster(folder, random);
  const drill = new CrashRounds(options, settingsOf(policy, disaster.dir), disaster, folder, random);
  const failures: string[] = [];
  try {
    for (let round = 1; round <= options.rounds && failures.length === 0; round++) {
      const found = await drill.round(round);
      if (target.isOurs && found.length > 0) {
        folder.keep();
        failures.push(`round ${round} (seed ${options.seed}): ${found.join('; ')}; see ${folder.path}`);
      }
    }
    if (target.isOurs && allowance.oldestMsP99 !== null && quantile(drill.ages, 0.99) > allowance.oldestMsP99) {
      failures.push(`the oldest lost acknowledgement is older than ${allowance.oldestMsP99} ms too often`);
    }
  } finally {
    await drill.stop();
    disaster.dispose();
    folder.dispose();
  }
  return { figures: drill.figures(), failures };
}

class CrashRounds {
  /** Of each round, how old the oldest lost acknowledgement was. */
  readonly ages: number[] = [];
  private server: ServerProcess | null = null;
  private settled: Settled | null = null;
  private rounds = 0;
  private acknowledged = 0;
  private lost = 0;
  private roundsWithLoss = 0;
  private readonly startMs: number[] = [];
  private readonly problems: string[] = [];

  constructor(
    private readonly options: CrashOptions,
    private readonly settings: Settings,
    private readonly disaster: Disaster,
    private readonly folder: Folder,
    private readonly random: Random,
  ) {}

  /** What is wrong after it. */
  async round(round: number): Promise<string[]> {
    const { disaster, folder, random, settings } = this;
    const { loadMsMax, policy, target } = this.options;
    this.rounds++;
    this.server ??= await ServerProcess.start(target, settings);
    const keeping: Keeping = policy === 'rdb' ? 'rdb' : 'append-only';
    const load = await Load.begin(this.server, random.uint32(), `round${round}`, keeping === 'append-only');
    const administrator = await this.server.connect();
    const isTroubled = keeping === 'rdb' || random.below(2) === 0;
    const troubles = isTroubled ? makeTroubles(administrator, load, random, keeping) : Promise.resolve();
    await sleep(LOAD_MS_MIN + random.below(loadMsMax - LOAD_MS_MIN));
    // The worst moment is right behind an answer.
    await Promise.race([load.nextAnswer(), sleep(ANSWER_WITHIN_MS)]);
    const atMs = performance.now();
    const found = await disaster.strike(this.server, load);
    await troubles;
    await load.close();
    if (load.acknowledged < ACKNOWLEDGED_MIN) found.push(`only ${load.acknowledged} operations were acknowledged`);

    const copy = `found-in-round-${round}`;
    folder.copy(disaster.dir, copy);
    try {
      found.push(...(await this.inspect(load, atMs)));
    } catch (error) {
      found.push((error as Error).message);
      await this.startOver();
    }
    if (found.length === 0 || !target.isOurs) folder.removeCopy(copy);
    this.problems.push(...found);
    return found;
  }

  /** Without data: for a peer that could not load what it had left. */
  private async startOver(): Promise<void> {
    await this.server?.kill();
    this.server = null;
    this.settled = null;
    const { dir } = this.disaster;
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  }

  async stop(): Promise<void> {
    await this.server?.kill();
  }

  figures(): string {
    const { ages, acknowledged, lost, problems, rounds, roundsWithLoss, startMs } = this;
    const loss =
      lost === 0
        ? '0 lost'
        : `${lost} lost in ${roundsWithLoss} rounds (the oldest ${milliseconds(quantile(ages, 0.5))} median, ` +
          `${milliseconds(quantile(ages, 0.99))} p99, ${milliseconds(Math.max(...ages))} worst)`;
    const broken =
      problems.length === 0 ? 'every state whole' : `${problems.length} problems: ${lastLine(problems[0])}`;
    return `${rounds} rounds, ${acknowledged} acknowledged, ${loss}, ${broken}; restart ${milliseconds(quantile(startMs, 0.5))} median`;
  }

  /** Restarts and looks. */
  private async inspect(load: Load, atMs: number): Promise<string[]> {
    this.server = await this.restart();
    const client = await this.server.connect();
    const outcome = await judge(client, load, atMs);
    const found = this.judgeOutcome(outcome);
    if (this.settled !== null) {
      for (const [i, history] of this.settled.load.histories.entries()) {
        const { kept, problem } = history.judge(await readState(client, history));
        if (problem !== null || kept !== this.settled.kept[i])
          found.push(`what was loaded before has changed: ${problem}`);
        await client.command('UNLINK', ...history.keys());
      }
    }
    this.settled = { load, kept: outcome.verdicts.map(({ kept }) => kept) };
    await client.close();
    return found;
  }

  private judgeOutcome({ acknowledged, lost, oldestLostMs, problems }: Outcome): string[] {
    const { oldestMsMax } = this.options.allowance;
    this.acknowledged += acknowledged;
    this.lost += lost;
    if (lost > 0) this.roundsWithLoss++;
    this.ages.push(oldestLostMs);
    const found = [...problems];
    if (oldestMsMax !== null && oldestLostMs > oldestMsMax) {
      found.push(`${lost} acknowledged operations are lost, the oldest ${milliseconds(oldestLostMs)} old`);
    }
    return found;
  }

  /** Starts on what is left, now and then killing the start half-way. */
  private async restart(): Promise<ServerProcess> {
    const { random, settings } = this;
    const { target } = this.options;
    if (random.below(EARLY_KILL_ONE_IN) === 0) {
      const early = await ServerProcess.begin(target, settings);
      await sleep(random.below(EARLY_KILL_MS_MAX));
      await early.kill();
    }
    const fromMs = performance.now();
    const server = await ServerProcess.start(target, settings);
    this.startMs.push(performance.now() - fromMs);
    return server;
  }
}

function settingsOf(policy: Policy | 'rdb', dir: string): Settings {
  if (policy !== 'rdb') return appendOnlySettings(dir, policy);
  return { ...appendOnlySettings(dir, 'no'), appendonly: 'no' };
}

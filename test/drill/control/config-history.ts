/**
 * ConfigHistory: clients of the config servers who write and read one setting, and a record of it that can be judged: was it a
 * register all the time (promise C1), and was each write carried out once, however often it had to be sent (C2)?
 *
 * There are five clients, each of which asks one config server until that does not answer, or not well, and then the next.
 * A write has a name of its own and is sent again until it is acknowledged, so of each it is known that it happened, between its first sending and
 * its acknowledgement. The setting is one that changes nothing while its value is as large as those that are written here.
 */
import type { Random } from '../../../src/base';
import type { Client } from '../../../src/net';
import type { CommandArgument, Reply } from '../../../src/resp';
import { isLinearizable, type RegisterOperation } from '../../../src/sim';
import { sleep } from '../load';
import { greet, within, type Formation } from './formation';

const SETTING = 'lag-limit-bytes';
const VALUE_MIN = 2 ** 40;
const CLIENTS = 5;
const ANSWER_WITHIN_MS = 1000;
const PAUSE_MS = 10;
/** How long a write is sent again before that is a failure. */
const PATIENCE_MS = 20_000;
/** Of each of writes and reads, in a round. */
const OPERATIONS_MIN = 20;
/** Values are unique over all rounds of a drill. */
let lastValue = VALUE_MIN;

export class ConfigHistory {
  private readonly operations: RegisterOperation[] = [];
  private readonly problems: string[] = [];
  private readonly done: Promise<unknown>;
  private isEnding = false;
  /** What the setting was to begin with. */
  private readonly firstValue = lastValue;

  private constructor(
    formation: Formation,
    private readonly name: string,
    random: Random,
  ) {
    this.done = Promise.all(Array.from({ length: CLIENTS }, (_, i) => this.work(new Wanderer(formation, i), random)));
  }

  /** Resolves when the setting has a value that is known, and the clients work. */
  static async begin(formation: Formation, name: string, random: Random): Promise<ConfigHistory> {
    await formation.ask('SET', SETTING, ++lastValue);
    return new ConfigHistory(formation, name, random);
  }

  /** Changes and reads so far. */
  get length(): number {
    return this.operations.length;
  }

  /** The first change after this moment that was acknowledged; null while there is none. */
  changedAfter(ms: number): number | null {
    const changes = this.operations.filter(({ does, calledAt }) => does === 'write' && calledAt >= ms);
    return changes.length === 0 ? null : Math.min(...changes.map(({ returnedAt }) => returnedAt));
  }

  /** The longest time without an acknowledged change that ended after this moment, ms. */
  longestGap(fromMs: number): number {
    const times = this.operations.flatMap(({ does, returnedAt }) => (does === 'write' ? [returnedAt] : []));
    times.sort((a, b) => a - b);
    return Math.max(0, ...times.map((ms, i) => (i === 0 || ms < fromMs ? 0 : ms - times[i - 1])));
  }

  /** Begins nothing more; resolves with what is wrong, when all is answered that was begun. */
  async end(): Promise<string[]> {
    this.isEnding = true;
    await this.done;
    const { operations, problems, firstValue } = this;
    const first: RegisterOperation = { does: 'write', value: firstValue, calledAt: -2, returnedAt: -1 };
    const writes = operations.filter(({ does }) => does === 'write').length;
    const reads = operations.length - writes;
    if (Math.min(writes, reads) < OPERATIONS_MIN)
      problems.push(`a history of ${writes} writes and ${reads} reads only`);
    if (isLinearizable([first, ...operations]) !== true) problems.push('the history of a setting is not linearizable');
    return problems;
  }

  private async work(wanderer: Wanderer, random: Random): Promise<void> {
    while (!this.isEnding) {
      await (random.below(2) === 0 ? this.write(wanderer) : this.read(wanderer));
      await sleep(PAUSE_MS);
    }
    await wanderer.close();
  }

  private async write(wanderer: Wanderer): Promise<void> {
    const value = ++lastValue;
    const calledAt = performance.now();
    while (performance.now() < calledAt + PATIENCE_MS) {
      const answer = await wanderer.ask('ONCE', `${this.name}:${value}`, 'SET', SETTING, value);
      if (answer !== null) {
        this.operations.push({ does: 'write', value, calledAt, returnedAt: performance.now() });
        return;
      }
      await sleep(PAUSE_MS);
    }
    this.problems.push(`a change was not carried out in ${PATIENCE_MS} ms`);
    this.operations.push({ does: 'write', value, calledAt, returnedAt: Infinity });
  }

  private async read(wanderer: Wanderer): Promise<void> {
    const calledAt = performance.now();
    const settings = (await wanderer.ask('SETTINGS')) as Map<Reply, Reply> | null;
    if (settings === null) return;
    const value = Number(settings.get(SETTING));
    this.operations.push({ does: 'read', value, calledAt, returnedAt: performance.now() });
  }
}

/** A client that goes from config server to config server until one answers well. */
class Wanderer {
  private client: Client | null = null;

  constructor(
    private readonly formation: Formation,
    private at: number,
  ) {}

  /** The answer; null where there was none, or an error: then the next is asked the next time. */
  async ask(...words: CommandArgument[]): Promise<Reply | null> {
    try {
      const { configs } = this.formation;
      this.client ??= await greet(configs[this.at % configs.length], ANSWER_WITHIN_MS);
      return await within(this.client.command(...words), ANSWER_WITHIN_MS);
    } catch {
      this.at++;
      await this.close();
      return null;
    }
  }

  async close(): Promise<void> {
    await this.client?.close();
    this.client = null;
  }
}

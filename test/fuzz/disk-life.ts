/**
 * One life of a data node on a simulated disk: from the start, which may fail, to a death or an end in peace.
 *
 * Clients speak, time passes and the disk answers when the caller says so. Whatever the machine stops in ends the life: from then on
 * nobody hears anything. What was executed goes to the history and what was acknowledged to the book of promises, so that the
 * next life can be held against both.
 */
import { CacheError, Random, realWorld } from '../../src/base';
import { DataNode, serverSettings } from '../../src/server';
import { DiskCrash, type SimulatedDisk } from '../../src/sim';
import { DiskClient, isError } from './disk-client';
import { History, Recorder, type State } from './disk-history';
import { Promises, type Kill, type Source } from './disk-promises';
import type { VirtualTime } from './disk-time';
import type { Sentence } from './sentences';
import { TIGHT_LIMITS } from './upheavals';

const CLIENTS = 3;
/** Turns after which a start that has not ended has got stuck. */
const START_TURNS_MAX = 10_000;
/** Commands that may change a stream without a word to those who observe keys: when a consumer was seen, what is pending. */
const ON_STREAMS = /^(X|EXEC$)/i;

export type Values = Readonly<Record<string, string | number>>;

/** What is kept from one life to the next. */
export interface Story {
  readonly time: VirtualTime;
  readonly history: History;
  readonly promises: Promises;
  /** What the next start is told to load. */
  source: Source;
}

export class DiskLife {
  readonly node: DataNode;
  /** Whether the node said that it has failed: then it must not acknowledge anything more. */
  hasFailed = false;
  /** What must not have happened; null as long as nothing has. */
  fault: string | null = null;
  /** Whether the disk has been slower than `everysec` can make up for. */
  isDiskSlow = false;
  readonly log: string[] = [];
  private hasEnded = false;
  /** The deed in which the machine stops. */
  private lastDeed = Infinity;
  private readonly clients: DiskClient[] = [];
  private recorder: Recorder | null = null;
  private nextClientId = 1;
  private lastReply = '';

  constructor(
    readonly story: Story,
    readonly disk: SimulatedDisk,
    seed: number,
    values: Values,
  ) {
    const { time, promises, history } = story;
    time.clear();
    const settings = serverSettings();
    const source = { appendonly: story.source === 'aof' ? 'yes' : 'no' };
    settings.assign({ port: 0, dir: '/data', 'enable-debug-command': 'yes', ...TIGHT_LIMITS, ...values, ...source });
    const world = realWorld({
      clock: time.clock,
      timers: time.timers,
      random: new Random(seed),
      files: disk,
      log: (_level, message) => {
        this.log.push(message);
        if (!this.isDead) promises.hear(message, history.last, time.nowMs);
      },
    });
    this.node = new DataNode(world, settings);
    this.node.on('failed', () => (this.hasFailed = true));
    promises.usePolicy(settings.values['appendfsync'], time.nowMs);
    settings.onChange('appendfsync', (policy) => promises.usePolicy(policy, time.nowMs));
  }

  /** Lets the machine stop in the `count`-th deed of the disk from now. */
  dieIn(count: number): void {
    this.disk.crashAfter(count);
    this.lastDeed = this.disk.deeds + count;
  }

  /** Whether the machine has stopped. */
  get isDead(): boolean {
    return this.disk.deeds >= this.lastDeed;
  }

  /** Whether it can be spoken to: it has started, nothing has ended it, and nothing was wrong. */
  get isUp(): boolean {
    return this.recorder !== null && !this.isDead && !this.hasFailed && !this.hasEnded && this.fault === null;
  }

  /** The settings that the next life would find in its configuration file. */
  get policies(): Values {
    const { settings } = this.node;
    return { appendfsync: settings.values['appendfsync'], save: settings.getText('save')! };
  }

  /** What a restart would be told to load if the life ended now. */
  get source(): Source {
    if (this.recorder === null) return this.story.source;
    return this.node.persistence.appendOnly.state === 'on' ? 'aof' : 'rdb';
  }

  // ── from the start to the end ────────────────────────────────────────────────────────────────────────────────

  /** Starts the node and returns what it has loaded; null where the machine stopped, or an error, which is a `fault` unless its code is allowed. */
  async start(allowedErrors: readonly string[]): Promise<State | null> {
    const { history, promises, time } = this.story;
    let outcome: { error: Error | null } | null = null;
    void this.node.start().then(
      () => (outcome = { error: null }),
      (error: Error) => (outcome = { error }),
    );
    for (let turns = 0; outcome === null && turns < START_TURNS_MAX; turns++) {
      // A few promises lie between the start and its end.
      for (let i = 0; i < 10; i++) await Promise.resolve();
      this.attempt(() => time.turn());
    }
    const { error } = outcome ?? { error: new Error('the start does not end') };
    if (this.isDead) return null;
    if (error !== null) {
      const isAllowed = error instanceof CacheError && allowedErrors.includes(error.code);
      if (!isAllowed) this.fault ??= `no start: ${error.message}`;
      promises.hear(error.message, history.last, time.nowMs);
      return null;
    }
    this.recorder = new Recorder(this.node);
    return this.recorder.state;
  }

  /** Sends a command for one of the clients, which is connected again if need be. */
  say(who: number, words: Sentence): void {
    const { history, promises } = this.story;
    this.attempt(() => {
      const { recorder } = this;
      if (recorder === null) return;
      this.client(who).say(words, () => {
        if (ON_STREAMS.test(words[0] ?? '')) recorder.touchStreams();
        this.note();
        return history.last;
      });
      if (/^(SAVE|FLUSHALL|EXEC|SHUTDOWN)$/i.test(words[0] ?? '')) promises.mayHaveSaved(history.last);
    });
  }

  /** The same with a whole turn; the reply, or '' where there was none. */
  ask(who: number, words: Sentence): string {
    this.lastReply = '';
    this.say(who, words);
    this.turn();
    return this.lastReply;
  }

  private client(who: number): DiskClient {
    const present = this.clients[who % CLIENTS] as DiskClient | undefined;
    if (present?.isClosed === false) return present;
    return (this.clients[who % CLIENTS] = new DiskClient(
      this.node,
      this.nextClientId++,
      this.story.time.timers,
      (reply, unit) => this.heard(reply, unit),
    ));
  }

  private heard(reply: string, unit: number): void {
    if (this.isDead) return;
    this.lastReply = reply;
    const { history, promises, time } = this.story;
    if (isError(reply) || history.changesOf(unit).length === 0) return;
    if (this.hasFailed) this.fault ??= `a write was acknowledged after the node had failed: ${reply}`;
    promises.acknowledge(unit, time.nowMs);
  }

  turn(): void {
    this.attempt(() => this.story.time.turn());
    this.attempt(() => this.noteIfChanged());
  }

  pass(durationMs: number): void {
    this.attempt(() => this.story.time.advance(durationMs));
    this.attempt(() => this.noteIfChanged());
  }

  /** Lets the disk do what it was asked to do meanwhile. */
  runDisk(limit = Infinity): void {
    this.attempt(() => void this.disk.runPending(limit));
  }

  /** Lets time pass, and the disk keep up with it. */
  settle(durationMs: number): void {
    for (let left = durationMs; left > 0 && !this.isDead; left -= 100) {
      this.pass(Math.min(100, left));
      this.runDisk();
    }
    for (let i = 0; i < 4; i++) this.turn();
  }

  /** What SHUTDOWN does: syncs, and saves where there are save points. The process does not end yet. */
  shutDown(): void {
    const { history, promises } = this.story;
    this.attempt(() => {
      const { source } = this;
      promises.mayHaveSaved(history.last);
      if (this.node.shutdown() === 'ready' && !this.isDead && source === 'aof' && !this.hasFailed)
        promises.noteDurable(history.last);
    });
  }

  /** Ends in peace. */
  async stop(): Promise<void> {
    const { source } = this;
    const stopped = this.node.stop();
    for (let i = 0; i < 10; i++) await Promise.resolve();
    this.attempt(() => this.story.time.turn());
    await stopped.catch((error: Error) => {
      if (!(error instanceof DiskCrash)) this.fault ??= `no end: ${error.message}`;
    });
    this.attempt(() => this.noteIfChanged());
    this.story.source = source;
    this.hasEnded = true;
    const isWhole =
      !this.hasFailed && !this.log.some((message) => /could not be written to its end|Fail to/.test(message));
    if (!this.isDead && isWhole && source === 'aof') this.story.promises.noteDurable(this.story.history.last);
  }

  /** What the next life finds. */
  die(random: Random, kill: Kill): SimulatedDisk {
    if (!this.hasEnded) this.story.source = this.source;
    this.story.time.clear();
    return this.disk.crash(random, kill);
  }

  /** Does what the machine may stop in; what else is thrown would have ended the process. */
  private attempt(deed: () => void): void {
    if (this.isDead) return;
    try {
      deed();
    } catch (error) {
      if (!(error instanceof DiskCrash)) this.fault ??= `thrown: ${(error as Error).stack}`;
    }
  }

  private noteIfChanged(): void {
    const { recorder } = this;
    const changes = recorder?.take() ?? [];
    if (changes.length > 0) this.story.history.add(changes);
  }

  private note(): void {
    this.story.history.add(this.recorder?.take() ?? []);
  }
}

/**
 * Crashes by the thousand: random sentences to a data node whose disk dies, fails, fills up or is slow, and a new node over what
 * survived.
 *
 * A round is the story of a few lives, one after the other, on the same data. Each ends by the death of the process or by a loss of
 * power, in the middle of some deed of the disk or between two, or in peace; the next one must load, and what it loads
 * must be the state after some unit of what was executed, no earlier than the book of promises says (disk-promises.ts). While
 * faults are about, nothing may be thrown and nothing acknowledged that is not kept; when they are gone the node must take
 * writes again by itself. The same seed tells the same story.
 */
import { Random } from '../../src/base';
import { commands } from '../../src/commands';
import { SimulatedDisk, type Deed, type DiskOptions } from '../../src/sim';
import { isSpoken, mustNotWait } from './comparison';
import type { DiskLife, Values } from './disk-life';
import type { Kill } from './disk-promises';
import { Succession } from './disk-succession';
import { randomSentence, type Sentence } from './sentences';
import { KEYS, one } from './words';
import { UPHEAVALS } from './upheavals';

const RARE: ReadonlySet<string> = new Set(['FLUSHALL', 'FLUSHDB', 'SWAPDB']);
const SPECS = commands.all.filter((spec) => isSpoken(spec) && !RARE.has(spec.name));

const SYNC_POLICIES = ['always', 'everysec', 'no'] as const;
/** Within how many deeds of the disk a life ends that is to end so. */
const DEEDS_MAX = 70;
/** A start has about so many: to die within them is to die while loading. */
const START_DEEDS = 8;
const KILLS: readonly Kill[] = ['process', 'power'];
const FAULTS: readonly (readonly [Deed, string])[] = [
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['sync', 'EIO'],
  ['sync', 'EIO'],
  ['rename', 'EIO'],
  ['create', 'ENOSPC'],
  ['append', 'EMFILE'],
  ['remove', 'EACCES'],
  ['truncate', 'EIO'],
  ['syncDirectory', 'EIO'],
];
/** What is said of the disk, now and then. */
const SAVING: readonly Sentence[] = [
  ['SAVE'],
  ['BGSAVE'],
  ['BGSAVE', 'SCHEDULE'],
  ['BGREWRITEAOF'],
  ['BGREWRITEAOF'],
  ['BGREWRITEAOF'],
];
const SETTING: readonly Sentence[] = [
  ['CONFIG', 'SET', 'appendonly', 'yes'],
  ['CONFIG', 'SET', 'appendonly', 'yes'],
  ['CONFIG', 'SET', 'appendonly', 'no'],
  ['CONFIG', 'SET', 'appendfsync', 'always'],
  ['CONFIG', 'SET', 'appendfsync', 'everysec'],
  ['CONFIG', 'SET', 'appendfsync', 'no'],
  ['CONFIG', 'SET', 'save', ''],
  ['CONFIG', 'SET', 'save', '1 1'],
  ['CONFIG', 'SET', 'aof-use-rdb-preamble', 'no'],
  ['CONFIG', 'SET', 'aof-use-rdb-preamble', 'yes'],
  ['CONFIG', 'SET', 'auto-aof-rewrite-min-size', '2000'],
  ['CONFIG', 'SET', 'aof-timestamp-enabled', 'yes'],
];
/** Long enough for what is tried again after a minute. */
const RECOVERY_MS = 70_000;
const RECOVERIES_MAX = 6;

/** What a round was like, for who counts. */
export interface DiskRound {
  /** What was wrong; null if nothing was. */
  readonly fault: string | null;
  readonly deaths: number;
  /** Under "everysec": how old the oldest acknowledgement was that a loss of power took, in ms, for each that took any. */
  readonly lostMs: readonly number[];
}

/** What a story is like. */
interface Style {
  readonly hasFaults: boolean;
  readonly expires: boolean;
  readonly isSlow: boolean;
  readonly lives: number;
}

export type MakeDisk = (random: Random, options: DiskOptions) => SimulatedDisk;

export class DiskTrial {
  /** @param makeDisk makes the disk of the first life: another one shows whether its faults are found */
  constructor(private readonly makeDisk: MakeDisk = (random, options) => new SimulatedDisk(random, options)) {}

  /** One story from an empty disk on. */
  async round(seed: number): Promise<DiskRound> {
    return new DiskStory(seed, this.makeDisk).run();
  }
}

class DiskStory {
  private readonly random: Random;
  private readonly style: Style;
  private readonly lives: Succession;
  private values: Values;

  constructor(seed: number, makeDisk: MakeDisk) {
    const random = new Random(seed);
    const chance = (likelihood: number): boolean => random.fraction() < likelihood;
    this.random = random;
    this.style = {
      hasFaults: chance(0.35),
      expires: chance(0.15),
      isSlow: chance(0.15),
      lives: 1 + random.below(3),
    };
    this.values = {
      appendfsync: one(random, SYNC_POLICIES),
      save: chance(0.4) ? one(random, ['1 1', '3600 1']) : '',
      'aof-use-rdb-preamble': chance(0.7) ? 'yes' : 'no',
      'auto-aof-rewrite-min-size': chance(0.3) ? '2000' : '64mb',
    };
    const disk = makeDisk(new Random(random.uint32()), { directories: ['/data'], isHarsh: chance(0.4) });
    this.lives = new Succession(random, disk, chance(0.8) ? 'aof' : 'rdb');
    this.lives.story.time.lookMs = chance(0.5) ? 0 : one(random, [0.01, 0.1, 0.4]);
  }

  async run(): Promise<DiskRound> {
    const { deaths, lostMs } = this.lives;
    for (let left = this.style.lives; left >= 0; left--) {
      const life = await this.live(left > 0);
      if (life.fault === null) continue;
      const fault = `life ${this.style.lives - left + 1}: ${life.fault}\nlog:\n${life.log.join('\n')}`;
      return { fault, deaths, lostMs };
    }
    return { fault: null, deaths: this.lives.deaths, lostMs };
  }

  /** The last life has nothing to do but to load and to take a write. */
  private async live(goesOn: boolean): Promise<DiskLife> {
    const { lives, random, style } = this;
    const mayFail = goesOn && style.hasFaults && random.fraction() < 0.2;
    const dies = goesOn && random.fraction() < 0.75;
    if (mayFail) lives.failNext(...one(random, FAULTS));
    const life = await lives.begin({
      values: this.values,
      mayFail,
      ...(dies ? { dieIn: 1 + random.below(random.below(5) === 0 ? START_DEEDS : DEEDS_MAX) } : {}),
    });
    for (let left = goesOn ? 5 + random.below(45) : 0; left > 0 && life.isUp; left--) this.step(life);
    if (life.isUp && (!goesOn || (style.hasFaults && random.fraction() < 0.5))) this.recover(life);
    if (life.isUp && random.fraction() < 0.1) life.shutDown();
    if (life.isUp && random.fraction() < 0.2) await life.stop();
    if (life.fault !== null) return life;
    lives.end(life, one(random, KILLS));
    this.values = { ...this.values, ...life.policies };
    return life;
  }

  // ── what happens in a life ───────────────────────────────────────────────────────────────────────────────────

  private step(life: DiskLife): void {
    const { random, style } = this;
    const chance = random.fraction();
    if (chance < 0.55) {
      this.speak(life);
    } else if (chance < 0.75) {
      this.passTime(life);
    } else if (chance < 0.85) {
      life.runDisk(1 + random.below(3));
    } else if (chance < 0.91) {
      life.say(random.below(3), one(random, SAVING));
    } else if (chance < 0.95) {
      life.say(random.below(3), one(random, SETTING));
    } else if (style.hasFaults) {
      this.spoil(life);
    }
    if (random.fraction() < 0.7) life.turn();
  }

  private passTime(life: DiskLife): void {
    const { random, style } = this;
    const isLong = random.fraction() < 0.25;
    if (style.isSlow) {
      life.isDiskSlow = true;
      life.pass(random.below(isLong ? 4000 : 500));
    } else {
      life.settle(random.below(isLong ? 3000 : 300));
    }
  }

  private speak(life: DiskLife): void {
    const { random } = this;
    const who = random.below(3);
    const chance = random.fraction();
    if (chance < 0.05) {
      life.say(who, one(random, UPHEAVALS));
    } else if (chance < 0.1 && this.style.expires) {
      life.say(who, ['PEXPIRE', one(random, KEYS), String(1 + random.below(3000))]);
    } else if (chance < 0.25) {
      life.say(who, ['SET', `key:${random.below(20)}`, 'x'.repeat(random.below(random.below(10) === 0 ? 3000 : 60))]);
    } else if (chance < 0.35) {
      life.say(who, ['MULTI']);
      for (let left = 1 + random.below(4); left > 0; left--) {
        const sentence = random.below(12) === 0 ? one(random, [...SAVING, ...UPHEAVALS]) : this.sentence().words;
        life.say(who, sentence);
      }
      life.say(who, ['EXEC']);
    } else {
      const { words, waits } = this.sentence();
      if (waits) life.say(who, ['MULTI']);
      life.say(who, words);
      if (waits) life.say(who, ['EXEC']);
    }
  }

  private sentence(): { words: Sentence; waits: boolean } {
    const spec = one(this.random, SPECS);
    return { words: randomSentence(this.random, spec), waits: mustNotWait(spec) };
  }

  /** Something goes wrong with the disk, once or for a while. */
  private spoil(life: DiskLife): void {
    const { random } = this;
    const { disk } = life;
    const chance = random.fraction();
    if (chance < 0.6) disk.failNext(...one(random, FAULTS));
    else if (chance < 0.75) disk.capacityBytes = random.below(4000);
    else if (chance < 0.9) disk.failAtRate(random.fraction() * 0.3);
    else this.mend(life);
    // What is done about a fault is where mistakes are: many die of the next deeds.
    if (random.fraction() < 0.4) life.dieIn(1 + random.below(8));
  }

  private mend({ disk }: DiskLife): void {
    disk.capacityBytes = Infinity;
    disk.failAtRate(0);
  }

  /** With a good disk the node must go on, whatever has been. */
  private recover(life: DiskLife): void {
    this.mend(life);
    let reply = '';
    for (let left = RECOVERIES_MAX; left > 0 && life.isUp; left--) {
      life.settle(left === RECOVERIES_MAX ? 500 : left > 2 ? 2000 : RECOVERY_MS);
      life.ask(0, ['DISCARD']);
      reply = life.ask(0, ['SET', 'recovered', String(left)]);
      if (reply === '+OK\r\n') return;
      if (reply.includes('RDB snapshots')) life.ask(1, ['BGSAVE']);
    }
    if (life.isUp) life.fault ??= `it does not recover: ${reply}`;
  }
}

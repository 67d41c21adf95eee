/**
 * Lives of a data node on the same data, one after the other, each held against what was promised before it began.
 *
 * What a life has loaded must be the state after some unit of the history, and no earlier one than the book of promises says
 * for the worst death since something was loaded last. The history goes on from there: what came after it has never been.
 */
import type { Random } from '../../src/base';
import type { Deed, SimulatedDisk } from '../../src/sim';
import { History, type State } from './disk-history';
import { DiskLife, type Story, type Values } from './disk-life';
import { Promises, type Kill, type Source } from './disk-promises';
import { VirtualTime } from './disk-time';

interface Death {
  readonly kill: Kill;
  readonly atMs: number;
  /** Whether the disk had been slower than `everysec` can make up for. */
  readonly wasSlow: boolean;
}

const NO_DEATH: Death = { kill: 'process', atMs: Infinity, wasSlow: false };

export interface Begin {
  readonly values: Values;
  /** The machine stops in this deed from the start on. */
  readonly dieIn?: number;
  /** Whether the disk may fail the start. */
  readonly mayFail?: boolean;
}

export class Succession {
  readonly story: Story;
  deaths = 0;
  /** Under "everysec": how old the oldest acknowledgement was that a loss of power took, for each that took any. */
  readonly lostMs: number[] = [];
  private death: Death = NO_DEATH;

  constructor(
    private readonly random: Random,
    private disk: SimulatedDisk,
    source: Source,
  ) {
    this.story = { time: new VirtualTime(), history: new History(), promises: new Promises(), source };
  }

  /** The next life. What is wrong with what it has loaded is its `fault`. */
  async begin({ values, dieIn, mayFail = false }: Begin): Promise<DiskLife> {
    const life = new DiskLife(this.story, this.disk, this.random.uint32(), values);
    if (dieIn !== undefined) life.dieIn(dieIn);
    const { kill } = this.death;
    const isLost = kill === 'power' && this.story.promises.isHollow;
    const state = await life.start([...(mayFail ? ['FILE_FAILED'] : []), ...(isLost ? ['BAD_AOF'] : [])]);
    if (state !== null) life.fault ??= this.compare(state, values);
    return life;
  }

  /** The next deed of this kind fails. */
  failNext(deed: Deed, errno: string): void {
    this.disk.failNext(deed, errno);
  }

  end(life: DiskLife, kill: Kill): void {
    const wasSlow = this.death.wasSlow || life.isDiskSlow;
    if (this.death === NO_DEATH || (kill === 'power' && this.death.kill === 'process')) {
      this.death = { kill, atMs: this.story.time.nowMs, wasSlow };
    }
    this.disk = life.die(this.random, kill);
    this.deaths++;
  }

  private compare(state: State, values: Values): string | null {
    const { history, promises, source, time } = this.story;
    const { kill, atMs, wasSlow } = this.death;
    this.death = NO_DEATH;
    if (source === 'rdb' && promises.isSaveStale) {
      history.restart(state);
      promises.goOnFrom(history.last, source);
      return null;
    }
    const must = promises.mustFind(kill, source, atMs, wasSlow);
    const found = history.find(state, time.nowMs);
    if (found < must) {
      const wanted = history.stateAfter(Math.max(found, must));
      return (
        `after ${kill}, from ${source}: found unit ${found} of ${history.last}, promised ${must}\n` +
        differences(state, wanted)
      );
    }
    if (source === 'aof' && kill === 'power' && values['appendfsync'] === 'everysec' && !wasSlow) {
      const lostMs = promises.oldestLostMs(found, atMs);
      if (lostMs > 0) this.lostMs.push(lostMs);
    }
    history.cut(found);
    promises.goOnFrom(found, source);
    return null;
  }
}

/** The keys that two states do not agree on. */
function differences(found: State, wanted: State): string {
  const lines: string[] = [];
  for (const key of new Set([...found.keys(), ...wanted.keys()])) {
    const [a, b] = [found.get(key)?.text, wanted.get(key)?.text];
    if (a !== b) lines.push(`${JSON.stringify(key)} is ${a ?? 'missing'}, not ${b ?? 'missing'}`);
  }
  return lines.join('\n');
}

/**
 * SimulatedNetwork: what lies between the machines, and what goes wrong there.
 *
 * Between any two there is a link for each direction. What is sent on it comes after a delay of its own (a least one, and an exponential
 * rest: so messages overtake each other), twice, or not at all. A link can be cut (what is under way is lost with it) and clogged (what
 * is sent arrives when the clog is over, in a heap). Both directions are cut apart from each other, as one-way cuts are what real
 * switches do. Which links are cut when is the business of who runs the simulation.
 *
 * `lines` (simulated-line.ts) are what TCP makes of it: in order, once, or broken.
 */
import type { Random } from '../base';
import type { SimulatedMachine } from './simulated-machine';
import type { SimulatedTime } from './simulated-time';

/** How bad the network is, for as long as it is not told otherwise. */
export interface NetworkWeather {
  /** Least delay, and the mean of what comes on top, ms. */
  readonly delayMinMs: number;
  readonly delayMeanMs: number;
  /** Probabilities, per message. */
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** Comes when everybody has forgotten it: up to `STRAGGLING_MS_MAX` late. */
  readonly straggleRate: number;
}

export const FAIR_WEATHER: NetworkWeather = {
  delayMinMs: 0.2,
  delayMeanMs: 0.3,
  lossRate: 0,
  duplicateRate: 0,
  straggleRate: 0,
};

const STRAGGLING_MS_MAX = 1500;

export class SimulatedNetwork {
  weather: NetworkWeather = FAIR_WEATHER;
  /** What was lost by a cut since the beginning: a cut that loses nothing was none. */
  messagesCut = 0;
  private readonly isCutFrom = new Map<number, Set<number>>();
  private readonly clogged = new Map<number, number>();

  constructor(
    readonly time: SimulatedTime,
    private readonly random: Random,
  ) {}

  /** Sends something that `arrive` is called for, in a turn of the other machine. May come twice, late, or never. */
  send(from: SimulatedMachine, to: SimulatedMachine, arrive: () => void): void {
    const { lossRate, duplicateRate } = this.weather;
    if (lossRate > 0 && this.random.fraction() < lossRate) return;
    this.carry(from, to, arrive);
    if (duplicateRate > 0 && this.random.fraction() < duplicateRate) this.carry(from, to, arrive);
  }

  /** How long something takes on that link if it is sent now, ms. */
  delayMs(from: number, to: number): number {
    const { delayMinMs, delayMeanMs } = this.weather;
    const clogMs = Math.max(0, (this.clogged.get(linkOf(from, to)) ?? 0) - this.time.nowMs);
    return clogMs + delayMinMs - delayMeanMs * Math.log(1 - this.random.fraction());
  }

  isCut(from: number, to: number): boolean {
    return this.isCutFrom.get(from)?.has(to) === true;
  }

  /** Nothing passes from the one to the other; the other direction is as it was. */
  cut(from: number, to: number): void {
    if (from === to) return;
    let targets = this.isCutFrom.get(from);
    if (targets === undefined) this.isCutFrom.set(from, (targets = new Set()));
    targets.add(to);
  }

  mend(from: number, to: number): void {
    this.isCutFrom.get(from)?.delete(to);
  }

  /** What is sent on that link from now on arrives in so many ms, and later. */
  clog(from: number, to: number, durationMs: number): void {
    this.clogged.set(linkOf(from, to), this.time.nowMs + durationMs);
  }

  /** Mends and frees all links. */
  healAll(): void {
    this.isCutFrom.clear();
    this.clogged.clear();
  }

  private carry(from: SimulatedMachine, to: SimulatedMachine, arrive: () => void): void {
    const { life } = to;
    const { straggleRate } = this.weather;
    const isLate = straggleRate > 0 && this.random.fraction() < straggleRate;
    const lateMs = isLate ? this.random.fraction() * STRAGGLING_MS_MAX : 0;
    this.time.after(lateMs + this.delayMs(from.index, to.index), () => {
      if (this.isCut(from.index, to.index)) this.messagesCut++;
      else if (life === to.life) to.run(arrive);
    });
  }
}

function linkOf(from: number, to: number): number {
  return from * 1024 + to;
}

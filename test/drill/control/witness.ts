/**
 * Witnesses: proof that a link was broken, and that another was not. One process in each of some zones sends a datagram to each of
 * the others every ten milliseconds, and notes when whose datagrams came.
 *
 * Datagrams, because a connection tells nothing about one way alone: its acknowledgements need both. What a fault should have
 * broken must be silent from shortly after the fault until it is mended; what it should have left must have been heard.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { machineOffsetMs, ZoneProcess, type ZoneWork } from './zone-process';
import type { Zone } from './zones';

export const WITNESS = 'zone-witness';

const PORT = 7399;
const EVERY_MS = 10;
/** What has come when a link breaks may be seen so much later by a process that has to wait for its turn. */
const GRACE_MS = 250;
/** Of the datagrams that were due on a link that stands, so many must have come: machines are busy. */
const HEARD_SHARE_MIN = 0.2;

/** When datagrams came, by the host that sent them. */
type Heard = Readonly<Record<string, readonly number[]>>;

/** The process itself: its own host, then those of the others. */
export const workAsWitness: ZoneWork = async ([host, ...others]) => {
  const heard: Record<string, number[]> = Object.fromEntries(others.map((other) => [other, []]));
  const socket = createSocket('udp4');
  socket.on('message', (_bytes, { address }) => heard[address]?.push(performance.now()));
  socket.bind(PORT, host);
  await once(socket, 'listening');
  const timer = setInterval(() => {
    // A network that is not there is what this is about.
    for (const other of others) socket.send('', PORT, other, () => undefined);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    socket.close();
    const offsetMs = machineOffsetMs();
    const told = Object.entries(heard).map(([other, times]) => [other, times.map((ms) => ms + offsetMs)] as const);
    return Promise.resolve(Object.fromEntries(told));
  };
};

/** Zones of which the first sends to the second. */
export type Way = readonly [from: Zone, to: Zone];

export class Witnesses {
  private readonly heard = new Map<Zone, Heard>();

  private constructor(private readonly processes: ReadonlyMap<Zone, ZoneProcess>) {}

  /** One in each of these zones; resolves when all listen. */
  static async begin(zones: readonly Zone[]): Promise<Witnesses> {
    const started = zones.map(async (zone) => {
      const others = zones.filter((each) => each !== zone).map(({ host }) => host);
      return [zone, await ZoneProcess.start(zone, WITNESS, [zone.host, ...others])] as const;
    });
    return new Witnesses(new Map(await Promise.all(started)));
  }

  /** Ends them; then they can be asked. */
  async end(): Promise<void> {
    for (const [zone, process] of this.processes) this.heard.set(zone, (await process.end()) as Heard);
  }

  /** What is wrong if nothing should have come this way between two moments. */
  silent(ways: readonly Way[], fromMs: number, untilMs: number): string[] {
    return ways.flatMap(([from, to]) => {
      const count = this.arrived([from, to], fromMs + GRACE_MS, untilMs).length;
      return count === 0 ? [] : [`${count} datagrams from ${from.host} came to ${to.host} through a broken link`];
    });
  }

  /** What is wrong if this way should have been open between two moments. */
  open(ways: readonly Way[], fromMs: number, untilMs: number): string[] {
    const due = (untilMs - fromMs) / EVERY_MS;
    return ways.flatMap(([from, to]) => {
      const count = this.arrived([from, to], fromMs, untilMs).length;
      return count >= due * HEARD_SHARE_MIN
        ? []
        : [
            `of ${due.toFixed(0)} datagrams from ${from.host} to ${to.host} came ${count}: a link broke that should not`,
          ];
    });
  }

  /** How often nothing came this way for at least so many ms. */
  silences(way: Way, leastMs: number, fromMs: number, untilMs: number): number {
    const times = [fromMs, ...this.arrived(way, fromMs, untilMs), untilMs];
    return times.filter((ms, i) => i > 0 && ms - times[i - 1] >= leastMs).length;
  }

  private arrived([from, to]: Way, fromMs: number, untilMs: number): number[] {
    const offsetMs = machineOffsetMs();
    const times = this.heard.get(to)![from.host].map((ms) => ms - offsetMs);
    return times.filter((ms) => ms >= fromMs && ms < untilMs);
  }
}

/** Both ways between two zones. */
export function between(one: Zone, other: Zone): Way[] {
  return [
    [one, other],
    [other, one],
  ];
}

/**
 * Rounds with broken links among five config servers alone, which have cables of their own: data flow as ever, and nothing of what
 * happens may be noticed there. A cut costs one change of leader at most (C3: PreVote and CheckQuorum), and changes go on.
 */
import type { Random } from '../../../src/base';
import { sleep } from '../load';
import { ConfigHistory } from './config-history';
import type { Formation } from './formation';
import { flap, NOTICED_SHARE_MIN } from './link-rounds';
import { longestGap } from './prober';
import { settle, type Round, type RoundResult } from './round';
import { Traffic } from './round-traffic';
import { Witnesses, type Way } from './witness';
import type { Zone } from './zones';

const BROKEN_MS = 2500;
const FLAP_MS = 200;
/** A silence of so long is a flap. */
const SILENCE_MS = 120;

/** What is done to the links between config servers. */
interface Break {
  /** Does it; resolves when it is to be mended. */
  readonly strike: () => Promise<void>;
  readonly mend: () => void;
  /** What it should have broken, all the time. */
  readonly broken: readonly Way[];
  /** What it should have left. */
  readonly whole: readonly Way[];
  /** What is wrong by what the witnesses of the rest saw. */
  readonly check?: (witnesses: Witnesses, brokenMs: number, mendedMs: number) => string[];
}

/** The leader is not heard by one, does not hear one, is not heard by any, does not hear any: by turns. */
export const configOneWay: Round = (formation, random, number) =>
  broken(formation, random, `config-one-way:${number}`, (leader) => {
    const others = formation.configZones.filter((zone) => zone !== leader);
    const concerned = number % 4 < 2 ? [others[random.below(others.length)]] : others;
    const to = concerned.map((zone): Way => [leader, zone]);
    const from = concerned.map((zone): Way => [zone, leader]);
    return number % 2 === 0 ? lasting(to, from) : lasting(from, to);
  });

/** Each config server reaches two others: every one sees a majority, and no two the same. */
export const configRing: Round = (formation, random, number) =>
  broken(formation, random, `config-ring:${number}`, () => {
    const ring = shuffled(formation.configZones, random);
    const ways = ring.flatMap((zone, i) =>
      ring.flatMap((other, j): { way: Way; isNear: boolean }[] =>
        i === j ? [] : [{ way: [zone, other], isNear: [1, ring.length - 1].includes(Math.abs(i - j)) }],
      ),
    );
    return lasting(
      ways.flatMap(({ way, isNear }) => (isNear ? [] : [way])),
      ways.flatMap(({ way, isNear }) => (isNear ? [way] : [])),
    );
  });

/** The cable of the leader, or of another, by turns, comes and goes. */
export const configFlapping: Round = (formation, random, number) =>
  broken(formation, random, `config-flapping:${number}`, (leader) => {
    const others = shuffled(
      formation.configZones.filter((zone) => zone !== leader),
      random,
    );
    const victim = number % 2 === 0 ? others.pop()! : leader;
    const rest = formation.configZones.filter((zone) => zone !== victim);
    let flaps = 0;
    return {
      strike: async () => {
        flaps = await flap(victim, FLAP_MS, BROKEN_MS);
      },
      mend: () => undefined,
      broken: [],
      whole: rest.flatMap((zone) => rest.flatMap((other): Way[] => (zone === other ? [] : [[zone, other]]))),
      check: (witnesses, brokenMs, mendedMs) => {
        const noticed = witnesses.silences([victim, rest[0]], SILENCE_MS, brokenMs, mendedMs);
        return noticed < flaps * NOTICED_SHARE_MIN
          ? [`of ${flaps} times that a cable was out ${noticed} were noticed`]
          : [];
      },
    };
  });

/** These ways broken for some time, and those not. */
function lasting(broken: readonly Way[], whole: readonly Way[]): Break {
  return {
    strike: () => {
      for (const [from, to] of broken) from.deafen(to);
      return sleep(BROKEN_MS);
    },
    mend: () => {
      for (const [from, to] of broken) from.undeafen(to);
    },
    broken,
    whole,
  };
}

/** A round with links broken as `choose` says, given the leader's zone. */
async function broken(
  formation: Formation,
  random: Random,
  name: string,
  choose: (leader: Zone) => Break,
): Promise<RoundResult> {
  const [witnesses, traffic, history] = await Promise.all([
    Witnesses.begin(formation.configZones),
    Traffic.begin(formation.proxies, name, random),
    ConfigHistory.begin(formation, name, random),
  ]);
  const epoch = await formation.epoch();
  const term = await formation.term();
  const { strike, mend, broken, whole, check } = choose((await formation.leader()).zone);
  const beforeMs = performance.now();
  const striking = strike();
  const brokenMs = performance.now();
  await striking;
  const mendedMs = performance.now();
  mend();
  const [written] = await Promise.all([traffic.end(beforeMs), witnesses.end()]);
  const historyProblems = await history.end();
  return settle(formation, written, epoch, 0, {
    measured: {
      'changes of leader': formation.leadersSince(term),
      'longest time without a change': history.longestGap(beforeMs),
      'longest silence': Math.max(...formation.proxies.map((proxy) => longestGap(written.through(proxy), beforeMs).ms)),
    },
    problems: [
      ...historyProblems,
      ...witnesses.silent(broken, brokenMs, mendedMs),
      ...witnesses.open(whole, brokenMs, mendedMs),
      ...(check?.(witnesses, brokenMs, mendedMs) ?? []),
    ],
    aside: new Map([['changes and reads of a setting', history.length]]),
  });
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const left = [...values];
  return values.map(() => left.splice(random.below(left.length), 1)[0]);
}

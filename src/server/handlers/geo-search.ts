/**
 * Searches for what is near: replied, or stored as a sorted set of its own.
 *
 * An area is at most nine ranges of scores (see geo/area.ts), each a walk through the sorted set from its first member on. What
 * is found is noted by numbers and read again from the set when it is replied or stored. A stored result is complete before its
 * destination is touched, which may be the set that was searched.
 */
import type { SortedSet } from '../../storage';
import type { Call } from '../call';
import { degreesText, writeDistance } from '../geo/decimal';
import { decode } from '../geo/geohash';
import { ASCENDING, Matches, UNSORTED } from '../geo/matches';
import { GeoQuery, place, readQuery } from './geo-arguments';
import { withDraft } from './sorted-set-replies';

const query = new GeoQuery();
const matches = new Matches();

/** Room for a distance. */
const digits = new Uint8Array(32);

/**
 * Carries out a search in the set in argument `sourceAt`.
 * @param spelling BY_PLACE, BY_MEMBER or BY_OPTIONS
 * @param mayStore whether the command has a form that stores
 */
export function search(call: Call, sourceAt: number, spelling: number, mayStore: boolean): void {
  const set = call.readable(call.sortedSet, sourceAt);
  if (set === null) return;
  if (!readQuery(call, set, spelling, sourceAt + 1, mayStore, query)) return;
  try {
    if (set.exists) findMatches(set);
    const { count, isAny } = query;
    // Some, but not any: the nearest.
    const order = count > 0 && !isAny && query.order === UNSORTED ? ASCENDING : query.order;
    const chosen = matches.inOrder(order, count > 0 ? count : matches.count);
    if (query.storeAt === 0) replyMatches(call, set, chosen);
    else storeMatches(call, set, chosen);
  } finally {
    matches.clear();
  }
}

/** Gathers the members in the area, cell by cell. */
function findMatches(set: SortedSet): void {
  const { area } = query;
  const limit = query.isAny ? query.count : Infinity;
  area.cover();
  for (let i = 0; i < area.count; i++) {
    if (!set.seekScore(area.minima[i])) continue;
    const max = area.maxima[i];
    do {
      const score = set.walkScore;
      if (score >= max) break;
      const distance = area.distanceOf(decode(score, place));
      if (distance < 0) continue;
      matches.add(set.position, score, distance);
      if (matches.count === limit) return;
    } while (set.next());
  }
}

function replyMatches(call: Call, set: SortedSet, chosen: Uint32Array): void {
  const { reply, value } = call;
  const { withDistance, withHash, withPlace } = query;
  const details = Number(withDistance) + Number(withHash) + Number(withPlace);
  reply.array(chosen.length);
  for (const i of chosen) {
    if (details > 0) reply.array(1 + details);
    set.position = matches.positions[i];
    reply.bulk(set.name(value));
    if (withDistance) replyDistance(call, matches.distances[i] / query.area.unit);
    if (withHash) replyHash(call, matches.scores[i]);
    if (withPlace) replyPlace(call, matches.scores[i]);
  }
}

/** Stores the members with their scores or their distances; where there are none nothing is left under the key. */
function storeMatches(call: Call, set: SortedSet, chosen: Uint32Array): void {
  const { storeAt, storesDistances, area } = query;
  const { length } = chosen;
  withDraft(call, (result) => {
    result.expect(length);
    for (const i of chosen) {
      set.position = matches.positions[i];
      const score = storesDistances ? matches.distances[i] / area.unit : matches.scores[i];
      result.add(score, set.name(call.value));
    }
    if (length > 0) {
      call.sortedSetDraft.moveTo(call.database, call.arg(storeAt));
      call.changed(length);
    } else if (call.database.delete(call.arg(storeAt))) {
      call.changed();
    }
  });
  call.reply.integer(length);
}

export function replyDistance(call: Call, distance: number): void {
  call.reply.bulkAt(digits, 0, writeDistance(distance, digits));
}

/** The place of a score as an array of longitude and latitude. */
export function replyPlace(call: Call, score: number): void {
  const { longitude, latitude } = decode(score, place);
  call.reply.array(2);
  call.reply.spelledDouble(degreesText(longitude));
  call.reply.spelledDouble(degreesText(latitude));
}

/** A score as an integer: beyond 2^53 where a coordinate is the largest that there is. */
function replyHash(call: Call, score: number): void {
  const hash = Math.trunc(score);
  if (Number.isSafeInteger(hash)) call.reply.integer(hash);
  else call.reply.int64(BigInt(hash));
}

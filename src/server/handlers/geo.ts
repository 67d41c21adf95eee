/**
 * Geo commands: places as scores of sorted sets (see geo/geohash.ts). Searches are in geo-search.ts.
 */
import type { geo, Handlers } from '../../commands';
import { ADD_IF_MISSING, ADD_IF_PRESENT, ADDED, fixedWord, UPDATED } from '../../storage';
import type { Call, Handler } from '../call';
import { distanceBetween } from '../geo/distance';
import { decode, encode, Place, TEXT_LENGTH, writeText } from '../geo/geohash';
import { BY_MEMBER, BY_OPTIONS, BY_PLACE, place, readPlace, readUnit } from './geo-arguments';
import { replyDistance, replyPlace, search } from './geo-search';

const ZADD = fixedWord('ZADD');

/** Longitude, latitude, member. */
const WORDS_PER_MEMBER = 3;

const otherPlace = new Place();
/** Room for a textual geohash. */
const text = new Uint8Array(TEXT_LENGTH);

export const geoHandlers: Handlers<typeof geo, Handler> = {
  GEOADD(call) {
    let flags = 0;
    let countsChanged = false;
    let first = 2;
    for (; first < call.argc; first++) {
      const option = call.arg(first);
      if (option.is('nx')) flags |= ADD_IF_MISSING;
      else if (option.is('xx')) flags |= ADD_IF_PRESENT;
      else if (option.is('ch')) countsChanged = true;
      else break;
    }
    const words = call.argc - first;
    if (words === 0 || words % WORDS_PER_MEMBER !== 0) return call.syntaxError();
    if (flags === (ADD_IF_MISSING | ADD_IF_PRESENT)) return call.syntaxError();
    for (let i = first; i < call.argc; i += WORDS_PER_MEMBER) if (!readPlace(call, i)) return;
    const set = call.writable(call.sortedSet, 1);
    if (set === null) return;
    if (set.exists || (flags & ADD_IF_PRESENT) === 0) set.expect(words / WORDS_PER_MEMBER);
    let added = 0;
    let updated = 0;
    for (let i = first; i < call.argc; i += WORDS_PER_MEMBER) {
      readPlace(call, i);
      const outcome = set.add(encode(place.longitude, place.latitude), call.arg(i + 2), flags);
      if (outcome === ADDED) added++;
      else if (outcome === UPDATED) updated++;
    }
    if (call.journals && added + updated > 0) leaveScores(call, first);
    call.changed(added + updated);
    call.reply.integer(countsChanged ? added + updated : added);
  },

  GEODIST(call) {
    if (call.argc > 5) return call.syntaxError();
    const unit = call.argc === 5 ? readUnit(call, 4) : 1;
    if (Number.isNaN(unit)) return;
    const set = call.readable(call.sortedSet, 1);
    if (set === null) return;
    const score = set.scoreOf(call.arg(2));
    const otherScore = set.scoreOf(call.arg(3));
    if (Number.isNaN(score) || Number.isNaN(otherScore)) return call.reply.null();
    const { longitude, latitude } = decode(score, place);
    const other = decode(otherScore, otherPlace);
    replyDistance(call, distanceBetween(longitude, latitude, other.longitude, other.latitude) / unit);
  },

  GEOHASH(call) {
    forEachScore(call, (score) => {
      if (Number.isNaN(score)) return call.reply.null();
      writeText(decode(score, place), text);
      call.reply.bulkAt(text, 0, TEXT_LENGTH);
    });
  },

  GEOPOS(call) {
    forEachScore(call, (score) => {
      if (Number.isNaN(score)) call.reply.nullArray();
      else replyPlace(call, score);
    });
  },

  GEORADIUS(call) {
    search(call, 1, BY_PLACE, true);
  },

  GEORADIUSBYMEMBER(call) {
    search(call, 1, BY_MEMBER, true);
  },

  GEORADIUSBYMEMBER_RO(call) {
    search(call, 1, BY_MEMBER, false);
  },

  GEORADIUS_RO(call) {
    search(call, 1, BY_PLACE, false);
  },

  GEOSEARCH(call) {
    search(call, 1, BY_OPTIONS, false);
  },

  GEOSEARCHSTORE(call) {
    search(call, 2, BY_OPTIONS, true);
  },
};

/** What GEOADD has added, from argument `first` on, by scores: they are 52 bits, which no rounding changes. */
function leaveScores(call: Call, first: number): void {
  const entry = call.leave(first + ((call.argc - first) / WORDS_PER_MEMBER) * 2).fixed(ZADD);
  for (let i = 1; i < first; i++) entry.word(call.arg(i));
  for (let i = first; i < call.argc; i += WORDS_PER_MEMBER) {
    readPlace(call, i);
    entry.integer(encode(place.longitude, place.latitude)).word(call.arg(i + 2));
  }
}

/** Replies an array with what `reply` says to the score of each member named, which is NaN where the member is missing. */
function forEachScore(call: Call, reply: (score: number) => void): void {
  const set = call.readable(call.sortedSet, 1);
  if (set === null) return;
  call.reply.array(call.argc - 2);
  for (let i = 2; i < call.argc; i++) reply(set.scoreOf(call.arg(i)));
}

/**
 * Arguments of geo commands: places, lengths with units, and the options of a search.
 *
 * A search is spelled in three ways: GEORADIUS (place and radius first), GEORADIUSBYMEMBER (member and radius first) and
 * GEOSEARCH (both among the options, in any order). What they say is gathered in a GeoQuery, of which there is one. Checks and
 * errors come in Redis' order: the key's type first, then argument by argument; of options that are given twice the last counts.
 */
import { parseDouble } from '../../base';
import type { SortedSet } from '../../storage';
import type { Call } from '../call';
import {
  ANY_NEEDS_COUNT,
  BOX_IS_NEGATIVE,
  COUNT_IS_NOT_ABOVE_0,
  NO_SUCH_PLACE,
  NOT_A_FLOAT,
  notStorable,
  oneCenterNeeded,
  oneShapeNeeded,
  placeOutOfRange,
  RADIUS_IS_NEGATIVE,
  RADIUS_IS_NOT_NUMERIC,
  UNSUPPORTED_UNIT,
  WIDTH_IS_NOT_NUMERIC,
  HEIGHT_IS_NOT_NUMERIC,
} from '../error-replies';
import { Area } from '../geo/area';
import { quotedDegrees } from '../geo/decimal';
import { decode, isEncodable, Place } from '../geo/geohash';
import { ASCENDING, DESCENDING, UNSORTED } from '../geo/matches';

/** How a command spells a search: place and radius first, member and radius first, all by options. */
export const BY_PLACE = 0;
export const BY_MEMBER = 1;
export const BY_OPTIONS = 2;

/** Where the options begin that follow place or member, radius and unit. */
const OPTIONS_AFTER_PLACE = 6;
const OPTIONS_AFTER_MEMBER = 5;

/** What a search is about, and what is to be done with what it finds. */
export class GeoQuery {
  readonly area = new Area();
  withDistance = false;
  withHash = false;
  withPlace = false;
  /** At most so many; 0 for all. */
  count = 0;
  /** COUNT … ANY: whichever are found first. */
  isAny = false;
  order = UNSORTED;
  /** Which argument is the key to store to; 0 for none. */
  storeAt = 0;
  storesDistances = false;

  clear(): void {
    this.withDistance = this.withHash = this.withPlace = false;
    this.count = 0;
    this.isAny = false;
    this.order = UNSORTED;
    this.storeAt = 0;
    this.storesDistances = false;
  }

  /** Whether members are replied together with something. */
  get hasDetails(): boolean {
    return this.withDistance || this.withHash || this.withPlace;
  }
}

/** The place that was read last. */
export const place = new Place();

/** Reads the longitude and latitude in arguments i and i + 1 to `place`; false after the error reply. */
export function readPlace(call: Call, i: number): boolean {
  place.longitude = parseDouble(call.arg(i));
  place.latitude = Number.isNaN(place.longitude) ? NaN : parseDouble(call.arg(i + 1));
  if (Number.isNaN(place.latitude)) call.reply.error(NOT_A_FLOAT);
  else if (isEncodable(place.longitude, place.latitude)) return true;
  else call.reply.error(placeOutOfRange(quotedDegrees(place.longitude), quotedDegrees(place.latitude)));
  return false;
}

/** How many meters the unit in argument i has; NaN after the error reply. */
export function readUnit(call: Call, i: number): number {
  const unit = call.arg(i);
  if (unit.is('m')) return 1;
  if (unit.is('km')) return 1000;
  if (unit.is('ft')) return 0.3048;
  if (unit.is('mi')) return 1609.34;
  call.reply.error(UNSUPPORTED_UNIT);
  return NaN;
}

/** Argument i as a double; NaN after the error reply. */
function readLength(call: Call, i: number, error: string): number {
  const length = parseDouble(call.arg(i));
  if (Number.isNaN(length)) call.reply.error(error);
  return length;
}

/** Reads radius and unit from argument i on; false after the error reply. */
function readCircle(call: Call, i: number, area: Area): boolean {
  const radius = readLength(call, i, RADIUS_IS_NOT_NUMERIC);
  if (Number.isNaN(radius)) return false;
  if (radius < 0) {
    call.reply.error(RADIUS_IS_NEGATIVE);
    return false;
  }
  const unit = readUnit(call, i + 1);
  area.setCircle(radius, unit);
  return !Number.isNaN(unit);
}

/** Reads width, height and unit from argument i on; false after the error reply. */
function readBox(call: Call, i: number, area: Area): boolean {
  const width = readLength(call, i, WIDTH_IS_NOT_NUMERIC);
  if (Number.isNaN(width)) return false;
  const height = readLength(call, i + 1, HEIGHT_IS_NOT_NUMERIC);
  if (Number.isNaN(height)) return false;
  if (width < 0 || height < 0) {
    call.reply.error(BOX_IS_NEGATIVE);
    return false;
  }
  const unit = readUnit(call, i + 2);
  area.setBox(width, height, unit);
  return !Number.isNaN(unit);
}

/** Takes the member in argument i as the center; false after the error reply. */
function centerOnMember(call: Call, set: SortedSet, i: number, area: Area): boolean {
  const score = set.scoreOf(call.arg(i));
  if (Number.isNaN(score)) {
    call.reply.error(NO_SUCH_PLACE);
    return false;
  }
  area.setCenter(decode(score, place));
  return true;
}

/**
 * Reads the search that the arguments spell; false after the error reply. In a missing set no member is looked for.
 * @param optionsFrom where the options of a search BY_OPTIONS begin
 * @param mayStore whether STORE and STOREDIST name a key, or with BY_OPTIONS, whether STOREDIST alone is an option
 */
export function readQuery(
  call: Call,
  set: SortedSet,
  spelling: number,
  optionsFrom: number,
  mayStore: boolean,
  query: GeoQuery,
): boolean {
  const { area } = query;
  query.clear();
  if (spelling === BY_PLACE) {
    if (!readPlace(call, 2)) return false;
    area.setCenter(place);
    return readCircle(call, 4, area) && readOptions(call, set, OPTIONS_AFTER_PLACE, false, mayStore, query);
  }
  if (spelling === BY_MEMBER) {
    // Of a missing set not even the radius is looked at.
    if (set.exists && !(centerOnMember(call, set, 2, area) && readCircle(call, 3, area))) return false;
    return readOptions(call, set, OPTIONS_AFTER_MEMBER, false, mayStore, query);
  }
  if (mayStore) query.storeAt = 1;
  return readOptions(call, set, optionsFrom, true, mayStore, query);
}

function readOptions(
  call: Call,
  set: SortedSet,
  first: number,
  isSearch: boolean,
  mayStore: boolean,
  query: GeoQuery,
): boolean {
  const { area } = query;
  let hasMember = false;
  let hasPlace = false;
  let hasCircle = false;
  let hasBox = false;
  for (let i = first; i < call.argc; i++) {
    const option = call.arg(i);
    /** How many arguments follow. */
    const following = call.argc - 1 - i;
    if (option.is('withdist')) {
      query.withDistance = true;
    } else if (option.is('withhash')) {
      query.withHash = true;
    } else if (option.is('withcoord')) {
      query.withPlace = true;
    } else if (option.is('any')) {
      query.isAny = true;
    } else if (option.is('asc')) {
      query.order = ASCENDING;
    } else if (option.is('desc')) {
      query.order = DESCENDING;
    } else if (option.is('count') && following >= 1) {
      query.count = call.clampedInteger(++i);
      if (Number.isNaN(query.count)) return false;
      if (query.count <= 0) return refuse(call, COUNT_IS_NOT_ABOVE_0);
    } else if (mayStore && isSearch && option.is('storedist')) {
      query.storesDistances = true;
    } else if (mayStore && !isSearch && following >= 1 && (option.is('store') || option.is('storedist'))) {
      query.storesDistances = option.is('storedist');
      query.storeAt = ++i;
    } else if (isSearch && option.is('frommember') && following >= 1 && !hasPlace) {
      hasMember = true;
      i++;
      if (set.exists && !centerOnMember(call, set, i, area)) return false;
    } else if (isSearch && option.is('fromlonlat') && following >= 2 && !hasMember) {
      hasPlace = true;
      if (!readPlace(call, i + 1)) return false;
      area.setCenter(place);
      i += 2;
    } else if (isSearch && option.is('byradius') && following >= 2 && !hasBox) {
      hasCircle = true;
      if (!readCircle(call, i + 1, area)) return false;
      i += 2;
    } else if (isSearch && option.is('bybox') && following >= 3 && !hasCircle) {
      hasBox = true;
      if (!readBox(call, i + 1, area)) return false;
      i += 3;
    } else {
      call.syntaxError();
      return false;
    }
  }
  if (query.storeAt !== 0 && query.hasDetails)
    return refuse(call, notStorable(isSearch ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS'));
  if (isSearch && !hasMember && !hasPlace) return refuse(call, oneCenterNeeded(call.text(0)));
  if (isSearch && !hasCircle && !hasBox) return refuse(call, oneShapeNeeded(call.text(0)));
  if (query.isAny && query.count === 0) return refuse(call, ANY_NEEDS_COUNT);
  return true;
}

function refuse(call: Call, error: string): false {
  call.reply.error(error);
  return false;
}

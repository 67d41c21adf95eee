/**
 * Geo commands: members of a sorted set whose scores are places on earth, and the search for those that are near.
 *
 * There is no type of its own behind them: a score holds 52 bits in which longitude and latitude take turns, so places
 * that are near have scores that are near, and ZRANGE, ZREM and the like work as ever. GEOADD reaches the journal as the
 * ZADD that it comes down to: scores are computed once, by whoever took the command.
 *
 * GEORADIUS stores to the key that the last STORE or STOREDIST names, but its key specs, as Redis tells them, find the first of
 * each: so its keys are searched by a function, and what is searched for is what is written.
 */
import { Bytes } from '../base';
import { family } from './declaration';
import type { CommandArguments, KeyPositions } from './keys';

const UPPERCASE_UNITS = { '7.0.0': 'Units in capitals.' };
const ANY = { '6.2.0': '`ANY`.' };

const UNIT = '<M | KM | FT | MI>';
const CENTER = '<FROMMEMBER member | FROMLONLAT longitude latitude>';
const AREA = `<BYRADIUS radius ${UNIT} | BYBOX width height ${UNIT}>`;
const DETAILS = '[WITHCOORD] [WITHDIST] [WITHHASH]';
const SELECTION = '[COUNT count [ANY]] [ASC | DESC]';

const SEARCH_COST = 'O(N+log(M)), N = members in the square around the area, M = members of the sorted set';

export const geo = family('geo', {
  GEOADD: {
    usage: 'key [NX | XX] [CH] (longitude latitude member)...',
    flags: 'write denyoom',
    keys: 'rw update',
    reply: 'integer',
    does: 'Sets the places of members and replies how many of these are new, or with CH how many changed.',
    since: '3.2.0',
    cost: 'O(N*log(M)), N = members named, M = members of the sorted set',
    history: { '6.2.0': '`CH`, `NX` and `XX`.' },
    effect: 'rewritten',
  },
  GEODIST: {
    usage: 'key member1 member2 [M | KM | FT | MI]',
    flags: 'readonly',
    keys: 'ro access',
    reply: 'bulk | null',
    does: 'Replies the distance between two members, in meters if no unit is named.',
    since: '3.2.0',
    cost: 'O(1)',
  },
  GEOHASH: {
    usage: 'key [member]...',
    flags: 'readonly',
    keys: 'ro access',
    reply: '(bulk | null)[]',
    does: 'Replies the places of members as geohashes of 11 characters.',
    since: '3.2.0',
    cost: 'O(N), N = members named',
  },
  GEOPOS: {
    usage: 'key [member]...',
    flags: 'readonly',
    keys: 'ro access',
    reply: '(double[] | null)[]',
    does: 'Replies the longitudes and latitudes of members.',
    since: '3.2.0',
    cost: 'O(N), N = members named',
  },
  GEORADIUS: {
    usage:
      `key longitude latitude radius ${UNIT} ${DETAILS} ${SELECTION} ` + '[STORE storekey | STOREDIST storedistkey]',
    flags: 'write denyoom',
    keys: 'ro access; ow update; ow update',
    keysBy: (args, into) => findRadiusKeys(args, 6, into),
    tellsKeyPlaces: true,
    reply: 'any[] | integer',
    does: 'Finds the members within a distance of a place; replies them, or stores them with their scores or distances.',
    since: '3.2.0',
    cost: SEARCH_COST,
    history: { ...ANY, ...UPPERCASE_UNITS },
    deprecated: { since: '6.2.0', instead: '`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS`' },
  },
  GEORADIUSBYMEMBER: {
    usage: `key member radius ${UNIT} ${DETAILS} ${SELECTION} [STORE storekey | STOREDIST storedistkey]`,
    flags: 'write denyoom',
    keys: 'ro access; ow update; ow update',
    keysBy: (args, into) => findRadiusKeys(args, 5, into),
    tellsKeyPlaces: true,
    reply: 'any[] | integer',
    does: 'Finds the members within a distance of one of them; replies or stores them.',
    since: '3.2.0',
    cost: SEARCH_COST,
    history: UPPERCASE_UNITS,
    deprecated: { since: '6.2.0', instead: '`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS` and `FROMMEMBER`' },
  },
  GEORADIUSBYMEMBER_RO: {
    usage: `key member radius ${UNIT} ${DETAILS} ${SELECTION}`,
    flags: 'readonly',
    keys: 'ro access',
    reply: 'any[]',
    does: 'Replies the members within a distance of one of them.',
    since: '3.2.10',
    cost: SEARCH_COST,
    deprecated: { since: '6.2.0', instead: '`GEOSEARCH` with `BYRADIUS` and `FROMMEMBER`' },
  },
  GEORADIUS_RO: {
    usage: `key longitude latitude radius ${UNIT} ${DETAILS} ${SELECTION}`,
    flags: 'readonly',
    keys: 'ro access',
    reply: 'any[]',
    does: 'Replies the members within a distance of a place.',
    since: '3.2.10',
    cost: SEARCH_COST,
    history: ANY,
    deprecated: { since: '6.2.0', instead: '`GEOSEARCH` with `BYRADIUS`' },
  },
  GEOSEARCH: {
    usage: `key ${CENTER} ${AREA} [ASC | DESC] [COUNT count [ANY]] ${DETAILS}`,
    flags: 'readonly',
    keys: 'ro access',
    reply: 'any[]',
    does: 'Replies the members in a circle or box around a place or a member.',
    since: '6.2.0',
    cost: SEARCH_COST,
    history: UPPERCASE_UNITS,
  },
  GEOSEARCHSTORE: {
    usage: `destination source ${CENTER} ${AREA} [ASC | DESC] [COUNT count [ANY]] [STOREDIST]`,
    flags: 'write denyoom',
    keys: 'ow update; ro access',
    reply: 'integer',
    does: 'Stores the members in a circle or box around a place or a member, with their scores or their distances.',
    since: '6.2.0',
    cost: SEARCH_COST,
    history: UPPERCASE_UNITS,
  },
});

/** Key specs in the order of their keys: the one that is searched, those after STORE and after STOREDIST. */
const SEARCHED = 0;
const STORED = 1;
const STORED_DISTANCES = 2;

const option = new Bytes();

/** The key that is searched and the one that is stored to. */
function findRadiusKeys(args: CommandArguments, optionsFrom: number, into: KeyPositions): number {
  into.add(1, SEARCHED);
  let storeAt = 0;
  let spec = STORED;
  for (let i = optionsFrom; i + 1 < args.argc; i++) {
    option.set(args.buffer, args.starts[i], args.ends[i]);
    if (option.is('count')) i++;
    if (!option.is('store') && !option.is('storedist')) continue;
    spec = option.is('store') ? STORED : STORED_DISTANCES;
    storeAt = ++i;
  }
  if (storeAt !== 0) into.add(storeAt, spec);
  return into.count;
}

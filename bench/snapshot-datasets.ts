/**
 * What is saved, and what goes on meanwhile: ten million small keys, and two collections of five million elements.
 *
 * Many keys are the usual case, and the one in which a fork copies most. Two large collections are the hard one for an engine
 * that walks: nothing that takes a collection as a whole can be quick. Half are reads and half are writes, and each write changes something: a
 * score that stays the same would be no write for either server.
 */
import { expectReply } from './gauge';
import { load, NUMBERS_MAX, Template } from './loader';
import type { ServerProcess } from './processes';
import { figure } from './table';

const QUICK_DIVISOR = 20;

/** 64 bytes, of which LZF saves nearly half; the number tells values apart. */
const VALUE = `#######:kQ3vZ8sXw1TfLp6YbN0rGc${'v'.repeat(34)}`;

/** Of 18 bytes, as redis-benchmark makes them. */
const FIELD = 'field:00000#######';
const FIELD_VALUE = 'value:00000#######';
const MEMBER = 'member:00000#######';
const SCORE = '00000#######';

export interface Dataset {
  readonly name: string;
  /** Numbers below it are those of the keys or elements. */
  readonly range: number;
  readonly keys: number;
  /** Words of templates, as many writes as reads. */
  readonly operations: readonly (readonly string[])[];
  readonly fill: (server: ServerProcess) => Promise<void>;
}

/** @param quick a twentieth of all */
export function manyKeys(quick: boolean): Dataset {
  const count = NUMBERS_MAX / (quick ? QUICK_DIVISOR : 1);
  return {
    name: `${figure(count)} keys`,
    range: count,
    keys: count,
    operations: [
      ['GET', 'key:#######'],
      ['SET', 'key:#######', VALUE],
    ],
    async fill(server) {
      await load(server.port, new Template('SET', 'key:#######', VALUE), 0, count, count);
      await expectReply(server, 'DBSIZE', `:${count}`);
    },
  };
}

/** @param quick a twentieth of all */
export function largeCollections(quick: boolean): Dataset {
  const count = NUMBERS_MAX / 2 / (quick ? QUICK_DIVISOR : 1);
  return {
    name: `hash and sorted set of ${figure(count)}`,
    range: count,
    keys: 3,
    operations: [
      ['HGET', 'hash', FIELD],
      ['HSET', 'hash', FIELD, FIELD_VALUE],
      ['ZSCORE', 'zset', MEMBER],
      ['ZADD', 'zset', SCORE, MEMBER],
      ['GET', 'small'],
      ['SET', 'small', FIELD_VALUE],
    ],
    async fill(server) {
      await load(server.port, new Template('HSET', 'hash', FIELD, FIELD_VALUE), 0, count, count);
      await load(server.port, new Template('ZADD', 'zset', SCORE, MEMBER), 0, count, count);
      await load(server.port, new Template('SET', 'small', FIELD_VALUE), 0, 1, 1);
      await expectReply(server, 'HLEN hash', `:${count}`);
      await expectReply(server, 'ZCARD zset', `:${count}`);
    },
  };
}

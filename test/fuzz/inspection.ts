/**
 * Inspection: the sentences that tell all about a keyspace, whatever the types of its keys are.
 */
import type { Sentence } from './sentences';

/** Errors of the wrong type are answers too. */
export function inspection(keys: readonly string[]): Sentence[] {
  return [
    ['KEYS', '*'],
    ['DEBUG', 'DIGEST-VALUE', ...keys],
    ...keys.flatMap((key): Sentence[] => [
      ['TYPE', key],
      ['OBJECT', 'ENCODING', key],
      ['PTTL', key],
      ['GET', key],
      ['HGETALL', key],
      ['LRANGE', key, '0', '-1'],
      ['SMEMBERS', key],
      ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
      ['XRANGE', key, '-', '+'],
      ['XINFO', 'GROUPS', key],
    ]),
  ];
}

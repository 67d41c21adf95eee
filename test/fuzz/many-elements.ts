/**
 * Sentences that make a value large, or larger: random ones over the usage lines hardly ever do.
 */
import type { Random } from '../../src/base';
import type { Sentence } from './sentences';
import { KEYS_OF, one } from './words';

export interface Elements {
  /** At most so many at a time. */
  readonly most: number;
  /** Of so many different ones. */
  readonly names: number;
  /** A list gets one more, of fewer bytes than this; 0: it does not. */
  readonly longest: number;
}

const FEW: Elements = { most: 20, names: 60, longest: 0 };

/** Makes a value large, or larger. */
export function manyElements(random: Random, { most, names, longest } = FEW): Sentence {
  const elements = Array.from({ length: 1 + random.below(most) }, () => `m${random.below(names)}`);
  const scored = elements.flatMap((element) => [String(random.below(20)), element]);
  switch (random.below(5)) {
    case 0:
      return ['HSET', one(random, KEYS_OF['hash']), ...scored];
    case 1:
      return ['SADD', one(random, KEYS_OF['set']), ...elements];
    case 2:
      return ['ZADD', one(random, KEYS_OF['sorted-set']), ...scored];
    case 3:
      return [
        'RPUSH',
        one(random, KEYS_OF['list']),
        ...elements,
        ...(longest > 0 ? ['y'.repeat(random.below(longest))] : []),
      ];
    default:
      return ['XADD', one(random, KEYS_OF['stream']), '*', ...scored];
  }
}

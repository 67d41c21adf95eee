/**
 * Random elements of a collection: for HRANDFIELD, SRANDMEMBER, SPOP, ZRANDMEMBER. Fair at all sizes.
 */
import type { Random } from '../../base';

/** A collection whose walk can go through all elements, or stand at a random one. */
export interface Samplable {
  readonly length: number;
  /** Where the walk stands: tells elements apart. */
  position: number;
  start(): void;
  next(): boolean;
  pick(random: Random): void;
}

/** Above this share of the elements a walk over all is shorter than drawing until enough different ones were drawn. */
const WALK_FROM_SHARE = 1 / 3;

/**
 * Positions of `count` different elements (all, if there are no more), every choice as likely as any other; in the order of the
 * walk, or as drawn.
 */
export function sample(collection: Samplable, count: number, random: Random): number[] {
  const { length } = collection;
  if (count < length * WALK_FROM_SHARE) {
    const drawn = new Set<number>();
    while (drawn.size < count) {
      collection.pick(random);
      drawn.add(collection.position);
    }
    return [...drawn];
  }
  // Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S).
  const positions: number[] = [];
  let wanted = Math.min(count, length);
  let left = length;
  for (collection.start(); wanted > 0 && collection.next(); left--) {
    if (wanted < left && random.below(left) >= wanted) continue;
    positions.push(collection.position);
    wanted--;
  }
  return positions;
}

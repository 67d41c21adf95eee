/** Which memberships may follow on each other: those of which any two quorums share a node. */
import { expect, test } from 'vitest';
import { membershipOf, type Membership } from '../../src/raft';
import { quorumsMeet } from '../../src/sim/raft/quorum-meeting';

const JOINT: Membership = { ...membershipOf([4, 5, 6]), votersOutgoing: [1, 2, 3] };

test.each<[what: string, one: Membership, other: Membership, doMeet: boolean]>([
  ['one voter more', membershipOf([1, 2, 3]), membershipOf([1, 2, 3, 4]), true],
  ['one voter fewer', membershipOf([1, 2]), membershipOf([1]), true],
  ['two voters more', membershipOf([1, 2, 3]), membershipOf([1, 2, 3, 4, 5]), false],
  ['one for another', membershipOf([1, 2, 3]), membershipOf([1, 2, 4]), false],
  ['into a joint one', membershipOf([1, 2, 3]), JOINT, true],
  ['out of a joint one', JOINT, membershipOf([4, 5, 6]), true],
  ['past the joint one', membershipOf([1, 2, 3]), membershipOf([4, 5, 6]), false],
])('%s', (_, one, other, doMeet) => {
  expect(quorumsMeet(one, other)).toBe(doMeet);
  expect(quorumsMeet(other, one)).toBe(doMeet);
});

/**
 * Planted bugs that hundreds of seeds of the simulator do not reach (test/sim/mutants.ts), made to happen by hand: without the bug the
 * promise is kept, with it the same messages break it.
 *
 * commit-beyond-append: our leaders find the last entry that agrees so quickly that hardly an append ends before a tail that conflicts;
 * other leaders need not be so. ignore-term-of-reply: a reply must outlast two elections, and the node that it was for must win again.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { type AppendReply } from '../../src/raft';
import { entriesOf, networkWith } from './network';

afterEach(() => plant(null));

/** Follower 1 has a tail that the message says nothing of. @returns how far it takes its log to be committed */
function commitOfFollower(): number {
  const network = networkWith([[1, 1, 1], [1], [1]]);
  const request = { type: 'append', from: 2, to: 1, term: 2, previousIndex: 0, previousTerm: 0 } as const;
  network.deliver({ ...request, entries: entriesOf(1), commit: 3 });
  return network.core(1).commit;
}

/** A leader in its second leadership gets what a follower said in the first. @returns how far it takes its log to be committed */
function commitAfterStaleReply(): { readonly commit: number; readonly lastIndex: number } {
  const network = networkWith([[1], [1], [1]]);
  const { term } = network.elect(1);
  network.elect(2);
  network.drop = ({ type, to }) => type === 'append' && to !== 1;
  const core = network.elect(1);
  const { lastIndex: index } = core;
  const reply: AppendReply = {
    type: 'append-reply',
    from: 2,
    to: 1,
    term,
    index,
    isRejected: false,
    hintIndex: 0,
    hintTerm: 0,
  };
  network.deliver(reply);
  network.settle();
  return { commit: core.commit, lastIndex: index };
}

describe('commit-beyond-append', () => {
  test('a follower commits what the message proves', () => expect(commitOfFollower()).toBe(1));

  test('with the bug, all that it has', () => {
    plant('commit-beyond-append');
    expect(commitOfFollower()).toBe(3);
  });
});

describe('ignore-term-of-reply', () => {
  test('a leader does not count what was said to it in a former term', () => {
    const { commit, lastIndex } = commitAfterStaleReply();
    expect(commit).toBeLessThan(lastIndex);
  });

  test('with the bug, it does', () => {
    plant('ignore-term-of-reply');
    const { commit, lastIndex } = commitAfterStaleReply();
    expect(commit).toBe(lastIndex);
  });
});

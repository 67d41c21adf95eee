/**
 * Whose data are on the way to ours: the names of streams and where they part.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base';
import { History, isStreamId, NO_OFFSET, NO_STREAM } from '../../src/replication';

describe('a history', () => {
  it('begins under a name of its own', () => {
    const history = new History(new Random(1));
    expect(isStreamId(history.id)).toBe(true);
    expect(new History(new Random(2)).id).not.toBe(history.id);
    expect([history.formerId, history.formerEnd]).toEqual([NO_STREAM, NO_OFFSET]);
  });

  it('covers every offset of its own stream, and none of another', () => {
    const history = new History(new Random(1));
    expect(history.covers(history.id, 10 ** 12)).toBe(true);
    expect(history.covers('a'.repeat(40), 0)).toBe(false);
    expect(history.covers(NO_STREAM, 0)).toBe(false);
  });

  it('covers the stream that it parted from up to there', () => {
    const history = new History(new Random(1));
    const former = history.id;
    history.part(100);
    expect(history.id).not.toBe(former);
    expect(history.covers(former, 100)).toBe(true);
    expect(history.covers(former, 101)).toBe(false);
    history.part(50, 'b'.repeat(40));
    expect(history.covers(former, 10)).toBe(false);
    expect(history.covers('b'.repeat(40), 1000)).toBe(true);
  });

  it('forgets what it parted from when it follows another, or begins anew', () => {
    const history = new History(new Random(1));
    const first = history.id;
    history.part(100);
    history.follow('c'.repeat(40));
    expect(history.covers(first, 1)).toBe(false);
    history.begin();
    expect(history.covers('c'.repeat(40), 1)).toBe(false);
  });
});

/**
 * The judge of the drills, judged: what is whole passes, and each way of losing something is seen. A checker that never says no
 * proves nothing.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { History, type State } from './history';

const SENT = 500;
const ACKNOWLEDGED = 450;

let history: History;

beforeEach(() => {
  history = new History('h:', 5);
  history.sent = SENT;
  history.promise('all');
  for (let number = 0; number < ACKNOWLEDGED; number++) history.noteAnswer(number, number, false);
});

/** The state after some operations, made wrong. */
function wrong(count: number, change: (state: State) => void): State {
  const state = history.stateAfter(count);
  change(state);
  return state;
}

const listIn = (state: State): string[] => state.get('h:list') as string[];
const hashIn = (state: State): Map<string, string> => state.get('h:hash') as Map<string, string>;

describe('passes', () => {
  test.each([ACKNOWLEDGED, ACKNOWLEDGED + 7, SENT])('what %i operations leave', (count) => {
    const { kept, lost, problem } = history.judge(history.stateAfter(count));
    expect({ kept, lost, problem }).toEqual({ kept: count, lost: 0, problem: null });
  });

  test('the loss of what was not promised', () => {
    history.promise(400);
    expect(history.judge(history.stateAfter(400))).toMatchObject({ kept: 400, lost: 0, problem: null });
  });

  test('refused operations that left nothing', () => {
    for (let number = ACKNOWLEDGED; number < SENT; number += 2) history.noteAnswer(number, number, true);
    expect(history.judge(history.stateAfter(SENT))).toMatchObject({ lost: 0, problem: null });
  });

  test('nothing of nothing', () => {
    expect(new History('h:', 5).judge(new Map())).toEqual({ kept: 0, lost: 0, oldestLostMs: null, problem: null });
  });
});

describe('sees', () => {
  test('what was acknowledged and is lost, and how old it was', () => {
    expect(history.judge(history.stateAfter(440))).toEqual({ kept: 440, lost: 10, oldestLostMs: 440, problem: null });
  });

  test('all lost', () => {
    expect(history.judge(new Map())).toMatchObject({ kept: 0, lost: ACKNOWLEDGED });
  });

  test.each<[string, (state: State) => void, RegExp]>([
    ['a token lost in the middle', (state) => listIn(state).splice(3, 1), /^h:list: at 3 is "\d+", should be "\d+"$/],
    ['a token doubled', (state) => listIn(state).splice(3, 0, listIn(state)[3]), /^h:list: at 4 /],
    ['tokens out of order', (state) => listIn(state).splice(3, 2, ...listIn(state).slice(3, 5).reverse()), /^h:list/],
    ['half a transaction', (state) => state.set('h:left', '1'), /^h:left: is "1", should be "\d+"$/],
    ['a counter that lags', (state) => state.set('h:counter', '3'), /^h:counter: is "3"/],
    ['a key that is gone', (state) => state.delete('h:sorted'), /^h:sorted: is not there, should be a collection$/],
    ['a field that is back', (state) => hashIn(state).set('field:none', '2'), /^h:hash: at field:none is "2"/],
    ['a value that changed', (state) => state.set('h:register:1', '9:zz'), /^h:register:1: is "9:zz"/],
    ['a write of nobody', (state) => listIn(state).push('700'), /^operation 700 was never sent$/],
    ['an increment too many', (state) => state.set('h:counter', '400'), /was never sent$/],
  ])('%s', (_name, change, problem) => {
    expect(history.judge(wrong(SENT, change)).problem).toMatch(problem);
  });

  test('a refused operation that was carried out', () => {
    const state = history.stateAfter(SENT);
    history.noteAnswer(ACKNOWLEDGED, 0, true);
    expect(history.judge(state).problem).not.toBeNull();
  });

  test('nothing that was answered after the seal', () => {
    history.seal();
    history.noteAnswer(ACKNOWLEDGED, 0, false);
    expect(history.acknowledged).toBe(ACKNOWLEDGED);
  });
});

/** The checker of histories agrees with known verdicts (those of porcupine's tests, on logs of etcd by Jepsen) and with common sense. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLinearizable, type RegisterOperation } from '../../src/sim';
import { testData } from '../data';

const FOREVER = Infinity;

function read(value: number | null, calledAt: number, returnedAt: number): RegisterOperation {
  return { does: 'read', value, calledAt, returnedAt };
}

function write(value: number, calledAt: number, returnedAt: number): RegisterOperation {
  return { does: 'write', value, calledAt, returnedAt };
}

function cas(
  expected: number | null,
  value: number,
  found: boolean,
  calledAt: number,
  returnedAt: number,
): RegisterOperation {
  return { does: 'cas', expected, value, found, calledAt, returnedAt };
}

describe('histories that are', () => {
  test.each<[string, RegisterOperation[]]>([
    ['empty', []],
    ['of one who reads what was written', [write(1, 0, 1), read(1, 2, 3)]],
    ['of a read that sees a write that goes on', [write(1, 0, 9), read(1, 1, 2), read(1, 3, 4)]],
    ['of a read that does not see it yet', [write(1, 0, 9), read(null, 1, 2), read(1, 3, 4)]],
    ['of a write that nobody knows of and takes effect late', [write(1, 0, FOREVER), read(null, 5, 6), read(1, 7, 8)]],
    ['of a write that nobody knows of and never takes effect', [write(1, 0, FOREVER), read(null, 5, 6)]],
    ['of exchanges that exclude each other', [cas(null, 1, true, 0, 5), cas(null, 2, false, 1, 6), read(1, 7, 8)]],
    ['of moments that touch', [write(1, 0, 2), read(null, 2, 3)]],
  ])('%s', (_, history) => expect(isLinearizable(history)).toBe(true));
});

describe('histories that are not', () => {
  test.each<[string, RegisterOperation[]]>([
    ['a stale read', [write(1, 0, 1), read(null, 2, 3)]],
    ['a read of what nobody wrote', [read(7, 0, 1)]],
    ['a write that comes and goes', [write(1, 0, 9), read(1, 1, 2), read(null, 3, 4)]],
    [
      'two that see writes in different orders',
      [write(1, 0, 9), write(2, 0, 9), read(1, 1, 2), read(2, 3, 4), read(1, 5, 6)],
    ],
    ['two exchanges that both found the same', [cas(null, 1, true, 0, 5), cas(null, 2, true, 1, 6)]],
    ['an effect before its call', [read(1, 0, 1), write(1, 2, FOREVER)]],
    ['an exchange that failed though nothing else was there', [write(1, 0, 1), cas(1, 2, false, 2, 3)]],
  ])('%s', (_, history) => expect(isLinearizable(history)).toBe(false));
});

test('what a register did is linearizable in whatever order it is told, and a wrong answer is noticed', () => {
  const deeds = fc.array(fc.record({ kind: fc.nat(2), value: fc.nat(3), earlier: fc.nat(3), later: fc.nat(3) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(deeds, (plan) => {
      let state: number | null = null;
      const history = plan.map(({ kind, value, earlier, later }, i): RegisterOperation => {
        const at = 10 * i;
        // Calls and returns reach over neighbours: still one effect at `at` each.
        const [calledAt, returnedAt] = [at - 4 * earlier, at + 1 + 4 * later];
        if (kind === 0) return read(state, calledAt, returnedAt);
        if (kind === 1) return write((state = value), calledAt, returnedAt);
        const found: boolean = state === value;
        if (found) state = 9;
        return cas(value, 9, found, calledAt, returnedAt);
      });
      expect(isLinearizable(history)).toBe(true);
      expect(isLinearizable([...history, read(77, 1000, 1001)])).toBe(false);
    }),
    { numRuns: 300 },
  );
});

const data = testData('porcupine');

describe.skipIf(data === null)('logs of etcd', () => {
  const verdicts = data === null ? [] : readFileSync(join(data, 'verdicts.txt'), 'latin1').trim().split('\n');

  test('there are 102 verdicts', () => expect(verdicts).toHaveLength(102));

  test.each(verdicts.map((line) => line.split(' ')))('log %s: %s', (number, verdict) => {
    const text = readFileSync(join(data!, `etcd_${number.padStart(3, '0')}.log`), 'latin1');
    expect(isLinearizable(parseLog(text))).toBe(verdict === 'linearizable');
  });
});

/** A log as Jepsen writes it: process, what happened, to what, with which value. */
function parseLog(text: string): RegisterOperation[] {
  const history: RegisterOperation[] = [];
  const open = new Map<string, number>();
  for (const [moment, line] of text.split('\n').entries()) {
    const match = /^INFO\s+jepsen\.util - (\d+)\s+:(\w+)\s+:(\w+)\s+(.*)$/.exec(line);
    if (match === null) continue;
    const [, client, what, does, value] = match;
    if (what === 'invoke') {
      open.set(client, history.length);
      const numbers = (value.match(/\d+/g) ?? []).map(Number);
      history.push(
        does === 'cas'
          ? cas(numbers[0], numbers[1], false, moment, FOREVER)
          : { does: does as 'read' | 'write', value: numbers[0] ?? null, calledAt: moment, returnedAt: FOREVER },
      );
      continue;
    }
    const place = open.get(client)!;
    const call = history[place];
    if (what === 'info' || value === ':timed-out') continue;
    const answer = does === 'read' ? (value === 'nil' ? null : Number(value)) : call.value;
    history[place] = { ...call, value: answer, found: what === 'ok', returnedAt: moment };
  }
  return history;
}

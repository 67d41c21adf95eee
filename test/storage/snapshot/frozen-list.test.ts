/**
 * Large lists in snapshots: whatever happens to them while a walk goes on, it writes what they were.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { load, valuesOf, Walked } from './walked';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const text = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('x'.repeat(20), 'y'.repeat(300), 'one', '') },
);
const texts = fc.array(text, { minLength: 1, maxLength: 12 });
const index = fc.integer({ min: -12, max: 12 }).map(String);
const is = fc.constant<string>;

function words(...parts: fc.Arbitrary<string | string[]>[]): fc.Arbitrary<string[]> {
  return fc.tuple(...parts).map((found) => found.flat());
}

const push = words(fc.constantFrom('RPUSH', 'LPUSH'), key, texts);
const command = fc.oneof(
  { weight: 8, arbitrary: push },
  { weight: 6, arbitrary: words(fc.constantFrom('LPOP', 'RPOP'), key, fc.constantFrom('1', '2', '5')) },
  { weight: 4, arbitrary: words(is('LSET'), key, index, text) },
  { weight: 4, arbitrary: words(is('LINSERT'), key, fc.constantFrom('BEFORE', 'AFTER'), text, text) },
  { weight: 3, arbitrary: words(is('LREM'), key, fc.constantFrom('0', '1', '-2'), text) },
  { weight: 3, arbitrary: words(is('LTRIM'), key, index, index) },
  { weight: 3, arbitrary: words(is('LMOVE'), key, key, fc.constantFrom('LEFT', 'RIGHT'), is('LEFT')) },
  { weight: 2, arbitrary: words(fc.constantFrom('RENAME', 'RENAMENX', 'COPY'), key, key) },
  { weight: 2, arbitrary: words(is('DEL'), key) },
  { weight: 1, arbitrary: words(is('EXPIRE'), key, is('1000')) },
  { weight: 1, arbitrary: words(is('MOVE'), key, is('1')) },
  { weight: 1, arbitrary: fc.constantFrom(['FLUSHALL'], ['FLUSHDB'], ['SWAPDB', '0', '1']) },
);
const slice = fc.constantFrom(0, 0, 1, 2, 3, 300, 700);

const numbers = (count: number): string => Array.from({ length: count }, (_, i) => i).join(' ');

describe('a walk writes lists as they were when it began', () => {
  test('whatever is done to them', () => {
    const walked = new Walked();
    const during = fc.array(fc.tuple(command, slice), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(push, { maxLength: 15 }), during, fc.boolean(), (before, deeds, isAbandoned) => {
        walked.clear();
        for (const line of before) walked.speak(line);
        const values = valuesOf(walked.keyspace);
        walked.beginRdb();
        for (const [line, looks] of deeds) {
          walked.speak(line);
          if (looks > 0) walked.slice(looks);
        }
        if (!isAbandoned) expect(valuesOf(load(walked.finish()))).toEqual(values);
        walked.expectNothingLeft();
      }),
      { numRuns: 120 },
    );
  });

  test('where a node is changed after its place was taken by another', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(30)}`);
    const values = valuesOf(walked.keyspace);
    walked.beginRdb();
    // The walk has not come to the list: all nodes go, others take their memory, and are changed in their turn.
    walked.say('LTRIM a 29 29', `RPUSH a ${numbers(40)}`, 'LSET a 4 new', 'LPOP a 20', `LPUSH a ${numbers(50)}`);
    expect(valuesOf(load(walked.finish()))).toEqual(values);
    walked.expectNothingLeft();
  });

  test('where a node is taken apart, and a half of it joined to the next', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(30)}`, 'LREM a 1 7', 'LREM a 1 8');
    const values = valuesOf(walked.keyspace);
    walked.beginRdb();
    walked.say('LINSERT a AFTER 4 new', `RPUSH b ${numbers(30)}`);
    expect(valuesOf(load(walked.finish()))).toEqual(values);
  });

  test('where the list is deleted half-way, and its memory is kept until it is written', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(60)}`);
    const values = valuesOf(walked.keyspace);
    walked.beginRdb();
    const { usedBytes } = walked.keyspace.arena;
    walked.say('DEL a');
    expect(usedBytes - walked.keyspace.arena.usedBytes).toBeLessThan(100);
    expect(walked.slice(5)).toBe(false);
    expect(valuesOf(load(walked.finish()))).toEqual(values);
    walked.keyspace.reclaim(() => false);
    expect(walked.keyspace.arena.usedBytes).toBe(0);
  });
});

describe('a walk keeps no more than what changes', () => {
  test('one node for pushes at an end, however many', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(300)}`);
    const walk = walked.beginRdb();
    for (let i = 0; i < 200; i++) walked.say(`RPUSH a ${i}`);
    expect(walk.asideBytes).toBeLessThan(20);
  });

  test('nothing of a node that is written', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(300)}`);
    const values = valuesOf(walked.keyspace);
    const walk = walked.beginRdb();
    walked.say('LSET a 150 changed');
    walked.slice(20);
    const { asideBytes } = walk;
    expect(asideBytes).toBeGreaterThan(0);
    walked.say('LSET a 0 changed', 'LSET a 3 changed', 'LPOP a 10');
    expect(walk.asideBytes).toBe(asideBytes);
    walked.say('LSET a -1 changed');
    expect(walk.asideBytes).toBeGreaterThan(asideBytes);
    expect(valuesOf(load(walked.finish()))).toEqual(values);
    expect(walk.asideBytes).toBe(0);
  });

  test('nothing of small lists, which are written at once', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(6)}`);
    const walk = walked.beginRdb();
    walked.say('LPOP a');
    expect(walk.asideBytes).toBe(0);
    expect(walk.keysDone).toBe(1);
  });

  test('and what two walks want, each for itself', () => {
    const walked = new Walked();
    walked.say(`RPUSH a ${numbers(30)}`);
    const first = walked.beginRdb();
    walked.say('LPOP a', 'LSET a 9 changed');
    const values = valuesOf(walked.keyspace);
    walked.beginRdb();
    walked.say('LSET a 9 again', 'DEL a', 'SET b 1');
    walked.slice(4);
    first.abandon();
    expect(valuesOf(load(walked.finish()))).toEqual(values);
    walked.expectNothingLeft();
  });
});

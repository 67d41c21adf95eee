/**
 * What nodes count, and how INFO tells it; that the fields of a whole node are Redis' is tested with the nodes.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base';
import { ErrorCounts, fixed, human, infoText, Rate, TrafficStatistics, type Sections } from '../../src/metrics';

describe('Rate', () => {
  /** A rate that was sampled every 100 ms while its counter grew by `step`. */
  function sampled(count: number, step: number): Rate {
    const rate = new Rate();
    for (let i = 0; i <= count; i++) rate.sample(i * step, i * 100);
    return rate;
  }

  test('tells the growth per second over its last samples', () => {
    expect(sampled(16, 5).perSecond).toBe(50);
    expect(sampled(100, 5).perSecond).toBe(50);
  });

  test('grows as samples come in, and falls when nothing happens', () => {
    const rate = sampled(8, 5);
    expect(rate.perSecond).toBeLessThan(50);
    for (let i = 9; i < 30; i++) rate.sample(40, i * 100);
    expect(rate.perSecond).toBe(0);
  });

  test('a clock that stands still changes nothing', () => {
    const rate = sampled(16, 5);
    rate.sample(1000, 1600);
    expect(rate.perSecond).toBe(50);
  });

  test('starts again from a counter that was set back', () => {
    const rate = sampled(16, 5);
    rate.reset();
    expect(rate.perSecond).toBe(0);
    rate.sample(16, 1700);
    expect(rate.perSecond).toBe(10);
  });
});

describe('ErrorCounts', () => {
  test('counts by the first word', () => {
    const errors = new ErrorCounts();
    for (const text of ['ERR syntax error', 'ERR no such key', 'WRONGTYPE', 'NOAUTH a b']) errors.count(text);
    expect(errors.total).toBe(4);
    expect([...errors.byCode]).toEqual([
      ['ERR', 2],
      ['WRONGTYPE', 1],
      ['NOAUTH', 1],
    ]);
    errors.reset();
    expect([errors.total, errors.byCode.size]).toEqual([0, 0]);
  });

  test('is bounded, however many codes a stranger makes up', () => {
    const errors = new ErrorCounts();
    for (let i = 0; i < 10_000; i++) errors.count(`CODE${i} of no meaning`);
    errors.count('CODE0 again');
    expect(errors.total).toBe(10_001);
    expect(errors.byCode.size).toBeLessThanOrEqual(128);
    expect(errors.byCode.get('CODE0')).toBe(2);
  });
});

describe('TrafficStatistics', () => {
  test('counts commands, turns and the longest of them', () => {
    const statistics = new TrafficStatistics(3);
    statistics.ran(2);
    statistics.ran(2);
    for (const durationMs of [1, 5, 2]) statistics.sawTurn(durationMs);
    expect([statistics.commands, ...statistics.calls]).toEqual([2, 0, 0, 2]);
    expect([statistics.turns, statistics.busyMs, statistics.longestTurnMs]).toEqual([3, 8, 5]);
  });

  test('all of it can be forgotten', () => {
    const statistics = new TrafficStatistics(2);
    const fresh = JSON.stringify(new TrafficStatistics(2));
    statistics.ran(1);
    statistics.errors.count('ERR');
    statistics.sawTurn(1);
    statistics.connectionsReceived = statistics.inputBytes = statistics.reads = statistics.deniedAuthentications = 7;
    statistics.reset();
    expect(JSON.stringify(statistics)).toBe(fresh);
  });
});

describe('infoText', () => {
  const sections: Sections<{ name: string }> = {
    first: { title: 'First', fields: ({ name }) => ({ name, size: 1 }) },
    rare: { title: 'Rare', onlyOnRequest: true, fields: () => ({ rare: 'yes' }) },
    empty: { title: 'Empty', fields: () => ({}) },
  };
  const text = (...words: string[]): string => infoText(sections, { name: 'me' }, words);

  const FIRST = '# First\r\nname:me\r\nsize:1\r\n';
  const RARE = '# Rare\r\nrare:yes\r\n';
  const EMPTY = '# Empty\r\n';

  test('sections in their order, once each, with an empty line between them', () => {
    expect(text()).toBe(`${FIRST}\r\n${EMPTY}`);
    expect(text('DEFAULT')).toBe(text());
    expect(text('all')).toBe(`${FIRST}\r\n${RARE}\r\n${EMPTY}`);
    expect(text('everything')).toBe(text('all'));
    expect(text('rare', 'FIRST', 'rare', 'nosuch')).toBe(`${FIRST}\r\n${RARE}`);
    expect(text('nosuch')).toBe('');
  });

  test('numbers for people', () => {
    expect([0, 1023, 1024, 1536, 2 ** 31, 2 ** 50].map(human)).toEqual([
      '0B',
      '1023B',
      '1.00K',
      '1.50K',
      '2.00G',
      '1.00P',
    ]);
    expect([fixed(1 / 3), fixed(2, 0)]).toEqual(['0.33', '2']);
  });
});

test('a run id is forty hexadecimal digits, another one each time', () => {
  const random = new Random(1);
  const ids = [random.identifier(), random.identifier()];
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{40}$/);
  expect(ids[0]).not.toBe(ids[1]);
});

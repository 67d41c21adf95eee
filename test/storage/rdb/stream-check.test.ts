/**
 * Which listpacks are nodes of a stream, and which sequences of them a stream.
 */
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../../src/base';
import { ListpackBuilder } from '../../../src/storage/rdb/listpack-builder';
import { StreamCheck } from '../../../src/storage/rdb/stream-check';
import { StreamId } from '../../../src/storage/stream-id';
import { bytes } from '../store';

const check = new StreamCheck();

function node(line: string): Bytes {
  const builder = new ListpackBuilder(0);
  for (const element of line.split(' ')) builder.append(bytes(element));
  return builder.finish();
}

function id(text: string): StreamId {
  const made = new StreamId();
  expect(made.parse(bytes(text))).toBe(true);
  return made;
}

/** Whether nodes, each an id and its elements, make a stream. */
function takes(...nodes: [string, string][]): boolean {
  check.start();
  return nodes.every(([nodeId, line]) => check.takes(id(nodeId), node(line)));
}

/** Living, deleted, the master's names, 0; then entries: flags, ms, sequence, [fields, names and] values, elements. */
const ONE = '1 0 1 a 0 2 0 0 v 4';
const TWO = '2 0 1 a 0 2 0 0 v 4 0 5 1 1 b v 6';

describe('a node', () => {
  test.each([
    [ONE, 1],
    [TWO, 2],
    ['1 1 1 a 0 3 0 0 v 4 2 1 0 v 4', 1],
    ['0 1 1 a 0 3 0 0 v 4', 0],
    ['1 0 2 a b 0 2 0 9223372036854775807 v w 5', 1],
    ['1 0 0 0 2 0 0 3', 1],
  ])('may be %s', (line, entries) => {
    expect(takes(['5-1', line])).toBe(true);
    expect(check.entries).toBe(entries);
  });

  test.each([
    ['has no entries', '0 0 1 a 0'],
    ['has no end of its names', '1 0 1 a 1 2 0 0 v 4'],
    ['has more names than elements', '1 0 99 a 0 2 0 0 v 4'],
    ['has fewer than no names', '1 0 -1 0 2 0 0 v 4'],
    ['counts more entries than live', '2 0 1 a 0 2 0 0 v 4'],
    ['counts fewer entries than live', '0 0 1 a 0 2 0 0 v 4'],
    ['counts a deleted entry among the living', '1 0 1 a 0 3 0 0 v 4'],
    ['has a count that is no number', 'x 0 1 a 0 2 0 0 v 4'],
    ['has flags that nobody knows', '1 0 1 a 0 6 0 0 v 4'],
    ['has flags that are no number', '1 0 1 a 0 x 0 0 v 4'],
    ['has an id that is no number', '1 0 1 a 0 2 x 0 v 4'],
    ['has an entry with an id below its own', '1 0 1 a 0 2 -1 0 v 4'],
    ['has an id twice', '2 0 1 a 0 2 0 0 v 4 2 0 0 w 4'],
    ['has ids that descend', '2 0 1 a 0 2 7 0 v 4 2 6 0 w 4'],
    ['has an entry without values', '1 0 1 a 0 2 0 0'],
    ['has an entry with a value too many', '1 0 1 a 0 2 0 0 v w 4'],
    ['has a wrong number of elements', '1 0 1 a 0 2 0 0 v 5'],
    ['has an entry of fewer fields than it says', '1 0 1 a 0 0 0 0 2 b v 6'],
  ])('is none that %s', (_, line) => {
    expect(takes(['5-1', line])).toBe(false);
  });
});

describe('nodes', () => {
  test('come in the order of their ids', () => {
    expect(takes(['5-1', ONE], ['5-2', ONE])).toBe(true);
    expect(takes(['5-1', TWO], ['10-3', TWO])).toBe(true);
    expect(check.entries).toBe(4);
    expect(check.lastId.toString()).toBe('15-4');
  });

  test('do not overlap', () => {
    expect(takes(['5-1', ONE], ['5-1', ONE])).toBe(false);
    expect(takes(['5-1', ONE], ['4-9', ONE])).toBe(false);
    // The second begins below the first one's last entry, whose id is 10-2; its own entry does not.
    expect(takes(['5-1', TWO], ['9-0', '1 0 1 a 0 2 3 0 v 4'])).toBe(false);
  });

  test('may have the smallest id', () => {
    expect(takes(['0-0', ONE])).toBe(true);
    expect(takes(['0-0', ONE], ['0-0', ONE])).toBe(false);
  });
});

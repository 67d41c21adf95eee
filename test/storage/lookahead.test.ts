/**
 * Looking ahead changes nothing but time: with it and without it every lookup finds the same record.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/base';
import { LOOKAHEAD_MAX } from '../../src/storage';
import { Store } from './store';

/** Keys, one after the other in a buffer, as the arguments of pipelined commands are. */
function batchOf(store: Store, keys: readonly string[]): { buffer: Buffer; views: Bytes[] } {
  const buffer = Buffer.from(keys.join('|'));
  let at = 0;
  const views = keys.map((key) => {
    const end = at + Buffer.byteLength(key);
    const view = new Bytes(buffer, at, end);
    at = end + 1;
    return view;
  });
  const commands = views.map(({ start, end }) => ({
    buffer,
    argc: 2,
    starts: Int32Array.of(0, start),
    ends: Int32Array.of(0, end),
  }));
  store.keyspace.lookahead.fetch(store.database(), commands, commands.length);
  return { buffer, views };
}

describe('a batch of keys', () => {
  test('is found as it is without looking ahead, in tables of any size', () => {
    const store = new Store();
    for (let i = 0; i < 5000; i++) store.set(i % 2 === 0 ? `{tag}${i}` : `key:${i}`, `value ${i}`);
    const key = fc.nat({ max: 6000 }).map((i) => (i % 2 === 0 ? `{tag}${i}` : `key:${i}`));
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: LOOKAHEAD_MAX }), (keys) => {
        const plain = keys.map((each) => store.database().peek(Bytes.of(each)));
        const { views } = batchOf(store, keys);
        const { lookahead } = store.keyspace;
        const found = views.map((view) => {
          expect(lookahead.isNext(view)).toBe(true);
          const record = store.database().peek(view);
          lookahead.at++;
          return record;
        });
        lookahead.clear();
        expect(found).toEqual(plain);
      }),
    );
  });

  test('may change between fetch and lookup', () => {
    const store = new Store();
    store.set('a', '1');
    const { views } = batchOf(store, ['a', 'b']);
    store.delete('a');
    store.set('b', '2');
    expect(store.database().peek(views[0])).toBe(0);
    store.keyspace.lookahead.at++;
    expect(store.keyspace.records.value(store.database().peek(views[1]), new Bytes()).toString()).toBe('2');
  });
});

test('a key in another place is none of the batch', () => {
  const store = new Store();
  const { buffer, views } = batchOf(store, ['ab', 'c']);
  const { lookahead } = store.keyspace;
  expect(lookahead.isNext(new Bytes(Buffer.from(buffer), views[0].start, views[0].end))).toBe(false);
  expect(lookahead.isNext(new Bytes(buffer, 0, 1))).toBe(false);
  expect(lookahead.isNext(views[1])).toBe(false);
  lookahead.clear();
  expect(lookahead.isNext(views[0])).toBe(false);
});

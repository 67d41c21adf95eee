import { expect, test } from 'vitest';
import { Bytes, Random } from '../../src/base';
import { Keyspace, NO_EXPIRY, Strings, type KeyspaceObserver } from '../../src/storage';

class Listener implements KeyspaceObserver {
  readonly heard: string[] = [];
  constructor(private readonly onKey: () => void = () => undefined) {}

  keyChanging(_: unknown, key: Bytes): void {
    this.heard.push(key.toString());
    this.onKey();
  }

  emptying(): void {
    this.heard.push('emptying');
  }

  swapping(): void {
    this.heard.push('swapping');
  }
}

const keyspace = new Keyspace({ random: new Random(1) });
const strings = new Strings(keyspace);

function set(key: string): void {
  strings.set(keyspace.database(0), Bytes.of(key), Bytes.of('v'), NO_EXPIRY);
}

test('several observe one keyspace, come and go, and none is left when all have gone', () => {
  const [a, b, c] = [new Listener(), new Listener(), new Listener()];
  expect(keyspace.observer).toBe(null);
  keyspace.observe(a);
  expect(keyspace.observer).toBe(a);
  keyspace.observe(b);
  set('one');
  keyspace.observe(c);
  keyspace.swap(0, 1);
  keyspace.swap(0, 1);
  keyspace.unobserve(b);
  keyspace.unobserve(b);
  keyspace.flush(0);
  keyspace.unobserve(a);
  expect(keyspace.observer).toBe(c);
  set('two');
  keyspace.unobserve(c);
  set('three');
  expect(keyspace.observer).toBe(null);
  expect([a.heard, b.heard, c.heard]).toEqual([
    ['one', 'swapping', 'swapping', 'emptying'],
    ['one', 'swapping', 'swapping'],
    ['swapping', 'swapping', 'emptying', 'two'],
  ]);
});

test('who leaves while it is told something keeps nothing from the others', () => {
  const leaving: Listener = new Listener(() => keyspace.unobserve(leaving));
  const staying = new Listener();
  keyspace.observe(leaving);
  keyspace.observe(staying);
  set('one');
  set('two');
  expect([leaving.heard, staying.heard]).toEqual([['one'], ['one', 'two']]);
  keyspace.unobserve(staying);
});

/**
 * The snapshot walk: what it writes is the keyspace as it was when it began, whatever happens meanwhile.
 */
import { describe, expect, test } from 'vitest';
import { Bytes, Random } from '../../../src/base';
import { Hash, Keyspace, NO_EXPIRY, SortedSet, Strings } from '../../../src/storage';
import { SLOT_COUNT, slotOf } from '../../../src/slots';
import { LARGE_LIMITS } from '../../../src/storage/snapshot/freezer';
import { SnapshotWalk } from '../../../src/storage/snapshot/walk';
import { SnapshotTrial } from '../../fuzz/snapshots';
import { Recorder } from './recorder';

const TRIALS = 4;
const ROUNDS = 500;

test.each(Array.from({ length: TRIALS }, (_, i) => 1 + i * ROUNDS))(
  'is the state of one moment, under random commands, from seed %i on',
  (first) => {
    const trial = new SnapshotTrial(first);
    for (let seed = first; seed < first + ROUNDS; seed++) {
      const fault = trial.round(seed);
      if (fault !== null) expect.fail(`seed ${seed}: ${fault}`);
    }
  },
  120_000,
);

describe('a walk', () => {
  const NEVER = (): boolean => false;
  const ALWAYS = (): boolean => true;

  function keyspaceOf(count: number): {
    keyspace: Keyspace;
    strings: Strings;
    set: (key: string, text: string) => void;
  } {
    const keyspace = new Keyspace({ random: new Random(1) });
    keyspace.setTime(1000);
    const strings = new Strings(keyspace);
    const set = (key: string, text: string): void => {
      strings.set(keyspace.database(0), Bytes.of(key), Bytes.of(text), NO_EXPIRY);
    };
    for (let i = 0; i < count; i++) set(`key:${i}`, 'old');
    return { keyspace, strings, set };
  }

  test('writes nothing that came later, and what was there as it was', () => {
    const { keyspace, set } = keyspaceOf(3000);
    const recorder = new Recorder(keyspace);
    const walk = new SnapshotWalk(keyspace, recorder);
    for (let i = 0; !walk.run(ALWAYS); i++) {
      set(`key:${(i * 7919) % 3000}`, 'new');
      set(`more:${i}`, 'new');
      keyspace.database(0).delete(Bytes.of(`key:${(i * 104729) % 3000}`));
    }
    expect(recorder.strings.size).toBe(3000);
    expect(new Set(recorder.strings.values())).toEqual(new Set(['old']));
    expect(walk.keysDone).toBe(walk.keysTotal);
  });

  test('of some slots writes these, and keys that it is told besides', () => {
    const { keyspace, set } = keyspaceOf(3000);
    const chosen = new Uint8Array(SLOT_COUNT);
    for (let slot = 0; slot < SLOT_COUNT; slot += 2) chosen[slot] = 1;
    const names = Array.from({ length: 3000 }, (_, i) => `key:${i}`);
    const inside = names.filter((key) => chosen[slotOf(key)] === 1);
    const told = names.find((key) => chosen[slotOf(key)] === 0)!;
    const recorder = new Recorder(keyspace);
    const walk = new SnapshotWalk(keyspace, recorder, LARGE_LIMITS, chosen);
    expect(walk.keysTotal).toBe(inside.length);
    expect(walk.include(keyspace.database(0), Bytes.of('missing'))).toBe(false);
    expect(walk.include(keyspace.database(0), Bytes.of(told))).toBe(true);
    for (let i = 0; !walk.run(ALWAYS); i++) set(`key:${(i * 7919) % 3000}`, 'new');
    expect([...recorder.strings.keys()].sort()).toEqual([...inside, told].sort());
    expect(new Set(recorder.strings.values())).toEqual(new Set(['old']));
  });

  test('keeps what a flush removes, and gives it back when it has ended', () => {
    const { keyspace, set } = keyspaceOf(2000);
    const recorder = new Recorder(keyspace);
    const walk = new SnapshotWalk(keyspace, recorder);
    walk.run(ALWAYS);
    keyspace.flushAll();
    set('after', 'new');
    keyspace.flush(0);
    while (!walk.run(ALWAYS));
    expect(recorder.strings.size).toBe(2000);
    keyspace.reclaim(NEVER);
    expect(keyspace.arena.usedBytes).toBe(0);
    expect(keyspace.observer).toBeNull();
  });

  test('of large values keeps memory for what is changed, not for what they hold', () => {
    const { keyspace } = keyspaceOf(0);
    const database = keyspace.database(0);
    const hash = new Hash(keyspace);
    const sorted = new SortedSet(keyspace);
    const open = (collection: Hash | SortedSet, key: string): void =>
      collection.open(database, Bytes.of(key), database.find(Bytes.of(key)));
    open(hash, 'hash');
    for (let i = 0; i < 20_000; i++) hash.set(Bytes.of(`field:${i}`), Bytes.of('old'));
    open(sorted, 'sorted');
    for (let i = 0; i < 20_000; i++) sorted.add(i, Bytes.of(`member:${i}`));
    const recorder = new Recorder(keyspace);
    const walk = new SnapshotWalk(keyspace, recorder);
    open(hash, 'hash');
    hash.set(Bytes.of('field:17'), Bytes.of('new'));
    hash.delete(Bytes.of('field:18'));
    hash.set(Bytes.of('field:x'), Bytes.of('new'));
    open(sorted, 'sorted');
    sorted.add(-5, Bytes.of('member:19999'));
    sorted.add(1e6, Bytes.of('member:0'));
    expect(walk.earlyBytes).toBeLessThan(1000);
    database.delete(Bytes.of('hash'));
    for (let i = 0; !walk.run(ALWAYS); i++) {
      open(sorted, 'sorted');
      sorted.add(20_000 - i * 3, Bytes.of(`member:${i * 50}`));
      sorted.delete(Bytes.of(`member:${i * 50 + 1}`));
      sorted.removeRange(0, 2);
    }
    expect(recorder.fields.get('hash')).toEqual(
      new Map(Array.from({ length: 20_000 }, (_, i) => [`field:${i}`, 'old'])),
    );
    expect(recorder.scores.get('sorted')).toEqual(
      new Map(Array.from({ length: 20_000 }, (_, i) => [`member:${i}`, i])),
    );
    database.delete(Bytes.of('sorted'));
    keyspace.reclaim(NEVER);
    expect(keyspace.arena.usedBytes).toBe(0);
  });

  test('that is abandoned leaves nothing behind', () => {
    const { keyspace } = keyspaceOf(100);
    const database = keyspace.database(0);
    const hash = new Hash(keyspace);
    hash.open(database, Bytes.of('hash'), 0);
    for (let i = 0; i < 2000; i++) hash.set(Bytes.of(`field:${i}`), Bytes.of('text'));
    const walk = new SnapshotWalk(keyspace, new Recorder(keyspace));
    walk.run(ALWAYS);
    database.delete(Bytes.of('hash'));
    keyspace.flush(0);
    walk.abandon();
    keyspace.reclaim(NEVER);
    expect(keyspace.arena.usedBytes).toBe(0);
    expect(keyspace.observer).toBeNull();
    expect(keyspace.walks.isAny).toBe(false);
  });
});

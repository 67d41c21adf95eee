/**
 * Sets against JavaScript's, with limits so small that every encoding and every way between them comes up all the time. The
 * model says which encoding Redis 7.2 would have: its rules stand here a second time, in the words of its setTypeAdd.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes, Output } from '../../src/base';
import { Draft, ENCODING_INTSET, ENCODING_NAMES, MemberSet } from '../../src/storage';
import { bytes, checkDatabase, Store } from './store';

const INTSET_ENTRIES = 8;
const LISTPACK_ENTRIES = 6;
const VALUE_BYTES = 12;

type Encoding = 'intset' | 'listpack' | 'hashtable';

class Model {
  readonly members = new Set<string>();
  encoding: Encoding | null = null;

  expect(first: string, count: number): void {
    if (this.encoding === null) {
      if (isInteger(first) && count <= INTSET_ENTRIES) this.encoding = 'intset';
      else this.encoding = count <= LISTPACK_ENTRIES ? 'listpack' : 'hashtable';
    } else if (count > (this.encoding === 'intset' ? INTSET_ENTRIES : LISTPACK_ENTRIES)) {
      this.encoding = 'hashtable';
    }
  }

  add(member: string): boolean {
    const { members } = this;
    if (members.has(member)) return false;
    if (this.encoding === 'intset' && !isInteger(member)) {
      const all = [...members, member];
      const fits = members.size < LISTPACK_ENTRIES && all.every((one) => one.length <= VALUE_BYTES);
      this.encoding = fits ? 'listpack' : 'hashtable';
    } else if (this.encoding === 'listpack') {
      if (members.size >= LISTPACK_ENTRIES || member.length > VALUE_BYTES) this.encoding = 'hashtable';
    }
    members.add(member);
    if (this.encoding === 'intset' && members.size > INTSET_ENTRIES) this.encoding = 'hashtable';
    return true;
  }

  delete(member: string): boolean {
    const isThere = this.members.delete(member);
    if (this.members.size === 0) this.encoding = null;
    return isThere;
  }

  copy(): Model {
    const copy = new Model();
    copy.encoding = this.encoding;
    for (const member of this.members) copy.members.add(member);
    return copy;
  }
}

function isInteger(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** Sets under two names, and what is to be in them. */
class Sets {
  readonly store = new Store();
  readonly set = new MemberSet(this.store.keyspace);
  readonly models: Record<string, Model> = { a: new Model(), b: new Model() };
  private readonly view = new Bytes();

  constructor() {
    Object.assign(this.store.keyspace.limits, {
      'set-max-intset-entries': INTSET_ENTRIES,
      'set-max-listpack-entries': LISTPACK_ENTRIES,
      'set-max-listpack-value': VALUE_BYTES,
    });
  }

  open(key: string): MemberSet {
    const database = this.store.database();
    const name = bytes(key);
    this.set.open(database, name, database.peek(name));
    return this.set;
  }

  addAll(key: string, members: readonly string[]): void {
    const set = this.open(key);
    const model = this.models[key];
    set.expect(bytes(members[0]), members.length);
    model.expect(members[0], members.length);
    for (const member of members) expect(set.add(bytes(member))).toBe(model.add(member));
  }

  delete(key: string, member: string): void {
    expect(this.open(key).delete(bytes(member))).toBe(this.models[key].delete(member));
  }

  pop(key: string): void {
    const set = this.open(key);
    if (!set.exists) return;
    set.pick(this.store.keyspace.random);
    const name = this.name(set);
    set.deleteHere();
    expect(this.models[key].delete(name)).toBe(true);
  }

  copy(from: string, to: string): void {
    const database = this.store.database();
    const record = database.peek(bytes(from));
    if (record === 0 || from === to) return;
    database.putCopy(bytes(to), record);
    this.models[to] = this.models[from].copy();
  }

  /** Gives the members of both to the second, by way of a draft. */
  unite(from: string, to: string): void {
    const draft = new Draft(this.store.keyspace, new MemberSet(this.store.keyspace));
    const result = draft.begin();
    const model = new Model();
    result.startAs(ENCODING_INTSET, 0);
    model.encoding = 'intset';
    for (const key of [from, to]) {
      // Names as they come, and not copies: integers lie in memory that others spell theirs in.
      const set = this.open(key);
      for (set.start(); set.next();) {
        const isNew = model.add(this.name(set));
        expect(result.add(set.name(this.view))).toBe(isNew);
      }
    }
    if (result.exists) {
      draft.moveTo(this.store.database(), bytes(to));
      this.models[to] = model;
    }
    draft.discard();
  }

  walked(key: string): string[] {
    const set = this.open(key);
    const names: string[] = [];
    for (set.start(); set.next();) names.push(this.name(set));
    return names;
  }

  scanned(key: string, count: number): string[] {
    const set = this.open(key);
    const names: string[] = [];
    let cursor = 0;
    do cursor = set.scan(cursor, count, () => names.push(this.name(set)));
    while (cursor !== 0);
    return names;
  }

  check(): void {
    for (const [key, { members, encoding }] of Object.entries(this.models)) {
      expect(this.walked(key).sort()).toEqual([...members].sort());
      expect(this.scanned(key, 3).sort()).toEqual([...members].sort());
      const set = this.open(key);
      expect([set.length, set.exists]).toEqual([members.size, members.size > 0]);
      for (const member of SOME_MEMBERS) expect(set.has(bytes(member))).toBe(members.has(member));
      if (encoding === null || members.size === 0) continue;
      expect(ENCODING_NAMES[this.store.keyspace.records.encoding(this.store.record(key))]).toBe(encoding);
    }
    for (const [asked, walked] of ['ab', 'ba', 'aa']) this.checkMembersOf(asked, walked);
    checkDatabase(this.store);
  }

  private checkMembersOf(asked: string, walked: string): void {
    const set = this.open(walked);
    const other = new MemberSet(this.store.keyspace);
    other.open(this.store.database(), bytes(asked), this.store.database().peek(bytes(asked)));
    for (set.start(); set.next();) expect(other.hasMemberOf(set)).toBe(this.models[asked].members.has(this.name(set)));
    const out = new Output();
    other.writeMembers(out);
    const bulks = this.walked(asked).map((name) => `$${name.length}\r\n${name}\r\n`);
    expect(out.take().toString('latin1')).toBe(bulks.join(''));
  }

  private name(set: MemberSet): string {
    return set.name(this.view).toLatin1();
  }
}

const EDGES =
  '0 -1 32767 32768 -32769 2147483647 -2147483649 9007199254740993 9223372036854775807 -9223372036854775808';
const SOME_MEMBERS = [
  ...EDGES.split(' '),
  '9223372036854775808',
  '01',
  '-0',
  '+1',
  '',
  'a',
  'twelve bytes',
  'thirteen byte',
];
const key = fc.constantFrom('a', 'b');
const integer = fc.oneof(fc.integer({ min: -20, max: 20 }).map(String), fc.constantFrom(...EDGES.split(' ')));
const member = fc.oneof(
  { weight: 3, arbitrary: integer },
  fc.constantFrom(...SOME_MEMBERS),
  fc.string({ maxLength: 3, unit: 'binary-ascii' }),
);
const members = fc.oneof(
  { weight: 3, arbitrary: fc.array(integer, { minLength: 1, maxLength: 4 }) },
  { weight: 2, arbitrary: fc.array(member, { minLength: 1, maxLength: 4 }) },
  fc.array(integer, { minLength: INTSET_ENTRIES - 1, maxLength: INTSET_ENTRIES + 1 }),
  fc.array(member, { minLength: LISTPACK_ENTRIES - 1, maxLength: 30 }),
);
const deed: fc.Arbitrary<(sets: Sets) => void> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(key, members).map(
      ([to, all]) =>
        (sets: Sets) =>
          sets.addAll(to, all),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(key, member).map(
      ([from, one]) =>
        (sets: Sets) =>
          sets.delete(from, one),
    ),
  },
  { weight: 2, arbitrary: key.map((from) => (sets: Sets) => sets.pop(from)) },
  fc.tuple(key, key).map(
    ([from, to]) =>
      (sets: Sets) =>
        sets.copy(from, to),
  ),
  fc.tuple(key, key).map(
    ([from, to]) =>
      (sets: Sets) =>
        sets.unite(from, to),
  ),
  key.map((all) => (sets: Sets) => {
    while (sets.models[all].members.size > 0) sets.pop(all);
  }),
);

describe('sets', () => {
  test('have the members and the encoding they should, whatever is done to them', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 1, maxLength: 40 }), (deeds) => {
        const sets = new Sets();
        for (const one of deeds) {
          one(sets);
          sets.check();
        }
        for (const name of ['a', 'b']) sets.open(name).removeKey();
        sets.store.keyspace.reclaim(() => false);
        expect(sets.store.usedBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('change their encoding at the limits, and not before', () => {
    const text = (i: number): string => `m${i}`;
    const makers = [String, text, (i: number) => (i % 2 === 0 ? String(i) : text(i))];
    const last = ['a', '99', 'thirteen byte', '9223372036854775807'];
    for (const make of makers) {
      for (let count = 1; count <= INTSET_ENTRIES + 2; count++) {
        for (const member of last) {
          const sets = new Sets();
          for (let i = 0; i < count; i++) sets.addAll('a', [make(i)]);
          sets.addAll(
            'b',
            Array.from({ length: count }, (_, i) => make(i)),
          );
          sets.check();
          for (const name of ['a', 'b']) sets.addAll(name, [member]);
          sets.check();
        }
      }
    }
  });

  test('take integers from other sets, whatever is spelled meanwhile', () => {
    for (const others of [['x'], ['y'], ['5', '6', '7', '8', 'z']]) {
      const sets = new Sets();
      sets.addAll('a', ['1', '2', '3', '4', 'x']);
      sets.addAll('b', ['100000', '200000', '300000', ...others]);
      sets.unite('a', 'b');
      sets.check();
    }
  });

  test('of many members give all their memory back', () => {
    const sets = new Sets();
    const names = Array.from({ length: 20_000 }, (_, i) => `member:${i}`);
    sets.addAll('a', names);
    sets.copy('a', 'b');
    sets.check();
    for (const name of names.slice(0, 19_500)) sets.delete('a', name);
    sets.check();
    for (const name of ['a', 'b']) sets.open(name).removeKey();
    sets.store.keyspace.reclaim(() => false);
    expect(sets.store.usedBytes).toBe(0);
  });

  test('are large from the start where so many members are announced', () => {
    const sets = new Sets();
    sets.addAll('a', ['1', '2', '3', '1', '2', '3', '1', '2', '3']);
    expect(sets.models.a.encoding).toBe('hashtable');
    sets.check();
  });

  test.each([
    ['an intset', 8, (i: number) => String(i)],
    ['a listpack', 6, (i: number) => `m${i}`],
    ['a table', 1000, (i: number) => `m${i}`],
  ])('let every member of %s be picked as often as any other', (_, count, name) => {
    const sets = new Sets();
    for (let i = 0; i < count; i++) sets.addAll('a', [name(i)]);
    const set = sets.open('a');
    const picks = new Map<string, number>();
    const view = new Bytes();
    for (let i = 0; i < count * 400; i++) {
      set.pick(sets.store.keyspace.random);
      const picked = set.name(view).toLatin1();
      picks.set(picked, (picks.get(picked) ?? 0) + 1);
    }
    expect(picks.size).toBe(count);
    // Five standard deviations.
    for (const times of picks.values()) expect(Math.abs(times - 400)).toBeLessThan(5 * 20);
  });
});

describe('drafts', () => {
  test('are seen by nobody until they are moved, and keep a time to live that they are given', () => {
    const sets = new Sets();
    const { store } = sets;
    const changed: string[] = [];
    store.keyspace.observe({
      keyChanging: (database, name) => changed.push(`${database.index} ${name.toLatin1()}`),
      emptying: () => {},
      swapping: () => {},
    });
    const draft = new Draft(store.keyspace, new MemberSet(store.keyspace));
    store.set('a', 'a string');
    for (const count of [2, 100]) {
      changed.length = 0;
      const result = draft.begin();
      for (let i = 0; i < count; i++) result.add(bytes(`m${i}`));
      expect([changed, store.keys()]).toEqual([[], ['a']]);
      draft.moveTo(store.database(), bytes('a'), store.keyspace.nowMs + 1000 * count);
      expect(new Set(changed)).toEqual(new Set(['0 a']));
      expect(sets.open('a').length).toBe(count);
      expect(store.expiryOf('a')).toBe(store.keyspace.nowMs + 1000 * count);
      draft.discard();
    }
  });

  test('that are discarded leave nothing', () => {
    const { store } = new Sets();
    const draft = new Draft(store.keyspace, new MemberSet(store.keyspace));
    for (const count of [0, 2, 100]) {
      const result = draft.begin();
      for (let i = 0; i < count; i++) result.add(bytes(`m${i}`));
      draft.discard();
      store.keyspace.reclaim(() => false);
      expect(store.usedBytes).toBe(0);
      expect(draft.begin().exists).toBe(false);
    }
  });
});

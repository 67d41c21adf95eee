import { expect, test } from 'vitest';
import { realClock, type Clock } from '../../src/base';
import { ConfigAuthority, ConfigState, type ConfigCommand, type ViewStore } from '../../src/config';

const clock: Clock = { ...realClock, wallMs: () => 42 };

/** Keeps states in memory, slowly, and fails while told to. */
class SlowStore implements ViewStore {
  readonly saved: ConfigState[] = [];
  failure: Error | null = null;

  async load(): Promise<ConfigState> {
    return this.saved.at(-1) ?? ConfigState.empty;
  }

  async save(state: ConfigState): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure !== null) throw this.failure;
    this.saved.push(state);
  }
}

const create = (group: number): ConfigCommand => ({ does: 'create-group', group });

test('carries out proposals in order and announces them when they are durable', async () => {
  const store = new SlowStore();
  const authority = await ConfigAuthority.open(clock, store);
  const announced: number[] = [];
  authority.on('view', (view, event) => {
    expect(store.saved.at(-1)?.view).toBe(view);
    expect(authority.state.view).toBe(view);
    expect(event).toMatchObject({ atMs: 42, by: 'somebody', version: view.version });
    announced.push(view.version);
  });
  const results = await Promise.all([1, 2, 2, 3].map((group) => authority.propose(create(group), 'somebody')));
  expect(results.map(({ accepted }) => accepted)).toEqual([true, true, false, true]);
  expect(announced).toEqual([1, 2, 3]);
  expect(authority.state.view.groups.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect((await ConfigAuthority.open(clock, store)).state).toBe(authority.state);
});

test('changes nothing when it cannot save, and goes on afterwards', async () => {
  const store = new SlowStore();
  const authority = await ConfigAuthority.open(clock, store);
  authority.on('view', (view) => expect(view.version).toBe(1));
  store.failure = new Error('disk full');
  await expect(authority.propose(create(1), '')).rejects.toThrow('disk full');
  expect(authority.state).toBe(ConfigState.empty);
  store.failure = null;
  void authority.propose(create(2), '');
  await authority.settled();
  expect(authority.state.view.groups.map(({ id }) => id)).toEqual([2]);
});

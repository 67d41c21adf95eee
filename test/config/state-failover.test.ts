/** The guards of changes of master, and what random commands can never bring about. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { ALL_GROUPS, ConfigState, type ConfigCommand } from '../../src/config';

afterEach(() => plant(null));

const stamp = { atMs: 1_700_000_000_000, by: 'tester' };
const report = { phases: [{ phase: 'fence', ms: 12.5 }], offsets: ['h:2 17'], bytesLostAtMost: -1 };

function play(state: ConfigState, command: ConfigCommand): ConfigState {
  const result = state.apply(command, stamp);
  if (!result.accepted) throw new Error(result.message);
  return result.state;
}

function why(state: ConfigState, command: ConfigCommand): string {
  const result = state.apply(command, stamp);
  return result.accepted ? 'accepted' : result.message;
}

const add = (port: number, role: 'master' | 'replica', engine: 'slotcache' | 'redis' = 'slotcache'): ConfigCommand => ({
  does: 'add-member',
  group: 1,
  member: { host: 'h', port, zone: '', role },
  engine,
  runId: `run${port}`,
});

const group = [{ does: 'create-group', group: 1 } as const, add(1, 'master'), add(2, 'replica')].reduce(
  play,
  ConfigState.empty,
);

const begin = (epoch: number, kind: 'automatic' | 'planned' = 'automatic'): ConfigCommand => ({
  does: 'begin-failover',
  group: 1,
  kind,
  epoch,
  target: '',
  reason: 'silent',
  votes: ['1:silent', '2:refused'],
  beganAtMs: 5,
  detectedAfterMs: 1004,
});
const end = (epoch: number): ConfigCommand => ({
  does: 'end-failover',
  group: 1,
  epoch,
  newMaster: 'h:2',
  runId: 'run 2',
  stream: 'def',
  parting: { stream: 'abc', offset: 17 },
  report,
});
const epochOf = (state: ConfigState): number => state.view.group(1)!.epoch;

describe('a change of master', () => {
  test('begins once per epoch, and ends once', () => {
    const epoch = epochOf(group);
    expect(why(group, begin(epoch - 1))).toBe(`group 1 is at epoch ${epoch}, not ${epoch - 1}`);
    const begun = play(group, begin(epoch));
    expect(begun.view.group(1)).toMatchObject({ state: 'failing-over', epoch: epoch + 1 });
    expect(begun.failovers.get(1)).toMatchObject({ epoch: epoch + 1, formerMaster: 'h:1', kind: 'automatic' });
    expect(why(begun, begin(epoch + 1))).toBe('group 1 is failing-over already');
    expect(why(begun, end(epoch))).toBe(`the change of master in group 1 is that of epoch ${epoch + 1}, not ${epoch}`);
    const ended = play(begun, end(epoch + 1));
    expect(ended.view.group(1)).toMatchObject({ state: 'serving', epoch: epoch + 1, master: { id: 'h:2' } });
    expect(ended.partings.get(1)).toEqual({ stream: 'abc', offset: 17 });
    expect(ended.lineages.get(1)).toEqual([
      { stream: 'abc', since: 17 },
      { stream: 'def', since: 17 },
    ]);
    expect(ended.reports).toMatchObject([{ outcome: 'promoted', newMaster: 'h:2', phases: report.phases }]);
    expect(why(ended, end(epoch + 1))).toBe('no change of master is under way in group 1');
  });

  test('that is planned lets the group switch, and can be given up', () => {
    const begun = play(group, begin(epochOf(group), 'planned'));
    expect(begun.view.group(1)!.state).toBe('switching');
    const left = play(begun, {
      does: 'abandon-failover',
      group: 1,
      epoch: epochOf(begun),
      reason: 'too slow',
      runId: 'r',
    });
    expect(left.view.group(1)).toMatchObject({ state: 'serving', master: { id: 'h:1' }, epoch: epochOf(begun) });
    expect(left.reports).toMatchObject([{ outcome: 'abandoned', newMaster: '' }]);
    expect(left.lineages.size).toBe(0);
  });

  test('keeps its group as it is until it is over', () => {
    const begun = play(group, begin(epochOf(group)));
    for (const command of [
      add(3, 'replica'),
      { does: 'remove-member', group: 1, memberId: 'h:2' },
      { does: 'delete-group', group: 1 },
      { does: 'identify-member', group: 1, memberId: 'h:1', runId: 'other' },
    ] satisfies ConfigCommand[]) {
      expect(why(begun, command)).toMatch(/failing-over/);
    }
    expect(why(begun, { does: 'identify-member', group: 1, memberId: 'h:2', runId: 'other' })).toBe('accepted');
  });

  test('a bug of ours: one of an old epoch is accepted', () => {
    plant('stale-epoch-accepted');
    expect(why(group, begin(epochOf(group) - 1))).toBe('accepted');
  });
});

test('members of a group have one engine, and one process is one member', () => {
  expect(group.view.group(1)!.engine).toBe('slotcache');
  expect(why(group, add(3, 'replica', 'redis'))).toMatch(/has members of the engine slotcache/);
  expect(why(group, { ...add(3, 'replica'), runId: 'run1' } as ConfigCommand)).toBe(
    'h:3 is the server that is a member as h:1',
  );
});

test('a lease is at most 0.8 of down-after-ms, and follows it', () => {
  const set = (name: 'down-after-ms' | 'lease-ms', value: number): ConfigCommand => ({ does: 'set', name, value });
  expect(play(group, set('down-after-ms', 500)).settings['lease-ms']).toBe(400);
  const short = play(group, set('lease-ms', 300));
  expect(play(short, set('down-after-ms', 2000)).settings['lease-ms']).toBe(300);
  expect(play(short, set('down-after-ms', 300)).settings['lease-ms']).toBe(240);
  expect(why(group, set('lease-ms', 801))).toBe('lease-ms is at most 0.8 × down-after-ms, 800');
  expect(why(group, set('down-after-ms', 299))).toBe('down-after-ms is 300 to 600000');
  expect(why(group, set('__proto__' as 'lease-ms', 1))).toBe("there is no setting '__proto__'");
});

test('named requests are remembered, the last thousand', () => {
  let state = ConfigState.empty;
  for (let i = 0; i < 1001; i++) state = state.withOutcome(`r${i}`, `:${i}`);
  expect([state.outcomeOf('r0'), state.outcomeOf('r1'), state.outcomeOf('r1000')]).toEqual([null, ':1', ':1000']);
});

const small = fc.integer({ min: 0, max: 3 });
const text = fc.constantFrom('h:1', 'h:2', 'h:3', '', 'nonsense');
const role = fc.constantFrom('master' as const, 'replica' as const);
const engine = fc.constantFrom('slotcache' as const, 'redis' as const);
const epochs = fc.integer({ min: 0, max: 12 });
const commands: fc.Arbitrary<ConfigCommand> = fc.oneof(
  fc.record({ does: fc.constant('create-group' as const), group: small }),
  fc.record({ does: fc.constant('delete-group' as const), group: small }),
  fc.record({
    does: fc.constant('add-member' as const),
    group: small,
    member: fc.record({ host: fc.constant('h'), port: small, zone: fc.constant(''), role }),
    engine,
    runId: fc.constantFrom('', 'a', 'b', 'c'),
  }),
  fc.record({ does: fc.constant('remove-member' as const), group: small, memberId: text }),
  fc.record({ does: fc.constant('identify-member' as const), group: small, memberId: text, runId: text }),
  fc.record({
    does: fc.constant('spread-slots' as const),
    groups: fc.uniqueArray(small, { maxLength: 2 }),
    force: fc.boolean(),
  }),
  fc.record({
    does: fc.constant('register-proxy' as const),
    proxy: fc.record({ runId: fc.constantFrom('p', 'q'), address: text, zone: fc.constant('') }),
  }),
  fc.record({ does: fc.constant('deregister-proxy' as const), address: text }),
  fc.record({
    does: fc.constant('note-stream' as const),
    group: small,
    epoch: epochs,
    era: fc.record({ stream: text, since: small }),
  }),
  fc.record({
    does: fc.constant('begin-failover' as const),
    group: small,
    kind: fc.constantFrom('automatic' as const, 'forced' as const, 'planned' as const),
    epoch: epochs,
    target: text,
    reason: fc.string(),
    votes: fc.array(fc.string(), { maxLength: 2 }),
    beganAtMs: small,
    detectedAfterMs: small,
  }),
  fc.record({
    does: fc.constant('end-failover' as const),
    group: small,
    epoch: epochs,
    newMaster: text,
    runId: text,
    stream: text,
    parting: fc.option(fc.record({ stream: text, offset: small })),
    report: fc.constant(report),
  }),
  fc.record({
    does: fc.constant('abandon-failover' as const),
    group: small,
    epoch: epochs,
    reason: fc.string(),
    runId: fc.string(),
  }),
  fc.record({
    does: fc.constantFrom('pause-failover' as const, 'resume-failover' as const),
    group: fc.oneof(small, fc.constant(ALL_GROUPS)),
  }),
  fc.record({
    does: fc.constant('add-config' as const),
    member: fc.record({ id: small, peerAddress: text, address: text, zone: fc.constant(''), incarnation: text }),
  }),
  fc.record({ does: fc.constant('remove-config' as const), id: small }),
);

test('whatever is asked: one version and one event for each change, and the parts agree with each other', () => {
  fc.assert(
    fc.property(fc.array(commands, { maxLength: 60 }), (list) => {
      let state = ConfigState.empty;
      for (const command of list) {
        const before = JSON.stringify(state);
        const result = state.apply(command, stamp);
        expect(JSON.stringify(state)).toBe(before);
        if (!result.accepted) continue;
        expect(result.state.view.version).toBe(state.view.version + 1);
        expect(result.state.events).toHaveLength(state.events.length + 1);
        for (const { id, epoch } of result.state.view.groups) {
          expect(epoch).toBeGreaterThanOrEqual(state.view.group(id)?.epoch ?? 0);
        }
        state = result.state;
        const members = state.view.groups.flatMap((each) => each.members.map(({ id }) => id));
        expect([...state.members.keys()].sort()).toEqual(members.sort());
        const restless = state.view.groups.filter((each) => each.state !== 'serving');
        expect(state.failovers.size).toBe(restless.length);
        for (const each of restless) expect(state.failovers.get(each.id)!.epoch).toBe(each.epoch);
      }
      expect(ConfigState.parse(JSON.stringify(state))).toEqual(state);
    }),
    { numRuns: 100 },
  );
});

import { describe, expect, test } from 'vitest';
import { splitArguments } from '../../src/base';
import { ConfigState, EVENTS_MAX, perform, type ConfigCommand, type ConfigReply } from '../../src/config';

const stamp = { atMs: 1_700_000_000_000, by: '127.0.0.1:50000' };
const member = { host: 'localhost', port: 6379, zone: 'a', role: 'master' } as const;

function after(...commands: ConfigCommand[]): ConfigState {
  return commands.reduce((state, command) => {
    const result = state.apply(command, stamp);
    if (!result.accepted) throw new Error(result.message);
    return result.state;
  }, ConfigState.empty);
}

const owning = after(
  { does: 'create-group', group: 1 },
  { does: 'add-member', group: 1, member, engine: 'redis', runId: '' },
  { does: 'spread-slots', groups: [1], force: false },
  { does: 'create-group', group: 2 },
  { does: 'add-member', group: 2, member: { ...member, port: 6380 }, engine: 'redis', runId: '' },
);

describe('apply', () => {
  test('makes one view and one event, and leaves the former state alone', () => {
    const before = JSON.stringify(owning);
    const result = owning.apply({ does: 'create-group', group: 3 }, stamp);
    if (!result.accepted) throw new Error(result.message);
    expect(JSON.stringify(owning)).toBe(before);
    expect(result.state.view.version).toBe(owning.view.version + 1);
    expect(result.event).toEqual({ ...stamp, version: 6, text: 'GROUP CREATE 3' });
    expect(result.state.events).toEqual([...owning.events, result.event]);
  });

  test('refuses with a code', () => {
    expect(owning.apply({ does: 'create-group', group: 1 }, stamp)).toEqual({
      accepted: false,
      code: 'REFUSED',
      message: 'group 1 exists already',
    });
    expect(owning.apply({ does: 'assign-slots', from: 0, to: 4, group: 2, force: false }, stamp)).toEqual({
      accepted: false,
      code: 'UNSAFE',
      message: '5 slots would change owner but their data would stay behind; FORCE does it anyway',
    });
  });

  test('needs no force for slots that stay or that nobody owns', () => {
    expect(owning.apply({ does: 'assign-slots', from: 0, to: 1023, group: 1, force: false }, stamp).accepted).toBe(
      true,
    );
    const bare = owning.with({ view: owning.view.withSlots(7, 7, -1) });
    expect(bare.apply({ does: 'assign-slots', from: 7, to: 7, group: 2, force: false }, stamp).accepted).toBe(true);
  });

  test('keeps a bounded history, the newest last', () => {
    let state = owning;
    for (let i = 0; i < EVENTS_MAX + 10; i++) {
      const result = state.apply({ does: 'assign-slots', from: 0, to: 0, group: 1, force: false }, stamp);
      if (result.accepted) state = result.state;
    }
    expect(state.events.length).toBe(EVENTS_MAX);
    expect(state.events.at(-1)?.version).toBe(state.view.version);
  });
});

test('the text of an event, typed again, makes the same state', () => {
  const steps: ConfigCommand[] = [
    { does: 'assign-slots', from: 3, to: 9, group: 2, force: true },
    {
      does: 'add-member',
      group: 1,
      member: { ...member, port: 1, zone: '', role: 'replica' },
      engine: 'redis',
      runId: '',
    },
    { does: 'remove-member', group: 1, memberId: 'localhost:1' },
    { does: 'spread-slots', groups: [2], force: true },
    { does: 'remove-member', group: 1, memberId: 'localhost:6379' },
    { does: 'delete-group', group: 1 },
  ];
  const done = steps.reduce((state, command) => {
    const result = state.apply(command, stamp);
    return result.accepted ? result.state : state;
  }, owning);
  expect(done.view.version).toBe(owning.view.version + steps.length);
  const typed = done.events.reduce((state, { text }) => {
    const reply = perform(state, splitArguments(Buffer.from(text))!.map(String));
    const result = state.apply(commandOf(reply), stamp);
    return result.accepted ? result.state : state;
  }, ConfigState.empty);
  expect(typed).toEqual(done);
});

/** What is proposed in the end. */
function commandOf(reply: ConfigReply): ConfigCommand {
  if (reply.kind === 'propose') return reply.command;
  if (reply.kind !== 'operate' || reply.operation.does !== 'add-member') throw new Error('nothing is proposed');
  const { does, group, member: parts, engine } = reply.operation;
  return { does, group, member: parts, engine: engine ?? 'redis', runId: '' };
}

test('survives JSON, and is refused where it is damaged', () => {
  expect(ConfigState.parse(JSON.stringify(owning))).toEqual(owning);
  for (const text of ['', 'null', '{}', '[]', '{"view":{"version":0,"groups":[],"slots":[]},"events":[{}]}']) {
    expect(() => ConfigState.parse(text), text).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^BAD_(VIEW|MESSAGE)$/) }),
    );
  }
});

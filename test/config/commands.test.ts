import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitArguments } from '../../src/base';
import {
  ConfigState,
  perform,
  refusalText,
  viewMessage,
  type ConfigCommand,
  type ConfigReply,
  type Scene,
} from '../../src/config';
import { ClusterView } from '../../src/slots';

/** Plays lines one after another, each on the state that the ones before left, as a config server would. */
class Session {
  state = ConfigState.empty;

  play(line: string, scene?: Scene): unknown {
    const reply = this.ask(line, scene);
    if (reply.kind === 'value') return reply.value;
    if (reply.kind === 'error') return `-${reply.text}`;
    const command = commandIn(reply);
    if (command === null) return reply;
    const result = this.state.apply(command, { atMs: 1000 + this.state.view.version, by: 'tester' });
    if (!result.accepted) return `-${refusalText(result)}`;
    this.state = result.state;
    return result.event.version;
  }

  ask(line: string, scene?: Scene): ConfigReply {
    const words = (splitArguments(Buffer.from(line)) ?? []).map(String);
    return perform(this.state, words, scene);
  }

  /** The transcript of the lines with their answers. */
  transcript(lines: string): string {
    return lines
      .trim()
      .split('\n')
      .map((line) => `${line.trim()}\n  ${JSON.stringify(this.play(line))}`)
      .join('\n');
  }
}

/** What is proposed in the end, as if every server had been found fit. */
function commandIn(reply: ConfigReply): ConfigCommand | null {
  if (reply.kind === 'propose') return reply.command;
  if (reply.kind !== 'operate' || reply.operation.does !== 'add-member') return null;
  const { does, group, member, engine } = reply.operation;
  return { does, group, member, engine: engine ?? 'redis', runId: '' };
}

const SETUP = `
  GROUP CREATE 1
  group create 2
  GROUP ADD 1 10.0.0.1 6379 ZONE a
  GROUP ADD 1 10.0.0.2 6379 role REPLICA zone b
  GROUP ADD 2 10.0.0.3 6379
  SLOTS SPREAD 1 2`;

describe('the commands', () => {
  test('set up a cluster and show it', () => {
    const session = new Session();
    session.transcript(SETUP);
    expect(
      session.transcript(`
        GROUP LIST
        SLOTS LIST
        SLOTS ASSIGN 0-9 2
        SLOTS ASSIGN 0-9 2 FORCE
        SLOTS ASSIGN 0 1 force
        SLOTS LIST
        GROUP REMOVE 1 10.0.0.1:6379
        GROUP REMOVE 1 10.0.0.2:6379
        GROUP DELETE 2
        SLOTS SPREAD 1
        SLOTS SPREAD 1 FORCE
        GROUP REMOVE 2 10.0.0.3:6379
        GROUP DELETE 2
        EVENTS 3
        EVENTS 0
        VIEW GET`),
    ).toMatchInlineSnapshot(`
      "GROUP LIST
        [{"id":1,"engine":"redis","state":"serving","epoch":1,"slots":512,"automatic-failover":"on","members":[{"id":"10.0.0.1:6379","role":"master","zone":"a"},{"id":"10.0.0.2:6379","role":"replica","zone":"b"}]},{"id":2,"engine":"redis","state":"serving","epoch":2,"slots":512,"automatic-failover":"on","members":[{"id":"10.0.0.3:6379","role":"master","zone":""}]}]
      SLOTS LIST
        [{"from":0,"to":511,"group":1},{"from":512,"to":1023,"group":2}]
      SLOTS ASSIGN 0-9 2
        "-UNSAFE 10 slots would change owner but their data would stay behind; FORCE does it anyway"
      SLOTS ASSIGN 0-9 2 FORCE
        7
      SLOTS ASSIGN 0 1 force
        8
      SLOTS LIST
        [{"from":0,"to":0,"group":1},{"from":1,"to":9,"group":2},{"from":10,"to":511,"group":1},{"from":512,"to":1023,"group":2}]
      GROUP REMOVE 1 10.0.0.1:6379
        "-REFUSED 10.0.0.1:6379 is the master of group 1, which still has replicas"
      GROUP REMOVE 1 10.0.0.2:6379
        9
      GROUP DELETE 2
        "-REFUSED group 2 still owns 521 slots; give them to another group first"
      SLOTS SPREAD 1
        "-UNSAFE 521 slots would change owner but their data would stay behind; FORCE does it anyway"
      SLOTS SPREAD 1 FORCE
        10
      GROUP REMOVE 2 10.0.0.3:6379
        11
      GROUP DELETE 2
        12
      EVENTS 3
        [{"version":12,"at-ms":1011,"by":"tester","text":"GROUP DELETE 2"},{"version":11,"at-ms":1010,"by":"tester","text":"GROUP REMOVE 2 10.0.0.3:6379"},{"version":10,"at-ms":1009,"by":"tester","text":"SLOTS SPREAD 1 FORCE"}]
      EVENTS 0
        []
      VIEW GET
        "{\\"version\\":12,\\"groups\\":[{\\"id\\":1,\\"epoch\\":1,\\"engine\\":\\"redis\\",\\"state\\":\\"serving\\",\\"members\\":[{\\"host\\":\\"10.0.0.1\\",\\"port\\":6379,\\"zone\\":\\"a\\",\\"role\\":\\"master\\"}]}],\\"slots\\":[[0,1023,1]]}""
    `);
  });

  test('refuse by name what they cannot understand', () => {
    expect(
      new Session().transcript(`
        NONSENSE
        VIEW
        VIEW "G\\r\\nT"
        VIEW GET now
        GROUP CREATE
        GROUP CREATE one
        GROUP CREATE 01
        GROUP CREATE -1
        GROUP CREATE 10000
        GROUP ADD 1 localhost 6379
        GROUP ADD 1 localhost 6379 ZONE
        GROUP ADD 1 localhost 6379 ZONE a ZONE b
        GROUP ADD 1 localhost 6379 COLOUR red
        GROUP ADD 1 localhost port
        SLOTS ASSIGN 0-99999 1
        SLOTS ASSIGN 5-1 1
        SLOTS ASSIGN all 1
        SLOTS ASSIGN 0-1 1
        SLOTS SPREAD
        SLOTS SPREAD FORCE
        SLOTS SPREAD 1 x
        EVENTS -1
        EVENTS 1 2
        VIEW SUBSCRIBE x`),
    ).toMatchInlineSnapshot(`
      "NONSENSE
        "-ERR unknown command 'NONSENSE', try HELP"
      VIEW
        "-ERR unknown command 'VIEW', try HELP"
      VIEW "G\\r\\nT"
        "-ERR unknown command 'VIEW G..T', try HELP"
      VIEW GET now
        "-ERR syntax error, usage: VIEW GET"
      GROUP CREATE
        "-ERR syntax error, usage: GROUP CREATE id"
      GROUP CREATE one
        "-ERR value is not an integer or out of range"
      GROUP CREATE 01
        "-ERR value is not an integer or out of range"
      GROUP CREATE -1
        "-ERR value is not an integer or out of range"
      GROUP CREATE 10000
        "-REFUSED a group is numbered 0 to 9999, not 10000"
      GROUP ADD 1 localhost 6379
        "-REFUSED there is no group 1"
      GROUP ADD 1 localhost 6379 ZONE
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica] [ENGINE slotcache|redis] [FORCE] [NOCHECK]"
      GROUP ADD 1 localhost 6379 ZONE a ZONE b
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica] [ENGINE slotcache|redis] [FORCE] [NOCHECK]"
      GROUP ADD 1 localhost 6379 COLOUR red
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica] [ENGINE slotcache|redis] [FORCE] [NOCHECK]"
      GROUP ADD 1 localhost port
        "-ERR value is not an integer or out of range"
      SLOTS ASSIGN 0-99999 1
        "-ERR slots are written as one number or as from-to"
      SLOTS ASSIGN 5-1 1
        "-REFUSED slots are 0 to 1023 in ascending order, not 5 to 1"
      SLOTS ASSIGN all 1
        "-ERR slots are written as one number or as from-to"
      SLOTS ASSIGN 0-1 1
        "-REFUSED there is no group 1"
      SLOTS SPREAD
        "-ERR syntax error, usage: SLOTS SPREAD group [group ...] [FORCE]"
      SLOTS SPREAD FORCE
        "-ERR value is not an integer or out of range"
      SLOTS SPREAD 1 x
        "-ERR value is not an integer or out of range"
      EVENTS -1
        "-ERR value is not an integer or out of range"
      EVENTS 1 2
        "-ERR syntax error, usage: EVENTS [count]"
      VIEW SUBSCRIBE x
        "-ERR value is not an integer or out of range""
    `);
  });

  test('never let the words of a client break out of an error line', () => {
    const session = new Session();
    session.transcript(SETUP);
    expect(session.play('GROUP ADD 1 localhost 6379 ROLE "king\\r\\n+OK"')).toBe(
      '-REFUSED a role is master or replica, not king..+ok',
    );
    expect(session.play('GROUP REMOVE 1 "\\r\\n"')).toBe('-REFUSED .. is not a member of group 1');
  });

  test('tell the standing of a connection', () => {
    const session = new Session();
    expect(session.ask('VIEW SUBSCRIBE -1')).toEqual({ kind: 'subscribe', version: -1 });
    expect(session.ask('view ack 7')).toEqual({ kind: 'acknowledge', version: 7 });
  });

  test('STATUS names the followers, and who leads', () => {
    const session = new Session();
    session.transcript(SETUP);
    const scene: Scene = {
      id: 2,
      leader: 1,
      term: 7,
      voters: [1, 2, 3],
      learners: [],
      followers: [{ name: 'proxy 10.0.0.9:6380', version: 5 }],
      health: () => ({}),
      lease: () => ({}),
      phase: () => '',
    };
    expect(session.play('STATUS', scene)).toEqual({
      'cluster-id': '',
      id: 2,
      leader: 1,
      term: 7,
      voters: [1, 2, 3],
      learners: [],
      version: 6,
      groups: 2,
      serving: 2,
      switching: 0,
      'failing-over': 0,
      members: 3,
      slots: 1024,
      proxies: 0,
      'automatic-failover': 'on',
      followers: [['proxy 10.0.0.9:6380', 5]],
    });
  });

  test('HELP shows every command as it is typed', () => {
    const help = new Session().play('HELP') as [string, string][];
    expect(help.map(([usage]) => usage)).toMatchInlineSnapshot(`
      [
        "VIEW GET",
        "VIEW SUBSCRIBE version",
        "VIEW ACK version",
        "GROUP CREATE id",
        "GROUP DELETE id",
        "GROUP ADD id host port [ZONE zone] [ROLE master|replica] [ENGINE slotcache|redis] [FORCE] [NOCHECK]",
        "GROUP REMOVE id host:port",
        "GROUP LIST",
        "GROUP SWITCH id [TO host:port]",
        "GROUP FAILOVER id [TO host:port] [FORCE]",
        "SLOTS ASSIGN from-to group [FORCE]",
        "SLOTS SPREAD group [group ...] [FORCE]",
        "SLOTS LIST",
        "NODE LIST",
        "PROXY REGISTER run-id host:port [ZONE zone]",
        "PROXY DEREGISTER host:port",
        "PROXY LIST",
        "LEASE RENEW PROXY|SERVER run-id version",
        "FAILOVER PAUSE [group]",
        "FAILOVER RESUME [group]",
        "FAILOVER LIST",
        "FAILOVER REPORTS [count]",
        "EVENTS SUBSCRIBE",
        "EVENTS [count]",
        "SET name value",
        "SETTINGS",
        "CONFIG ADD id peer-host:port host:port [ZONE zone]",
        "CONFIG REMOVE id",
        "CONFIG LIST",
        "CONFIG LEADER id",
        "ONCE request-id command [argument ...]",
        "STATUS",
        "HELP",
      ]
    `);
  });

  test('subscribers get the view as JSON', () => {
    const session = new Session();
    session.transcript(SETUP);
    const message = viewMessage(session.state.view) as [string, number, string];
    expect(message.slice(0, 2)).toEqual(['view', 6]);
    expect(ClusterView.parse(message[2])).toEqual(session.state.view);
  });

  test('never throw, whatever is typed', () => {
    const session = new Session();
    session.transcript(SETUP);
    const names = (session.play('HELP') as [string, string][]).flatMap(([usage]) => usage.split(/[ [\]]+/));
    const words = fc.oneof(fc.constantFrom(...names, '0', '1', '-1', '0-1023', 'FORCE', '__proto__'), fc.string());
    fc.assert(
      fc.property(fc.array(words, { maxLength: 7 }), (list) => {
        const reply = perform(session.state, list);
        if (reply.kind === 'error') expect(reply.text).toMatch(/^[A-Z]+ [ -~]*$/);
        const command = commandIn(reply);
        if (command === null) return;
        const result = session.state.apply(command, { atMs: 0, by: '' });
        if (!result.accepted) expect(refusalText(result)).toMatch(/^[A-Z]+ [ -~]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitArguments } from '../../src/base';
import { ConfigState, perform, refusalText, viewMessage, type ConfigReply, type Follower } from '../../src/config';
import { ClusterView } from '../../src/slots';

/** Plays lines one after another, each on the state that the ones before left, as a config server would. */
class Session {
  state = ConfigState.empty;

  play(line: string, followers: Follower[] = []): unknown {
    const reply = this.ask(line, followers);
    if (reply.kind === 'value') return reply.value;
    if (reply.kind === 'error') return `-${reply.text}`;
    if (reply.kind !== 'propose') return reply;
    const result = this.state.apply(reply.command, { atMs: 1000 + this.state.view.version, by: 'tester' });
    if (!result.accepted) return `-${refusalText(result)}`;
    this.state = result.state;
    return result.event.version;
  }

  ask(line: string, followers: Follower[] = []): ConfigReply {
    const words = (splitArguments(Buffer.from(line)) ?? []).map(String);
    return perform(this.state, words, followers);
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
        [[1,1,512,[["10.0.0.1:6379","master","a"],["10.0.0.2:6379","replica","b"]]],[2,2,512,[["10.0.0.3:6379","master",""]]]]
      SLOTS LIST
        [[0,511,1],[512,1023,2]]
      SLOTS ASSIGN 0-9 2
        "-UNSAFE 10 slots would change owner but their data would stay behind; FORCE does it anyway"
      SLOTS ASSIGN 0-9 2 FORCE
        7
      SLOTS ASSIGN 0 1 force
        8
      SLOTS LIST
        [[0,0,1],[1,9,2],[10,511,1],[512,1023,2]]
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
        [[12,1011,"tester","GROUP DELETE 2"],[11,1010,"tester","GROUP REMOVE 2 10.0.0.3:6379"],[10,1009,"tester","SLOTS SPREAD 1 FORCE"]]
      EVENTS 0
        []
      VIEW GET
        "{\\"version\\":12,\\"groups\\":[{\\"id\\":1,\\"epoch\\":1,\\"members\\":[{\\"host\\":\\"10.0.0.1\\",\\"port\\":6379,\\"zone\\":\\"a\\",\\"role\\":\\"master\\"}]}],\\"slots\\":[[0,1023,1]]}""
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
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica]"
      GROUP ADD 1 localhost 6379 ZONE a ZONE b
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica]"
      GROUP ADD 1 localhost 6379 COLOUR red
        "-ERR syntax error, usage: GROUP ADD id host port [ZONE zone] [ROLE master|replica]"
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

  test('STATUS names the followers', () => {
    const session = new Session();
    session.transcript(SETUP);
    const followers = [{ name: 'proxy 10.0.0.9:6380', version: 5 }];
    expect(session.play('STATUS', followers)).toEqual([
      'version',
      6,
      'groups',
      2,
      'members',
      3,
      'slots',
      1024,
      'followers',
      [['proxy 10.0.0.9:6380', 5]],
    ]);
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
        "GROUP ADD id host port [ZONE zone] [ROLE master|replica]",
        "GROUP REMOVE id host:port",
        "GROUP LIST",
        "SLOTS ASSIGN from-to group [FORCE]",
        "SLOTS SPREAD group [group ...] [FORCE]",
        "SLOTS LIST",
        "EVENTS [count]",
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
        if (reply.kind !== 'propose') return;
        const result = session.state.apply(reply.command, { atMs: 0, by: '' });
        if (!result.accepted) expect(refusalText(result)).toMatch(/^[A-Z]+ [ -~]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

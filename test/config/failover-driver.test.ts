/** The parts of a config server that watch and act, together, on virtual time: changes of master from the fault to the end. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LeaseAnswer, SwitchOutcome } from '../../src/config/control-host';
import { plant } from '../../src/base/mutants';
import { PaperHost, type PaperServer } from './paper-host';

afterEach(() => plant(null));

function cluster(engine: 'slotcache' | 'redis', count = 3): { host: PaperHost; servers: PaperServer[] } {
  const host = new PaperHost();
  const servers = host.group(1, engine, count);
  host.start();
  host.time.run(1000);
  return { host, servers };
}

function valuesOf(answer: LeaseAnswer): readonly (string | number)[] {
  return 'values' in answer ? answer.values : [answer.error];
}

const masterOf = (host: PaperHost): string => host.state.view.group(1)!.master!.id;

describe('automatic failover', () => {
  test('of our own servers waits for the lease, then takes the highest offset', () => {
    const { host, servers } = cluster('slotcache');
    const [master, near, far] = servers;
    near.offset = 200;
    far.offset = 150;
    expect(valuesOf(host.leases.renewServer(master.runId, 0)).slice(2, 5)).toEqual(['serve', 1, 1]);
    master.health = 'gone';
    host.othersSay(master.id, 'refused');
    host.time.run(700);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
    expect(near.orders).toEqual([]);
    expect(valuesOf(host.leases.renewServer(master.runId, 0))[2]).toBe('wait');
    host.time.run(200);
    expect(masterOf(host)).toBe(near.id);
    expect(host.state.partings.get(1)).toEqual({ stream: 'stream-1', offset: 200 });
    expect(near.orders).toEqual(['REPLICAOF NO ONE']);
    expect(far.orders).toEqual([]);
    const [report] = host.state.reports;
    expect(report.offsets).toEqual([`${near.id} 200`, `${far.id} 150`]);
    expect(report.phases.map(({ phase }) => phase)).toEqual(['fencing', 'asking', 'promoting']);
    expect(valuesOf(host.leases.renewServer(far.runId, 0)).slice(2)).toEqual([
      'follow',
      1,
      report.epoch,
      '10.0.0.1',
      7011,
      'stream-1',
      200,
    ]);
  });

  test('happens once, however often the dead master is seen', () => {
    const { host, servers } = cluster('slotcache');
    servers[0].health = 'frozen';
    host.othersSay(servers[0].id, 'silent');
    host.time.run(10_000);
    expect(host.state.reports).toHaveLength(1);
    expect(host.state.view.group(1)!.state).toBe('serving');
  });

  test('waits a moment for a replica that only this config server does not reach', () => {
    const { host, servers } = cluster('redis');
    const [master, near, far] = servers;
    Object.assign(far, { health: 'frozen', offset: 300 });
    host.time.run(1400);
    near.offset = 200;
    master.health = 'gone';
    host.othersSay(master.id, 'refused');
    host.time.run(50);
    expect(host.driver.phase(1)).toBe('asking');
    far.health = 'well';
    host.time.run(400);
    expect(masterOf(host)).toBe(far.id);
  });

  test('needs a majority', () => {
    const { host, servers } = cluster('slotcache');
    servers[0].health = 'frozen';
    host.time.run(5000);
    expect(host.state.reports).toEqual([]);
    expect(host.monitor.votes(servers[0].id)).toEqual([{ voter: 1, why: 'silent' }]);
  });

  test('of stock servers waits for proxies, repoints the siblings, and the former master when it is back', () => {
    const { host, servers } = cluster('redis');
    const [master, near, far] = servers;
    host.decide({ does: 'register-proxy', proxy: { runId: 'a'.repeat(40), address: '10.0.0.2:6379', zone: '' } });
    host.leases.stateChanged();
    const { version } = host.state.view;
    expect(valuesOf(host.leases.renewProxy('a'.repeat(40), version))).toEqual([800, version]);
    near.offset = 300;
    master.health = 'gone';
    host.othersSay(master.id, 'refused');
    host.time.run(300);
    expect(near.orders).toEqual([]);
    host.leases.renewProxy('a'.repeat(40), host.state.view.version);
    host.time.run(100);
    expect(masterOf(host)).toBe(near.id);
    host.time.run(1500);
    expect(far.orders).toEqual(['REPLICAOF 10.0.0.1 7011', 'CONFIG REWRITE']);
    master.health = 'well';
    host.time.run(2000);
    expect(master.orders).toEqual([
      'REPLICAOF 10.0.0.1 7011',
      'CONFIG REWRITE',
      'CLIENT KILL TYPE normal',
      'CLIENT UNPAUSE',
    ]);
  });

  test('a leader that cannot confirm that it leads gives no orders', () => {
    const { host, servers } = cluster('redis');
    host.isConfirmed = false;
    servers[1].master = '10.0.0.9:1';
    host.time.run(3000);
    expect(servers[1].orders).toEqual([]);
    host.isConfirmed = true;
    host.time.run(2500);
    expect(servers[1].orders).toContain('REPLICAOF 10.0.0.1 7010');
  });

  test('a new leader waits for leases that it did not grant, and finishes what began', () => {
    const { host, servers } = cluster('slotcache');
    const [master, near] = servers;
    host.decide({
      does: 'begin-failover',
      group: 1,
      kind: 'automatic',
      epoch: host.state.view.group(1)!.epoch,
      target: '',
      reason: 'as another leader decided',
      votes: [],
      beganAtMs: 0,
      detectedAfterMs: 0,
    });
    master.health = 'frozen';
    host.lead(false);
    host.lead(true);
    host.time.run(800);
    expect(near.orders).toEqual([]);
    host.time.run(200);
    expect(host.state.view.group(1)!.state).toBe('serving');
    expect(masterOf(host)).not.toBe(master.id);
  });

  test('a candidate that dies while it is promoted is replaced by the next', () => {
    const { host, servers } = cluster('slotcache');
    const [master, near, far] = servers;
    near.offset = 200;
    const answer = near.answer.bind(near);
    near.answer = (words) => {
      if (words[0] === 'REPLICAOF') near.health = 'gone';
      return answer(words);
    };
    master.health = 'gone';
    host.othersSay(master.id, 'refused');
    host.time.run(3000);
    expect(masterOf(host)).toBe(far.id);
  });

  test('with nobody to promote, a master that is well again goes on', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    replica.health = 'gone';
    master.health = 'frozen';
    const stop = host.othersSay(master.id, 'silent');
    host.time.run(4000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
    master.health = 'well';
    stop();
    host.time.run(4000);
    expect(host.state.view.group(1)!.state).toBe('serving');
    expect(masterOf(host)).toBe(master.id);
    expect(valuesOf(host.leases.renewServer(master.runId, 0))[2]).toBe('serve');
  });
});

describe('a master whose process was restarted', () => {
  test('is replaced at once where it lacks data; stock replicas are kept from it', () => {
    const { host, servers } = cluster('redis');
    Object.assign(servers[0], { runId: 'another', stream: 'new', offset: 0 });
    host.time.run(3000);
    expect(masterOf(host)).not.toBe(servers[0].id);
    expect(servers[1].orders[0]).toBe('REPLICAOF 10.0.0.1 7011');
    expect(servers[2].orders[0]).toBe('REPLICAOF 10.0.0.1 7012');
  });

  test('goes on where it lacks nothing', () => {
    const { host, servers } = cluster('redis');
    Object.assign(servers[0], { runId: 'another', stream: 'new', formerStream: 'stream-1', formerOffset: 100 });
    host.time.run(3000);
    expect(masterOf(host)).toBe(servers[0].id);
    expect(host.state.members.get(servers[0].id)!.runId).toBe('another');
  });

  test('goes on where it is alone', () => {
    const { host, servers } = cluster('slotcache', 1);
    Object.assign(servers[0], { runId: 'another', stream: 'new', offset: 0 });
    expect(valuesOf(host.leases.renewServer('another', 0))[2]).toBe('stranger');
    host.time.run(2000);
    expect(valuesOf(host.leases.renewServer('another', 0))[2]).toBe('serve');
  });
});

describe('a change that nobody seems fit for', () => {
  /** The machine of all these is gone, until they come back. */
  function crash(host: PaperHost, ...servers: PaperServer[]): () => void {
    for (const server of servers) server.health = 'gone';
    return host.othersSay(servers[0].id, 'refused');
  }

  /** Starts a process anew, with what its files had. */
  function restart(server: PaperServer, changes: Partial<PaperServer>): void {
    Object.assign(
      server,
      { health: 'well', runId: `second ${server.runId}`, role: 'master', isPending: true },
      changes,
    );
  }

  test('knows the stream from a replica that was connected, where the master was not asked since', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    host.time.run(100);
    // With its first replica a master begins another stream; it dies before it could say so.
    replica.stream = 'stream-2';
    replica.offset = 130;
    master.health = 'frozen';
    host.time.run(400);
    replica.isLinkUp = false;
    host.othersSay(master.id, 'silent');
    host.time.run(3000);
    expect(masterOf(host)).toBe(replica.id);
  });

  test('is not accepted before the others have said where they stand since', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    // What the replica took after it was asked last, and the master has not on its disk.
    Object.assign(replica, { infoDelayMs: 400, offset: 150 });
    master.health = 'gone';
    host.time.run(60);
    restart(master, { stream: 'stream-1', offset: 100, formerStream: 'stream-1', formerOffset: 100 });
    host.time.run(5000);
    expect(masterOf(host)).toBe(replica.id);
    expect(host.state.partings.get(1)).toEqual({ stream: 'stream-1', offset: 150 });
  });

  test('never takes a replica that missed changes of master, however high its offset is', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, stale] = servers;
    Object.assign(stale, { stream: 'stream-0', offset: 9000, isLinkUp: false, master: '10.0.0.1:9' });
    host.time.run(1000);
    crash(host, master);
    host.time.run(10_000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
    expect(host.driver.phase(1)).toBe('asking');
    expect(stale.orders).toEqual([]);
  });

  test.each([
    ['has all that it had', { stream: 'stream-1', offset: 100 }],
    ['has the stream that nobody else heard of', { stream: 'stream-2', offset: 170 }],
  ])('goes on with the former master when it comes back and %s', (_, files) => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    const stop = crash(host, master, replica);
    host.time.run(2000);
    stop();
    restart(master, files);
    host.time.run(2000);
    expect(masterOf(host)).toBe(master.id);
    expect(host.state.view.group(1)!.state).toBe('serving');
    expect(host.state.reports.at(-1)!.outcome).toBe('abandoned');
    expect(valuesOf(host.leases.renewServer(master.runId, 0))[2]).toBe('serve');
  });

  test('waits where it comes back empty, until somebody with data does', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    crash(host, master, replica);
    host.time.run(2000);
    restart(master, { stream: 'new', offset: 0, keys: 0 });
    host.time.run(5000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
    restart(replica, { offset: 90 });
    host.time.run(3000);
    expect(masterOf(host)).toBe(replica.id);
  });

  test.each([
    ['has more than anybody: it goes on', 110, 0],
    ['lacks something: the best replica takes over', 90, 1],
  ])('of a whole group that was restarted, with all config servers; the former master %s', (_, offset, winner) => {
    const { host, servers } = cluster('slotcache');
    const stop = crash(host, ...servers);
    host.lead(false);
    host.monitor.stop();
    host.monitor.start();
    host.lead(true);
    host.time.run(1000);
    stop();
    restart(servers[0], { offset });
    restart(servers[1], { offset: 100 });
    restart(servers[2], { offset: 80 });
    host.time.run(5000);
    expect(masterOf(host)).toBe(servers[winner].id);
    expect(host.state.view.group(1)!.state).toBe('serving');
    expect(valuesOf(host.leases.renewServer(servers[winner].runId, 0))[2]).toBe('serve');
  });

  test('of stock servers that were all restarted and cannot say where they stand goes on with the former master', () => {
    const { host, servers } = cluster('redis');
    const stop = crash(host, ...servers);
    host.time.run(1000);
    stop();
    for (const server of servers) restart(server, { isPending: false, stream: `new ${server.id}`, offset: 0 });
    host.time.run(5000);
    expect(masterOf(host)).toBe(servers[0].id);
    expect(servers[1].orders[0]).toBe('REPLICAOF 10.0.0.1 7010');
  });

  test('of a master whose stream was renamed after it was last seen: who followed it to the end has the data', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, replica] = servers;
    Object.assign(replica, { stream: 'stream-2', isLinkUp: false, linkDownSeconds: 0 });
    crash(host, master);
    host.time.run(5000);
    expect(masterOf(host)).toBe(replica.id);
    expect(host.state.partings.get(1)).toEqual({ stream: 'stream-2', offset: 100 });
    expect(host.state.lineages.get(1)?.map(({ stream }) => stream)).toEqual([
      'stream-1',
      'stream-2',
      `stream of ${replica.id}`,
    ]);
  });

  test.each([
    ['was lost long before', 'stream-0', 60, false],
    ['never was, or not as anybody could say', 'stream-0', -1, false],
    ['was just lost, in a stream that the group has left', 'stream-1', 0, true],
  ])('waits, where the link of the only replica %s', (_, stream, linkDownSeconds, isRenamed) => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, stale] = servers;
    Object.assign(stale, { stream, isLinkUp: false, linkDownSeconds });
    if (isRenamed) master.stream = 'stream-2';
    host.time.run(500);
    crash(host, master);
    host.time.run(5000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
  });

  test('waits, where all config servers were restarted and the only replica missed the last stream', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, stale] = servers;
    Object.assign(stale, { stream: 'stream-0', isLinkUp: false, linkDownSeconds: 60 });
    host.lead(false);
    host.monitor.stop();
    crash(host, master);
    host.monitor.start();
    host.lead(true);
    host.time.run(5000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
  });

  test('gives way to an operator, who names whom he wants', () => {
    const { host, servers } = cluster('slotcache', 2);
    const [master, stale] = servers;
    Object.assign(stale, { stream: 'stream-0', isLinkUp: false });
    host.time.run(500);
    crash(host, master);
    host.time.run(5000);
    expect(host.state.view.group(1)!.state).toBe('failing-over');
    const outcomes: SwitchOutcome[] = [];
    host.driver.request('forced', 1, stale.id, 'test', (outcome) => outcomes.push(outcome));
    host.time.run(2000);
    expect(outcomes).toMatchObject([{ isDone: true, newMaster: stale.id }]);
    expect(host.state.reports.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'automatic abandoned',
      'forced promoted',
    ]);
  });
});

describe('changes that operators ask for', () => {
  test.each(['slotcache', 'redis'] as const)(
    'planned, %s: the master stands still until the target has all',
    (engine) => {
      const { host, servers } = cluster(engine);
      const [master, , target] = servers;
      master.offset = 500;
      const outcomes: SwitchOutcome[] = [];
      host.driver.request('planned', 1, target.id, 'test', (outcome) => outcomes.push(outcome));
      host.time.run(300);
      expect(host.state.view.group(1)!.state).toBe('switching');
      expect(master.orders[0]).toMatch(engine === 'slotcache' ? /^SLOTCACHE HOLD 2 \d+$/ : /^CLIENT PAUSE \d+ WRITE$/);
      expect(target.orders).toEqual([]);
      target.offset = 500;
      host.time.run(50);
      expect(outcomes).toMatchObject([{ isDone: true, newMaster: target.id }]);
      expect(host.state.partings.get(1)).toEqual({ stream: 'stream-1', offset: 500 });
    },
  );

  test('planned: the master is told to stand still the moment the last proxy has drained', () => {
    const { host, servers } = cluster('slotcache');
    host.decide({ does: 'register-proxy', proxy: { runId: 'a'.repeat(40), address: '10.0.0.2:6379', zone: '' } });
    host.leases.stateChanged();
    host.leases.renewProxy('a'.repeat(40), host.state.view.version);
    const begun = vi.spyOn(host.monitor, 'command');
    host.driver.request('planned', 1, servers[2].id, 'test', () => undefined);
    host.time.run(50);
    expect(begun).not.toHaveBeenCalled();
    host.leases.renewProxy('a'.repeat(40), host.state.view.version);
    expect(begun.mock.calls[0][1].slice(0, 2)).toEqual(['SLOTCACHE', 'HOLD']);
  });

  test('planned, and the target never gets there: given up, and the master is released', () => {
    const { host, servers } = cluster('slotcache');
    servers[0].offset = 500;
    const outcomes: SwitchOutcome[] = [];
    host.driver.request('planned', 1, servers[2].id, 'test', (outcome) => outcomes.push(outcome));
    host.time.run(2500);
    expect(outcomes).toMatchObject([{ isDone: false, code: 'ABANDONED' }]);
    expect(servers[0].orders.at(-1)).toBe('SLOTCACHE RELEASE');
    expect(masterOf(host)).toBe(servers[0].id);
  });

  test('forced, of a master that is well: it stands still first', () => {
    const { host, servers } = cluster('slotcache');
    const outcomes: SwitchOutcome[] = [];
    host.leases.renewServer(servers[0].runId, 0);
    host.driver.request('forced', 1, servers[2].id, 'test', (outcome) => outcomes.push(outcome));
    host.time.run(200);
    expect(outcomes).toMatchObject([{ isDone: true, newMaster: servers[2].id }]);
  });

  test('are refused where they cannot be', () => {
    const { host, servers } = cluster('slotcache');
    const ask = (group: number, target: string): SwitchOutcome => {
      let answer!: SwitchOutcome;
      host.driver.request('planned', group, target, 'test', (outcome) => (answer = outcome));
      return answer;
    };
    expect(ask(2, '')).toMatchObject({ message: 'there is no group 2' });
    expect(ask(1, servers[0].id)).toMatchObject({ message: `${servers[0].id} is the master of group 1 already` });
    expect(ask(1, '1.2.3.4:5')).toMatchObject({ message: '1.2.3.4:5 is not a member of group 1' });
  });
});

test.each([
  ['promote-before-lease-expiry', 'slotcache'],
  ['proxies-not-waited', 'redis'],
] as const)('the planted bug %s shows', (bug, engine) => {
  const { host, servers } = cluster(engine);
  host.decide({ does: 'register-proxy', proxy: { runId: 'a'.repeat(40), address: '10.0.0.2:6379', zone: '' } });
  host.leases.stateChanged();
  host.leases.renewServer(servers[0].runId, 0);
  host.leases.renewProxy('a'.repeat(40), host.state.view.version);
  plant(bug);
  servers[0].health = 'gone';
  host.othersSay(servers[0].id, 'refused');
  host.time.run(400);
  expect(masterOf(host)).not.toBe(servers[0].id);
});

/** The link to the config servers: it greets, renews, acknowledges, and finds another one in time. */
import { expect, test } from 'vitest';
import type { Reply } from '../../src/resp';
import type { ClusterView } from '../../src/slots';
import { Lease, ViewLink, type ViewFollower, type Words } from '../../src/views';
import { paperServers, VirtualTime, type PaperServer } from './virtual';

const LEASE_MS = 800;

class PaperFollower implements ViewFollower {
  readonly kind = 'PROXY';
  readonly runId = 'run';
  readonly views: number[] = [];
  readonly lease = new Lease();
  readonly answers: (readonly Reply[])[] = [];
  secret = '';

  knownVersion(): number {
    return this.views.at(-1) ?? -1;
  }

  password(): string {
    return this.secret;
  }

  introduction(localAddress: string): Words {
    return ['PROXY', 'REGISTER', 'run', localAddress];
  }

  view({ version }: ClusterView): void {
    this.views.push(version);
  }

  renewed(sentMs: number, arrivedMs: number, answer: readonly Reply[]): void {
    this.answers.push(answer);
    this.lease.renewed(sentMs, Number(answer[0]), arrivedMs);
  }
}

class Stage {
  readonly time = new VirtualTime();
  readonly follower = new PaperFollower();
  readonly servers: PaperServer[];
  readonly link: ViewLink;

  constructor() {
    const { connect, servers } = paperServers(this.time);
    const addresses = servers.map(({ address }) => address);
    this.servers = servers;
    this.link = new ViewLink(this.time.world, addresses, this.follower, connect);
  }

  /** The server that the link is connected to. */
  get linked(): PaperServer {
    return this.servers.find(({ address }) => `${address.host}:${address.port}` === this.link.connectedTo)!;
  }

  start(): this {
    this.link.start();
    this.time.pass(20);
    return this;
  }

  /** The longest time without a lease while `ms` pass. */
  gapMs(ms: number): number {
    let longest = 0;
    let gap = 0;
    for (let i = 0; i < ms; i++) {
      this.time.pass(1);
      gap = this.follower.lease.isHeld(this.time.nowMs) ? 0 : gap + 1;
      longest = Math.max(longest, gap);
    }
    return longest;
  }
}

test('it greets with all it has to say, in one go', () => {
  const stage = new Stage();
  stage.follower.secret = 'secret';
  stage.start();
  expect(stage.linked.heard).toEqual([
    'HELLO 3 AUTH default secret',
    'VIEW SUBSCRIBE -1',
    'PROXY REGISTER run 10.0.0.9:50000',
    'LEASE RENEW PROXY run -1',
    'LEASE RENEW PROXY run -1',
  ]);
  expect(stage.follower.lease.isHeld(stage.time.nowMs)).toBe(true);
});

test('it renews ten times a second, and at once when a view is in force', () => {
  const stage = new Stage().start();
  const { heard, sessions } = stage.linked;
  heard.length = 0;
  stage.time.pass(1000);
  expect(heard.filter((line) => line.startsWith('LEASE RENEW')).length).toBe(10);
  stage.time.pass(30);
  heard.length = 0;
  sessions[0].push(7);
  stage.time.pass(5);
  expect(stage.follower.views).toEqual([7]);
  expect(heard).toEqual([]);
  stage.link.viewInForce(7);
  stage.time.pass(5);
  expect(heard).toEqual(['VIEW ACK 7', 'LEASE RENEW PROXY run 7']);
  stage.link.viewInForce(6);
  expect(stage.link.versionInForce).toBe(7);
});

test('a view in force that nobody waits for is told with the next renewal', () => {
  const stage = new Stage().start();
  const { heard } = stage.linked;
  stage.time.pass(1000);
  heard.length = 0;
  stage.link.viewInForce(7, false);
  stage.time.pass(5);
  expect(heard).toEqual(['VIEW ACK 7']);
  stage.time.pass(100);
  expect(heard).toContain('LEASE RENEW PROXY run 7');
});

test.each([
  ['dies', (server: PaperServer) => server.die()],
  ['falls silent', (server: PaperServer) => void (server.state = 'silent')],
  ['has no leader', (server: PaperServer) => void (server.renewal = '-NOQUORUM no leader\r\n')],
])('the lease outlives a config server that %s', (_, fail) => {
  for (let round = 0; round < 20; round++) {
    const stage = new Stage();
    for (let i = 0; i < round; i++) stage.time.world.random.fraction();
    stage.start();
    const former = stage.linked;
    stage.time.pass(round * 7);
    fail(former);
    expect(stage.gapMs(1500)).toBe(0);
    expect(stage.linked).not.toBe(former);
  }
});

test('two that refuse are passed over, still within the lease', () => {
  const stage = new Stage().start();
  const [first, second] = [stage.linked, stage.servers[(stage.servers.indexOf(stage.linked) + 1) % 3]];
  second.state = 'refusing';
  first.die();
  expect(stage.gapMs(1500)).toBe(0);
});

test('while nobody answers it goes on trying, with pauses that grow, and says so once', () => {
  const stage = new Stage();
  for (const server of stage.servers) server.state = 'refusing';
  stage.link.start();
  stage.time.pass(10_000);
  const warnings = stage.time.log.filter(([level]) => level === 'warning');
  expect(warnings).toHaveLength(1);
  const attempts = stage.time.log.filter(([, message]) => message.includes('refused')).length;
  expect(attempts).toBeGreaterThan(40);
  expect(attempts).toBeLessThan(160);
  stage.servers[1].state = 'up';
  stage.time.pass(800);
  expect(stage.link.connectedTo).toBe('config2:6390');
});

test('one that vanishes while it is connected to is given up', () => {
  const stage = new Stage();
  const others = stage.servers.slice(1);
  for (const server of others) server.state = 'gone';
  stage.link.start();
  stage.time.pass(1000);
  expect(stage.link.connectedTo).toBe('config1:6390');
});

test('it makes itself known again where it is not, and does not where it is', () => {
  const stage = new Stage().start();
  const { linked } = stage;
  const registrations = (): number => linked.heard.filter((line) => line.startsWith('PROXY REGISTER')).length;
  stage.time.pass(500);
  expect(registrations()).toBe(1);
  linked.renewal = '-UNREGISTERED who are you\r\n';
  stage.time.pass(250);
  linked.renewal = `*2\r\n:${LEASE_MS}\r\n:1\r\n`;
  const known = registrations();
  expect(known).toBeGreaterThan(1);
  stage.time.pass(500);
  expect(registrations()).toBeLessThanOrEqual(known + 1);
});

test('an answer that comes after the link was given up renews nothing', () => {
  const stage = new Stage().start();
  const { linked } = stage;
  linked.delayMs = 400;
  const renewed = stage.follower.answers.length;
  stage.time.pass(320);
  expect(stage.linked).not.toBe(linked);
  const sent = stage.follower.answers.length;
  linked.renewal = '*2\r\n:99999\r\n:1\r\n';
  stage.time.pass(1000);
  expect(stage.follower.answers.every(([leaseMs]) => leaseMs === LEASE_MS)).toBe(true);
  expect(sent).toBeGreaterThanOrEqual(renewed);
});

test('a view that cannot be is passed over; a config server that refuses the password is left', () => {
  const stage = new Stage().start();
  stage.linked.sessions[0].send('>3\r\n$4\r\nview\r\n:9\r\n$2\r\n{}\r\n');
  stage.time.pass(10);
  expect(stage.follower.views).toEqual([]);
  expect(stage.time.log.some(([, message]) => message.includes('a view that cannot be'))).toBe(true);
  const former = stage.linked;
  stage.linked.sessions[0].send('nonsense\r\n');
  stage.time.pass(200);
  expect(stage.linked).not.toBe(former);
});

test('it says farewell, and ends without an answer, too', () => {
  const stage = new Stage().start();
  const { linked } = stage;
  let ends = 0;
  linked.delayMs = 1000;
  stage.link.stop(['PROXY', 'DEREGISTER', 'here'], () => ends++);
  stage.time.pass(150);
  expect(ends).toBe(0);
  stage.time.pass(100);
  expect(ends).toBe(1);
  stage.time.pass(5000);
  expect(stage.link.connectedTo).toBe(null);
  expect(ends).toBe(1);
  const other = new Stage().start();
  const server = other.linked;
  other.link.stop(['PROXY', 'DEREGISTER', 'here'], () => ends++);
  other.time.pass(5);
  expect([ends, server.heard.at(-1)]).toEqual([2, 'PROXY DEREGISTER here']);
});

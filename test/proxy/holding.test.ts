/** While a master changes, commands wait in the proxy: clients see a delay and no error, and their order is kept. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOWER, PaperCluster, UPPER, withPlanted } from './paper';

const GET = `GET ${LOWER}\r\n`;
const GET_UPPER = `GET ${UPPER}\r\n`;
const UNKNOWN =
  '-UNKNOWNOUTCOME the connection to server a:6379 was lost; whether the command was carried out is unknown\r\n';
const CHANGING = '-CLUSTERDOWN a change of master is under way in group 1\r\n';

function servingCluster(settings = {}): PaperCluster {
  const cluster = new PaperCluster(settings);
  cluster.push({ epoch: 1, master: 'a' });
  cluster.ask(cluster.client(), GET + GET_UPPER);
  return cluster;
}

test('a planned change: what is in flight finishes, what comes waits, in order, and goes to the new master', () => {
  const cluster = servingCluster();
  const [first, second, other] = [cluster.client(), cluster.client(), cluster.client()];
  cluster.a.isHeld = true;
  cluster.ask(first, GET);
  const version = cluster.push({ epoch: 2, master: 'a', state: 'switching' });
  cluster.ask(second, `SET ${LOWER} 1\r\nGET ${UPPER}\r\nPING\r\nGE`);
  cluster.ask(first, `MGET ${UPPER} ${LOWER}\r\n`);
  expect(cluster.ask(other, GET_UPPER)).toBe('+c\r\n');
  expect(cluster.inForce).toBeLessThan(version);
  cluster.a.release();
  cluster.pass(20);
  expect(first.text).toBe('+a\r\n');
  expect(second.text).toBe('');
  expect(cluster.inForce).toBe(version);
  expect(cluster.ask(other, 'INFO slotcache\r\n')).toContain('slotcache_held_sessions:2\r\n');
  expect(cluster.ask(second, `T ${LOWER}\r\n`)).toBe('');

  cluster.push({ epoch: 2, master: 'b' });
  cluster.pass(20);
  expect(second.text).toBe('+b\r\n+c\r\n+PONG\r\n+b\r\n');
  expect(cluster.b.commands).toEqual([`SET ${LOWER} 1`, `MGET ${LOWER}`, `GET ${LOWER}`]);
  expect(cluster.a.commands.length).toBe(2);
  expect(cluster.proxy.holding.heldBytes).toBe(0);
});

test('a view is said to be in force no sooner than nothing is in flight that it holds back', () => {
  const versionsWhileInFlight = (): [number, number] => {
    const cluster = servingCluster();
    cluster.a.isHeld = true;
    cluster.ask(cluster.client(), GET);
    const version = cluster.push({ epoch: 2, master: 'a', state: 'switching' });
    cluster.pass(300);
    return [cluster.inForce, version];
  };
  const [inForce, version] = versionsWhileInFlight();
  expect(inForce).toBe(version - 1);
  withPlanted('view-acked-before-drained', () => expect(versionsWhileInFlight()).toEqual([version, version]));
});

test('what does not finish in time is given up', () => {
  const cluster = servingCluster();
  const client = cluster.client();
  cluster.a.isHeld = true;
  cluster.ask(client, GET);
  const version = cluster.push({ epoch: 2, master: 'a', state: 'switching' });
  cluster.pass(1100);
  expect(client.text).toBe(UNKNOWN);
  expect(cluster.inForce).toBe(version);
});

test('a master that is given up: what is in flight fails at once, its answer never passes, and what comes waits', () => {
  const cluster = servingCluster();
  const client = cluster.client();
  cluster.a.isHeld = true;
  cluster.ask(client, GET);
  const version = cluster.push({ epoch: 2, master: 'a', state: 'failing-over' });
  expect(client.text).toBe(UNKNOWN);
  expect(cluster.inForce).toBe(version);
  expect(cluster.ask(client, GET)).toBe('');
  cluster.a.release();
  cluster.pass(100);
  expect(client.text).toBe(UNKNOWN);
  const connections = cluster.b.sessions.length;
  cluster.push({ epoch: 2, master: 'b' });
  expect(cluster.b.sessions.length).toBe(connections + 1);
  cluster.pass(20);
  expect(client.text).toBe(`${UNKNOWN}+b\r\n`);
});

test('a master that dies: commands that were not sent wait for the view that names another', () => {
  const cluster = servingCluster();
  const client = cluster.client();
  cluster.a.die();
  cluster.pass(20);
  expect(cluster.ask(client, GET + GET, 500)).toBe('');
  cluster.push({ epoch: 2, master: 'a', state: 'failing-over' });
  cluster.push({ epoch: 2, master: 'b' });
  cluster.pass(20);
  expect(client.text).toBe('+b\r\n+b\r\n');
});

test('commands for a server that is broken are refused at once where nobody wants them to wait', () => {
  const cluster = servingCluster({ 'hold-when-broken': 'no' });
  cluster.a.die();
  cluster.pass(20);
  const unreachable = '-CLUSTERDOWN server a:6379 is unreachable\r\n';
  expect(cluster.ask(cluster.client(), GET + GET_UPPER)).toBe(`${unreachable}+c\r\n`);
});

test('nothing waits for longer than it may, nor takes more memory; what follows goes on', () => {
  const cluster = servingCluster({ 'hold-timeout': 1000, 'hold-bytes': 100 });
  cluster.push({ epoch: 2, master: 'a', state: 'switching' });
  const [first, second, gone] = [cluster.client(), cluster.client(), cluster.client()];
  cluster.ask(gone, GET);
  gone.hangUp();
  cluster.pass(1);
  cluster.ask(first, `SET ${LOWER} ${'x'.repeat(60)}\r\n${GET_UPPER}`);
  expect(cluster.ask(second, GET)).toBe('-CLUSTERDOWN too much waits already for servers that are not ready\r\n');
  cluster.pass(1000);
  expect(first.text).toBe(`${CHANGING}+c\r\n`);
  expect(cluster.ask(first, GET)).toBe(CHANGING);
  expect(cluster.proxy.holding.sessionCount).toBe(0);
  cluster.push({ epoch: 2, master: 'b' });
  expect(cluster.ask(first, GET)).toBe('+b\r\n');
});

test('a pipeline that is cut anywhere and held anywhere keeps its order', () => {
  const piece = fc.constantFrom(GET, GET_UPPER, 'PING\r\n', `*2\r\n$3\r\nGET\r\n$${LOWER.length}\r\n${LOWER}\r\n`);
  const cuts = fc.array(fc.tuple(fc.nat(60), fc.constantFrom('send', 'hold', 'serve')), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), cuts, (pieces, steps) => {
      const cluster = servingCluster();
      const client = cluster.client();
      const text = pieces.join('');
      let sent = 0;
      let epoch = 1;
      for (const [length, deed] of steps) {
        client.send(text.slice(sent, sent + length));
        sent = Math.min(text.length, sent + length);
        if (deed === 'hold' && epoch % 2 === 1) cluster.push({ epoch: ++epoch, master: 'a', state: 'switching' });
        if (deed === 'serve' && epoch % 2 === 0) cluster.push({ epoch: ++epoch, master: 'a' });
        cluster.pass(2);
      }
      client.send(text.slice(sent));
      cluster.pass(5);
      if (epoch % 2 === 0) cluster.push({ epoch: ++epoch, master: 'a' });
      cluster.pass(20);
      const answerOf = (sentPiece: string): string =>
        sentPiece === GET_UPPER ? '+c\r\n' : sentPiece.startsWith('PING') ? '+PONG\r\n' : '+a\r\n';
      expect(client.text).toBe(pieces.map(answerOf).join(''));
    }),
    { numRuns: 100 },
  );
});

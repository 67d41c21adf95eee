/**
 * The promise that matters most: every client gets the replies to its own commands, each once, in order, and they are
 * those of a single server; whatever the network does to the times at which servers answer.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Client } from '../../src/net';
import { Model, outcome, settle, TestCluster } from './cluster';

type Command = readonly string[];

const key = fc.integer({ min: 0, max: 9 }).map((i) => `k${i}`);
const value = fc.oneof(
  fc.integer({ min: -5, max: 999 }).map(String),
  fc.integer({ min: 0, max: 40 }).map((n) => 'x'.repeat(n * n)),
);
const keys = fc.array(key, { minLength: 1, maxLength: 8 });

/** Commands on one client's keys, which `prefix` makes its own. */
const command: fc.Arbitrary<(prefix: string) => Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom('GET', 'INCR', 'STRLEN', 'GETDEL', 'TYPE', 'TTL'), key).map(withKeys),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('SET'), key, value).map(([name, k, v]) => pairs(name, [[k, v]])) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('APPEND'), key, value).map(([name, k, v]) => pairs(name, [[k, v]])) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('MGET', 'DEL', 'EXISTS', 'TOUCH', 'UNLINK'), keys)
      .map(([name, all]) => (prefix: string) => [name, ...all.map((k) => prefix + k)]),
  },
  {
    weight: 2,
    arbitrary: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 6 }).map((all) => pairs('MSET', all)),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Command>(['PING'], ['ECHO', 'e'], ['GET'], ['NONSENSE', 'x'], ['MSET', 'a', '1', 'b'])
      .map((fixed) => () => fixed),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }).map((db) => () => ['SELECT', String(db)]) },
);

function withKeys([name, k]: [string, string]): (prefix: string) => Command {
  return (prefix) => [name, prefix + k];
}

function pairs(name: string, all: readonly (readonly [string, string])[]): (prefix: string) => Command {
  return (prefix) => [name, ...all.flatMap(([k, v]) => [prefix + k, v])];
}

/** Sends commands in bursts, each in one turn. */
async function play(client: Client, bursts: readonly (readonly Command[])[]): Promise<unknown[]> {
  const replies: Promise<unknown>[] = [];
  for (const burst of bursts) {
    for (const each of burst) replies.push(outcome(client.command(...each)));
    await settle(1);
  }
  return Promise.all(replies);
}

const bursts = fc.array(fc.array(command, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 });

test('several clients over three slow servers see what each would see alone on one server', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(bursts, { minLength: 1, maxLength: 4 }), async (seed, scripts) => {
      const cluster = new TestCluster({ seed });
      const model = new Model();
      const played = await Promise.all(
        scripts.map(async (script, i) => {
          const commands = script.map((burst) => burst.map((make) => make(`c${i}:`)));
          const client = await cluster.client(i % 2 === 0 ? 2 : 3);
          return { commands, replies: await play(client, commands) };
        }),
      );
      for (const { commands, replies } of played) expect(replies).toEqual(await play(model.client(), commands));
      for (const backend of cluster.proxy.backends.all) expect(backend.owed).toBe(0);
      await cluster.stop();
      await model.stop();
    }),
    { numRuns: 40 },
  );
});

test('one client over three slow servers sees sums and floods in order too', async () => {
  const wide = fc.constantFrom<Command>(['DBSIZE'], ['FLUSHALL'], ['FLUSHDB']).map((fixed) => () => fixed);
  const mixed = fc.array(fc.oneof({ weight: 6, arbitrary: command }, { weight: 1, arbitrary: wide }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(fc.integer(), mixed, async (seed, script) => {
      const cluster = new TestCluster({ seed });
      const model = new Model();
      const commands = [script.map((make) => make('c:'))];
      expect(await play(await cluster.client(), commands)).toEqual(await play(model.client(), commands));
      await cluster.stop();
      await model.stop();
    }),
    { numRuns: 30 },
  );
});

test('clients that hang up leave nobody else their replies', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.boolean(), { minLength: 4, maxLength: 30 }), async (seed, leaves) => {
      const cluster = new TestCluster({ seed });
      const stayed: { text: string; wanted: string; client: { text: string } }[] = [];
      for (const [i, isLeaving] of leaves.entries()) {
        const client = cluster.raw();
        let wanted = '';
        for (let j = 0; j < 6; j++) {
          const word = `${i}-${j}`;
          client.send(`SET c${i}:k${j} ${word}\r\nGET c${i}:k${j}\r\nMGET c${i}:k${j} c${i}:k0\r\n`);
          const bulk = `$${word.length}\r\n${word}\r\n`;
          wanted += `+OK\r\n${bulk}*2\r\n${bulk}$${i.toString().length + 2}\r\n${i}-0\r\n`;
        }
        await settle(2);
        if (isLeaving) client.hangUp();
        else stayed.push({ text: '', wanted, client });
      }
      for (const { wanted, client } of stayed) {
        while (client.text.length < wanted.length) await settle(1);
        expect(client.text).toBe(wanted);
      }
      await cluster.stop();
    }),
    { numRuns: 20 },
  );
});

test('a hundred thousand commands leave nothing behind', async () => {
  const cluster = new TestCluster();
  const client = cluster.raw();
  const wanted: string[] = [];
  for (let round = 0; round < 100; round++) {
    let text = '';
    for (let i = 0; i < 1000; i++) text += i % 10 === 9 ? `MGET a b c\r\n` : `SET k${i} ${round}\r\n`;
    client.send(text);
    wanted.push(text);
    await settle(4);
  }
  const length = wanted.length * (900 * '+OK\r\n'.length + 100 * '*3\r\n$-1\r\n$-1\r\n$-1\r\n'.length);
  while (client.text.length < length) await settle(1);
  expect(client.text.length).toBe(length);
  const [session] = cluster.proxy.sessions.values();
  expect(session.owed).toBe(0);
  expect(session.head).toBe(null);
  expect(session.unsentBytes).toBe(0);
  expect([...cluster.proxy.backends.all].map((backend) => backend.owed)).toEqual([0, 0, 0, 0, 0, 0]);
  await cluster.stop();
});

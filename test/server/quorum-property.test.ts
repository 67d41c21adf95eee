/**
 * `write-quorum` against whatever may happen: clients write and read in pipelines of any kind, replicas acknowledge, go and come
 * back, time passes, clients are killed. Replies come in order; none to a write before enough replicas had it at once; and
 * an error only where they had not.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ReplicatedNode, settle, type Reply } from './fake-replicas';

const CLIENTS = 3;
const REPLICAS = 3;
const TIMEOUT_MS = 300;

const LINES = {
  read: ['ECHO hello'],
  write: ['INCR n'],
  transaction: ['MULTI', 'INCR n', 'INCR n', 'EXEC'],
  nothing: ['DEL missing'],
};
const command = fc.constantFrom('read', 'write', 'transaction', 'nothing');
const client = fc.nat(CLIENTS - 1);
const replica = fc.nat(REPLICAS - 1);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ client, commands: fc.array(command, { maxLength: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ replica, bytesBehind: fc.nat(100) }) },
  { weight: 2, arbitrary: fc.record({ passMs: fc.nat(TIMEOUT_MS) }) },
  { weight: 1, arbitrary: fc.record({ replica, isOnline: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ killed: client }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** One connection: the replies that it is owed, and the offsets of its writes in order. */
interface Connection {
  readonly sessionId: number;
  readonly say: (...lines: string[]) => Reply[];
  readonly owed: { readonly line: string; readonly reply: Reply }[];
  readonly offsets: number[];
  /** What its key holds as far as replies have told. */
  count: number;
}

class Play {
  readonly stage: ReplicatedNode;
  readonly connections: Connection[];
  private readonly isHolding: () => boolean;
  /** The offset that enough replicas have now, and the highest that they ever had. */
  private reached = 0;
  private everReached = 0;

  constructor(private readonly needed: number) {
    const settings = { 'write-quorum': String(needed), 'write-quorum-timeout': String(TIMEOUT_MS) };
    this.stage = new ReplicatedNode(settings, REPLICAS);
    const quorum = this.stage.node.quorum!;
    this.isHolding = () => quorum.isHolding;
    const hold = quorum.hold.bind(quorum);
    vi.spyOn(quorum, 'hold').mockImplementation((session, start) => {
      this.connections.find(({ sessionId }) => sessionId === session.id)?.offsets.push(session.writtenTo);
      hold(session, start);
    });
    this.connections = Array.from({ length: CLIENTS }, () => this.connect());
  }

  private connect(): Connection {
    const say = this.stage.speaker();
    const sessionId = [...this.stage.node.sessions.keys()].at(-1)!;
    return { sessionId, say, owed: [], offsets: [], count: 0 };
  }

  async take(next: Step): Promise<void> {
    const { connections, stage } = this;
    if ('commands' in next) {
      const { owed, say } = connections[next.client];
      // Keys of their own, so that each reply is known.
      const lines = next.commands.flatMap((each) => LINES[each]).map((line) => line.replace(' n', ` n${next.client}`));
      say(...lines).forEach((reply, i) => owed.push({ line: lines[i], reply }));
    } else if ('bytesBehind' in next) {
      const before = stage.acked[next.replica];
      if (before !== null) stage.acknowledge(next.replica, Math.max(before, stage.offset - next.bytesBehind));
    } else if ('passMs' in next) {
      await stage.pass(next.passMs);
    } else if ('isOnline' in next) {
      stage.setOnline(next.replica, next.isOnline);
    } else {
      stage.node.sessions.get(connections[next.killed].sessionId)!.kill();
      await settle();
      const count = Number(await stage.client().command('GET', `n${next.killed}`));
      connections[next.killed] = { ...this.connect(), count };
    }
    await settle();
    this.look();
  }

  /** Checks all replies that have come. */
  private look(): void {
    const { needed, stage } = this;
    const reachedBefore = this.reached;
    this.reached = stage.acked.map((offset) => offset ?? -1).sort((a, b) => b - a)[needed - 1];
    this.everReached = Math.max(this.everReached, this.reached);
    const surelyReached = Math.min(reachedBefore, this.reached);
    for (const connection of this.connections) {
      const arrived = connection.owed.findIndex(({ reply }) => reply.value === 'none yet');
      const seen = connection.owed.splice(0, arrived < 0 ? connection.owed.length : arrived);
      for (const { line, reply } of seen) this.check(connection, line, reply.value, surelyReached);
      expect(connection.owed.some(({ reply }) => reply.value !== 'none yet')).toBe(false);
    }
  }

  private check(connection: Connection, line: string, value: unknown, surelyReached: number): void {
    if (line.startsWith('ECHO')) return expect(value).toBe('hello');
    if (line === 'MULTI') return expect(value).toBe('OK');
    const isError = typeof value === 'string' && value.startsWith('NOREPLICAS');
    if (value === 'QUEUED' || (isError && value.includes('Nothing was written'))) return;
    if (typeof value === 'string' && value.startsWith('EXECABORT')) return;
    if (line.startsWith('DEL')) return expect(value).toBe(0);
    const offset = connection.offsets.shift()!;
    const { count } = connection;
    connection.count += line === 'EXEC' ? 2 : 1;
    if (isError) return expect(offset).toBeGreaterThan(surelyReached);
    expect(value).toEqual(line === 'EXEC' ? [count + 1, count + 2] : count + 1);
    expect(offset).toBeLessThanOrEqual(this.everReached);
  }

  async end(): Promise<void> {
    await this.take({ passMs: TIMEOUT_MS });
    expect(this.connections.map(({ owed }) => owed.length)).toEqual([0, 0, 0]);
    expect(this.isHolding()).toBe(false);
    expect([...this.stage.node.sessions.values()].every(({ out }) => out.length === 0)).toBe(true);
  }
}

test('replies wait for replicas, and for nothing else', { timeout: 30_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 }), fc.array(step, { maxLength: 40 }), async (needed, steps) => {
      const play = new Play(needed);
      for (const each of steps) await play.take(each);
      await play.end();
    }),
    { numRuns: 200 },
  );
});

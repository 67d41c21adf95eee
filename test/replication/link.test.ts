/**
 * The machines of a replica's link: what is said before data flow, where a snapshot ends, and what becomes of any bytes at all.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBuffer, realWorld } from '../../src/base';
import { memoryPair, type Connection } from '../../src/net';
import {
  Handshake,
  MasterLink,
  Transfer,
  type HandshakeEnd,
  type Introduction,
  type LinkUser,
} from '../../src/replication';

const ID = '0123456789abcdef0123456789abcdef01234567';
const MARK = 'ffffffffff0000000000ffffffffff0000000000';
const NOBODY: Introduction = {
  user: '',
  password: '',
  port: 7000,
  address: '',
  version: '7.2.5',
  place: null,
  handsOver: false,
};

/** What a replica says to a master that answers so; then how it ended. */
function dialogue(introduction: Partial<Introduction>, answers: readonly string[]): [string[], HandshakeEnd | null] {
  const handshake = new Handshake({ ...NOBODY, ...introduction });
  const said = [handshake.command.join(' ')];
  for (const answer of answers) {
    handshake.answer(answer);
    if (handshake.end !== null) break;
    said.push(handshake.command.join(' '));
  }
  return [said, handshake.end];
}

const WELCOME = ['+PONG', '+OK', '+OK', '+OK'];

describe('the handshake', () => {
  it('says who we are, and asks for what we lack', () => {
    expect(dialogue({}, [...WELCOME, `+FULLRESYNC ${ID} 17`])).toEqual([
      ['PING', 'REPLCONF listening-port 7000', 'REPLCONF capa eof capa psync2', 'REPLCONF version 7.2.5', 'PSYNC ? -1'],
      { kind: 'full', id: ID, offset: 17 },
    ]);
    const introduction = { user: 'u', password: 'p', address: 'h', place: { id: ID, offset: 9 }, handsOver: true };
    expect(dialogue(introduction, ['-NOAUTH', '+OK', ...WELCOME, `+CONTINUE ${ID}`])).toEqual([
      [
        'PING',
        'AUTH u p',
        'REPLCONF listening-port 7000',
        'REPLCONF ip-address h',
        'REPLCONF capa eof capa psync2',
        'REPLCONF version 7.2.5',
        `PSYNC ${ID} 10 FAILOVER`,
      ],
      { kind: 'partial', id: ID },
    ]);
  });

  it('passes over what the master does not know, and nothing else', () => {
    const answers = ['-NOPERM', '-ERR unknown', '-ERR unknown', '-ERR unknown', '+CONTINUE'];
    expect(dialogue({}, answers)[1]).toEqual({ kind: 'partial', id: null });
    expect(dialogue({}, ['-LOADING'])[1]?.kind).toBe('failed');
    expect(dialogue({ password: 'p' }, ['+PONG', '-WRONGPASS'])[1]?.kind).toBe('failed');
    expect(dialogue({}, ['+PONG', 'garbage'])[1]?.kind).toBe('failed');
  });

  it('knows when to try again later', () => {
    expect(dialogue({}, [...WELCOME, '-NOMASTERLINK wait'])[1]?.kind).toBe('later');
    expect(dialogue({}, [...WELCOME, '-LOADING wait'])[1]?.kind).toBe('later');
  });

  it.each([
    '+FULLRESYNC',
    `+FULLRESYNC ${ID} -1`,
    `+FULLRESYNC ${ID} 9999999999999999`,
    '+CONTINUE abc',
    '+OK',
    '-ERR',
  ])('takes %s for no answer to PSYNC', (answer) => expect(dialogue({}, [...WELCOME, answer])[1]?.kind).toBe('failed'));
});

/** Cuts bytes at these places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

/** Bytes with pieces of the mark in them. */
const payloads = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.nat({ max: 39 }).map((length) => Buffer.from(MARK.slice(0, length))),
      fc.nat({ max: 39 }).map((length) => Buffer.from(MARK.slice(1, length))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))
  .filter((payload) => Buffer.concat([payload, Buffer.from(MARK)]).indexOf(MARK) === payload.length);

describe('a transfer', () => {
  it.each(['EOF:' + MARK, 'counted'])('cuts the snapshot out of the stream, wherever that is cut (%s)', (kind) => {
    fc.assert(
      fc.property(
        payloads,
        fc.uint8Array({ maxLength: 100 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (payload, behind, cuts) => {
          const isCounted = kind === 'counted';
          const transfer = Transfer.of(isCounted ? `$${payload.length}` : `$${kind}`)!;
          const stream = Buffer.concat([payload, isCounted ? Buffer.alloc(0) : Buffer.from(MARK), behind]);
          const taken: Buffer[] = [];
          const rest: Buffer[] = [];
          transfer.receive(stream, 0, 0, () => undefined);
          for (const piece of pieces(stream, cuts)) {
            let at = 0;
            if (!transfer.isWhole) {
              at = transfer.receive(piece, 0, piece.length, (buffer, from, to) =>
                taken.push(Buffer.from(buffer.subarray(from, to))),
              );
            }
            rest.push(piece.subarray(at));
          }
          expect(transfer.isWhole).toBe(true);
          expect(Buffer.concat(taken).equals(payload)).toBe(true);
          expect(transfer.receivedBytes).toBe(payload.length);
          expect(Buffer.concat(rest).equals(Buffer.from(behind))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each(['$', '$-1', '$12x', '$EOF:', `$EOF:${MARK}0`, '+OK', ''])('takes %j for no snapshot', (line) =>
    expect(Transfer.of(line)).toBe(null),
  );
});

/** A link to whoever the test makes of the other end, with a clock set by hand. */
class Stage implements LinkUser {
  nowMs = 1000;
  readonly events: string[] = [];
  readonly said: string[] = [];
  payload = '';
  received = '';
  holds = false;
  masters: Connection[] = [];
  readonly world = realWorld({ clock: { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs } });
  readonly link = new MasterLink(this.world, this, () => (_address, handler, opened) => {
    const [ours, theirs] = memoryPair(this.world.timers);
    ours.attach(handler);
    theirs.attach({
      received: (buffer, start, end) => void this.said.push(asBuffer(buffer).toString('latin1', start, end)),
      closed: () => undefined,
    });
    this.masters.push(theirs.connection);
    opened(ours.connection);
  });

  introduce = (): Introduction => NOBODY;
  timeoutSeconds = (): number => 60;
  promised = (id: string, offset: number): void => void this.events.push(`promised ${id} ${offset}`);
  refused = (): void => void this.events.push('refused');
  arriving = (totalBytes: number | null): void => void this.events.push(`arriving ${totalBytes}`);
  piece = (buffer: Uint8Array, start: number, end: number): void => {
    this.payload += asBuffer(buffer).toString('latin1', start, end);
  };
  whole = (): void => void this.events.push('whole');
  resumed = (id: string | null): void => void this.events.push(`resumed ${id}`);
  stream = (buffer: Uint8Array, start: number, end: number): void => {
    this.received += asBuffer(buffer).toString('latin1', start, end);
    if (this.holds) this.link.hold();
  };
  acknowledgement = (): number[] => [this.received.length];
  lost = (): void => void this.events.push('lost');
  changed = (): void => undefined;

  async settle(): Promise<void> {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets the master say something. */
  async say(text: string | Uint8Array): Promise<void> {
    this.masters.at(-1)!.write(Buffer.from(text as string, 'latin1'));
    await this.settle();
  }

  async greet(): Promise<void> {
    this.link.start({ host: 'h', port: 1 });
    await this.settle();
    for (const line of WELCOME) await this.say(`${line}\r\n`);
  }
}

describe('the link', () => {
  it('hands a snapshot on, then the stream, which waits for it to be loaded', async () => {
    const stage = new Stage();
    await stage.greet();
    await stage.say(`\n\n+FULLRESYNC ${ID} 5\r\n\n$4\r\nabcd*1\r\n`);
    expect(stage.events).toEqual([`promised ${ID} 5`, 'arriving 4', 'whole']);
    expect([stage.payload, stage.received, stage.link.state]).toEqual(['abcd', '', 'sync']);
    await stage.say('$4\r\nPING\r\n');
    stage.link.synchronized();
    stage.holds = true;
    stage.link.release();
    await stage.settle();
    expect(stage.received).toBe('*1\r\n');
    stage.holds = false;
    stage.link.release();
    await stage.settle();
    expect([stage.received, stage.link.state]).toEqual(['*1\r\n$4\r\nPING\r\n', 'connected']);
    expect(stage.said.at(-1)).toContain('REPLCONF');
  });

  it('loads what it has before it notices that the connection is gone', async () => {
    const stage = new Stage();
    await stage.greet();
    await stage.say(`+FULLRESYNC ${ID} 5\r\n$4\r\nabcd*1\r\n`);
    stage.masters[0].destroy();
    await stage.settle();
    expect(stage.events).not.toContain('lost');
    stage.link.synchronized();
    stage.link.release();
    await stage.settle();
    expect([stage.received, stage.link.state, stage.events.at(-1)]).toEqual(['*1\r\n', 'connect', 'lost']);
  });

  it('says how far it is each second, and that it lives while a snapshot comes', async () => {
    const stage = new Stage();
    await stage.greet();
    await stage.say(`+FULLRESYNC ${ID} 5\r\n$4\r\n`);
    stage.nowMs += 1000;
    stage.link.tick();
    await stage.settle();
    expect(stage.said.at(-1)).toBe('\n');
    await stage.say('abcd');
    stage.link.synchronized();
    stage.link.release();
    await stage.settle();
    stage.nowMs += 1000;
    const before = stage.said.length;
    stage.link.tick();
    stage.link.tick();
    await stage.settle();
    expect(stage.said.slice(before).join('')).toBe('*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n');
  });

  it('ends after silence, in any state, and tries again after a second', async () => {
    const stages: string[][] = [[], WELCOME, [...WELCOME, `+FULLRESYNC ${ID} 5`], [...WELCOME, '+CONTINUE']];
    for (const lines of stages) {
      const stage = new Stage();
      stage.link.start({ host: 'h', port: 1 });
      await stage.settle();
      for (const line of lines) await stage.say(`${line}\r\n`);
      stage.nowMs += 60_001;
      stage.link.tick();
      expect(stage.link.state).toBe('connect');
      stage.nowMs += 999;
      stage.link.tick();
      expect(stage.masters.length).toBe(1);
      stage.nowMs += 1;
      stage.link.tick();
      expect(stage.masters.length).toBe(2);
    }
  });

  it('does not listen to a connection that it has left', async () => {
    const stage = new Stage();
    await stage.greet();
    stage.link.start({ host: 'h', port: 2 });
    stage.masters[0].write(Buffer.from('+CONTINUE\r\n'));
    await stage.settle();
    expect(stage.link.state).toBe('handshake');
    stage.link.stop();
    await stage.say('+PONG\r\n');
    stage.nowMs += 100_000;
    stage.link.tick();
    expect([stage.link.state, stage.masters.length]).toEqual(['connect', 2]);
  });

  it('takes any bytes without harm', async () => {
    const words = [
      '+PONG\r\n',
      '+OK\r\n',
      '-ERR\r\n',
      '\n',
      `+FULLRESYNC ${ID} 5\r\n`,
      '+CONTINUE\r\n',
      '$5\r\n',
      `$EOF:${MARK}\r\n`,
      MARK,
      '$0\r\n',
    ];
    const said = fc.array(
      fc.oneof(
        fc.constantFrom(...words).map((word) => Buffer.from(word)),
        fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(said, fc.array(fc.nat(), { maxLength: 10 }), async (parts, cuts) => {
        const stage = new Stage();
        stage.link.start({ host: 'h', port: 1 });
        await stage.settle();
        for (const piece of pieces(Buffer.concat(parts), cuts)) stage.masters[0].write(piece);
        await stage.settle();
        const { isHeld, state } = stage.link;
        stage.nowMs += 61_000;
        stage.link.tick();
        // What did not end by what was said ends by silence.
        expect(stage.link.state).toBe(isHeld ? state : state === 'connect' ? 'handshake' : 'connect');
        stage.link.stop();
      }),
      { numRuns: 150 },
    );
  });
});

/**
 * Traffic: a steady load, and how long each reply took, in a process of its own that snapshot-watch.ts starts.
 *
 * The load is open: each half millisecond has its operations, whether the replies to earlier ones are in or not, and the time of a
 * reply counts from the tick that its operation belongs to, not from when it could be sent. So a server that stops for 100 ms
 * is seen by all operations of these 100 ms, not only by one per connection (what is known as coordinated omission). Node's own
 * timers are late by 0.6 ms as a rule; a second thread that does nothing but sleep till the next tick is late by 0.05 (measured).
 * That, too, is recorded: a figure below this process' own lateness says nothing of the server.
 *
 * On the message "phase" it tells what it saw since the last one. A reply that is an error ends it.
 */
import { connect, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Template, writeDigits } from './loader';
import { Latencies, type Quantiles } from './snapshot-latencies';

/** What it is to do: its one argument, as JSON. */
export interface Task {
  readonly port: number;
  readonly connections: number;
  /** As many as make a whole number per tick of half a millisecond. */
  readonly operationsPerSecond: number;
  /** Words of templates, of which each operation takes one at random. */
  readonly operations: readonly (readonly string[])[];
  /** Each place in a template gets a random number below this. */
  readonly range: number;
}

/** What it tells. */
export interface Phase {
  readonly latencies: Quantiles;
  /** How late operations were sent. */
  readonly lateness: Quantiles;
}

interface Rhythm {
  readonly beginMicros: number;
}

const TICK_MICROS = 500;
const RECEIVE_BYTES = 16_384;

const LF = 10;
const DOLLAR = 36;
const MINUS = 45;

/** The clock that all threads share. */
function nowMicros(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

/** One connection: when the operations were due whose replies it waits for, and how far the reply at hand has come. */
class Lane {
  readonly socket: Socket;
  private dueMicros: number[] = [];
  private next = 0;
  private column = 0;
  private kind = 0;
  private isNull = false;
  private isBody = false;

  constructor(
    port: number,
    private readonly latencies: Latencies,
  ) {
    const callback = (length: number, bytes: Uint8Array): boolean => this.receive(bytes, length);
    const onread = { buffer: Buffer.alloc(RECEIVE_BYTES), callback };
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.socket.once('error', (error) => giveUp(`the connection of the traffic failed: ${error.message}`));
    this.socket.once('end', () => giveUp('the server closed a connection of the traffic'));
  }

  send(bytes: Buffer, dueMicros: number): void {
    this.dueMicros.push(dueMicros);
    this.socket.write(bytes);
  }

  /** Counts replies by their lines: no value that this load stores has a line feed in it. */
  private receive(bytes: Uint8Array, length: number): boolean {
    const atMicros = nowMicros();
    for (let i = 0; i < length; i++) {
      const byte = bytes[i];
      if (this.column === 0 && !this.isBody) {
        this.kind = byte;
        if (byte === MINUS)
          giveUp(`the traffic was answered by ${Buffer.from(bytes).toString('latin1', i, length).trim()}`);
      } else if (this.column === 1 && !this.isBody) {
        this.isNull = byte === MINUS;
      }
      this.column++;
      if (byte === LF) this.endOfLine(atMicros);
    }
    return true;
  }

  private endOfLine(atMicros: number): void {
    this.column = 0;
    this.isBody = !this.isBody && this.kind === DOLLAR && !this.isNull;
    if (this.isBody) return;
    this.latencies.record(atMicros - this.dueMicros[this.next++]);
    if (this.next < this.dueMicros.length) return;
    this.dueMicros = [];
    this.next = 0;
  }
}

class Traffic {
  private readonly latencies = new Latencies();
  private readonly lateness = new Latencies();
  private readonly lanes: readonly Lane[];
  private readonly templates: readonly Template[];
  private readonly operationsPerTick: number;
  private operations = 0;
  private ticks = 0;

  constructor(private readonly task: Task) {
    this.lanes = Array.from({ length: task.connections }, () => new Lane(task.port, this.latencies));
    this.templates = task.operations.map((words) => new Template(...words));
    this.operationsPerTick = (task.operationsPerSecond * TICK_MICROS) / 1_000_000;
  }

  begin(): void {
    const beginMicros = nowMicros() + TICK_MICROS;
    const metronome = new Worker(process.argv[1], { workerData: { beginMicros } satisfies Rhythm });
    metronome.on('message', () => this.sendWhatIsDue(beginMicros));
    process.on('message', () => {
      const phase: Phase = { latencies: this.latencies.take(), lateness: this.lateness.take() };
      process.send?.(phase);
    });
    process.once('disconnect', () => process.exit());
  }

  private sendWhatIsDue(beginMicros: number): void {
    for (;;) {
      const dueMicros = beginMicros + this.ticks * TICK_MICROS;
      const lateMicros = nowMicros() - dueMicros;
      if (lateMicros < 0) return;
      this.ticks++;
      for (let i = 0; i < this.operationsPerTick; i++) {
        this.lateness.record(lateMicros);
        this.sendNext(dueMicros);
      }
    }
  }

  private sendNext(dueMicros: number): void {
    const template = this.templates[Math.floor(Math.random() * this.templates.length)];
    // A copy, because a socket that is full keeps what it is given.
    const bytes = Buffer.from(template.bytes);
    for (const place of template.places) writeDigits(bytes, place, Math.floor(Math.random() * this.task.range));
    this.lanes[this.operations++ % this.lanes.length].send(bytes, dueMicros);
  }
}

/** The second thread: a message at every tick. Ticks that it sleeps through are made up for by the first one after them. */
function beat({ beginMicros }: Rhythm): never {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let tick = 0; ; tick++) {
    const leftMicros = beginMicros + tick * TICK_MICROS - nowMicros();
    if (leftMicros > 0) Atomics.wait(cell, 0, 0, leftMicros / 1000);
    parentPort?.postMessage(null);
  }
}

function giveUp(reason: string): never {
  console.error(reason);
  process.exit(1);
}

if (isMainThread) new Traffic(JSON.parse(process.argv[2]) as Task).begin();
else beat(workerData as Rhythm);

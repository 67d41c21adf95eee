/**
 * A data node whose time is moved by hand, and replicas of it that exist only as numbers: what each has acknowledged.
 */
import { realTimers, realWorld, type Timers } from '../../src/base';
import { Client } from '../../src/net';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** A reply, or that there is none yet. An error is there as its text. */
export class Reply {
  value: unknown = 'none yet';

  constructor(promise: Promise<unknown>) {
    promise.then(
      (value) => (this.value = value),
      (error: Error) => (this.value = error.message),
    );
  }
}

export class ReplicatedNode {
  nowMs = 1_700_000_000_000;
  readonly node: DataNode;
  /** What each replica has acknowledged; on its disk, too. One that is not online has none. */
  readonly acked: (number | null)[];
  readonly ackedOnDisk: number[] = [];
  /** Offsets at which replicas were asked to acknowledge. */
  readonly questions: number[] = [];
  private tasks: Task[] = [];

  constructor(settings: Readonly<Record<string, string>>, replicas: number) {
    const table = serverSettings();
    table.assign({ save: '', ...settings });
    const timers: Timers = { ...realTimers, after: (delayMs, task) => this.after(delayMs, task) };
    const clock = { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };
    this.node = new DataNode(realWorld({ clock, timers }), table);
    this.node.journal.addReader({ write() {} });
    this.acked = Array.from({ length: replicas }, () => 0);
    const { feeds } = this.node.replication;
    const countFrom = (values: readonly (number | null)[], offset: number): number =>
      values.filter((value) => value !== null && value >= offset).length;
    feeds.countGood = () => countFrom(this.acked, 0);
    feeds.countAcknowledged = (offset) => countFrom(this.acked, offset);
    feeds.countOnDisk = (offset) => countFrom(this.ackedOnDisk, offset);
    feeds.requestAcknowledgements = () => this.questions.push(this.offset);
    feeds.onChange();
  }

  get offset(): number {
    return this.node.journal.offset;
  }

  private after(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    this.tasks.push(task);
    return () => (this.tasks = this.tasks.filter((each) => each !== task));
  }

  /** Lets time pass, and everything that is on its way arrive. */
  async pass(ms: number): Promise<void> {
    await settle();
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = this.tasks.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.tasks = this.tasks.filter((each) => each !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
      await settle();
    }
    this.nowMs = endMs;
    await settle();
  }

  /** A replica has acknowledged all up to an offset, that of now if none is given. */
  acknowledge(replica = 0, offset = this.offset): void {
    this.acked[replica] = offset;
    this.node.replication.feeds.onAcknowledged();
  }

  /** A replica goes, or comes back. */
  setOnline(replica: number, isOnline: boolean): void {
    this.acked[replica] = isOnline ? 0 : null;
    this.node.replication.feeds.onChange();
  }

  client(): Client {
    const end = this.node.connectInMemory();
    const client = Client.over(end.connection, this.node.world.timers);
    end.attach(client);
    return client;
  }

  /** A client that takes commands in lines, their words divided by blanks, and sends all of a call at once. */
  speaker(): (...lines: string[]) => Reply[] {
    const client = this.client();
    return (...lines) => lines.map((line) => new Reply(client.command(...line.split(' '))));
  }
}

/** Lets the event loop turn until everything that can go on by itself has. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}

export function valuesOf(replies: readonly Reply[]): unknown[] {
  return replies.map(({ value }) => value);
}

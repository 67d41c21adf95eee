/**
 * StillPair: a master and its replica in one process, in a world that stands still: time goes on when it is told to, and what
 * nodes put off is done when `settle` is called. Their link is a real one, but for the network: bytes in memory, which can be cut.
 *
 * So a run of thousands of commands takes milliseconds, and one that goes wrong can be repeated from its seed.
 */
import { Random, realWorld, type Timers } from '../../src/base';
import type { Connection } from '../../src/net';
import { DataNode } from '../../src/server/data-node';
import { serverSettings } from '../../src/server/settings';
import { DirectClient } from '../server/journaled';

interface Later {
  atMs: number;
  /** 0 for once. */
  readonly everyMs: number;
  readonly task: () => void;
}

/** More turns than anything takes that comes to an end. */
const TURNS_MAX = 10_000;
const RETRY_MS = 1100;

class StillTime implements Timers {
  nowMs = 1_700_000_000_000;
  private readonly turn: (() => void)[] = [];
  private readonly laters = new Set<Later>();

  every(everyMs: number, task: () => void): () => void {
    return this.put({ atMs: this.nowMs + everyMs, everyMs, task });
  }

  after(delayMs: number, task: () => void): () => void {
    return this.put({ atMs: this.nowMs + delayMs, everyMs: 0, task });
  }

  endOfTurn(task: () => void): void {
    this.turn.push(task);
  }

  settle(): void {
    for (let turns = 0; this.turn.length > 0; turns++) {
      if (turns === TURNS_MAX) throw new Error('what is put off is never done');
      for (const task of this.turn.splice(0)) task();
    }
  }

  /** Whatever is due after so long is done once. */
  advance(durationMs: number): void {
    this.nowMs += durationMs;
    const due = [...this.laters].filter(({ atMs }) => atMs <= this.nowMs);
    for (const later of due) {
      if (!this.laters.has(later)) continue;
      if (later.everyMs === 0) this.laters.delete(later);
      later.atMs = this.nowMs + later.everyMs;
      later.task();
      this.settle();
    }
  }

  private put(later: Later): () => void {
    this.laters.add(later);
    return () => void this.laters.delete(later);
  }
}

export class StillPair {
  readonly master: DataNode;
  readonly replica: DataNode;
  private readonly time = new StillTime();
  private link: Connection | null = null;
  private clients = 0;

  constructor(seed: number, values: Readonly<Record<string, string | number>> = {}) {
    const make = (ownSeed: number): DataNode => {
      const settings = serverSettings();
      settings.assign({
        port: 0,
        save: '',
        'enable-debug-command': 'yes',
        'repl-diskless-sync-delay': 0,
        'repl-diskless-load': 'swapdb',
        ...values,
      });
      const clock = { wallMs: () => this.time.nowMs, monotonicMs: () => this.time.nowMs - 1_600_000_000_000 };
      return new DataNode(realWorld({ timers: this.time, clock, random: new Random(ownSeed) }), settings);
    };
    this.master = make(seed);
    this.replica = make(seed + 1);
    this.replica.connectInMemory();
    this.replica.replication.following.connect = (_address, handler, opened) => {
      const end = this.master.connectInMemory();
      end.attach(handler);
      this.link = end.connection;
      opened(end.connection);
    };
    this.replica.replication.follow({ host: 'master', port: 1 });
    this.advance(RETRY_MS);
  }

  /** A client of one of the two. */
  client(node: DataNode): DirectClient {
    return new DirectClient(node, 1000 + this.clients++);
  }

  settle(): void {
    this.time.settle();
  }

  advance(durationMs: number): void {
    this.time.advance(durationMs);
    this.settle();
  }

  /** The connection is lost; the replica asks again, and goes on, in a second. */
  cutLink(): void {
    this.link?.destroy();
    this.settle();
  }

  /** Lets time go on until the replica has all that the master has, and nothing is left that is to expire by now. */
  join(): void {
    for (let tries = 0; tries < 5; tries++) {
      this.advance(RETRY_MS);
      const { following } = this.replica.replication;
      if (following.isConnected && following.offset === this.master.replication.offset) return;
    }
    throw new Error('the replica does not come to where its master is');
  }

  async stop(): Promise<void> {
    const stopped = [this.replica.stop(), this.master.stop()];
    this.settle();
    await Promise.all(stopped);
  }
}

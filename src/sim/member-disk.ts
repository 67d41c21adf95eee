/**
 * MemberDisk: the disk of a machine that takes part in Raft, and the log on it.
 *
 * Most seeds have a CrashingLog. In the others it is the real DiskLog, with small segments, on a SimulatedDisk that tears what it was
 * writing, forgets what was not synced, and whose syncs can fail (and then lie). The threads of the disk do one deed after the other, each in
 * its time. What is on the disk outlives the process; a loss of power takes what was not safe. Whatever passes between the node and its
 * log goes past the checks.
 */
import { CacheError, Random } from '../base';
import { DiskLog, type LogStorage, type NodeId, type SavedLog } from '../raft';
import { CrashingLog } from './crashing-log';
import { SimulatedDisk } from './disk';
import type { CheckedNode, RaftChecks } from './raft/raft-checks';
import type { SimulatedMachine } from './simulated-machine';
import { Violation } from './violation';

/** What the disks of a simulation are like. */
export interface DiskPlan {
  readonly storage: 'crashing-log' | 'disk-log';
  /** Names are lost and kept in any order by a loss of power. */
  readonly isHarshDisk: boolean;
  /** Of one deed. */
  readonly syncMeanMs: number;
}

/** The node that has the disk. */
export interface DiskOwner {
  readonly id: NodeId;
  readonly machine: SimulatedMachine;
  /** The node of the present process. */
  checked(): CheckedNode;
  /** A save has begun. */
  saves?(): void;
}

const DIRECTORY = '/data/raft';
const SEGMENT_BYTES_MAX = 2000;
const SEGMENT_NAME = /\d$/;

export class MemberDisk {
  syncMeanMs: number;
  /** Starts that found more in the last segment than was whole. */
  tornTails = 0;
  private readonly crashingLog: CrashingLog;
  private disk: SimulatedDisk;
  private isBusy = false;
  private name = '';

  constructor(
    private readonly owner: DiskOwner,
    private readonly plan: DiskPlan,
    private readonly checks: RaftChecks,
    private readonly random: Random,
  ) {
    this.syncMeanMs = plan.syncMeanMs;
    this.crashingLog = new CrashingLog(random, (done) => this.sync(done));
    this.disk = new SimulatedDisk(this.draw(), { directories: ['/data'], isHarsh: plan.isHarshDisk });
  }

  /** Names what is on the disk; known once it was opened. */
  get incarnation(): string {
    return this.name;
  }

  /** The log, for a process that starts now. @throws Violation C4: what was promised is not there */
  open(): LogStorage {
    this.isBusy = false;
    if (this.plan.storage === 'crashing-log') {
      this.name = `disk-${this.owner.id}`;
      return this.watch(this.crashingLog.open());
    }
    // A process that failed left its lock and its files open: the next one finds the disk as a death leaves it.
    this.crash('process');
    const options = { id: this.owner.id, random: this.draw(), segmentBytesMax: SEGMENT_BYTES_MAX };
    const log = new DiskLog(this.disk, DIRECTORY, options);
    const bytesBefore = this.lastSegmentBytes();
    const saved = this.load(log);
    this.name = log.incarnation;
    // A start that cuts nothing off adds a record.
    for (const [path, bytes] of bytesBefore) if ((this.disk.size(path) ?? bytes) < bytes) this.tornTails++;
    return this.watch({
      load: () => saved,
      append: (...deed) => log.append(...deed),
      saveSnapshot: (...deed) => log.saveSnapshot(...deed),
      close: () => log.close(),
    });
  }

  /** The process ends, or the machine. */
  crash(kill: 'process' | 'power'): void {
    this.disk = this.disk.crash(this.draw(), kill);
  }

  /** The next sync fails, and takes with it what it was to make safe. */
  failNextSync(): void {
    this.disk.failNext('sync', 'EIO');
  }

  /** No fault of this disk may damage a log: one that refuses to start has lost what it said was safe. */
  private load(log: DiskLog): SavedLog {
    try {
      return log.load();
    } catch (error) {
      if (error instanceof CacheError && error.code === 'BAD_LOG') throw new Violation('C4', error.message);
      throw error;
    }
  }

  private draw(): Random {
    return new Random(this.random.uint32());
  }

  /** The path of the segment that was written last, and its size; nothing where there is none. */
  private lastSegmentBytes(): [path: string, bytes: number][] {
    const name = this.disk
      .list(DIRECTORY)
      .filter((each) => SEGMENT_NAME.test(each))
      .at(-1);
    if (name === undefined) return [];
    const path = `${DIRECTORY}/${name}`;
    return [[path, this.disk.size(path) ?? 0]];
  }

  private watch(storage: LogStorage): LogStorage {
    const { checks, owner } = this;
    const { id } = owner;
    return {
      load: () => {
        const saved = storage.load();
        checks.loaded(id, saved);
        return saved;
      },
      append: (hardState, entries, done) => {
        checks.saving(owner.checked(), entries);
        storage.append(hardState, entries, (error) => {
          if (error === null && entries.length > 0) checks.saved(id, entries[entries.length - 1].index);
          done(error);
        });
        this.began();
      },
      saveSnapshot: (snapshot, hardState, done) => {
        checks.savingSnapshot(id, snapshot);
        storage.saveSnapshot(snapshot, hardState, (error) => {
          if (error === null) checks.savedSnapshot(id);
          done(error);
        });
        this.began();
      },
      close: () => storage.close(),
    };
  }

  private began(): void {
    this.owner.saves?.();
    this.work();
  }

  /** Lets the threads of the disk do one deed after the other, each in its time. */
  private work(): void {
    if (this.isBusy || this.disk.pendingDeeds === 0) return;
    this.isBusy = true;
    this.sync(() => {
      this.isBusy = false;
      this.disk.runPending(1);
      this.work();
    });
  }

  private sync(done: () => void): void {
    const { machine } = this.owner;
    const { life } = machine;
    const delayMs = -this.syncMeanMs * Math.log(1 - this.random.fraction());
    machine.time.after(delayMs, () => {
      if (life === machine.life) machine.run(done);
    });
  }
}

/**
 * SnapshotRun: one snapshot on its way to a file, or to replicas, in slices between the turns.
 *
 * A slice comes after a turn's replies have left, takes about half a millisecond, and gives the event loop back. While no client says
 * anything slices follow one another, and the walk has the whole core; where clients are busy a pause of twice that length
 * follows each: without it the process never rests, and who waits for it waits for the machine as well (with 20,000
 * operations a second on two cores half of them waited 1.3 ms instead of 0.3; measured). Where memory fills with pre-images, because
 * clients write faster than the walk walks, slices get longer for the rest of it: the clients wait, not the memory.
 */
import type { Snapshot } from '../../storage';
import type { DataNode } from '../data-node';

/** How long a slice takes, and the pause after it where clients are busy. */
const SLICE_MS = 0.5;
const PAUSE_MS = 1;
/** How long once there have been more pre-images than this. */
const PRESSED_SLICE_MS = 4;
const PRE_IMAGE_BYTES_EASY = 64 * 1024 * 1024;
/** A slice shorter than this had nothing to do but wait for the disk, or a replica; then the next one is this much later. */
const IDLE_SLICE_MS = 0.05;
const WAIT_MS = 1;

export class SnapshotRun {
  readonly beganMs: number;
  private readonly snapshot: Snapshot;
  private isOver = false;
  private sliceEndMs = 0;
  /** Commands that had run when the last slice began. */
  private commandsSeen = 0;
  private readonly isTimeUp = (): boolean => this.node.world.clock.monotonicMs() >= this.sliceEndMs;
  private readonly runSlice = (): void => this.slice();

  /**
   * Begins at once: `begin` makes the snapshot, which calls what it is given when it is whole where it should be, or with the
   * reason why it never will be; then `done` is called. Never while a command runs. @throws what `begin` throws
   */
  constructor(
    private readonly node: DataNode,
    begin: (done: (error: Error | null) => void) => Snapshot,
    done: (error: Error | null) => void,
  ) {
    const { clock, timers } = node.world;
    this.beganMs = clock.monotonicMs();
    this.snapshot = begin((error) => {
      if (this.isOver) return;
      this.isOver = true;
      done(error);
    });
    timers.endOfTurn(this.runSlice);
  }

  get keysDone(): number {
    return this.snapshot.keysDone;
  }

  get keysTotal(): number {
    return this.snapshot.keysTotal;
  }

  /** The most memory that pre-images took. */
  get preImageBytes(): number {
    return this.snapshot.preImageBytes;
  }

  /** Gives up; `done` is not called. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.snapshot.abandon();
  }

  private slice(): void {
    if (this.isOver || !this.snapshot.isWalking) return;
    const { node, snapshot } = this;
    const { clock, timers } = node.world;
    // What clients wait for goes first.
    node.turn.flush();
    const startMs = clock.monotonicMs();
    this.sliceEndMs = startMs + (snapshot.preImageBytes > PRE_IMAGE_BYTES_EASY ? PRESSED_SLICE_MS : SLICE_MS);
    snapshot.run(this.isTimeUp);
    const durationMs = clock.monotonicMs() - startMs;
    node.statistics.sawTurn(durationMs);
    if (this.isOver || !snapshot.isWalking) return;
    const { commands } = node.statistics;
    const isBusy = commands !== this.commandsSeen;
    this.commandsSeen = commands;
    if (durationMs < IDLE_SLICE_MS) timers.after(WAIT_MS, this.runSlice, true);
    else if (isBusy) timers.after(PAUSE_MS, this.runSlice, true);
    else timers.endOfTurn(this.runSlice);
  }
}

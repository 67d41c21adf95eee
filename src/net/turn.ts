/**
 * Turn: what is to be done once, after everything that is ready to be read has been read.
 *
 * A connection that has something to say joins the turn; at its end each is flushed once. So a client that sent a
 * hundred commands gets one write, and what must happen between execution and reply (a journal's write, its fsync)
 * has a place: `commit` comes before each flush, since what is flushed may run commands itself.
 */
import type { Timers } from '../base';

export interface Flushable {
  /** Whether it waits in a turn; kept by Turn. */
  inTurn: boolean;
  flush(): void;
}

export class Turn {
  private joined: Flushable[] = [];
  private spare: Flushable[] = [];
  private scheduled = false;
  private readonly end = (): void => this.flush();

  /** @param commit is called before each flush; it should find out quickly that it has nothing to do */
  constructor(
    private readonly timers: Timers,
    private readonly commit: (() => void) | null = null,
  ) {}

  join(item: Flushable): void {
    if (item.inTurn) return;
    item.inTurn = true;
    this.joined.push(item);
    if (!this.scheduled) {
      this.scheduled = true;
      this.timers.endOfTurn(this.end);
    }
  }

  /** Flushes all that joined, those that join meanwhile included. */
  flush(): void {
    this.scheduled = false;
    while (this.joined.length > 0) {
      const items = this.joined;
      this.joined = this.spare;
      for (let i = 0; i < items.length; i++) {
        items[i].inTurn = false;
        if (this.commit !== null) this.commit();
        items[i].flush();
      }
      items.length = 0;
      this.spare = items;
    }
  }
}

/**
 * ReplyGate: replies wait here until what their commands have changed is where it must be before anybody hears of it.
 *
 * A session whose command has left something in the journal is *waited for* until whoever keeps the journal says what became of
 * it: `letPass`, and its replies leave; `turnAway`, and its connection is closed, as nobody knows what would be true to say. That
 * is usually within the same turn, before any reply leaves, and nothing is seen of it. Where it takes longer (another thread
 * syncs), replies are held and requests are not: sessions go on to be read and their commands to be run, pipelines stay
 * pipelined, and who only reads is not concerned. As the replies of one client are in order, all of its later ones wait too.
 *
 * What is held counts as output of the client, against its limits.
 */
import type { Turn } from '../net';
import type { Session } from './session';

export class ReplyGate {
  /** Sessions that are waited for. */
  private readonly writers: Session[] = [];

  constructor(private readonly turn: Turn) {}

  /** Whether any session is waited for. */
  get isAwaited(): boolean {
    return this.writers.length > 0;
  }

  /** A command of this session has left something in the journal. */
  noteWriter(session: Session): void {
    if (session.awaitsCommit) return;
    session.awaitsCommit = true;
    this.writers.push(session);
  }

  /** What was written is where it must be. */
  letPass(): void {
    const { writers, turn } = this;
    for (let i = 0; i < writers.length; i++) {
      const session = writers[i];
      session.awaitsCommit = false;
      if (session.hasHeldReplies) turn.join(session);
      session.hasHeldReplies = false;
    }
    writers.length = 0;
  }

  /** Nobody knows what becomes of their commands: to say nothing is the only true answer. */
  turnAway(): void {
    for (const session of this.writers.splice(0)) {
      session.awaitsCommit = false;
      session.kill();
    }
  }
}

/**
 * Holding: sessions whose next command waits for its server, and how much they may keep meanwhile.
 *
 * A command that meets a server to which commands cannot be given at the moment waits in its session, with all that the client sent
 * after it, so that order is kept; and the client is not read from. When something has changed for a server, all that wait try
 * again, in one turn; a command that still cannot go goes on waiting. How long is up to the server they wait for (`Backend.awaited`):
 * at the end of its patience they try again too, and are refused.
 */
import type { Flushable } from '../net';
import type { Session } from './session';

export class Holding implements Flushable {
  inTurn = false;
  /** In the order in which they began to wait, with the bytes that each keeps. */
  private readonly sessions = new Map<Session, number>();
  private bytes = 0;

  get sessionCount(): number {
    return this.sessions.size;
  }

  /** Bytes of commands that wait. */
  get heldBytes(): number {
    return this.bytes;
  }

  /** The session waits, and keeps as many bytes. */
  keep(session: Session, bytes: number): void {
    this.bytes += bytes - (this.sessions.get(session) ?? 0);
    this.sessions.set(session, bytes);
  }

  /** The session does not wait any more. */
  release(session: Session): void {
    this.bytes -= this.sessions.get(session) ?? 0;
    this.sessions.delete(session);
  }

  /** At the end of the turn: lets all try again. */
  flush(): void {
    for (const session of Array.from(this.sessions.keys())) session.goOn();
  }
}

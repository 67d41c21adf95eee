/**
 * DiskGate: why commands are refused for the disk's sake: the data are still being loaded, or what is written could not be kept.
 *
 * The node has a gate only while there is something to refuse, so that Dispatch asks one field per command. Texts and
 * conditions are Redis' (processCommand of 7.2): while writes are refused, PING is too, so that health checks notice.
 */
import { FLAG_LOADING, FLAG_WRITE, type CommandSpec } from '../../commands';
import { LOADING } from '../error-replies';
import type { Transaction } from '../transaction';

export class DiskGate {
  isLoading = false;
  /** The reply to writes; null where they are welcome. */
  misconfiguration: string | null = null;

  get isOpen(): boolean {
    return !this.isLoading && this.misconfiguration === null;
  }

  /** The error reply to a command, or null where it may pass. */
  reasonAgainst(spec: CommandSpec, transaction: Transaction | null): string | null {
    const queue = transaction !== null && spec.name === 'EXEC' ? transaction.queue : [];
    if (this.isLoading) {
      const mayRun = (each: CommandSpec): boolean => (each.flags & FLAG_LOADING) !== 0;
      return mayRun(spec) && queue.every((queued) => mayRun(queued.spec)) ? null : LOADING;
    }
    const writes = (each: CommandSpec): boolean => (each.flags & FLAG_WRITE) !== 0;
    const isRefused = writes(spec) || spec.name === 'PING' || queue.some((queued) => writes(queued.spec));
    return isRefused ? this.misconfiguration : null;
  }
}

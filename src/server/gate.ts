/**
 * Gate: why commands are refused whoever sends them, for what state the node is in: the data are being loaded, what is written
 * could not be kept, or would be known to too few replicas, or is not ours to write, as the node is a replica or has no lease; or
 * its data are old.
 *
 * The node has a gate only while there is something to refuse, so that Dispatch asks one field per command. Texts, conditions
 * and order are Redis' (processCommand of 7.2): while writes are refused for the disk's sake PING is too, so that health checks
 * notice.
 */
import { FLAG_LOADING, FLAG_NO_ASYNC_LOADING, FLAG_STALE, FLAG_WRITE, type CommandSpec } from '../commands';
import { LOADING, MASTER_DOWN, READ_ONLY, TOO_FEW_REPLICAS } from './error-replies';
import type { Transaction } from './transaction';

export class Gate {
  /** The data are not there yet. */
  isLoading = false;
  /** Others are being loaded beside those that serve. */
  isLoadingBeside = false;
  /** The reply to writes for the disk's sake; null where they are welcome. */
  misconfiguration: string | null = null;
  /** There are fewer replicas than `min-replicas-to-write`. */
  lacksReplicas = false;
  /** The reply to writes while fewer replicas are online than `write-quorum`; null where there are enough. */
  quorumRefusal: string | null = null;
  /** The reply to writes without a lease; null where it is held, or none is needed. */
  leaseRefusal: string | null = null;
  /** A replica that clients must not write to. */
  isReadOnly = false;
  /** A replica that must not serve what it has, as its master is out of reach. */
  isStale = false;

  get isOpen(): boolean {
    return !(
      this.isLoading ||
      this.isLoadingBeside ||
      this.misconfiguration !== null ||
      this.lacksReplicas ||
      this.quorumRefusal !== null ||
      this.isReadOnly ||
      this.leaseRefusal !== null ||
      this.isStale
    );
  }

  /** The error reply to a command, or null where it may pass. */
  reasonAgainst(spec: CommandSpec, transaction: Transaction | null): string | null {
    // EXEC does what was queued.
    const flags = transaction !== null && spec.name === 'EXEC' ? transaction.flags | spec.flags : spec.flags;
    const writes = (flags & FLAG_WRITE) !== 0;
    if (this.misconfiguration !== null && (writes || spec.name === 'PING')) return this.misconfiguration;
    if (writes && this.lacksReplicas) return TOO_FEW_REPLICAS;
    if (writes && this.quorumRefusal !== null) return this.quorumRefusal;
    if (writes && this.isReadOnly) return READ_ONLY;
    if (writes && this.leaseRefusal !== null) return this.leaseRefusal;
    if (this.isStale && !this.haveAll(spec, transaction, FLAG_STALE)) return MASTER_DOWN;
    if (this.isLoading && !this.haveAll(spec, transaction, FLAG_LOADING)) return LOADING;
    if (this.isLoadingBeside && (flags & FLAG_NO_ASYNC_LOADING) !== 0) return LOADING;
    return null;
  }

  /** Whether a command, and what EXEC does, have a flag. */
  private haveAll(spec: CommandSpec, transaction: Transaction | null, flag: number): boolean {
    if ((spec.flags & flag) === 0) return false;
    if (transaction === null || spec.name !== 'EXEC') return true;
    return transaction.queue.every((queued) => (queued.spec.flags & flag) !== 0);
  }
}

/**
 * What is done before a data node may end: SHUTDOWN, and the signals that mean the same.
 *
 * What is half done is given up, the append-only file is written and synced, and where there are save points, or the caller wants
 * it, the data are saved while everything waits. If any of that fails the node goes on, unless it is forced: an end that
 * loses data should be somebody's decision. Log lines are Redis'.
 */
import type { DataNode } from '../data-node';
import { reasonOf } from './paths';

export interface ShutdownOptions {
  /** Whether the data are saved; unless said, where there are save points. */
  readonly saves?: boolean;
  /** Ends even if what should be kept cannot be. */
  readonly isForced?: boolean;
}

/** Options of the settings `shutdown-on-sigterm` and `shutdown-on-sigint`. */
export function optionsOfWords(words: readonly string[]): ShutdownOptions {
  return {
    ...(words.includes('save') ? { saves: true } : words.includes('nosave') ? { saves: false } : {}),
    isForced: words.includes('force'),
  };
}

/** Prepares the end; whether it may come. What is wrong is in the log. */
export function mayShutDown(node: DataNode, { saves, isForced = false }: ShutdownOptions): boolean {
  const { persistence, settings } = node;
  const { log } = node.world;
  log('warning', 'User requested shutdown...');
  const refuse = (why: string): boolean => {
    log('warning', why);
    if (isForced) return false;
    log('warning', 'Errors trying to shut down the server. Check the logs for more information.');
    return true;
  };
  // Data that are still on their way from the disk must not be saved over themselves.
  const hasPoints = persistence.hasStarted && !persistence.isSuspended && settings.values['save'].length > 0;
  const hasToSave = !persistence.isLoading && (saves ?? hasPoints);
  if (persistence.appendOnly.state === 'starting' && refuse("Writing initial AOF. Can't exit.")) return false;
  persistence.saves.abandon();
  persistence.rewrites.abandon();
  if (persistence.appendOnly.state === 'on') {
    log('notice', 'Calling fsync() on the AOF file.');
    try {
      persistence.appendOnly.settle();
    } catch (error) {
      if (refuse(`The append-only file cannot be synced: ${reasonOf(error)}`)) return false;
    }
  }
  if (hasToSave) {
    log('notice', 'Saving the final RDB snapshot before exiting.');
    if (persistence.saves.save() !== null && refuse("Error trying to save the DB, can't exit.")) return false;
  }
  return true;
}

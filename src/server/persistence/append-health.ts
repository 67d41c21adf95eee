/**
 * AppendHealth: what has failed on the way to the append-only file, and what that means.
 *
 * A write that fails is tried again, and then all is well. A sync that fails is not: what it should have kept may be lost, and the
 * next one may well lie. Under "always" the node has failed then; else writes are refused until a rewrite has put everything into
 * new files. (Redis acknowledges in both cases, or exits.)
 */
import type { LogLevel } from '../../base';
import type { DataNode } from '../data-node';
import { reasonOf } from './paths';

const REFUSING = (reason: string): string =>
  `Fail to fsync the AOF file: ${reason}. Writes are refused until it was rewritten.`;
const DOUBTING = (reason: string): string =>
  `The append-only file may not be on the disk: ${reason}. Writes are refused until it was rewritten.`;
const EXITING = (reason: string): string =>
  `Can't persist AOF for fsync error when the AOF fsync policy is 'always': ${reason}. Exiting...`;

export class AppendHealth {
  /** Why writes and syncs fail, in the system's words; null where they do not. */
  writeFailure: string | null = null;
  syncFailure: string | null = null;
  /** A sync has failed under "always": nothing is acknowledged any more. */
  hasFailed = false;
  /** Syncs that have failed since the start. */
  syncFailures = 0;
  /** Called when failures come and go. */
  onChange: () => void = () => undefined;

  constructor(private readonly node: DataNode) {}

  /** The failure that there is, if any. */
  get failure(): string | null {
    return this.writeFailure ?? this.syncFailure;
  }

  writeFailed(error: unknown): void {
    const isNews = this.writeFailure === null;
    this.writeFailure = reasonOf(error);
    if (!isNews) return;
    this.log('warning', `Error writing to the AOF file: ${this.writeFailure}`);
    this.onChange();
  }

  writeSucceeded(): void {
    if (this.writeFailure === null) return;
    this.writeFailure = null;
    this.log('notice', 'AOF write error looks solved. The server can write again.');
    this.onChange();
  }

  /** What has been written may not be found after a loss of power. */
  syncFailed(error: unknown): void {
    const reason = reasonOf(error);
    if (this.node.settings.values['appendfsync'] !== 'always') {
      this.distrust(reason, REFUSING);
      return;
    }
    this.hasFailed = true;
    this.distrust(reason, EXITING);
    this.node.emit('failed', error instanceof Error ? error : new Error(reason));
  }

  /** What a former process has written could not be made durable. */
  doubt(reason: string): void {
    this.distrust(reason, DOUBTING);
  }

  /** Only new files can be trusted: writes are refused until there are some. */
  private distrust(reason: string, inWords: (reason: string) => string): void {
    this.syncFailures++;
    this.syncFailure = reason;
    this.log('warning', inWords(reason));
    this.onChange();
  }

  /** Everything is in new files, and so much had failed when they were begun. */
  renewed(syncFailuresBefore: number): void {
    if (this.syncFailure === null || this.syncFailures !== syncFailuresBefore || this.hasFailed) return;
    this.syncFailure = null;
    this.log('notice', 'The append-only file was rewritten: it can be synced again.');
    this.onChange();
  }

  /** There is no file any more. */
  forget(): void {
    this.writeFailure = null;
    this.syncFailure = null;
    this.onChange();
  }

  private log(level: LogLevel, message: string): void {
    this.node.world.log(level, message);
  }
}

/**
 * Claim: this node's right to write into its directory (`dir`), which one living process at a time can have.
 *
 * Two servers that save to the same file each destroy what the other kept, and neither notices. So whoever may write (save
 * points, an append-only file, SAVE) claims the directory first, and keeps it until it stops.
 */
import type { Files } from '../../base';

export class Claim {
  private directory: string | null = null;
  private release: (() => void) | null = null;

  constructor(private readonly files: Files) {}

  get isHeld(): boolean {
    return this.release !== null;
  }

  /** Claims a directory; one that was claimed before is let go when this one is ours. @throws CacheError FILE_FAILED */
  take(directory: string): void {
    if (this.directory === directory) return;
    const release = this.files.lock(directory);
    this.drop();
    this.directory = directory;
    this.release = release;
  }

  drop(): void {
    this.release?.();
    this.release = null;
    this.directory = null;
  }
}

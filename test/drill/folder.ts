/**
 * Folder: a fresh directory of a drill, which goes when the drill was passed and is kept, and named, when it was not.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'slotcache-drill-'));
  private isKept = false;

  /** A path inside. */
  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Copies a directory into the folder; its path there. */
  copy(directory: string, name: string): string {
    const target = this.at(name);
    rmSync(target, { recursive: true, force: true });
    cpSync(directory, target, { recursive: true });
    return target;
  }

  removeCopy(name: string): void {
    rmSync(this.at(name), { recursive: true, force: true });
  }

  keep(): void {
    this.isKept = true;
  }

  dispose(): void {
    if (!this.isKept) rmSync(this.path, { recursive: true, force: true });
  }
}

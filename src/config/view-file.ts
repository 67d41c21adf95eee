/**
 * ViewFile: keeps the state of a one-node control plane in `view.json` of a directory, so that a restart finds what
 * was last acknowledged, whenever the machine lost power.
 *
 * A save writes all of it to a temporary file beside the other, fsyncs that, renames it over the old one and fsyncs
 * the directory: a crash leaves the old file or the new one, whole, and perhaps a temporary file, which nobody reads
 * and the next save overwrites. Saves must come one after another; whoever has many waits (`ConfigAuthority` does).
 *
 * A file that cannot be understood is refused by name and reason and left alone: starting with an empty view would
 * tell every proxy that no slot has an owner.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, CacheError } from '../base';
import { ConfigState } from './state';

/** Where a control plane keeps its state. One file here; a replicated log later, behind the same door. */
export interface ViewStore {
  /** What was saved last; the empty state where nothing ever was. @throws CacheError BAD_VIEW where it is damaged. */
  load(): Promise<ConfigState>;
  /** Resolves when `state` survives a loss of power. Rejected: the old state or the new one may be found again. */
  save(state: ConfigState): Promise<void>;
}

/** What opening a directory for fsync fails with on systems that have no such thing (Windows). */
const CANNOT_SYNC_DIRECTORY = new Set(['EACCES', 'EISDIR', 'EPERM']);

export class ViewFile implements ViewStore {
  readonly path: string;
  private readonly temporaryPath: string;
  private isSaving = false;

  /** @param directory made where it does not exist. */
  constructor(private readonly directory: string) {
    this.path = join(directory, 'view.json');
    this.temporaryPath = join(directory, 'view.json.tmp');
  }

  async load(): Promise<ConfigState> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return ConfigState.empty;
      throw error;
    }
    try {
      return ConfigState.parse(text);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CacheError('BAD_VIEW', `${this.path} is damaged (${reason}); restore it from a copy or move it away`, {
        cause,
      });
    }
  }

  async save(state: ConfigState): Promise<void> {
    assert(!this.isSaving, 'one save at a time');
    this.isSaving = true;
    try {
      await mkdir(this.directory, { recursive: true });
      await writeDurably(this.temporaryPath, JSON.stringify(state, null, 2) + '\n');
      await rename(this.temporaryPath, this.path);
      await syncDirectory(this.directory);
    } finally {
      this.isSaving = false;
    }
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (!CANNOT_SYNC_DIRECTORY.has(codeOf(error))) throw error;
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}

/**
 * Renewal: makes the last file of a set durable when a node starts, whatever has become of the syncs before.
 *
 * A sync does not do that. One that fails is told to the process that asked, once; the system takes what it could not write for
 * written, goes on showing it to whoever reads, and answers the next sync with success. If that process dies, as one should, the
 * next one reads what is not on the disk, syncs it for nothing, and says in the file that it is durable. It cannot know, and
 * whoever knew may have had no time to leave word. (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC
 * 2020. Writing the same bytes to the same place again is no cure for all file systems either.)
 *
 * So the bytes go to a new file, which takes the old one's name when it is durable: at every moment one of the two is there.
 * A file that says itself that all of it is durable needs less: it ends with a seal, an empty batch that was written after a
 * sync that succeeded. Nothing but the seal may be missing on the disk, and as it is empty, it is cut off; who goes on there writes
 * another. A node that ends in peace leaves a seal, so only a restart after a crash pays for a copy.
 */
import { EMPTY_BUFFER, type Files, type WritableFile } from '../../base';
import { removing, renaming, syncing, syncingDirectory, type Deeds } from './deeds';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Puts the bytes of `path` into a new file at `temporary`, which becomes `path`; both are in `directory`. Where it throws the
 * old file is as it was, and the new one is gone if it can be removed, unless only the sync of the directory failed.
 */
export function* renewing(files: Files, directory: string, path: string, temporary: string): Deeds {
  try {
    const copy = files.create(temporary);
    try {
      copyInto(files, path, copy);
      yield syncing(copy);
    } finally {
      copy.close();
    }
    yield renaming(files, temporary, path);
  } catch (error) {
    try {
      yield removing(files, temporary);
    } catch {
      // Who opens the set next removes it.
    }
    throw error;
  }
  yield syncingDirectory(files, directory);
}

/** Cuts off the seal of `path`, which begins at `sealStart`. */
export function* unsealing(files: Files, path: string, sealStart: number): Deeds {
  const file = files.append(path);
  try {
    file.truncate(sealStart);
    yield syncing(file);
  } finally {
    file.close();
  }
}

function copyInto(files: Files, path: string, copy: WritableFile): void {
  const source = files.open(path);
  try {
    const chunk = source.size === 0 ? EMPTY_BUFFER : Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, source.size));
    for (let at = 0; at < source.size;) {
      const count = source.read(chunk, 0, chunk.length, at);
      if (count === 0) return;
      copy.write(chunk, 0, count);
      at += count;
    }
  } finally {
    source.close();
  }
}

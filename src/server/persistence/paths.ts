/**
 * Names of data files, and reasons of failures, in the words of the system.
 */
import { CacheError, systemReason } from '../../base';

/** A file or directory inside another; "/" is understood by every system that Node runs on. */
export function pathIn(directory: string, name: string): string {
  return directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

/** Why something failed, as short as the system says it: "No space left on device". */
export function reasonOf(error: unknown): string {
  const cause = error instanceof CacheError && error.cause !== undefined ? error.cause : error;
  return systemReason(cause);
}

/** The last name of a path. */
export function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

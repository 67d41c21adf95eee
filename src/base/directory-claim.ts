/**
 * A directory claimed by one process at a time, without the system's help: Node has no flock(2).
 *
 * A claim is an empty file whose name says whose it is: `slotcache.lock.<pid>.<start>`. Who wants the directory makes
 * its own claim first and looks for others' afterwards, so of two at least one sees the other: both can never win. No
 * claim is ever taken over: a dead process' is removed, by whoever sees it, which is safe at any time because nobody
 * will be that process again: `start` holds the boot of the machine and the moment the process began (Linux), so
 * neither a number that is used again nor a machine that was switched off leaves a directory locked. Elsewhere the
 * number alone must do.
 *
 * Of several that start at the same time the first in order of names waits for the others to give up, so that one
 * wins. Processes do not see those of another machine or of another container: to them their claims look dead.
 */
import { closeSync, openSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a claim must know of the machine's processes. */
export interface Processes {
  readonly ownId: number;
  isAlive(id: number): boolean;
}

const PREFIX = 'slotcache.lock.';
const CLAIM = /^slotcache\.lock\.([1-9]\d*)\.([0-9a-f-]+)$/;

/** How long the first of several waits for the others: they need but list the directory. */
const WAIT_MS = 10;
const WAITS_MAX = 50;

/**
 * Claims a directory until the returned function is called, or this process ends.
 * @throws Error where another process that lives has it, or this one already; or the system's error
 */
export function claimDirectory(directory: string, processes: Processes): () => void {
  const name = `${PREFIX}${processes.ownId}.${startOf(processes.ownId)}`;
  const path = join(directory, name);
  try {
    closeSync(openSync(path, 'wx', 0o644));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw usedBy('this very process,', name);
  }
  try {
    for (let waits = 0; ; waits++) {
      const rivals = rivalsOf(name, directory, processes);
      if (rivals.length === 0) return releaseOf(path);
      if (rivals[0] < name || waits === WAITS_MAX) throw usedBy('process', rivals[0]);
      sleep(WAIT_MS);
    }
  } catch (error) {
    removeClaim(path);
    throw error;
  }
}

function usedBy(whom: string, claim: string): Error {
  return new Error(`${whom} ${CLAIM.exec(claim)?.[1]} uses it: '${claim}'`);
}

/** Ends a claim when it is called first. */
function releaseOf(path: string): () => void {
  let isHeld = true;
  return () => {
    if (isHeld) removeClaim(path);
    isHeld = false;
  };
}

/** The claims of other processes that live, in order of names; those of the dead are removed. */
function rivalsOf(own: string, directory: string, processes: Processes): string[] {
  const rivals: string[] = [];
  for (const name of readdirSync(directory).sort()) {
    const claim = CLAIM.exec(name);
    if (claim === null || name === own) continue;
    if (isAlive(Number(claim[1]), claim[2], processes)) rivals.push(name);
    else removeClaim(join(directory, name));
  }
  return rivals;
}

function isAlive(id: number, start: string, processes: Processes): boolean {
  if (!processes.isAlive(id)) return false;
  const found = startOf(id);
  if (found === DEAD) return false;
  // One that lives and hides its start, or could not find it out, may be the one.
  return found === start || found === UNKNOWN_START || start === UNKNOWN_START;
}

/**
 * Tells a process from all that had or will have its number: the machine's boot, and the clock ticks from there to the
 * start of the process. One that died and is still in the table, as nobody asked for its end, has no start any more.
 */
function startOf(id: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const status = readFileSync(`/proc/${id}/stat`, 'latin1');
    // Its second field is the program's name in brackets, with any characters; the state is the third.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return DEAD_STATES.includes(fields[0]) ? DEAD : `${boot}-${fields[START_FIELD - 3]}`;
  } catch {
    return UNKNOWN_START;
  }
}

const UNKNOWN_START = '0';
const DEAD = 'dead';
/** Fields of /proc/<pid>/stat count from 1 (proc(5)). */
const START_FIELD = 22;
const DEAD_STATES: readonly string[] = ['Z', 'X'];

/** Holds up this thread: for a start, when there is nothing else to do. */
function sleep(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

function removeClaim(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

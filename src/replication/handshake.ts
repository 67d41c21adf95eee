/**
 * Handshake: what a replica and its master say to each other before data flow: lines in, commands out.
 *
 *   PING | AUTH [user] password | REPLCONF listening-port, ip-address, capa, version | PSYNC id offset
 *
 * One command is on its way at a time. `command` is the one to send now; `answer` takes the line that comes back, and either there
 * is another command then, or `end` says how it ended. A master that does not know what a REPLCONF says is none the worse for
 * it; any other refusal ends the attempt. (Redis: replication.c of 7.0, syncWithMaster.)
 */
import { isStreamId } from './history';

/** What a replica says of itself. */
export interface Introduction {
  /** Empty: the default user. */
  readonly user: string;
  /** Empty: none is said. */
  readonly password: string;
  readonly port: number;
  /** Where it is to be found; empty: where it connects from. */
  readonly address: string;
  readonly version: string;
  /** What it has: the stream and the bytes of it; null for nothing. */
  readonly place: { readonly id: string; readonly offset: number } | null;
  /** It is the former master, and the other is to take its place (FAILOVER). */
  readonly handsOver: boolean;
}

/**
 * `full`: a whole snapshot follows, which is the state at that place. `partial`: the stream follows from where the replica is; where
 * an id is given it has that name now. `later`: the master cannot yet. `failed`: it says something else.
 */
export type HandshakeEnd =
  | { readonly kind: 'full'; readonly id: string; readonly offset: number }
  | { readonly kind: 'partial'; readonly id: string | null }
  | { readonly kind: 'later' | 'failed'; readonly reason: string };

/** Errors to a PING with which the master is alive and wants to know who asks. */
const ALIVE = ['-NOAUTH', '-NOPERM', '-ERR operation not permitted'];
const LATER = ['-NOMASTERLINK', '-LOADING'];
const FULL = /^\+FULLRESYNC ([0-9a-f]{40}) (\d{1,15})$/;
const PARTIAL = /^\+CONTINUE(?: ([0-9a-f]{40}))?\s*$/;

interface Step {
  readonly command: readonly string[];
  /** Why this answer ends the attempt; null where it does not. */
  refusal(line: string): string | null;
}

export class Handshake {
  /** How it ended; null before. */
  end: HandshakeEnd | null = null;
  private readonly steps: readonly Step[];
  private at = 0;

  constructor(introduction: Introduction) {
    this.steps = stepsOf(introduction);
  }

  /** The command to send now. */
  get command(): readonly string[] {
    return this.steps[this.at].command;
  }

  /** Takes the line that answers `command`. */
  answer(line: string): void {
    const reason = this.steps[this.at].refusal(line);
    if (reason !== null) this.end = { kind: 'failed', reason };
    else if (this.at === this.steps.length - 1) this.end = endOf(line);
    else this.at++;
  }
}

function stepsOf({ user, password, port, address, version, place, handsOver }: Introduction): Step[] {
  const steps: Step[] = [{ command: ['PING'], refusal: refusalOfPing }];
  if (password !== '') {
    const command = user === '' ? ['AUTH', password] : ['AUTH', user, password];
    steps.push({
      command,
      refusal: (line) => (isError(line) ? `Unable to AUTH to MASTER: ${line}` : unlessReply(line)),
    });
  }
  const say = (...words: string[]): void => {
    steps.push({ command: ['REPLCONF', ...words], refusal: unlessReply });
  };
  say('listening-port', String(port));
  if (address !== '') say('ip-address', address);
  say('capa', 'eof', 'capa', 'psync2');
  say('version', version);
  const from = place === null ? ['?', '-1'] : [place.id, String(place.offset + 1)];
  const psync = ['PSYNC', ...from, ...(handsOver ? ['FAILOVER'] : [])];
  steps.push({ command: psync, refusal: unlessReply });
  return steps;
}

function refusalOfPing(line: string): string | null {
  if (!isError(line) || ALIVE.some((error) => line.startsWith(error))) return unlessReply(line);
  return `Error reply to PING from master: '${line}'`;
}

/** Null for what can be a reply at all. */
function unlessReply(line: string): string | null {
  return line.startsWith('+') || isError(line) ? null : `Unexpected line from master: '${line}'`;
}

function isError(line: string): boolean {
  return line.startsWith('-');
}

/** What the answer to PSYNC means. */
function endOf(line: string): HandshakeEnd {
  const full = FULL.exec(line);
  if (full !== null && Number.isSafeInteger(Number(full[2]))) {
    return { kind: 'full', id: full[1], offset: Number(full[2]) };
  }
  const partial = PARTIAL.exec(line);
  if (partial !== null) {
    const id = partial[1];
    return { kind: 'partial', id: id !== undefined && isStreamId(id) ? id : null };
  }
  if (LATER.some((error) => line.startsWith(error))) {
    return { kind: 'later', reason: `Master is currently unable to PSYNC but should be in the future: ${line}` };
  }
  return { kind: 'failed', reason: `Unexpected reply to PSYNC from master: ${line}` };
}

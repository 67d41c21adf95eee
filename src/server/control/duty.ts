/**
 * Duty: what the control plane tells a data node to be, as it stands in the answer to a renewal of its lease.
 *
 * An array, `[lease-ms, view-version, duty, group, epoch, master-host, master-port, parting-stream, parting-offset]`; what has no meaning
 * for a duty is '', 0 or −1. What comes is checked whole: a node must not change its role by half an answer.
 */
import type { Reply } from '../../resp';

/**
 * `serve`: be the master, and acknowledge writes for as long as the lease lasts. `follow`: be a replica of that master. `wait`: stay what
 * you are, a change of master is under way. `stranger`: no group has this node.
 */
export type Duty = 'serve' | 'follow' | 'wait' | 'stranger';

/** An answer to a renewal. */
export interface Told {
  /** Milliseconds from the sending of the renewal; 0 for no lease. */
  readonly leaseMs: number;
  /** The view by which this was said. */
  readonly viewVersion: number;
  readonly duty: Duty;
  /** −1 for none. */
  readonly group: number;
  readonly epoch: number;
  /** Whom to follow. */
  readonly host: string;
  readonly port: number;
  /** Where the stream of the former master ended in that of this one: id and offset; '' and −1 where nobody knows. */
  readonly partingStream: string;
  readonly partingOffset: number;
}

const DUTIES: readonly unknown[] = ['serve', 'follow', 'wait', 'stranger'] satisfies readonly Duty[];
const PORT_MAX = 65535;

/** The answer in its parts; null where it is none. */
export function readTold(answer: readonly Reply[]): Told | null {
  const [lease, version, duty, groupId, epoch, host, port, stream, offset] = answer;
  const [leaseMs, viewVersion] = [wholeOf(lease), wholeOf(version)];
  const told = {
    leaseMs,
    viewVersion,
    duty: duty as Duty,
    group: duty === 'stranger' ? -1 : wholeOf(groupId),
    epoch: wholeOf(epoch),
    host: textOf(host),
    port: wholeOf(port),
    partingStream: textOf(stream),
    partingOffset: wholeOf(offset),
  };
  if (!DUTIES.includes(duty) || leaseMs < 0 || viewVersion < 0) return null;
  if (told.duty === 'follow' && (told.host === '' || told.port < 1 || told.port > PORT_MAX)) return null;
  return told;
}

/** A whole number, be it as text; −1 for anything else. */
function wholeOf(value: Reply | undefined): number {
  const whole = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof whole === 'number' && Number.isSafeInteger(whole) ? whole : -1;
}

function textOf(value: Reply | undefined): string {
  return typeof value === 'string' ? value : '';
}

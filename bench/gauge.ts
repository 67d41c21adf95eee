/**
 * Gauge: what a server has come to need since it stood empty, and how long it ever stopped.
 *
 * Resident memory is the operating system's figure. V8's heap and the longest turn of the event loop are cache-server's own
 * figures in its INFO, section "slotcache"; CONFIG RESETSTAT sets the latter back to 0. Redis keeps neither.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './loader';
import { BenchError, type ServerProcess } from './processes';

export const MIB = 2 ** 20;
/**
 * Time before memory is read, for what is done on the side: growing a table, and giving freed pages back to the system.
 * Redis' allocator takes some 10 s for that: 1 M keys were 133 B each at once and 125 B after 12 s (measured, 7.0.15).
 */
export const SETTLE_MS = 12_000;
/** Time for a started server to finish with its start. */
const START_MS = 1_000;

const HEAP_FIELD = 'slotcache_v8_heap_used';
const PAUSE_FIELD = 'slotcache_longest_pause_ms';

/** `null`: the server keeps no such figure. */
export interface Growth {
  readonly residentBytes: number;
  readonly heapBytes: number | null;
}

export class Gauge {
  private constructor(
    private readonly server: ServerProcess,
    private readonly emptyResidentBytes: number,
    private readonly emptyHeapBytes: number | null,
  ) {}

  /** Of a server that was just started. */
  static async of(server: ServerProcess): Promise<Gauge> {
    await sleep(START_MS);
    const emptyHeapBytes = await infoField(server, HEAP_FIELD);
    const gauge = new Gauge(server, server.residentBytes(), emptyHeapBytes);
    await gauge.forgetPauses();
    return gauge;
  }

  /** The growth since then, after some time to settle. */
  async growth(): Promise<Growth> {
    await sleep(SETTLE_MS);
    const residentBytes = this.server.residentBytes() - this.emptyResidentBytes;
    const heapBytes = await infoField(this.server, HEAP_FIELD);
    return {
      residentBytes,
      heapBytes: heapBytes === null || this.emptyHeapBytes === null ? null : heapBytes - this.emptyHeapBytes,
    };
  }

  async forgetPauses(): Promise<void> {
    await ask(this.server.port, 'CONFIG RESETSTAT');
  }

  /** The longest turn since then. */
  longestPauseMs(): Promise<number | null> {
    return infoField(this.server, PAUSE_FIELD);
  }
}

/** A bench of a server that lost keys would flatter it. @throws BenchError unless `line` is answered by the line `reply` */
export async function expectReply(server: ServerProcess, line: string, reply: string): Promise<void> {
  const [said] = (await ask(server.port, line)).split('\r\n');
  if (said !== reply) throw new BenchError(`${server.name} should answer ${line} by ${reply}, but says ${said}`);
}

/** A field of INFO; null where there is none. */
export async function infoField(server: ServerProcess, field: string, section = 'slotcache'): Promise<number | null> {
  const info = await ask(server.port, `INFO ${section}`);
  const match = new RegExp(`^${field}:([0-9.]+)\r$`, 'm').exec(info);
  return match === null ? null : Number(match[1]);
}

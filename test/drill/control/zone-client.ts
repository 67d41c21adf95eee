/**
 * ZoneClient: a client that is in a zone, and so is cut off with it; it writes to one server or proxy there, each millisecond, and
 * tells at the end what was acknowledged when.
 */
import type { Daemon } from './daemon';
import { Prober, type ProbeResult } from './prober';
import { machineOffsetMs, ZoneProcess, type ZoneWork } from './zone-process';

export const ZONE_CLIENT = 'zone-client';

/** What is printed; moments are of the machine's clock. */
interface Told {
  readonly acknowledged: ProbeResult['acknowledged'];
  readonly errors: readonly (readonly [string, number])[];
  readonly unknown: number;
}

/** The process itself: host, port, and a name for its keys. */
export const workAsClient: ZoneWork = async ([host, port, name]) => {
  const prober = new Prober({ host, port: Number(port) }, name);
  return async (): Promise<Told> => {
    const { acknowledged, errors, unknown } = await prober.end();
    return { acknowledged: shifted(acknowledged, machineOffsetMs()), errors: [...errors], unknown };
  };
};

export class ZoneClient {
  private constructor(private readonly process: ZoneProcess) {}

  /** Writes to `target` from its own zone. */
  static async start({ zone, port }: Daemon, name: string): Promise<ZoneClient> {
    return new ZoneClient(await ZoneProcess.start(zone, ZONE_CLIENT, [zone.host, String(port), name]));
  }

  /** Ends it; what was acknowledged, in this process' time. */
  async end(): Promise<ProbeResult> {
    const { acknowledged, errors, unknown } = (await this.process.end()) as Told;
    return { acknowledged: shifted(acknowledged, -machineOffsetMs()), errors: new Map(errors), unknown };
  }
}

function shifted(acknowledged: ProbeResult['acknowledged'], byMs: number): ProbeResult['acknowledged'] {
  return acknowledged.map(({ key, sentMs, ackedMs }) => ({ key, sentMs: sentMs + byMs, ackedMs: ackedMs + byMs }));
}

/**
 * ZoneClient: a client that is in a zone, and so is cut off with it: a process of its own, which writes straight to a data node
 * and tells at the end what was acknowledged when.
 *
 * Times are of the machine's one clock, so both sides of a cut can be compared.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Daemon } from './daemon';
import { Prober, type ProbeResult } from './prober';

const VERB = 'zone-client';

/** What is printed. */
interface Told {
  readonly acknowledged: ProbeResult['acknowledged'];
  readonly errors: readonly (readonly [string, number])[];
  readonly unknown: number;
}

/** If this process was started as one: does its work and never returns. */
export async function serveAsZoneClient(args: readonly string[]): Promise<void> {
  if (args[0] !== VERB) return;
  const prober = new Prober({ host: args[1], port: Number(args[2]) }, args[3]);
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  const { acknowledged, errors, unknown } = await prober.end();
  const offsetMs = performance.timeOrigin;
  const told: Told = {
    acknowledged: acknowledged.map(({ key, sentMs, ackedMs }) => ({
      key,
      sentMs: sentMs + offsetMs,
      ackedMs: ackedMs + offsetMs,
    })),
    errors: [...errors],
    unknown,
  };
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
  await new Promise(() => undefined);
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class ZoneClient {
  private text = '';
  private readonly child: ChildProcess;

  /** Writes to `target` from its own zone. */
  constructor(target: Daemon, name: string) {
    const { zone, port } = target;
    const [program, ...args] = [...zone.enter, process.execPath, process.argv[1], VERB, zone.host, String(port), name];
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
  }

  /** Ends it; what was acknowledged, in this process' time. */
  async end(): Promise<ProbeResult> {
    const ended = new Promise((settle) => this.child.once('close', settle));
    this.child.stdin!.end();
    await ended;
    const told = JSON.parse(this.text.slice(this.text.indexOf('{'))) as Told;
    const offsetMs = performance.timeOrigin;
    return {
      acknowledged: told.acknowledged.map(({ key, sentMs, ackedMs }) => ({
        key,
        sentMs: sentMs - offsetMs,
        ackedMs: ackedMs - offsetMs,
      })),
      errors: new Map(told.errors),
      unknown: told.unknown,
    };
  }
}

/**
 * ZoneProcess: a part of the drill that has to be in a zone, and so is a process of its own there: this program once more, with a
 * verb for its first word. It says `ready`, works until its standard input ends, and prints what it found as one line of JSON.
 *
 * Moments that it prints are of the machine's one monotonic clock (`machineMs`), so both sides of a cut can be compared.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Zone } from './zones';

/** Begins the work; resolves when it is begun, with what ends it and tells what was found. */
export type ZoneWork = (args: readonly string[]) => Promise<() => Promise<unknown>>;

/** Between this process' `performance.now()` and the clock that all processes of the machine share, ms. */
export function machineOffsetMs(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now();
}

/** If this process was started as one: does its work and never returns. */
export async function serveInZone(
  [verb, ...args]: readonly string[],
  works: Readonly<Record<string, ZoneWork>>,
): Promise<void> {
  if (verb === undefined || !Object.hasOwn(works, verb)) return;
  const end = await works[verb](args);
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  process.stdout.write(`${JSON.stringify(await end())}\n`, () => process.exit(0));
  await new Promise(() => undefined);
}

const READY = 'ready\n';
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class ZoneProcess {
  private text = '';
  private readonly ended: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    running.add(child);
    this.ended = new Promise((settle) => {
      child.once('close', () => {
        running.delete(child);
        settle();
      });
    });
  }

  /** Resolves when it is at work. */
  static async start(zone: Zone, verb: string, args: readonly string[]): Promise<ZoneProcess> {
    const [program, ...words] = [...zone.enter, process.execPath, process.argv[1], verb, ...args];
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const started = new ZoneProcess(child);
    await new Promise<void>((settle, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        started.text += text;
        if (started.text.startsWith(READY)) settle();
      });
      child.once('close', () => reject(new Error(`the ${verb} of ${zone.host} ended before it was told to`)));
    });
    return started;
  }

  /** Ends it; what it found. */
  async end(): Promise<unknown> {
    this.child.stdin!.end();
    await this.ended;
    return JSON.parse(this.text.slice(READY.length)) as unknown;
  }
}

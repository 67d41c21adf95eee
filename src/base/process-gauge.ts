/**
 * ProcessGauge: what the operating system and V8 say about this process and its machine, for INFO.
 *
 * Beside the real World the only file that asks the process by itself. Nothing here decides anything: in a simulation the numbers
 * are those of the simulating process, and harmless. A call costs some 20 µs; nobody calls it per command.
 */
import { machine, release, totalmem, type } from 'node:os';

/** Architectures with pointers of 32 bits; all others that Node runs on have 64. */
const NARROW_ARCHITECTURES: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel'];

export class ProcessGauge {
  readonly id = process.pid;
  /** The program, as a path: the script where there is one. */
  readonly executable = process.argv[1] ?? process.execPath;
  /** As `uname -srm` prints it. */
  readonly operatingSystem = `${type()} ${release()} ${machine()}`;
  readonly pointerBits = NARROW_ARCHITECTURES.includes(process.arch) ? 32 : 64;
  readonly nodeVersion = process.versions.node;

  memory(): { residentBytes: number; heapUsedBytes: number; heapTotalBytes: number; machineBytes: number } {
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    return { residentBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, machineBytes: totalmem() };
  }

  /** CPU time of all threads since the start. */
  cpu(): { userMicroseconds: number; systemMicroseconds: number } {
    const { user, system } = process.cpuUsage();
    return { userMicroseconds: user, systemMicroseconds: system };
  }
}

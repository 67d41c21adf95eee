/**
 * Strace: makes the disk of a running process fail or slow, by tampering with its system calls.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SYNCS = 'fsync,fdatasync';

/** Why there can be none here; null where there can. */
export function whyNoStrace(): string | null {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? null : 'strace is not there, or may not trace';
}

export class Strace {
  private readonly ended: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly output: string,
  ) {
    this.ended = new Promise((settle) => void child.once('close', () => settle()));
  }

  /**
   * Tampers from now on with all syncs of a process.
   * @param how as strace's `inject` has it: `error=EIO`, `delay_enter=` and microseconds
   * @param output a file for what it sees
   */
  static async attach(pid: number, how: string, output: string): Promise<Strace> {
    const what = ['-e', `trace=${SYNCS}`, '-e', `inject=${SYNCS}:${how}`];
    const child = spawn('strace', ['-f', '-p', String(pid), '-o', output, ...what], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const strace = new Strace(child, output);
    await new Promise<void>((settle, reject) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('attached')) settle();
      });
      child.once('close', () => reject(new Error(`strace could not attach: ${said}`)));
    });
    return strace;
  }

  /** Whether a system call has been tampered with. */
  get hasStruck(): boolean {
    return /\((INJECTED|DELAYED)\)/.test(readFileSync(this.output, 'utf8'));
  }

  async detach(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

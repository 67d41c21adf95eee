/**
 * LoopDisk: a disk that can lose power: an ext4 file system in a file, shut down by the ioctl that its own developers test with
 * (EXT4_IOC_SHUTDOWN, no flush of the log): what was not synced is gone, and so are names that were not.
 *
 * What ext4 cannot show is a directory that was not synced: it persists names along with any file that is. The simulated disk
 * (src/sim) forgets those.
 *
 * Each cut proves itself: a file that was synced is there afterwards, one that was not is not, and writes fail in between.
 * Only root may mount. Node has no ioctl, so a Python waits for the word.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, unmount, whyNoMount } from './mounts';

const BYTES = 512 * 1024 * 1024;
const CUTTER = `
import fcntl, os, struct, sys
disk = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(disk, 0x8004587d, struct.pack('I', 2))
`;
const KEPT = 'synced';
const LOST = 'not-synced';

/** Why there can be none here; null where there can. */
export function whyNoLoopDisk(): string | null {
  const missing = ['mkfs.ext4', 'python3'].find((name) => spawnSync('which', [name]).status !== 0);
  return whyNoMount() ?? (missing === undefined ? null : `there is no ${missing}`);
}

export class LoopDisk {
  readonly path: string;
  private readonly image: string;
  private cutter!: ChildProcess;

  /** @param folder where the image and the mount point are made. */
  constructor(folder: string) {
    this.image = join(folder, 'disk.img');
    this.path = join(folder, 'disk');
    mkdirSync(this.path);
    writeFileSync(this.image, '');
    execFileSync('truncate', ['-s', String(BYTES), this.image]);
    execFileSync('mkfs.ext4', ['-q', this.image]);
    this.mount();
  }

  /** Cuts the power; `atCut` is called at the last moment before. */
  async cutPower(atCut: () => void): Promise<void> {
    await once(this.cutter.stdout!, 'data');
    writeFileSync(join(this.path, KEPT), KEPT);
    syncFile(join(this.path, KEPT));
    syncFile(this.path);
    writeFileSync(join(this.path, LOST), LOST);
    const done = once(this.cutter, 'exit');
    atCut();
    this.cutter.stdin!.write('\n');
    const [code] = await done;
    if (code !== 0) throw new Error('the power could not be cut');
    if (canWrite(join(this.path, 'afterwards'))) throw new Error('the power was not cut: the disk still takes writes');
  }

  /** After a cut, when nobody has files open on it: power is back. */
  remount(): void {
    execFileSync('umount', [this.path]);
    this.mount();
    if (contentOf(join(this.path, KEPT)) !== KEPT) throw new Error('the disk has lost what was synced');
    if (contentOf(join(this.path, LOST)) === LOST)
      throw new Error('the power was not cut: the disk has what was not synced');
    for (const name of [KEPT, LOST]) rmSync(join(this.path, name), { force: true });
  }

  dispose(): void {
    this.cutter.kill('SIGKILL');
    unmount(this.path);
    rmSync(this.image);
  }

  private mount(): void {
    mount(['-o', 'loop', this.image], this.path);
    this.cutter = spawn('python3', ['-c', CUTTER, this.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

function canWrite(path: string): boolean {
  try {
    writeFileSync(path, path);
    return true;
  } catch {
    return false;
  }
}

function contentOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/**
 * Mounts: file systems that a drill mounts, and that go with it, also where somebody interrupts it. Only root may.
 */
import { execFileSync } from 'node:child_process';

const mounted = new Set<string>();
process.on('exit', () => mounted.forEach(unmount));

/** @param options arguments of mount(8) before the mount point */
export function mount(options: readonly string[], path: string): void {
  execFileSync('mount', [...options, path]);
  mounted.add(path);
}

/** At once where nobody has files open there, else when the last one is closed. */
export function unmount(path: string): void {
  execFileSync('umount', ['-l', path]);
  mounted.delete(path);
}

/** Why nothing can be mounted; null where it can. */
export function whyNoMount(): string | null {
  return process.getuid?.() === 0 ? null : 'only root can mount a file system';
}

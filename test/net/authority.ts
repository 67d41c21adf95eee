/**
 * Authorities and certificates for tests, made by openssl in a folder of their own when they are asked for.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Elliptic curves: RSA keys would take a second each. */
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Paths of a certificate and its key. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'slotcache-tls-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export class Authority {
  /** Path of its own certificate. */
  readonly cert: string;
  private readonly key: string;

  constructor(
    private readonly folder: string,
    readonly name: string,
  ) {
    this.cert = join(folder, `${name}.crt`);
    this.key = join(folder, `${name}.key`);
    openssl('req', '-x509', ...NEW_KEY, '-nodes', '-subj', `/CN=${name}`, '-keyout', this.key, '-out', this.cert);
  }

  /** A certificate in files of this name; the key is encrypted where a password is given. */
  issue(name: string, password = ''): Issued {
    const at = (extension: string): string => join(this.folder, `${name}.${extension}`);
    const secrecy = password === '' ? ['-nodes'] : ['-passout', `pass:${password}`];
    openssl('req', ...NEW_KEY, ...secrecy, '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr'));
    const signer = ['-CA', this.cert, '-CAkey', this.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', at('csr'), ...signer, '-days', '2', '-out', at('crt'));
    return { cert: at('crt'), key: at('key') };
  }
}

/** The name under which OpenSSL looks for an authority in a directory. */
export function hashedName(cert: string): string {
  return `${openssl('x509', '-in', cert, '-noout', '-hash').trim()}.0`;
}

/** Writes Diffie-Hellman parameters of a group that is known, as making new ones takes long. */
export function makeParameters(path: string): void {
  openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048', '-out', path);
}

/** What a client of node:tls takes. */
export function pemOf({ cert, key }: Issued): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

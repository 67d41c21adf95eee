/**
 * What TLS settings name, read and checked piece by piece, so that a fault can say which setting and which file it is in.
 *
 * OpenSSL, which node:tls hands them to, passes over some faults in silence (a file of authorities without a certificate
 * in it), and reports others without a name. Certificate files are configuration and not data: they are read as such, at
 * once, and never in a simulated world.
 */
import { createPrivateKey, constants, X509Certificate, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { CacheError, systemReason } from '../base';

/** Versions of TLS from the oldest, with OpenSSL's option to leave one out between others. */
export const TLS_VERSIONS: readonly { readonly name: SecureVersion; readonly leaveOut: number }[] = [
  { name: 'TLSv1', leaveOut: constants.SSL_OP_NO_TLSv1 },
  { name: 'TLSv1.1', leaveOut: constants.SSL_OP_NO_TLSv1_1 },
  { name: 'TLSv1.2', leaveOut: constants.SSL_OP_NO_TLSv1_2 },
  { name: 'TLSv1.3', leaveOut: constants.SSL_OP_NO_TLSv1_3 },
];
const DEFAULT_PROTOCOLS = 'TLSv1.2 TLSv1.3';

const CERTIFICATE = /-----BEGIN (X509 )?CERTIFICATE-----[^-]*-----END (X509 )?CERTIFICATE-----/g;
const PARAMETERS = /-----BEGIN (X9\.42 )?DH PARAMETERS-----/;
/** How OpenSSL looks for an authority in a directory: hash of its name, and a number. */
const HASHED_NAME = /^[0-9a-f]{8}\.\d+$/;
/** What all cipher suites of TLS 1.3 begin with in their names, and no cipher of older versions does. */
const SUITE_PREFIX = 'TLS_';

/** A certificate with its chain, and its key: as node:tls takes them. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string;
}

/** The settings by which one end of a connection knows who it is. */
export interface IdentityNames {
  readonly cert: 'tls-cert-file' | 'tls-client-cert-file';
  readonly key: 'tls-key-file' | 'tls-client-key-file';
  readonly pass: 'tls-key-file-pass' | 'tls-client-key-file-pass';
}

/** @throws CacheError BAD_SETTING: a file cannot be read or used, or the key is not the certificate's */
export function readIdentity(names: IdentityNames, values: Readonly<Record<string, unknown>>): Identity {
  const [certPath, keyPath, passphrase] = [names.cert, names.key, names.pass].map((name) => values[name] as string);
  for (const [name, path] of [
    [names.cert, certPath],
    [names.key, keyPath],
  ]) {
    if (path === '') throw new CacheError('BAD_SETTING', `No ${name} configured!`);
  }
  const cert = readCertificates(names.cert, certPath);
  const key = readText(names.key, keyPath);
  if (!new X509Certificate(cert).checkPrivateKey(parseKey(names.key, keyPath, key, passphrase))) {
    throw fault(names.key, keyPath, `is not the key of ${names.cert} '${certPath}'`);
  }
  return { cert, key, ...(passphrase === '' ? {} : { passphrase }) };
}

/**
 * Certificates of the trusted authorities; null where no setting names any.
 * @throws CacheError BAD_SETTING
 */
export function readAuthorities(file: string, directory: string): string[] | null {
  if (file === '' && directory === '') return null;
  const found = file === '' ? [] : [readCertificates('tls-ca-cert-file', file)];
  return directory === '' ? found : [...found, ...readHashedDirectory(directory)];
}

/** @throws CacheError BAD_SETTING */
export function readParameters(path: string): string {
  const dhparam = readText('tls-dh-params-file', path);
  // node:tls passes over what it cannot parse, and says so of short ones only.
  const reason = PARAMETERS.test(dhparam) ? faultOf({ dhparam }) : 'no parameters in it';
  if (reason !== null) throw fault('tls-dh-params-file', path, reason);
  return dhparam;
}

/** What `tls-protocols` and the lists of ciphers mean to node:tls. The lists were checked before. */
export function protocolOptions(
  protocols: string,
  ciphers: string,
  ciphersuites: string,
): SecureContextOptions & { readonly secureOptions: number } {
  const wanted = (protocols.trim() === '' ? DEFAULT_PROTOCOLS : protocols).toLowerCase().split(' ');
  const spoken = TLS_VERSIONS.filter(({ name }) => wanted.includes(name.toLowerCase()));
  const isSuite = (name: string): boolean => name.startsWith(SUITE_PREFIX);
  const usual = DEFAULT_CIPHERS.split(':');
  return {
    minVersion: spoken[0].name,
    maxVersion: spoken[spoken.length - 1].name,
    secureOptions: TLS_VERSIONS.reduce((sum, each) => (spoken.includes(each) ? sum : sum | each.leaveOut), 0),
    ciphers: [
      ciphersuites === '' ? usual.filter(isSuite).join(':') : ciphersuites,
      ciphers === '' ? usual.filter((name) => !isSuite(name)).join(':') : ciphers,
    ].join(':'),
  };
}

/** Why a list of ciphers cannot be used; null where it can. */
export function faultOfTlsLists(lists: {
  readonly 'tls-ciphers'?: string;
  readonly 'tls-ciphersuites'?: string;
}): string | null {
  const { 'tls-ciphers': ciphers = '', 'tls-ciphersuites': suites = '' } = lists;
  if (ciphers !== '' && (ciphers.split(':').some((name) => name.startsWith(SUITE_PREFIX)) || !areKnown(ciphers))) {
    return `Failed to configure ciphers: ${ciphers}`;
  }
  if (suites !== '' && (!suites.split(':').every((name) => name.startsWith(SUITE_PREFIX)) || !areKnown(suites))) {
    return `Failed to configure ciphersuites: ${suites}`;
  }
  return null;
}

/** What OpenSSL has against these options, in its words; null for nothing. */
export function faultOf(options: SecureContextOptions): string | null {
  try {
    createSecureContext(options);
    return null;
  } catch (error) {
    return reasonOf(error as Error);
  }
}

/** The reason of an error of OpenSSL, without the place in its source. */
export function reasonOf(error: Error): string {
  return (error as { reason?: string }).reason ?? error.message.trim();
}

function areKnown(ciphers: string): boolean {
  return faultOf({ ciphers }) === null;
}

function readCertificates(setting: string, path: string): string {
  const text = readText(setting, path);
  const blocks = text.match(CERTIFICATE);
  if (blocks === null) throw fault(setting, path, 'no certificate in it');
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw fault(setting, path, `certificate ${i + 1}: ${reasonOf(error as Error)}`);
    }
  }
  return blocks.join('\n');
}

function readHashedDirectory(path: string): string[] {
  let names: string[];
  try {
    names = readdirSync(path).filter((name) => HASHED_NAME.test(name));
  } catch (error) {
    throw fault('tls-ca-cert-dir', path, systemReason(error));
  }
  if (names.length === 0) throw fault('tls-ca-cert-dir', path, 'no certificate in it under a name of `openssl rehash`');
  return names.map((name) => readCertificates('tls-ca-cert-dir', join(path, name)));
}

function parseKey(setting: string, path: string, key: string, passphrase: string): KeyObject {
  if (isEncrypted(key) && passphrase === '') throw fault(setting, path, `needs its password, ${setting}-pass`);
  try {
    return createPrivateKey(isEncrypted(key) ? { key, passphrase } : key);
  } catch (error) {
    throw fault(setting, path, reasonOf(error as Error));
  }
}

function isEncrypted(key: string): boolean {
  return key.includes('ENCRYPTED');
}

function readText(setting: string, path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw fault(setting, path, systemReason(error));
  }
}

function fault(setting: string, path: string, reason: string): CacheError {
  return new CacheError('BAD_SETTING', `${setting} '${path}': ${reason}`);
}

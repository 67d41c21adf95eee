/**
 * What the two ends of TLS connections know: certificate, key, authorities, versions, ciphers; made from the settings.
 *
 * As in Redis, a certificate is good if an authority of `tls-ca-cert-file` or `-dir` has signed it: the chain is checked,
 * and not whether the name in it is the host that was asked for, since nodes are known by addresses that come and go.
 * So the authorities should be of one's own, that sign nothing but nodes and clients. Those that Node brings along are
 * never trusted.
 */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { CacheError, type Settings } from '../base';
import { faultOf, faultOfTlsLists, protocolOptions, readAuthorities, readIdentity, readParameters } from './tls-files';
import { tlsSettings, type TlsSettings } from './tls-settings';

/** The end of TLS connections that opens them; for any number of them. */
export interface TlsContext {
  readonly secureContext: SecureContext;
}

/** The end that accepts them. */
export interface ServerTls {
  readonly options: TlsOptions;
  /** Whether a client's certificate is asked for; and then what comes of one that is missing, or bad. */
  readonly clientCertificates: 'no' | 'yes' | 'optional';
}

const SERVER_IDENTITY = { cert: 'tls-cert-file', key: 'tls-key-file', pass: 'tls-key-file-pass' } as const;
const CLIENT_IDENTITY = {
  cert: 'tls-client-cert-file',
  key: 'tls-client-key-file',
  pass: 'tls-client-key-file-pass',
} as const;

/** Reads what a server needs. @throws CacheError BAD_SETTING, whose message names the setting and the file */
export function serverTls(settings: TlsSettings): ServerTls {
  const identity = readIdentity(SERVER_IDENTITY, settings);
  const clientCertificates = settings['tls-auth-clients'];
  const ca = authoritiesOf(settings);
  if (ca === null && clientCertificates !== 'no') throw missingAuthorities('tls-auth-clients is not no');
  const common = commonOptions(settings);
  const parameters = settings['tls-dh-params-file'];
  const options: TlsOptions = {
    ...checked({
      ...identity,
      ...common,
      ...(ca === null ? {} : { ca }),
      ...(parameters === '' ? {} : { dhparam: readParameters(parameters) }),
      secureOptions: common.secureOptions | (settings['tls-session-caching'] ? 0 : constants.SSL_OP_NO_TICKET),
      sessionTimeout: settings['tls-session-cache-timeout'],
    }),
    honorCipherOrder: settings['tls-prefer-server-ciphers'],
    requestCert: clientCertificates !== 'no',
    rejectUnauthorized: clientCertificates === 'yes',
  };
  return { options, clientCertificates };
}

/**
 * Reads what connections to other nodes need: the certificate of `tls-client-cert-file`; without it, as in Redis, that of
 * `tls-cert-file`; without both none is shown. @throws CacheError BAD_SETTING: a file is not good, or no authority is named
 */
export function clientTls(settings: TlsSettings): TlsContext {
  const names = settings['tls-client-cert-file'] === '' ? SERVER_IDENTITY : CLIENT_IDENTITY;
  const identity = settings[names.cert] === '' ? {} : readIdentity(names, settings);
  const ca = authoritiesOf(settings);
  if (ca === null) throw missingAuthorities('connections to other nodes are under TLS');
  return { secureContext: createSecureContext(checked({ ...identity, ...commonOptions(settings), ca })) };
}

/** Lets clients change the settings of TLS while it is in use: what cannot be used is refused, the rest goes to `renew`. */
export function followTls(
  settings: Settings<ReturnType<typeof tlsSettings>>,
  renew: (context: ServerTls) => void,
): void {
  const names = Object.keys(tlsSettings()) as (keyof TlsSettings)[];
  settings.judgeTogether(names, (proposed) => {
    try {
      const context = serverTls(proposed);
      if (proposed['tls-client-cert-file'] !== '') clientTls(proposed);
      return () => renew(context);
    } catch (error) {
      return (error as CacheError).message;
    }
  });
}

function authoritiesOf(settings: TlsSettings): string[] | null {
  return readAuthorities(settings['tls-ca-cert-file'], settings['tls-ca-cert-dir']);
}

function commonOptions(settings: TlsSettings): ReturnType<typeof protocolOptions> {
  const reason = faultOfTlsLists(settings);
  if (reason !== null) throw new CacheError('BAD_SETTING', reason);
  return protocolOptions(settings['tls-protocols'], settings['tls-ciphers'], settings['tls-ciphersuites']);
}

/** What no piece shows by itself: a key that is too short for the version, a digest that is too weak. */
function checked<Options extends SecureContextOptions>(options: Options): Options {
  const reason = faultOf(options);
  if (reason !== null) throw new CacheError('BAD_SETTING', `the TLS settings cannot be used together: ${reason}`);
  return options;
}

function missingAuthorities(why: string): CacheError {
  return new CacheError('BAD_SETTING', `Either tls-ca-cert-file or tls-ca-cert-dir must be specified when ${why}`);
}

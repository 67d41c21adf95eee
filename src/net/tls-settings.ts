/**
 * The settings of TLS, under the names and with the meaning that they have in Redis. They are the same for all nodes.
 *
 * Certificates, keys and authorities are files in PEM form. They are read when the port is opened, and read again whenever
 * a client sets one of these settings, be it to the same name: that is how renewed certificates come into use. Connections
 * that stand are not touched. What is set together is judged together (a key and its certificate); what does not fit is
 * refused, and what was in use stays in use.
 */
import { integer, oneOf, text, yesNo, type SettingsValues } from '../base';
import { TLS_VERSIONS } from './tls-files';

/** What speaks TLS, to whom, and how. */
export function tlsSettings() {
  return {
    'tls-port': integer(0, { max: 65535, immutable: true, does: 'TCP port to listen on for TLS; 0 for none.' }),
    'tls-cert-file': text('', { does: 'File of the certificate that clients are shown, PEM, with its chain.' }),
    'tls-key-file': text('', { does: 'File of its private key, PEM.' }),
    'tls-key-file-pass': text('', { sensitive: true, does: 'Password of that file, where it has one.' }),
    'tls-client-cert-file': text('', {
      does: 'File of the certificate for connections that go out; empty for that of tls-cert-file.',
    }),
    'tls-client-key-file': text('', { does: 'File of its private key, PEM.' }),
    'tls-client-key-file-pass': text('', { sensitive: true, does: 'Password of that file, where it has one.' }),
    'tls-dh-params-file': text('', {
      does: 'File of Diffie-Hellman parameters, PEM; only TLS 1.2 and older use them.',
    }),
    'tls-ca-cert-file': text('', { does: 'File of the authorities whose certificates are trusted, PEM.' }),
    'tls-ca-cert-dir': text('', {
      does: 'Directory of such files under the names that `openssl rehash` gives them; others are passed over.',
    }),
    'tls-auth-clients': oneOf('yes', ['no', 'yes', 'optional'], {
      does: 'Whether clients must show a certificate of a trusted authority; optional: a bad one is worse than none.',
    }),
    'tls-protocols': text('', {
      check: faultOfProtocols,
      does: 'Versions of TLS that are spoken, divided by blanks; empty for TLSv1.2 and TLSv1.3.',
    }),
    'tls-ciphers': text('', { does: "Ciphers up to TLS 1.2, as OpenSSL lists them; empty for Node's choice." }),
    'tls-ciphersuites': text('', { does: 'Cipher suites of TLS 1.3, divided by colons; empty for all.' }),
    'tls-prefer-server-ciphers': yesNo(false, { does: "Chooses by the server's order of ciphers, not the client's." }),
    'tls-session-caching': yesNo(true, { does: 'Lets clients resume sessions, by tickets.' }),
    'tls-session-cache-timeout': integer(300, { does: 'Seconds after which a session cannot be resumed any more.' }),
  };
}

export type TlsSettings = SettingsValues<ReturnType<typeof tlsSettings>>;

function faultOfProtocols(given: string): string | null {
  const words = given.toLowerCase().split(' ');
  const names = TLS_VERSIONS.map(({ name }) => name.toLowerCase());
  return words.every((word) => word === '' || names.includes(word))
    ? null
    : "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.";
}

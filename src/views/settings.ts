/**
 * The settings by which a daemon follows config servers: the same for proxies and for data nodes.
 */
import { text, words, yesNo } from '../base';
import { addressOf, clientTls, connect, type TlsSettings } from '../net';
import type { Connect } from './conversation';

/** Who the config servers are, and how to speak to them. */
export function followerSettings() {
  return {
    'config-servers': words([], {
      immutable: true,
      check: (addresses) => (addresses.every(isAddress) ? null : 'argument must be host:port, separated by blanks'),
      does: 'Where the config servers are, as host:port; without any, nobody is followed.',
    }),
    'config-password': text('', { sensitive: true, does: 'Password for the config servers; empty for none.' }),
    'tls-config': yesNo(false, { does: 'Speaks TLS to the config servers.' }),
  };
}

/** Whether a text is host:port, with a port that can be connected to. */
export function isAddress(text: string): boolean {
  const { host, port } = addressOf(text);
  return text.includes(':') && host !== '' && Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** Opens connections to config servers, under TLS where the settings of the moment say so. */
export function connectAsSet(values: TlsSettings & { readonly 'tls-config': boolean }): Connect {
  return (address, handler, opened) =>
    connect(address, handler, opened, values['tls-config'] ? clientTls(values) : null);
}

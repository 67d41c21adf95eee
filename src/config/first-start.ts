/**
 * What the settings and the directory say of a config server before it has heard of anybody: who it is, who founds the cluster with it, and
 * the state that a version before this one has left.
 */
import { join } from 'node:path';
import { CacheError, type Files } from '../base';
import { addressOf, addressText } from '../net';
import type { ControlIdentity } from './acquaintance';
import type { ConfigMember } from './records';
import { PEER_PORT_DISTANCE, type ConfigSettings } from './settings';
import { ConfigState } from './state';

/** Who this config server is, but for its disk. */
export type Whoami = Omit<ControlIdentity, 'incarnation'> & {
  /** Where to listen for peers; null where there is no need. */
  readonly peerListener: { readonly host: string; readonly port: number } | null;
};

/** @throws CacheError BAD_SETTING where they contradict each other */
export function whoami({ values }: ConfigSettings): Whoami {
  const { id, port, zone } = values;
  const founders = values.peers.map(readPeer);
  const own = founders.find((founder) => founder.id === id);
  if (new Set(founders.map((founder) => founder.id)).size < founders.length) throw bad('peers names a number twice');
  if (values['heartbeat-ms'] >= values['election-timeout-ms']) throw bad('heartbeat-ms is below election-timeout-ms');
  const isJoining = values.join;
  if (founders.length > 0 && own === undefined && !isJoining) throw bad(`peers does not name this one, ${id}`);
  const isAlone = founders.length === 0 && !isJoining;
  const clientPort = port === 0 ? values['tls-port'] : port;
  const derivedPort = own?.port ?? (isAlone || clientPort === 0 ? 0 : clientPort + PEER_PORT_DISTANCE);
  const peerPort = values['peer-port'] === 0 ? derivedPort : values['peer-port'];
  if (peerPort > 65535) throw bad(`peer-port is to be given, as ${port} + ${PEER_PORT_DISTANCE} is no port`);
  if (!isAlone && peerPort === 0) throw bad('peer-port is to be given, as there is no port to derive it from');
  const [bound = ''] = values.bind;
  const isNamed = /^[^-*].*/.test(bound) && bound !== '::*';
  const host = values['announce-host'] || own?.host || (isNamed ? bound : '127.0.0.1');
  const peerAddress = peerPort === 0 ? '' : addressText({ host: own?.host ?? host, port: own?.port ?? peerPort });
  const alone: ConfigMember = { id, peerAddress, address: '', zone, incarnation: '' };
  return {
    id,
    zone,
    address: clientPort === 0 ? '' : addressText({ host, port: clientPort }),
    peerAddress,
    initialConfigs: isAlone ? [alone] : founders.map((each) => ({ ...alone, ...each, peerAddress: addressText(each) })),
    isJoining,
    peerListener: peerPort === 0 ? null : { host: isNamed ? bound : '0.0.0.0', port: peerPort },
  };
}

/** The state of the version that kept it in `view.json`; null where there is none. @throws CacheError BAD_VIEW where it is damaged */
export function readViewFile(files: Files, directory: string): ConfigState | null {
  const path = join(directory, VIEW_FILE);
  if (files.size(path) === null) return null;
  const file = files.open(path);
  try {
    const bytes = Buffer.alloc(file.size);
    const length = file.read(bytes, 0, bytes.length, 0);
    return ConfigState.parse(bytes.toString('utf8', 0, length));
  } catch (cause) {
    if (!(cause instanceof CacheError)) throw cause;
    const message = `${path} is damaged (${cause.message}); restore it from a copy or move it away`;
    throw new CacheError('BAD_VIEW', message, { cause });
  } finally {
    file.close();
  }
}

/** The log has that state now. */
export function retireViewFile(files: Files, directory: string): void {
  files.rename(join(directory, VIEW_FILE), join(directory, `${VIEW_FILE}.imported`));
  files.syncDirectory(directory);
}

const VIEW_FILE = 'view.json';

function readPeer(text: string): { id: number; host: string; port: number } {
  const split = text.indexOf('@');
  return { id: Number(text.slice(0, split)), ...addressOf(text.slice(split + 1)) };
}

function bad(message: string): CacheError {
  return new CacheError('BAD_SETTING', message);
}

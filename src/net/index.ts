export { refusalOf, turnAway, type AdmissionSettings } from './admission';
export { Client, type ClientEvents } from './client';
export {
  addressOf,
  addressText,
  type Address,
  type Connection,
  type ConnectionHandler,
  type Listener,
} from './connection';
export { Doorway } from './doorway';
export {
  clientSettings,
  doorwaySettings,
  protocolLimitsOf,
  REDIS_VERSION,
  type DoorwaySettings,
} from './doorway-settings';
export { memoryPair, type MemoryEnd } from './memory';
export { type ListenOptions } from './sockets';
export { connect, listen } from './tcp';
export { listenForTls, TlsGate } from './tls';
export { clientTls, serverTls, type TlsContext } from './tls-context';
export { type TlsSettings } from './tls-settings';
export { Turn, type Flushable } from './turn';

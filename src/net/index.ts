export { refusalOf, turnAway, type AdmissionSettings } from './admission';
export { Client, type ClientEvents } from './client';
export { addressText, type Address, type Connection, type ConnectionHandler, type Listener } from './connection';
export { Doorway } from './doorway';
export {
  clientSettings,
  doorwaySettings,
  protocolLimitsOf,
  REDIS_VERSION,
  type DoorwaySettings,
} from './doorway-settings';
export { memoryPair, type MemoryEnd } from './memory';
export { connect, listen, type ListenOptions } from './tcp';
export { Turn, type Flushable } from './turn';

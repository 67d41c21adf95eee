export { Client, type ClientEvents } from './client';
export { addressText, type Address, type Connection, type ConnectionHandler, type Listener } from './connection';
export { Doorway, turnAway, type DoorwaySettings } from './doorway';
export { memoryPair, type MemoryEnd } from './memory';
export { connect, listen, type ListenOptions } from './tcp';
export { Turn, type Flushable } from './turn';

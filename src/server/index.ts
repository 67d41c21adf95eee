export { DataNode, type DataNodeEvents, type PauseMode } from './data-node';
export { warmUp } from './warm-up';
export { serverSettings, SERVER_DIRECTIVES, type ServerSettings } from './settings';
export { REDIS_VERSION } from '../net';

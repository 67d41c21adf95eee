export { DataNode, type DataNodeEvents, type PauseMode } from './data-node';
export { warmUp } from './warm-up';
export { REDIS_VERSION, serverSettings, SERVER_DIRECTIVES, type ServerSettings } from './settings';

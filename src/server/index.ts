export { DataNode, type DataNodeEvents, type PauseMode } from './data-node';
export { REDIS_VERSION, serverSettings, SERVER_DIRECTIVES, type ServerSettings } from './settings';

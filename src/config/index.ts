export { ConfigAuthority, type AuthorityEvents } from './authority';
export { perform, refusalText, viewMessage, type ConfigReply, type Follower, type ReplyValue } from './commands';
export {
  ConfigState,
  EVENTS_MAX,
  type Acceptance,
  type ConfigCommand,
  type ConfigEvent,
  type Refusal,
  type Stamp,
} from './state';
export { ViewFile, type ViewStore } from './view-file';
export { ConfigNode, type ConfigNodeEvents } from './config-node';
export { configSettings, type ConfigSettings } from './settings';

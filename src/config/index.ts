/** The control plane: what is decided, who watches, who acts, and the config server around it. */
export { type ControlIdentity } from './acquaintance';
export { eventMessage, perform, treatmentOf, viewMessage, type Treatment } from './commands';
export { ConfigNode, type ConfigNodeEvents } from './config-node';
export { refusalText, type ConfigReply, type Operation } from './config-reply';
export {
  type ControlHost,
  type ControlPart,
  type ControlParts,
  type Figures,
  type LeaseAnswer,
  type LinkReply,
  type Opinions,
  type PartsMaker,
  type PassedRequest,
  type PeerMessage,
  type PeerNetwork,
  type ServerDialer,
  type ServerLink,
  type ServerLinkEvents,
  type SwitchOutcome,
} from './control-host';
export { controlParts } from './control-parts';
export { ControlPlane, type ControlOptions, type ControlPorts } from './control-plane';
export { type ControlAnswer } from './passing';
export {
  DEFAULT_CLUSTER_SETTINGS,
  type ClusterSettings,
  type ConfigCommand,
  type ConfigMember,
  type FailoverKind,
  type FailoverReport,
  type MemberRecord,
  type Parting,
  type PhaseRecord,
  type ProxyRecord,
  type RunningFailover,
} from './records';
export { type Follower, type ReplyValue, type Scene } from './scene';
export { configSettings, type ConfigSettings } from './settings';
export { ConfigState, type Acceptance, type Refusal } from './state';
export { ALL_GROUPS, EVENTS_MAX, type ConfigEvent, type Stamp, type StateParts } from './state-parts';

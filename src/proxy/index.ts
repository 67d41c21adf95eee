/**
 * proxy: the gateway. `new ProxyNode(world, proxySettings())` is a whole one; `Route` and `mergeReplies` are the two
 * decisions that a gateway of one's own needs, without sockets.
 */
export { mergeReplies, type PartReplies } from './merge';
export { ProxyNode, type ProxyNodeEvents } from './proxy-node';
export type { Dial } from './link';
export {
  ALL_GROUPS,
  CROSS_SLOTS,
  FORWARD,
  INVALID_ARGUMENTS,
  LOCAL,
  REFUSED,
  Route,
  SPLIT,
  UNKNOWN_COMMAND,
  UNKNOWN_SUBCOMMAND,
  WRONG_ARITY,
} from './route';
export { PROXY_SETTINGS, proxySettings, staticView, type ProxySettings, type StaticGroup } from './settings';

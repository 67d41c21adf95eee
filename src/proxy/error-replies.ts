/**
 * What the proxy says when a command cannot be routed or its server not be reached: where Redis has words for it, Redis' own,
 * because clients and people search for them. Texts about commands and greetings are those of all nodes
 * (src/commands/errors.ts).
 *
 * The first word tells a client what to do. CLUSTERDOWN: nothing was carried out, try again soon. UNKNOWNOUTCOME: nobody
 * can know whether it was; given exactly once per command, and never for one that was not sent. CROSSSLOT and ERR: trying
 * again will not help.
 */
export const VIEW_UNKNOWN = 'CLUSTERDOWN The cluster view is not known yet';
export const SLOT_NOT_SERVED = 'CLUSTERDOWN Hash slot not served';
export const CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot";
export const BAD_PART = 'ERR a server gave a malformed answer to its part of the command';

/** `name` in capitals. */
export function notSupported(name: string, reason: string): string {
  return `ERR ${name} is not supported by cache-proxy: ${reason}`;
}

/** The command was not sent. */
export function unreachable(server: string): string {
  return `CLUSTERDOWN server ${server} is unreachable`;
}

/** The command was not sent: the proxy may not act, as far as it knows the config servers may have given its place to others. */
export const NO_LEASE = 'CLUSTERDOWN the proxy has no lease of the config servers';
/** The command was not sent: as many bytes as `hold-bytes` allows wait already. */
export const HELD_TOO_MUCH = 'CLUSTERDOWN too much waits already for servers that are not ready';

/** The command was not sent: it has waited in vain for the group to serve. */
export function masterChanging(group: number): string {
  return `CLUSTERDOWN a change of master is under way in group ${group}`;
}

/** The command was sent, and its answer came after the proxy had lost the right to pass it on, or will. */
export function lapsedBeforeAnswer(server: string): string {
  return `UNKNOWNOUTCOME the lease of the proxy lapsed before server ${server} answered; whether the command was carried out is unknown`;
}

/** The command was sent, and its answer will never come. */
export function outcomeUnknown(server: string): string {
  return `UNKNOWNOUTCOME the connection to server ${server} was lost; whether the command was carried out is unknown`;
}

/** The command was not sent: too many others wait. */
export function serverBusy(server: string, waiting: number): string {
  return `ERR server ${server} is busy: ${waiting} commands wait for its answers; this one was not sent`;
}

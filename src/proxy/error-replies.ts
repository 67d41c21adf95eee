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

/** The command was sent, and its answer will never come. */
export function outcomeUnknown(server: string): string {
  return `UNKNOWNOUTCOME the connection to server ${server} was lost; whether the command was carried out is unknown`;
}

/** The command was not sent: too many others wait. */
export function serverBusy(server: string, waiting: number): string {
  return `ERR server ${server} is busy: ${waiting} commands wait for its answers; this one was not sent`;
}

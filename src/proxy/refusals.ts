/**
 * Refusals: what the proxy does not do, and why, in one sentence per command for the person who asks.
 *
 * The proxy passes on only what it knows to be harmless on a connection that all clients share. Whatever changes the
 * state of a connection, waits, or belongs to one server and not to the cluster is refused here by name or by kind;
 * whatever has neither a key nor an entry is refused for that.
 */
import {
  CATEGORY_ADMIN,
  CATEGORY_BLOCKING,
  CATEGORY_CONNECTION,
  CATEGORY_PUBSUB,
  CATEGORY_SCRIPTING,
  CATEGORY_TRANSACTION,
  type CommandSpec,
} from '../commands';

const REASONS: Readonly<Record<string, string>> = {
  'CLIENT PAUSE': 'pause the servers instead',
  'CLIENT UNPAUSE': 'pause the servers instead',
  'CLIENT REPLY': 'it counts replies to keep them in order',
  'CONFIG REWRITE': 'change its configuration file instead',
  LOLWUT: 'ask a server',
  RANDOMKEY: 'one group would answer for all',
  SCAN: 'a cursor over several servers is not there yet; KEYS works on all of them',
  SHUTDOWN: 'stop its process instead',
  SWAPDB: 'the servers would not swap at the same moment',
};

/** Commands that have keys and still cannot pass, by ACL category. */
const REASONS_BY_CATEGORY: readonly (readonly [category: number, reason: string])[] = [
  [CATEGORY_BLOCKING, 'it would hold up a connection that all clients share'],
  [CATEGORY_PUBSUB, 'channels are not there yet'],
  [CATEGORY_TRANSACTION, 'transactions come with pinned connections'],
  [CATEGORY_SCRIPTING, 'scripts are not there yet'],
  [CATEGORY_CONNECTION, 'it concerns one connection, and servers are shared'],
  [CATEGORY_ADMIN, 'it concerns one server; ask that server'],
];

/** Why a command is refused though it may have keys; null where it is not. */
export function refusalOf(spec: CommandSpec): string | null {
  const reason = REASONS[spec.name];
  if (reason !== undefined) return reason;
  for (const [category, why] of REASONS_BY_CATEGORY) if ((spec.categories & category) !== 0) return why;
  return null;
}

/** For what nothing else is known about. */
export const NO_KEY_TO_ROUTE_BY = 'it has no key to route by';

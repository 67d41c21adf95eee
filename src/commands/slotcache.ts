/**
 * SLOTCACHE: what the control plane and its proxies say to a data node. They belong to the server family; server.ts spreads them
 * into it. Redis does not have them.
 */
import type { Declaration } from './declaration';

export const SLOTCACHE_COMMANDS = {
  'SLOTCACHE EPOCH': {
    usage: 'group epoch',
    flags: 'admin noscript stale fast',
    reply: 'OK',
    does: 'Says by which epoch of a group the client routes; one that is too old is closed.',
    since: '7.2.0',
    cost: 'O(1)',
  },
  'SLOTCACHE HELP': {
    usage: '',
    flags: 'loading stale',
    reply: 'status[]',
    does: 'Explains the subcommands of SLOTCACHE.',
    since: '7.2.0',
    cost: 'O(1)',
  },
  'SLOTCACHE HOLD': {
    usage: 'epoch milliseconds',
    flags: 'admin noscript no_multi',
    reply: 'any[]',
    does: 'Holds all writes back for some time, and replies where the stream stands: its id and its offset.',
    since: '7.2.0',
    cost: 'O(1)',
  },
  'SLOTCACHE RELEASE': {
    usage: '',
    flags: 'admin noscript',
    reply: 'OK',
    does: 'Ends what SLOTCACHE HOLD began.',
    since: '7.2.0',
    cost: 'O(1)',
  },
} as const satisfies Readonly<Record<string, Declaration>>;

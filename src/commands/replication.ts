/**
 * Commands of replication: what replicas and masters say to each other, and who is which. They belong to the server family;
 * server.ts spreads them into it.
 *
 * PSYNC, SYNC and REPLCONF are for replicas, not for people: their arguments are parsed by hand in Redis, where COMMAND DOCS
 * has no more to say of them than this.
 */
import type { Declaration } from './declaration';

export const REPLICATION_COMMANDS = {
  FAILOVER: {
    usage: '[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]',
    flags: 'admin noscript stale',
    reply: 'OK',
    does: 'Makes a replica the master and this server its replica, once the replica lacks nothing.',
    since: '6.2.0',
    cost: 'O(1)',
    types: { port: 'integer' },
  },
  PSYNC: {
    usage: 'replicationid offset',
    flags: 'admin noscript no_async_loading no_multi',
    reply: 'status',
    does: 'Makes the connection that of a replica, which goes on after what it has if that is possible.',
    since: '2.8.0',
    cost: 'O(1)',
    arity: -3,
    types: { offset: 'integer' },
  },
  REPLCONF: {
    usage: '',
    flags: 'admin noscript loading stale allow_busy',
    reply: 'OK | nothing',
    does: 'Tells the master about its replica: address, abilities, how far it is.',
    since: '3.0.0',
    cost: 'O(1)',
    arity: -1,
  },
  REPLICAOF: {
    usage: '<host port | NO ONE>',
    flags: 'admin noscript stale no_async_loading',
    reply: 'OK',
    does: 'Makes the server a replica of another, or with `NO ONE` a master.',
    since: '5.0.0',
    cost: 'O(1)',
    types: { port: 'integer' },
  },
  ROLE: {
    usage: '',
    flags: 'noscript loading stale fast',
    reply: 'any[]',
    does: 'Replies whether the server is a master or a replica, and how far its replicas or itself are.',
    since: '2.8.12',
    cost: 'O(N), N = replicas',
    categories: 'admin dangerous',
  },
  SLAVEOF: {
    usage: '<host port | NO ONE>',
    flags: 'admin noscript stale no_async_loading',
    reply: 'OK',
    does: 'Makes the server a replica of another, or with `NO ONE` a master.',
    since: '1.0.0',
    cost: 'O(1)',
    types: { port: 'integer' },
    deprecated: { since: '5.0.0', instead: '`REPLICAOF`' },
  },
  SYNC: {
    usage: '',
    flags: 'admin noscript no_async_loading no_multi',
    reply: 'any',
    does: 'Makes the connection that of a replica that has nothing.',
    since: '1.0.0',
    cost: 'O(1)',
  },
} as const satisfies Readonly<Record<string, Declaration>>;

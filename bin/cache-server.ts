#!/usr/bin/env node
/**
 * cache-server: a Redis-compatible data node. Takes a redis.conf and redis-server's flags.
 */
import { VERSION } from '../src/base';
import { DataNode, REDIS_VERSION, SERVER_DIRECTIVES, serverSettings, warmUp } from '../src/server';
import { runDaemon } from './daemon';

await runDaemon({
  name: 'cache-server',
  does: 'A Redis-compatible in-memory data node. Understands redis.conf and the flags of redis-server.',
  version: `cache-server v=${VERSION} (Redis ${REDIS_VERSION} compatible) bits=64`,
  settings: serverSettings(),
  directives: SERVER_DIRECTIVES,
  help: [
    ['port 6379', 'TCP port; 0 for none'],
    ['bind * -::*', 'addresses to listen on'],
    ['unixsocket /path', 'unix socket to listen on'],
    ['requirepass secret', 'password that clients must give'],
    ['maxmemory 4gb', 'limit for keys and values; writes beyond it are refused'],
    ['appendonly yes', 'keeps every change in an append-only file'],
    ['save 60 1000', 'saves the data to an RDB file after so many seconds and changes'],
    ['dir /path', 'directory of both'],
    ['replicaof "host port"', 'follows that master'],
    ['maxclients 10000', 'most connections at a time'],
    ['databases 16', 'how many numbers SELECT takes'],
    ['redis-version 7.2.5', 'the version that clients are told'],
    ['loglevel notice', 'debug, verbose, notice, warning or nothing'],
  ],
  prepare: warmUp,
  make: (world, settings, configFile) => new DataNode(world, settings, configFile),
});

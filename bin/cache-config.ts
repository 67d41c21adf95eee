#!/usr/bin/env node
/**
 * cache-config: a member of the control plane. Alone, or one of several that share what they decide.
 */
import { VERSION } from '../src/base';
import { ConfigNode, configSettings } from '../src/config';
import { runDaemon } from './daemon';

await runDaemon({
  name: 'cache-config',
  does: 'The control plane: holds the view of the cluster and pushes it to proxies. Speaks RESP: redis-cli -p 6390 HELP.',
  version: `cache-config v=${VERSION}`,
  settings: configSettings(),
  help: [
    ['port 6390', 'TCP port'],
    ['bind * -::*', 'addresses to listen on'],
    ['id 1', 'number of this config server'],
    ['peers 1@host:16390 ...', 'all founders of the cluster; none for one alone'],
    ['join yes', 'wait to be added to a cluster instead (cachectl configs add)'],
    ['zone name', 'where it stands'],
    ['cluster-secret text', 'what config servers prove to each other to know'],
    ['dir .', 'directory of the state'],
    ['requirepass secret', 'password that every connection must give'],
    ['loglevel notice', 'debug, verbose, notice, warning or nothing'],
  ],
  make: (world, settings) => new ConfigNode(world, settings),
});

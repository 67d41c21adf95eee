#!/usr/bin/env node
/**
 * cache-config: a member of the control plane. For now one node, with its state in a file.
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
    ['dir .', 'directory of view.json, the state'],
    ['requirepass secret', 'password that every connection must give'],
    ['loglevel notice', 'debug, verbose, notice, warning or nothing'],
  ],
  make: (world, settings) => new ConfigNode(world, settings),
});

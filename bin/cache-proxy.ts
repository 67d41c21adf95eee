#!/usr/bin/env node
/**
 * cache-proxy: a stateless gateway that routes by slot.
 */
import { VERSION } from '../src/base';
import { ProxyNode, proxySettings } from '../src/proxy';
import { runDaemon } from './daemon';

await runDaemon({
  name: 'cache-proxy',
  does: 'A stateless gateway: routes every command by crc32(key) % 1024 to the group that owns the slot.',
  version: `cache-proxy v=${VERSION}`,
  settings: proxySettings(),
  help: [
    ['port 6380', 'TCP port'],
    ['bind * -::*', 'addresses to listen on'],
    ['config-servers host:port ...', 'where the view of the cluster comes from'],
    ['group "1 host:port"', 'instead: a fixed group; may be repeated, slots are spread evenly'],
    ['requirepass secret', 'password that clients must give'],
    ['server-password secret', 'password that the servers want'],
    ['loglevel notice', 'debug, verbose, notice, warning or nothing'],
  ],
  make: (world, settings) => new ProxyNode(world, settings),
});

/**
 * CONFIG, where it changes something: settings, their file, statistics. What a setting is, what it may be and how a file is
 * rewritten is known to `Settings`; here its answers become replies. CONFIG GET is in src/commands/common-connection.ts.
 */
import { rewriteSettingsFile } from '../../base';
import type { Handlers, server } from '../../commands';
import type { Handler } from '../call';

type ServerHandlers = Handlers<typeof server, Handler>;

export const configHandlers: Pick<ServerHandlers, 'CONFIG RESETSTAT' | 'CONFIG REWRITE' | 'CONFIG SET'> = {
  'CONFIG RESETSTAT'(call) {
    call.node.statistics.reset(call.keyspace.expiredKeys, call.keyspace.eviction.evictedKeys);
    call.node.replication.feeds.sentBytes = 0;
    call.reply.ok();
  },

  'CONFIG REWRITE'(call) {
    const { node } = call;
    const error = rewriteSettingsFile(node.settings, node.configFile);
    if (error === null) {
      node.world.log('notice', 'CONFIG REWRITE executed with success.');
      call.reply.ok();
    } else {
      node.world.log('warning', `CONFIG REWRITE failed: ${error}`);
      call.reply.error(error);
    }
  },

  'CONFIG SET'(call) {
    const { settings } = call.node;
    const mayChangeProtected = call.session.isPermitted(settings.values['enable-protected-configs']);
    const error = settings.change(call.textsFrom(2), mayChangeProtected);
    if (error === null) call.reply.ok();
    else call.reply.error(error);
  },
};

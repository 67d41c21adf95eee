/**
 * CONFIG: the settings, as clients see and change them. What a setting is, what it may be and how a file is rewritten
 * is known to `Settings`; here its answers become replies.
 */
import { rewriteSettingsFile } from '../../base';
import type { Handlers, server } from '../../commands';
import type { Call, Handler } from '../call';
import { containerHelp } from './help';

type ServerHandlers = Handlers<typeof server, Handler>;

export const configHandlers: Pick<ServerHandlers, Extract<keyof ServerHandlers, `CONFIG ${string}`>> = {
  'CONFIG GET'(call) {
    const found = call.node.settings.match(textsFrom(call, 2));
    call.reply.map(found.length);
    for (const [name, value] of found) {
      call.reply.text(name);
      call.reply.text(value);
    }
  },

  'CONFIG HELP': containerHelp,

  'CONFIG RESETSTAT'(call) {
    call.node.statistics.reset(call.keyspace.expiredKeys);
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
    const error = settings.change(textsFrom(call, 2), mayChangeProtected);
    if (error === null) call.reply.ok();
    else call.reply.error(error);
  },
};

function textsFrom(call: Call, first: number): string[] {
  const texts: string[] = [];
  for (let i = first; i < call.argc; i++) texts.push(call.text(i));
  return texts;
}

/**
 * LocalCall: a command that the proxy answers by itself, on its way through its handler. There is one for all commands of
 * a proxy; `begin` points it at the next. A handler writes exactly one reply to `reply`, at once.
 */
import { CommandCall, type CommandArguments, type CommandSpec } from '../commands';
import type { ProxyNode } from './proxy-node';
import type { Session } from './session';

export type LocalCommand = (call: LocalCall) => void;

export class LocalCall extends CommandCall {
  session!: Session;

  constructor(readonly node: ProxyNode) {
    super();
  }

  begin(session: Session, spec: CommandSpec, args: CommandArguments): void {
    this.session = session;
    this.take(spec, args, session.reply);
  }

  override offers(spec: CommandSpec): boolean {
    return this.node.route.passes(spec);
  }
}

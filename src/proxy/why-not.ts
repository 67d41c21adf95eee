/**
 * Why a command is not carried out: the error reply to a decision of the route.
 */
import {
  INVALID_ARGUMENTS,
  replyName,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
  type CommandArguments,
} from '../commands';
import { CROSS_SLOT, notSupported } from './error-replies';
import * as plan from './route';

/** @param decision an answer of `route.plan(args)` above LOCAL */
export function reasonFor(decision: number, route: plan.Route, args: CommandArguments): string {
  switch (decision) {
    case plan.REFUSED:
      return notSupported(route.spec.name, route.reason);
    case plan.CROSS_SLOTS:
      return CROSS_SLOT;
    case plan.INVALID_ARGUMENTS:
      return INVALID_ARGUMENTS;
    case plan.WRONG_ARITY:
      return wrongArity(replyName(route.spec));
    case plan.UNKNOWN_SUBCOMMAND:
      return unknownSubcommand(args, route.spec.name);
    default:
      return unknownCommand(args);
  }
}

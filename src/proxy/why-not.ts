/**
 * Why a command is not carried out: the error reply to a decision of the route.
 */
import { replyName, type CommandArguments } from '../commands';
import * as replies from './error-replies';
import * as plan from './route';

/** How much of an argument an error quotes at most, and how many arguments are looked at. */
const QUOTED_MAX = 128;
const WORDS_MAX = 128;

/** @param decision an answer of `route.plan(args)` above LOCAL */
export function reasonFor(decision: number, route: plan.Route, args: CommandArguments): string {
  switch (decision) {
    case plan.REFUSED:
      return replies.notSupported(route.spec.name, route.reason);
    case plan.CROSS_SLOTS:
      return replies.CROSS_SLOT;
    case plan.INVALID_ARGUMENTS:
      return replies.INVALID_KEYS;
    case plan.WRONG_ARITY:
      return replies.wrongArity(replyName(route.spec));
    case plan.UNKNOWN_SUBCOMMAND:
      return replies.unknownSubcommand(wordOf(args, 1), route.spec.name);
    default:
      return replies.unknownCommand(wordOf(args, 0), wordsAfterName(args));
  }
}

/** The beginning of an argument. */
function wordOf({ buffer, starts, ends }: CommandArguments, i: number): string {
  return Buffer.from(buffer.subarray(starts[i], Math.min(ends[i], starts[i] + QUOTED_MAX))).toString('latin1');
}

function wordsAfterName(args: CommandArguments): string[] {
  const words: string[] = [];
  for (let i = 1; i < Math.min(args.argc, WORDS_MAX); i++) words.push(wordOf(args, i));
  return words;
}

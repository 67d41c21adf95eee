/**
 * HELP of every command that has subcommands (OBJECT HELP, CLIENT HELP …), told from their declarations, so that it
 * cannot say something else than COMMAND DOCS and docs/COMMANDS.md do. The form is Redis': a line per subcommand that this
 * node offers, what it does below it, HELP itself last.
 */
import type { CommandCall } from './call';
import { commands } from './catalogue';
import type { CommandSpec } from './table';

export function containerHelp(call: CommandCall): void {
  const container = wordOf(call.spec, 0);
  const subcommands = (commands.byName(container)?.subcommands?.roots ?? [])
    .filter((spec) => call.offers(spec))
    .sort(byWordWithHelpLast);
  call.reply.array(1 + subcommands.length * 2);
  call.reply.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const subcommand of subcommands) {
    const { usage, does } = subcommand.declaration;
    call.reply.simple(`${wordOf(subcommand, 1)} ${usage}`.trimEnd());
    call.reply.simple(`    ${does}`);
  }
}

function wordOf(spec: CommandSpec, i: number): string {
  return spec.name.split(' ')[i];
}

function byWordWithHelpLast(a: CommandSpec, b: CommandSpec): number {
  const [first, second] = [wordOf(a, 1), wordOf(b, 1)];
  if (first === 'HELP' || second === 'HELP') return first === 'HELP' ? 1 : -1;
  return first < second ? -1 : 1;
}

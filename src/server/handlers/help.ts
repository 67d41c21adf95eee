/**
 * HELP of every command that has subcommands (OBJECT HELP, CLIENT HELP …), told from their declarations, so that it
 * cannot say something else than COMMAND DOCS and docs/COMMANDS.md do. The form is Redis': a line per subcommand, what
 * it does below it, HELP itself last.
 */
import { commands, type CommandSpec } from '../../commands';
import type { Call } from '../call';

export function containerHelp(call: Call): void {
  const container = commands.byName(wordOf(call.spec, 0));
  const subcommands = [...(container?.subcommands?.roots ?? [])].sort(byWordWithHelpLast);
  call.reply.array(1 + subcommands.length * 2);
  call.reply.simple(`${wordOf(call.spec, 0)} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
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

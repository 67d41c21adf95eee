/**
 * docs/COMMANDS.md, derived from the table: a test compares the file with this text, and writes it when asked to
 * (`UPDATE=1 npx vitest run test/commands/markdown.test.ts`). Nobody edits that file by hand.
 */
import { commands, families } from './catalogue';
import { flagNames } from './flags';
import type { CommandSpec } from './table';

/** The whole document. */
export function commandsMarkdown(): string {
  const all = commands.all.filter((spec) => spec.container === null);
  const lines = [
    '# Commands',
    '',
    `The ${all.length} commands and subcommands that \`cache-server\` knows, derived from the declarations in`,
    '[`src/commands`](../src/commands). In a usage line, words in small letters are values, `[ ]` is optional, `|`',
    'separates alternatives, `...` repeats what precedes it.',
    '',
  ];
  for (const { name } of families) {
    lines.push(`## ${name[0].toUpperCase()}${name.slice(1)}`, '');
    const own = all.filter((spec) => spec.family === name).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const spec of own) lines.push(...entry(spec));
  }
  return lines.join('\n').trimEnd() + '\n';
}

function entry(spec: CommandSpec): string[] {
  const { usage, does, reply, cost, since, history, deprecated } = spec.declaration;
  const facts = [
    `- Replies: \`${reply}\``,
    `- Cost: ${cost.replaceAll('*', '\\*')}`,
    `- Since Redis ${since}${past(history)}`,
  ];
  const flags = flagNames(spec.flags);
  if (flags.length > 0) facts.push(`- Flags: ${flags.map((flag) => flag.replaceAll('_', '\\_')).join(', ')}`);
  if (spec.fanout !== null) facts.push(`- Through the proxy: split ${spec.fanout}, merged: ${spec.merge}`);
  if (deprecated !== undefined) facts.push(`- Deprecated since ${deprecated.since}; instead: ${deprecated.instead}`);
  return [`### ${spec.name}`, '', '```', `${spec.name} ${usage}`.trimEnd(), '```', '', does, '', ...facts, ''];
}

function past(history: Readonly<Record<string, string>> | undefined): string {
  if (history === undefined) return '';
  const changes = Object.entries(history).map(([version, what]) => `${version}: ${what.replace(/\.$/, '')}`);
  return `; ${changes.join('; ')}`;
}

/**
 * INFO: which sections are wanted, and how they look as text. What they say is in info-sections.ts.
 *
 * A section is a line with its title, then a line per field, each ended by CR LF; an empty line stands between sections.
 * `default` is what a plain INFO shows, `all` and `everything` are everything; words that name nothing are passed over.
 */
import type { DataNode } from './data-node';
import { SECTIONS, type Section } from './info-sections';

/** The text of INFO for words as a client gives them, in any case; none: the default sections. */
export function infoText(node: DataNode, words: readonly string[]): string {
  const wanted = new Set(words.length === 0 ? ['default'] : words.map((word) => word.toLowerCase()));
  const isAll = wanted.has('all') || wanted.has('everything');
  const isDefault = wanted.has('default');
  const texts: string[] = [];
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (isAll || wanted.has(name) || (isDefault && !section.onlyOnRequest)) texts.push(sectionText(node, section));
  }
  return texts.join('\r\n');
}

function sectionText(node: DataNode, section: Section): string {
  let text = `# ${section.title}\r\n`;
  for (const [name, value] of Object.entries(section.fields(node))) text += `${name}:${value}\r\n`;
  return text;
}

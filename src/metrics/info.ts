/**
 * INFO: which sections are wanted, and how they look as text. What they say is the node's.
 *
 * A section is a line with its title, then a line per field, each ended by CR LF; an empty line stands between sections.
 * `default` is what a plain INFO shows, `all` and `everything` are everything; words that name nothing are passed over.
 */

/** Fields in the order in which they are shown. */
export type Fields = Record<string, string | number>;

export interface Section<Node> {
  readonly title: string;
  /** Not among those that a plain INFO shows. */
  readonly onlyOnRequest?: true;
  readonly fields: (node: Node) => Fields;
}

/** Sections by the word that asks for them, in the order in which they are shown. */
export type Sections<Node> = Readonly<Record<string, Section<Node>>>;

/** The text of INFO for words as a client gives them, in any case; none: the default sections. */
export function infoText<Node>(sections: Sections<Node>, node: Node, words: readonly string[]): string {
  const wanted = new Set(words.length === 0 ? ['default'] : words.map((word) => word.toLowerCase()));
  const isAll = wanted.has('all') || wanted.has('everything');
  const isDefault = wanted.has('default');
  const texts: string[] = [];
  for (const [name, section] of Object.entries(sections)) {
    if (isAll || wanted.has(name) || (isDefault && !section.onlyOnRequest)) texts.push(sectionText(section, node));
  }
  return texts.join('\r\n');
}

function sectionText<Node>({ title, fields }: Section<Node>, node: Node): string {
  let text = `# ${title}\r\n`;
  for (const [name, value] of Object.entries(fields(node))) text += `${name}:${value}\r\n`;
  return text;
}

export function fixed(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** Bytes as Redis writes them for people: "512B", "1.50K", "2.00G". */
export function human(bytes: number): string {
  let amount = bytes;
  for (const unit of ['B', 'K', 'M', 'G', 'T']) {
    if (amount < 1024) return unit === 'B' ? `${amount}B` : `${fixed(amount)}${unit}`;
    amount /= 1024;
  }
  return `${fixed(amount)}P`;
}

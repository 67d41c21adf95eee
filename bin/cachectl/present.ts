/**
 * How answers are shown: as JSON, or as text that is aligned for people.
 *
 * The text follows the shape of the answer, not its command: a list of maps is a table with a heading, a map is a line for
 * each name, and what is nested in a map stands below it under its name. So a config server of a newer version, which answers with
 * more, is shown whole.
 */
import { PushReply, type Reply } from '../../src/resp';

/** What JSON can hold. */
export type Plain = null | string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

/** Names of moments: milliseconds since the Unix epoch. */
const MOMENT = /(^|[a-z-])at-?ms$/i;
const GAP = '  ';

/** An answer as JSON has it: maps are objects, sets and pushes lists, numbers beyond 2^53 text. */
export function plainOf(reply: Reply): Plain {
  if (reply instanceof Map) {
    return Object.fromEntries(Array.from(reply, ([name, value]) => [String(name), plainOf(value)]));
  }
  if (reply instanceof Set) return Array.from(reply, plainOf);
  if (reply instanceof PushReply) return reply.values.map(plainOf);
  if (Array.isArray(reply)) return reply.map(plainOf);
  if (typeof reply === 'bigint' || Buffer.isBuffer(reply)) return reply.toString();
  return reply instanceof Error ? reply.message : reply;
}

/** The text for people, without a line end. */
export function textOf(value: Plain): string {
  if (isList(value)) return value.length === 0 ? '(none)' : listText(value);
  return isMap(value) ? mapText(value) : cellText('', value);
}

function listText(list: readonly Plain[]): string {
  if (list.every(isMap)) {
    const names = [...new Set(list.flatMap((each) => Object.keys(each)))];
    const rows = list.map((each) => names.map((name) => cellText(name, each[name] ?? null)));
    return aligned([names.map((name) => name.toUpperCase()), ...rows]);
  }
  if (list.every(isList)) return aligned(list.map((each) => each.map((cell) => cellText('', cell))));
  return list.map((each) => cellText('', each)).join('\n');
}

function mapText(map: { readonly [name: string]: Plain }): string {
  const entries = Object.entries(map);
  const isSection = (value: Plain): boolean =>
    (isMap(value) && Object.keys(value).length > 0) ||
    (isList(value) && value.some((each) => isMap(each) || isList(each)));
  const lines = entries.filter(([, value]) => !isSection(value)).map(([name, value]) => [name, cellText(name, value)]);
  const sections = entries.filter(([, value]) => isSection(value));
  const parts = sections.map(([name, value]) => `${name}\n${indented(textOf(value))}`);
  return [...(lines.length === 0 ? [] : [aligned(lines)]), ...parts].join('\n\n');
}

function cellText(name: string, value: Plain): string {
  if (value === null || value === '') return '-';
  if (isList(value)) return value.length === 0 ? '-' : value.map((each) => cellText('', each)).join(', ');
  if (isMap(value)) {
    const filled = Object.entries(value).filter(([, each]) => each !== '' && each !== null);
    return filled.map(([key, each]) => cellText(key, each)).join(' ');
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number' && MOMENT.test(name) && value > 0) return new Date(value).toISOString();
  return String(value);
}

/** Rows under each other, each column as wide as its widest cell. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => GAP + line)
    .join('\n');
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

function isMap(value: Plain): value is { readonly [name: string]: Plain } {
  return typeof value === 'object' && value !== null && !isList(value);
}

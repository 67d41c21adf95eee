/**
 * Table: how the answer of a bench is shown.
 *
 * Each bench answers with a report: what was compared and how, then a Markdown table. A figure that has a target is
 * marked by how far it got, and a figure that misses is printed like any other. `--write` puts the report into
 * docs/BENCHMARKS.md between two markers that carry the bench's name; what stands around them is left alone, so the
 * page can say in prose what the figures mean.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { type Program, versionOf } from './processes';

/** The answer of one bench. */
export interface Report {
  /** Name of the bench, and of its markers. */
  readonly name: string;
  readonly title: string;
  /** What was compared and how, one sentence each. */
  readonly method: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How a bench is to run. */
export interface Options {
  /** Less of everything: for a look, not for quoting. */
  readonly quick: boolean;
  /** The peer against itself: shows how much of a difference is noise. */
  readonly calibrate: boolean;
}

/** Limits of a figure: upper ones, or lower ones where the aim is higher than the must. */
export interface Target {
  readonly must: number;
  readonly aim: number;
}

/** What stands for a figure that there is none of. */
export const NONE = '–';

/** The three cells of a target: must, aim, and how far `value` got. */
export function judge(value: number | null, target: Target | null, unit = ''): string[] {
  if (target === null) return [NONE, NONE, NONE];
  const sign = isFloor(target) ? '≥' : '≤';
  return [`${sign} ${target.must}${unit}`, `${sign} ${target.aim}${unit}`, mark(value, target)];
}

function mark(value: number | null, target: Target): string {
  if (value === null) return 'not measured';
  const reaches = (limit: number): boolean => (isFloor(target) ? value >= limit : value <= limit);
  if (reaches(target.aim)) return '✔ aim';
  return reaches(target.must) ? '✔ must' : '✘ miss';
}

function isFloor({ must, aim }: Target): boolean {
  return aim > must;
}

/** A figure with `digits` after the point, and thousands apart. */
export function figure(value: number | null, digits = 0, unit = ''): string {
  if (value === null) return NONE;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }) + unit;
}

/** The middle value; of an even number of values the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function renderReport(report: Report): string {
  const method = report.method.map((sentence) => `- ${sentence}`);
  return [`### ${report.title}`, '', ...method, '', ...renderTable(report.columns, report.rows), ''].join('\n');
}

/** First column to the left, all others to the right, padded so that it reads as plain text too. */
function renderTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, i) => Math.max(column.length, 3, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : '-'.repeat(width - 1) + ':'));
  return [line(columns), line(rule), ...rows.map(line)];
}

/** The sentences on where and with what it was measured. */
export async function circumstances(programs: readonly Program[], options: Options): Promise<string[]> {
  const versions = await Promise.all(
    programs.map((program) =>
      versionOf(program).then(
        (version) => `${program.name} ${version}`,
        () => `${program.name} (missing)`,
      ),
    ),
  );
  const processors = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  const sentences = [
    `${versions.join(', ')}; Node ${process.versions.node}.`,
    `${date}, ${processors.length} × ${processors[0].model.trim()}, ${memoryGiB} GiB, Linux ${release().split('.', 2).join('.')}.`,
  ];
  if (options.calibrate)
    sentences.push('Calibration (`--calibrate`): the peer against itself; the ratios show the noise.');
  if (options.quick) sentences.push('Quick run (`--quick`): coarse figures.');
  return sentences;
}

/** Puts `text` between the markers of `name` in a Markdown file; a file or markers that are missing are made. */
export function writeSection(file: string, name: string, text: string): void {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n';
  const open = `<!-- bench:${name} -->`;
  const close = `<!-- /bench:${name} -->`;
  const section = `${open}\n\n${text}\n${close}`;
  const start = page.indexOf(open);
  const end = page.indexOf(close, start);
  const isMarked = start !== -1 && end !== -1;
  const written = isMarked
    ? page.slice(0, start) + section + page.slice(end + close.length)
    : `${page.trimEnd()}\n\n${section}\n`;
  writeFileSync(file, written);
}

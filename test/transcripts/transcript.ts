/**
 * The file format of transcripts: text to cases and back.
 *
 * A parsed file prints as exactly what it was, save for the expected replies, which are fields of the steps. So an
 * update changes replies and nothing else. The format is described in README.md.
 */
import { splitArguments } from '../../src/base';
import type { Unordered } from './reply';

/** One line that does something, with the lines above it and the reply below it. */
export interface Step {
  /** Comments and directives above the step, as written; of the first step also those of the case. */
  readonly before: string[];
  /** The step as written. */
  readonly line: string;
  readonly lineNumber: number;
  readonly connection: number;
  readonly deed: 'send' | 'write' | 'read';
  readonly args: Buffer[];
  readonly conditions: Condition[];
  /** What of the reply has no order; null where its order counts. */
  readonly unordered: Unordered | null;
  readonly waitMs: number;
  /** Lines of the reply in RESP2, and in RESP3 too where `expected3` is null. */
  expected: string[];
  expected3: string[] | null;
}

/** `@not proxy: reason`. */
export interface Condition {
  readonly kind: 'not' | 'only' | 'redis';
  readonly value: string;
}

export interface Case {
  readonly title: string;
  readonly conditions: Condition[];
  readonly steps: Step[];
}

/** Prose has no steps and is a string. */
export type Block = Case | string;

const STEP = /^(\d*)(>>|>|<)(?: (.*))?$/;

export function parseTranscript(text: string, file: string): Block[] {
  const blocks: Block[] = [];
  let lineNumber = 1;
  for (const block of text.replace(/\n+$/, '').split(/\n\n+/)) {
    const lines = block.split('\n');
    if (lines.every((line) => line.startsWith('#'))) blocks.push(block);
    else blocks.push(parseCase(lines, lineNumber, file));
    lineNumber += lines.length + 1;
  }
  return blocks;
}

function parseCase(lines: string[], firstLineNumber: number, file: string): Case {
  const fail = (i: number, why: string): never => {
    throw new Error(`${file}:${firstLineNumber + i}: ${why}: ${lines[i]}`);
  };
  if (!lines[0].startsWith('# ')) fail(0, 'a case opens with "# title"');
  const caseConditions: Condition[] = [];
  const steps: Step[] = [];
  let before: string[] = [];
  for (const [i, line] of lines.entries()) {
    const current = steps[steps.length - 1];
    const match = STEP.exec(line);
    if (line.startsWith('# ') || line.startsWith('@')) {
      before.push(line);
    } else if (match !== null) {
      const directives = before.filter((above) => above.startsWith('@')).map((above) => parseDirective(above, fail, i));
      const conditions = directives.filter((directive) => isCondition(directive));
      if (steps.length === 0) caseConditions.push(...conditions.splice(0));
      steps.push({
        before,
        line,
        lineNumber: firstLineNumber + i,
        connection: Number(match[1] || '1'),
        deed: match[2] === '>' ? 'send' : match[2] === '>>' ? 'write' : 'read',
        args: splitArguments(Buffer.from(match[3] ?? '')) ?? fail(i, 'unbalanced quotes'),
        conditions,
        unordered: (directives.find(({ kind }) => kind === 'sorted')?.value ?? null) as Unordered | null,
        waitMs: Number(directives.find(({ kind }) => kind === 'wait')?.value ?? 0),
        expected: [],
        expected3: null,
      });
      before = [];
    } else if (current === undefined || before.length > 0) {
      fail(i, 'a reply without a command');
    } else if (line === '[resp3]') {
      current.expected3 = [];
    } else {
      (current.expected3 ?? current.expected).push(line);
    }
  }
  if (before.length > 0) fail(lines.length - 1, 'nothing follows');
  return { title: lines[0].slice(2), conditions: caseConditions, steps };
}

type Directive = Condition | { readonly kind: 'sorted' | 'wait'; readonly value: string };

function isCondition(directive: Directive): directive is Condition {
  return directive.kind !== 'sorted' && directive.kind !== 'wait';
}

function parseDirective(line: string, fail: (i: number, why: string) => never, i: number): Directive {
  const withReason = /^@(not|only|redis) ([\w.]+): .+$/.exec(line);
  if (withReason !== null) return { kind: withReason[1] as Condition['kind'], value: withReason[2] };
  const wait = /^@wait (\d+)$/.exec(line);
  if (wait !== null) return { kind: 'wait', value: wait[1] };
  const sorted = /^@sorted(?: (pairs|deep))?$/.exec(line);
  if (sorted !== null) return { kind: 'sorted', value: sorted[1] ?? 'elements' };
  return fail(i, `no such directive, or one without its reason: ${line}, above`);
}

export function printTranscript(blocks: readonly Block[]): string {
  return blocks.map((block) => (typeof block === 'string' ? block : printCase(block)) + '\n').join('\n');
}

function printCase({ steps }: Case): string {
  const lines: string[] = [];
  for (const { before, line, expected, expected3 } of steps) {
    lines.push(...before, line, ...expected);
    if (expected3 !== null) lines.push('[resp3]', ...expected3);
  }
  return lines.join('\n');
}

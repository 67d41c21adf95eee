/**
 * Playing a case on a stage, and writing down what the oracle says.
 *
 * A case that was played gives two texts of the same shape, what was expected and what came; equal texts are a
 * success, and the difference of unequal ones shows the failing lines in their conversation.
 */
import { command, type Stage, type StageSession } from './session';
import { hasPatterns, resolvePatterns, sortReply } from './reply';
import type { Case, Condition, Step } from './transcript';

/** Whether the stage is one that these conditions allow. */
export function isPlayedOn(stage: Stage, conditions: readonly Condition[]): boolean {
  const words = [...stage.name.toLowerCase().split(/\W+/), `resp${stage.protocol}`];
  return conditions.every(({ kind, value }) => {
    if (kind === 'redis') return stage.redisVersion === undefined || isAtLeast(stage.redisVersion, value);
    return words.includes(value.toLowerCase()) === (kind === 'only');
  });
}

function isAtLeast(version: string, wanted: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** The replies of all steps, in order; null for steps that this stage leaves out. `write` steps have the reply ''. */
export async function playCase(stage: Stage, { steps }: Case): Promise<(string | null)[]> {
  const sessions = new Map<number, StageSession>();
  const replies: (string | null)[] = [];
  try {
    await stage.reset?.();
    for (const step of steps) {
      if (!isPlayedOn(stage, step.conditions)) {
        replies.push(null);
        continue;
      }
      let session = sessions.get(step.connection);
      if (session === undefined) {
        session = await stage.open();
        if (sessions.size === 0 && stage.reset === undefined) await flush(session);
        sessions.set(step.connection, session);
      }
      if (step.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, step.waitMs));
      replies.push(await playStep(session, step));
    }
    return replies;
  } finally {
    await Promise.all([...sessions.values()].map((session) => session.close()));
  }
}

async function playStep(session: StageSession, step: Step): Promise<string> {
  if (step.deed === 'write') {
    session.write(Buffer.concat(step.args));
    return '';
  }
  const reply = await (step.deed === 'send' ? session.send(step.args) : session.read()).catch((error: Error) => {
    throw new Error(`line ${step.lineNumber}: ${step.line}: ${error.message}`);
  });
  return step.unordered === null ? reply : sortReply(reply, step.unordered);
}

async function flush(session: StageSession): Promise<void> {
  const reply = await session.send(command('FLUSHALL'));
  if (reply !== 'OK') throw new Error(`the stage could not be emptied: ${reply}`);
}

/** The conversation as it was expected and as it was. */
export function compareCase(
  stage: Stage,
  { steps }: Case,
  replies: readonly (string | null)[],
): { expected: string; actual: string } {
  const expected: string[] = [];
  const actual: string[] = [];
  for (const [i, step] of steps.entries()) {
    const reply = replies[i];
    if (reply === null) continue;
    const lines = stage.protocol === 3 ? (step.expected3 ?? step.expected) : step.expected;
    expected.push(step.line, resolvePatterns(lines, reply));
    actual.push(step.line, reply);
  }
  return { expected: expected.join('\n'), actual: actual.join('\n') };
}

/** Makes the oracle's replies the expected ones. Throws where a pattern does not fit what the oracle says. */
export function adoptReplies(
  { steps }: Case,
  resp2: readonly (string | null)[],
  resp3: readonly (string | null)[],
): void {
  for (const [i, step] of steps.entries()) {
    const first = resp2[i] ?? resp3[i];
    if (step.deed === 'write' || first === null) continue;
    step.expected = adopt(step, step.expected, first);
    const second = resp3[i];
    if (second === null || fits(step.expected, second)) step.expected3 = null;
    else step.expected3 = adopt(step, step.expected3 ?? [], second);
  }
}

function adopt(step: Step, expected: string[], reply: string): string[] {
  if (!hasPatterns(expected)) return reply.split('\n');
  if (!fits(expected, reply))
    throw new Error(`line ${step.lineNumber}: ${step.line}: the pattern does not fit\n${reply}`);
  return expected;
}

function fits(expected: readonly string[], reply: string): boolean {
  return resolvePatterns(expected, reply) === reply;
}

/**
 * The test data of etcd's raft for quorums and for changes of membership: a script of directives and expected outputs. What etcd prints
 * for people is printed here; the arithmetic is ours.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  changeSimply,
  enterJoint,
  leaveJoint,
  membersOf,
  NO_MEMBERS,
  reachedByQuorum,
  voteResult,
  type Membership,
  type MembershipFault,
  type MembershipStep,
  type NodeId,
} from '../../src/raft';
import { testData } from '../data';

interface Directive {
  readonly verb: string;
  readonly options: ReadonlyMap<string, string>;
  readonly input: string;
  readonly expected: string;
}

/** What a script is run by; made anew for each script. */
type Interpreter = () => (directive: Directive) => string;

const quorums: Interpreter = () => (directive) => {
  const voters = idsOf(directive, 'cfg');
  const votersOutgoing = idsOf(directive, 'cfgj');
  const all = [...new Set([...voters, ...votersOutgoing])];
  const both = { voters, votersOutgoing };
  if (directive.verb === 'vote') {
    const words = wordsOf(directive, 'votes');
    const votes = new Map(all.flatMap((id, i) => (words[i] === '_' ? [] : [[id, words[i] === 'y']])));
    return `Vote${capitalized(voteResult(both, votes))}\n`;
  }
  const words = wordsOf(directive, 'idx');
  const reached = new Map(all.flatMap((id, i) => (words[i] === '_' ? [] : [[id, Number(words[i])]])));
  const index = reachedByQuorum(both, (id) => reached.get(id) ?? 0);
  return `${describeReached(all, reached)}${index === Infinity ? '∞' : index}\n`;
};

const FAULTS: Readonly<Record<MembershipFault, string>> = {
  'already joint': 'config is already joint',
  'not joint': "can't leave a non-joint config",
  'no voters to begin with': "can't make a zero-voter config joint",
  'no voters left': 'removed all voters',
  'more than one voter': 'more than one voter changed without entering joint config',
};

const changes: Interpreter = () => {
  let membership = NO_MEMBERS;
  /** The next index of each member: that of the directive that made it one. */
  const next = new Map<NodeId, number>();
  let directives = 0;
  return ({ verb, options, input }) => {
    const lastIndex = directives++;
    const steps = input.split(/\s+/).flatMap(stepOf);
    const changed =
      verb === 'simple'
        ? changeSimply(membership, steps)
        : verb === 'enter-joint'
          ? enterJoint(membership, steps, options.get('autoleave') === 'true')
          : leaveJoint(membership);
    if (changed === 'already joint' && verb === 'simple') return "can't apply simple config change in joint config\n";
    if (typeof changed === 'string') return `${FAULTS[changed]}\n`;
    membership = changed;
    const members = membersOf(membership).sort((a, b) => a - b);
    for (const id of next.keys()) if (!members.includes(id)) next.delete(id);
    for (const id of members) if (!next.has(id)) next.set(id, Math.max(lastIndex, 1));
    const lines = members.map((id) => {
      const suffix = membership.learners.includes(id) ? ' learner' : '';
      return `${id}: StateProbe match=0 next=${next.get(id)}${suffix}\n`;
    });
    return `${describeMembership(membership)}\n${lines.join('')}`;
  };
};

const SUITES: readonly [string, number, Interpreter][] = [
  ['quorum', 127, quorums],
  ['confchange', 58, changes],
];

describe.each(SUITES)('%s', (suite, count, interpreter) => {
  const folder = testData(`etcd-raft/${suite}/testdata`);
  const scripts = folder === null ? [] : readdirSync(folder);

  test.skipIf(folder === null).each(scripts)('%s', (script) => {
    const run = interpreter();
    for (const directive of directivesOf(readFileSync(join(folder ?? '', script), 'utf8'))) {
      expect(run(directive), `${directive.verb} ${[...directive.options].join(' ')}\n${directive.input}`).toBe(
        directive.expected,
      );
    }
  });

  test.skipIf(folder === null)(`has ${count} directives`, () => {
    const texts = scripts.map((script) => readFileSync(join(folder ?? '', script), 'utf8'));
    expect(texts.flatMap(directivesOf)).toHaveLength(count);
  });
});

/** A directive is a line of a verb and options, lines of input, a rule, and what is expected up to an empty line. */
function directivesOf(text: string): Directive[] {
  const directives: Directive[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    if (lines[at].trim() === '' || lines[at].startsWith('#')) continue;
    const [verb, ...rest] = lines[at].split(/\s+(?![^(]*\))/);
    const options = new Map(rest.filter((word) => word !== '').map((word) => splitAt(word, '=')));
    let input = '';
    while (lines[++at] !== '----') input += `${lines[at]} `;
    let expected = '';
    while (++at < lines.length && lines[at] !== '') expected += `${lines[at]}\n`;
    directives.push({ verb, options, input, expected });
  }
  return directives;
}

function splitAt(word: string, separator: string): [string, string] {
  const [name, value = ''] = word.split(separator);
  return [name, value];
}

function wordsOf({ options }: Directive, name: string): string[] {
  return (options.get(name) ?? '')
    .replace(/[()\s]/g, '')
    .split(',')
    .filter((word) => word !== '');
}

function idsOf(directive: Directive, name: string): NodeId[] {
  return wordsOf(directive, name)
    .filter((word) => word !== 'zero')
    .map(Number);
}

function stepOf(word: string): MembershipStep[] {
  const does = ({ v: 'add-voter', l: 'add-learner', r: 'remove' } as const)[word[0]];
  return does === undefined ? [] : [{ does, node: Number(word.slice(1)) }];
}

function capitalized(word: string): string {
  return `${word[0].toUpperCase()}${word.slice(1)}`;
}

/** A line for each voter; its bar is as long as there are voters that have reached less. */
function describeReached(voters: readonly NodeId[], reached: ReadonlyMap<NodeId, number>): string {
  if (voters.length === 0) return '<empty majority quorum>';
  const count = voters.length;
  const indexes = voters.map((id) => reached.get(id) ?? 0);
  const lines = [...voters]
    .sort((a, b) => a - b)
    .map((id) => {
      const index = reached.get(id);
      const less = indexes.filter((other) => other < (index ?? 0)).length;
      const bar = index === undefined ? `?${' '.repeat(count)}` : `${'x'.repeat(less)}>${' '.repeat(count - less)}`;
      return `${bar} ${String(index ?? 0).padStart(5)}    (id=${id})\n`;
    });
  return `${' '.repeat(count)}    idx\n${lines.join('')}`;
}

function describeMembership({ voters, votersOutgoing, learners, learnersNext, autoLeave }: Membership): string {
  const list = (nodes: readonly NodeId[]): string => `(${nodes.join(' ')})`;
  let text = `voters=${list(voters)}`;
  if (votersOutgoing.length > 0) text += `&&${list(votersOutgoing)}`;
  if (learners.length > 0) text += ` learners=${list(learners)}`;
  if (learnersNext.length > 0) text += ` learners_next=${list(learnersNext)}`;
  return autoLeave ? `${text} autoleave` : text;
}

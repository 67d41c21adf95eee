/**
 * What two servers may say differently, and what is not compared: by name, and with the reason. The list stands in
 * docs/COMPATIBILITY.md too; whoever adds to it says why.
 */
import { tipsOf, type CommandSpec } from '../../src/commands';
import { sortReply } from '../transcripts/reply';
import type { Sentence } from './sentences';

/** Families whose commands are about data. */
const FAMILIES: ReadonlySet<string> = new Set([
  'string',
  'hash',
  'list',
  'set',
  'sorted-set',
  'stream',
  'geo',
  'bitmap',
  'hyperloglog',
  'generic',
]);

/** Not spoken, and why. */
export const SKIPPED: ReadonlyMap<string, string> = new Map([
  ['RANDOMKEY', 'chance'],
  ['SPOP', 'chance: the keyspaces would differ'],
  ['WAIT', 'waits'],
  ['WAITAOF', 'waits'],
  ['OBJECT FREQ', 'depends on the policy'],
  ['OBJECT IDLETIME', 'time'],
  ['OBJECT HELP', 'text'],
  ['OBJECT REFCOUNT', 'Redis shares small integers in some cases only'],
  ['XINFO CONSUMERS', '7.2 tells more than 7.0'],
  ['XSETID', '7.2 does not set what 7.0 sets after deletions'],
  ['ZREMRANGEBYLEX', 'scores differ here, and then ranges by name are whatever the tree says'],
  ['XGROUP HELP', 'text'],
  ['XINFO HELP', 'text'],
  ['PFDEBUG', 'about the insides'],
  ['PFSELFTEST', 'takes a second'],
  ['DUMP', 'compression may differ: payloads are compared by what they restore to'],
  ['RESTORE', 'needs a payload: see above'],
]);

/** Commands that wait where there is nothing: spoken inside MULTI, where they do not. */
export function mustNotWait(spec: CommandSpec): boolean {
  return (
    (spec.name.startsWith('B') && spec.name.includes('POP')) || spec.name === 'BLMOVE' || spec.name.startsWith('XREAD')
  );
}

export function isSpoken(spec: CommandSpec): boolean {
  return FAMILIES.has(spec.family) && !SKIPPED.has(spec.name) && spec.subcommands === null;
}

/** Replies of which only the outline is compared: chance chooses. */
const BY_CHANCE: ReadonlySet<string> = new Set(['SRANDMEMBER', 'HRANDFIELD', 'ZRANDMEMBER']);

/** Replies that tell how long ago something was, or how long something lives yet. */
const TELLS_TIME: ReadonlySet<string> = new Set([
  'TTL',
  'PTTL',
  'EXPIRETIME',
  'PEXPIRETIME',
  'XPENDING',
  'XINFO',
  'XAUTOCLAIM',
  'XREADGROUP',
]);
/** By how much times of two servers may differ, in ms or s. */
const TOLERANCE = 2000;

/** Replies whose elements have no order; of those with pairs the pairs have none. */
const PAIRED: ReadonlySet<string> = new Set(['HGETALL']);

/** A reply as it is compared: in an order of its own where there is none. */
export function comparable(spec: CommandSpec | undefined, reply: string): string {
  if (spec === undefined) return reply;
  if (BY_CHANCE.has(spec.name)) return reply.replace(/"(?:[^"\\]|\\.)*"/g, '"…"');
  if (PAIRED.has(spec.name)) return sortReply(reply, 'pairs');
  const tips = tipsOf(spec);
  if (tips.includes('nondeterministic_output_order') || tips.includes('nondeterministic_output'))
    return sortReply(reply, 'deep');
  return reply;
}

/** Spoken, but their replies are not compared with those of 7.0: what 7.2 changed. */
const NEWER_REPLIES: ReadonlyMap<string, string> = new Map([
  ['XGROUP CREATECONSUMER', 'XREADGROUP, XCLAIM and XAUTOCLAIM make the consumer in any case (7.2)'],
  ['XGROUP DELCONSUMER', 'the same'],
  ['XINFO GROUPS', 'the same; and lag'],
  ['ZLEXCOUNT', 'scores differ here, and then ranges by name are whatever the tree says'],
  ['ZRANGEBYLEX', 'the same'],
  ['ZREVRANGEBYLEX', 'the same'],
]);

function commandName(sentence: Sentence): string {
  const name = sentence[0].toUpperCase();
  return NEWER_REPLIES.has(name) ? name : `${name} ${sentence[1]?.toUpperCase()}`;
}

/** Walks of which a piece is whatever the server likes: compared where one call gave all. */
const WALKS: ReadonlySet<string> = new Set(['SCAN', 'HSCAN', 'SSCAN', 'ZSCAN']);
const isWhole = (reply: string): boolean => reply.startsWith('1) "0"');

/** Whether two comparable replies to a sentence say the same. */
export function areSame(sentence: Sentence, ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const name = sentence[0].toUpperCase();
  if (WALKS.has(name) && !(sentence[name === 'SCAN' ? 1 : 2] === '0' && isWhole(ours) && isWhole(theirs))) return true;
  // Redis cuts some of its errors at a zero byte, as C does.
  if (sentence.some((word) => word.includes('\0')) && ours.includes('(error)') && theirs.includes('(error)'))
    return true;
  if (NEWER_REPLIES.has(commandName(sentence))) return true;
  // Which of two times is the later may be a matter of a millisecond.
  if (name.includes('EXPIRE') && sentence.some((word) => /^(GT|LT)$/i.test(word))) return true;
  // Redis takes memory for as many IDs as COUNT says.
  if (name === 'XAUTOCLAIM' && theirs.includes('COUNT too high')) return true;
  // WITHSCORE is new.
  if ((name === 'ZRANK' || name === 'ZREVRANK') && theirs.includes('wrong number of arguments')) return true;
  // 7.2 names the command.
  if (ours.includes('ERR Unbalanced') && theirs.includes('ERR Unbalanced')) return true;
  // 7.2 refuses what 7.0 lets overflow.
  if (ours.includes('ERR timeout is out of range') && theirs.includes('ERR timeout is negative')) return true;
  if (name.startsWith('XREAD') && ours.includes('ERR timeout is out of range')) return true;
  if (name.startsWith('SORT') && leavesOrder(sentence)) {
    return sentence.some((word) => /^limit$/i.test(word)) || sortReply(ours, 'deep') === sortReply(theirs, 'deep');
  }
  if (name === 'LPOS' && ours.includes('value must between')) return true;
  if (name === 'OBJECT' && isNewerEncoding(ours, theirs)) return true;
  if (HAS_DOUBLES.test(name) && haveSameNumbers(name, ours, theirs)) return true;
  return TELLS_TIME.has(name) && haveNearTimes(ours, theirs);
}

/** 7.2 spells doubles as short as they can be, 7.0 with 17 digits. */
const HAS_DOUBLES = /^(B?Z|GEO)/;

function haveSameNumbers(name: string, ours: string, theirs: string): boolean {
  return inOneSpelling(name, ours) === inOneSpelling(name, theirs);
}

/** A reply with its numbers in one spelling; that of ZSCAN in an order of its own, since two spellings may have sorted differently. */
function inOneSpelling(name: string, reply: string): string {
  const parts = [...reply.matchAll(/"((?:[^"\\]|\\.)*)"|\([a-z]+\)[^\n]*/g)].map(([whole, text]) =>
    text === undefined || text === '' || Number.isNaN(Number(text)) ? whole : String(Number(text)),
  );
  return (name === 'ZSCAN' ? parts.sort() : parts).join('\n');
}

/** Whether a SORT is told BY something without a star: then the members of a set come in an order of the server's own. */
function leavesOrder(sentence: Sentence): boolean {
  return sentence.some((word, i) => /^by$/i.test(word) && sentence[i + 1]?.includes('*') === false);
}

/** 7.2 packs small lists and sets where 7.0 does not. */
function isNewerEncoding(ours: string, theirs: string): boolean {
  return ours === '"listpack"' && (theirs === '"quicklist"' || theirs === '"hashtable"');
}

function haveNearTimes(ours: string, theirs: string): boolean {
  const [a, b] = [ours, theirs].map((text) => text.split(/(\d+)/));
  return (
    a.length === b.length &&
    a.every((part, i) => part === b[i] || (i % 2 === 1 && Math.abs(Number(part) - Number(b[i])) <= TOLERANCE))
  );
}

/**
 * The trees of COMMAND INFO and COMMAND DOCS, for what the comparison with a real server does not see: RESP3's kinds.
 */
import { describe, expect, it } from 'vitest';
import {
  categoryBit,
  categoryNames,
  commandDocs,
  commandInfo,
  commands,
  keyFlags,
  type CommandArguments,
  type CommandSpec,
  type ReplyTree,
} from '../../src/commands';

function spec(name: string): CommandSpec {
  const found = commands.byName(name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

/** The arguments of a command in one line, as a parser gives them. */
function words(line: string): CommandArguments {
  const starts = [...line.matchAll(/\S+/g)].map(({ index }) => index);
  const ends = [...line.matchAll(/\S+/g)].map(({ index, 0: word }) => index + word.length);
  return { buffer: Buffer.from(line), starts, ends, argc: starts.length };
}

/** A tree in one line: `~` for sets, `%` for maps, `+` for simple strings. */
function text(tree: ReplyTree): string {
  if (tree === null || typeof tree !== 'object') return JSON.stringify(tree);
  if (tree.kind === 'status') return `+${tree.text}`;
  if (tree.kind === 'map') return `%{${tree.pairs.map(([key, value]) => `${text(key)}: ${text(value)}`).join(', ')}}`;
  return `${tree.kind === 'set' ? '~' : ''}[${tree.items.map(text).join(', ')}]`;
}

describe('COMMAND INFO', () => {
  it('has ten elements', () => {
    expect(text(commandInfo(spec('TTL')))).toBe(
      '["ttl", 2, ~[+readonly, +fast], 1, 1, 1, ~[+@keyspace, +@read, +@fast], ~["nondeterministic_output"], ' +
        '~[%{"flags": ~[+RO, +access], "begin_search": %{"type": "index", "spec": %{"index": 1}}, ' +
        '"find_keys": %{"type": "range", "spec": %{"lastkey": 0, "keystep": 1, "limit": 0}}}], ~[]]',
    );
  });

  it('nests subcommands, unless the container hides them', () => {
    expect(text(commandInfo(spec('OBJECT')))).toContain('["object|encoding", 3, ~[+readonly], 2, 2, 1');
    expect(text(commandInfo(spec('DEBUG')))).not.toContain('debug|');
  });

  it('derives tips from the way a gateway spreads a command', () => {
    expect(text(commandInfo(spec('MGET')))).toContain('~["request_policy:multi_shard"]');
    expect(text(commandInfo(spec('DBSIZE')))).toContain('~["request_policy:all_shards", "response_policy:agg_sum"]');
  });
});

describe('COMMAND DOCS', () => {
  it('tells history and arguments', () => {
    expect(text(commandDocs(spec('EXISTS')))).toBe(
      '%{"summary": "Counts how many of the keys exist; one that is named twice counts twice.", "since": "1.0.0", ' +
        '"group": "generic", "complexity": "O(N), N = keys", "history": ~[["3.0.3", "Several keys."]], ' +
        '"arguments": [%{"name": "key", "type": "key", "key_spec_index": 0, "flags": ~[+multiple]}]}',
    );
  });

  it('tells what is deprecated', () => {
    expect(text(commandDocs(spec('SUBSTR')))).toContain(
      '"doc_flags": ~[+deprecated], "deprecated_since": "2.0.0", "replaced_by": "`GETRANGE`"',
    );
  });

  it('nests subcommands in a map', () => {
    expect(text(commandDocs(spec('CONFIG')))).toContain('"subcommands": %{"config|get": %{"summary"');
  });
});

describe('small answers', () => {
  it('keyFlags tells what is done to the keys of a spec', () => {
    expect(text(keyFlags(spec('COPY'), 1, words('COPY a b')))).toBe('~[+OW, +update]');
    expect(text(keyFlags(spec('PING'), 0, words('PING')))).toBe('~[]');
  });

  it('keyFlags looks at the arguments where these decide', () => {
    expect(text(keyFlags(spec('SET'), 0, words('SET get v')))).toBe('~[+OW, +update]');
    expect(text(keyFlags(spec('SET'), 0, words('SET k v ex 10 get')))).toBe('~[+RW, +access, +update]');
  });

  it('categoryBit knows categories in any case', () => {
    expect(categoryNames(categoryBit('DANGEROUS'))).toEqual(['dangerous']);
    expect(categoryBit('nosuch')).toBe(0);
  });
});

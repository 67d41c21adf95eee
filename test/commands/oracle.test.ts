/**
 * What we say about each command, compared with what a real redis-server says.
 *
 * The server at hand is usually older (7.0) than the Redis that we speak (7.2). What Redis changed between the two is
 * listed in DIFFERENCES, by name; anything else that differs is an error of ours.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandDocs, commandInfo, commands, replyName, type CommandSpec, type ReplyTree } from '../../src/commands';
import { OracleStage, oracleVersion } from '../oracle/oracle-stage';

class Oracle extends OracleStage {
  get address(): { host: string; port: number } {
    return { host: this.host, port: this.port };
  }
}

interface Facts {
  readonly arity: number;
  readonly flags: readonly string[];
  readonly range: readonly number[];
  readonly categories: readonly string[];
  readonly tips: readonly string[];
  readonly keySpecs: readonly unknown[];
}

const NODES_ALL_OK = ['request_policy:all_nodes', 'response_policy:all_succeeded'];

/** What 7.2 says otherwise than 7.0. */
const DIFFERENCES: Readonly<Record<string, Partial<Facts>>> = {
  MSETNX: { tips: [] },
  RANDOMKEY: { tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'] },
  SCAN: { tips: ['nondeterministic_output', 'request_policy:special', 'response_policy:special'] },
  WAIT: { flags: ['blocking'], categories: ['@blocking', '@connection', '@slow'] },
  'COMMAND GETKEYS': { arity: -3 },
  'COMMAND GETKEYSANDFLAGS': { arity: -3 },
  'CONFIG RESETSTAT': { tips: NODES_ALL_OK },
  'CONFIG REWRITE': { tips: NODES_ALL_OK },
  // Scripts may call what blocks, which then does not wait.
  BLMOVE: { flags: ['blocking', 'denyoom', 'write'] },
  BLPOP: { flags: ['blocking', 'write'] },
  BRPOP: { flags: ['blocking', 'write'] },
  BRPOPLPUSH: { flags: ['blocking', 'denyoom', 'write'] },
  BZPOPMAX: { flags: ['blocking', 'fast', 'write'] },
  BZPOPMIN: { flags: ['blocking', 'fast', 'write'] },
  // WITHSCORE.
  ZRANK: { arity: -3 },
  ZREVRANK: { arity: -3 },
};

/** Commands that 7.0 does not have. */
const NEW = ['CLIENT NO-TOUCH', 'CLIENT SETINFO', 'WAITAOF'];

/** Subcommands that a real server does not tell of, and what is ours alone. */
const HIDDEN = commands.all.filter((spec) => /^(DEBUG |SLOTCACHE)/.test(spec.name)).map((spec) => spec.name);

/** A tree as ioredis gives it, over RESP2: sets and maps are arrays. */
function plain(tree: ReplyTree): unknown {
  if (tree === null || typeof tree !== 'object') return tree;
  if (tree.kind === 'status') return tree.text;
  if (tree.kind === 'map') return tree.pairs.flatMap(([key, value]) => [plain(key), plain(value)]);
  return tree.items.map(plain);
}

/** The facts of an entry of COMMAND INFO; sets sorted. */
function factsOf(entry: unknown): Facts {
  const [, arity, flags, first, last, step, categories, tips, keySpecs] = entry as [
    string,
    number,
    string[],
    number,
    number,
    number,
    string[],
    string[],
    unknown[][],
  ];
  const sorted = (words: string[]): string[] => [...words].sort();
  return {
    arity,
    flags: sorted(flags),
    range: [first, last, step],
    categories: sorted(categories),
    tips: sorted(tips),
    keySpecs: keySpecs.map(withoutNotes),
  };
}

/** A key spec without its notes, which are prose. */
function withoutNotes(spec: unknown[]): unknown[] {
  return spec[0] === 'notes' ? spec.slice(2) : spec;
}

/** A flat list of names and values as an object. */
function objectOf(list: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < list.length; i += 2) object[String(list[i])] = list[i + 1];
  return object;
}

/** Arguments of COMMAND DOCS as nesting, tokens, types and flags: what counts for a client; not names nor versions. */
function shapeOf(argument: unknown): unknown {
  const { type, token, flags, key_spec_index, arguments: parts } = objectOf(argument as unknown[]);
  return { type, token, flags, key_spec_index, parts: (parts as unknown[] | undefined)?.map(shapeOf) };
}

/**
 * Our argument trees that say the same as Redis' in another shape, or as 7.2 does: PFMERGE needs no source there, nor
 * GEOHASH and GEOPOS a member, BITOP names its operations, GEORADIUS has STORE or STOREDIST, ZRANK has WITHSCORE, REPLICAOF NO ONE.
 * FAILOVER's host and port are a block of their own here.
 */
const OTHER_SHAPES = [
  'CLIENT KILL',
  'FAILOVER',
  'REPLICAOF',
  'SLAVEOF',
  'CLIENT LIST',
  'CONFIG GET',
  'COMMAND GETKEYS',
  'COMMAND GETKEYSANDFLAGS',
  'PFMERGE',
  'BITOP',
  'GEOHASH',
  'GEOPOS',
  'GEORADIUS',
  'GEORADIUSBYMEMBER',
  'GEOSEARCH',
  'GEOSEARCHSTORE',
  'XINFO STREAM',
  'XTRIM',
  'ZRANK',
  'ZREVRANK',
];

describe.skipIf(oracleVersion === null)('compared with a real redis-server', () => {
  const oracle = new Oracle(2);
  let redis: Redis;

  beforeAll(async () => {
    await (await oracle.open()).close();
    redis = new Redis(oracle.address);
  });

  afterAll(async () => {
    redis?.disconnect();
    await oracle.close();
  });

  const known = commands.all.filter(({ name }) => !NEW.includes(name) && !HIDDEN.includes(name));

  async function docsOf(spec: CommandSpec): Promise<Record<string, unknown>> {
    const [, docs] = (await redis.call('COMMAND', 'DOCS', replyName(spec))) as [string, unknown[]];
    return objectOf(docs);
  }

  it('every command has the arity, flags, keys, categories and tips that it says', async () => {
    for (const spec of known) {
      const [entry] = (await redis.call('COMMAND', 'INFO', replyName(spec))) as unknown[];
      expect(entry, spec.name).not.toBeNull();
      expect(factsOf(plain(commandInfo(spec))), spec.name).toEqual({ ...factsOf(entry), ...DIFFERENCES[spec.name] });
    }
  });

  it('no container hides or lacks what the other has, but for later issues', async () => {
    for (const spec of commands.roots.filter((each) => each.subcommands !== null && !HIDDEN.includes(each.name))) {
      const [entry] = (await redis.call('COMMAND', 'INFO', spec.name)) as [unknown[]];
      const theirs = (entry[9] as unknown[][]).map(([name]) => name);
      const ours = (plain(commandInfo(spec)) as unknown[][])[9].map((each) => (each as unknown[])[0]);
      const newNames = NEW.map((name) => name.toLowerCase().replace(' ', '|'));
      expect(theirs, spec.name).toEqual(
        expect.arrayContaining(ours.filter((name) => !newNames.includes(String(name)))),
      );
    }
  });

  it('every command is as old and belongs to the group that it says', async () => {
    for (const spec of known) {
      const { since, group } = await docsOf(spec);
      expect({ since: spec.declaration.since, group: spec.family as string }, spec.name).toEqual({ since, group });
    }
  });

  it('every command takes the arguments that it says, in that shape', async () => {
    for (const spec of known.filter(({ name }) => !OTHER_SHAPES.includes(name))) {
      const theirs = (await docsOf(spec)).arguments as unknown[] | undefined;
      const ours = objectOf(plain(commandDocs(spec)) as unknown[]).arguments as unknown[] | undefined;
      expect(ours?.map(shapeOf), spec.name).toEqual(theirs?.map(shapeOf));
    }
  });
});

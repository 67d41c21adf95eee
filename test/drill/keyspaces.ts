/**
 * Keyspaces: are those of two servers the same, key by key, at equal offsets of the stream?
 *
 * Ours and a redis-server dump the same value in different bytes, and so do two processes of the same (the order of a hash table
 * is its own), so a value is compared by its digest, with its type and the millisecond when it expires; a stream also by its IDs
 * and groups, which no digest looks at.
 */
import type { Client } from '../../src/net';
import type { Reply } from '../../src/resp';
import { sleep } from './load';
import type { Member } from './member';

export const DATABASES = 4;
const ATTEMPTS_MAX = 40;
const PAUSE_MS = 25;
const SHOWN_MAX = 5;
/** More than a database has. */
const KEYS_MAX = 1_000_000;

/** What is known of a keyspace: by database and key. */
type Facts = ReadonlyMap<string, string>;

/**
 * How streams are compared: `whole`, or without what a master of 7.0 keeps from its replicas: that a consumer was told again what
 * it has, that it was there though it got nothing, and how much a group has read.
 */
export type Strictness = 'whole' | 'as-told-by-7.0';

/** What differs, once the replica has the same offset; nothing where all is well. */
export async function differences(master: Member, replica: Member, strictness: Strictness): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    await removeDue(master.client);
    const offset = await replica.untilInSync(master);
    const [its, mine] = await Promise.all([factsOf(master.client, strictness), factsOf(replica.client, strictness)]);
    await removeDue(master.client);
    // Something has expired meanwhile, or a ping was sent, perhaps between one look and the other.
    const wasStill = (await master.offset()) === offset;
    if (!wasStill && attempt < ATTEMPTS_MAX) {
      await sleep(PAUSE_MS);
      continue;
    }
    const found = compare(its, mine);
    return wasStill ? found : [...found, `${master.name} never came to rest`];
  }
}

/** SCAN removes keys whose time has come; KEYS does not name them, and leaves them. */
async function removeDue(client: Client): Promise<void> {
  const ask = (index: number): Promise<Reply>[] => [
    client.command('SELECT', index),
    client.command('SCAN', 0, 'COUNT', KEYS_MAX),
  ];
  await Promise.all([...databases().flatMap(ask), client.command('SELECT', 0)]);
}

async function factsOf(client: Client, strictness: Strictness): Promise<Facts> {
  const facts = new Map<string, string>();
  for (const index of databases()) {
    await client.command('SELECT', index);
    const [keys, size] = await Promise.all([client.command('KEYS', '*'), client.command('DBSIZE')]);
    facts.set(`database ${index}`, `${String(size)} keys`);
    const names = (keys as string[]).sort();
    const values = await Promise.all(names.map((name) => factsOfKey(client, name, strictness)));
    names.forEach((name, i) => facts.set(`${index} ${JSON.stringify(name)}`, values[i]));
  }
  await client.command('SELECT', 0);
  return facts;
}

async function factsOfKey(client: Client, key: string, strictness: Strictness): Promise<string> {
  const replies = await Promise.all([
    client.command('TYPE', key),
    client.command('PEXPIRETIME', key),
    client.command('DEBUG', 'DIGEST-VALUE', key),
  ]);
  const [type, expiresAt, digest] = replies;
  // Ours keeps it as a double.
  const facts = `${String(type)} ${Number(expiresAt)} ${String(digest)}`;
  return type === 'stream' ? `${facts} ${await streamFacts(client, key, strictness)}` : facts;
}

/** Fields that tell of the insides, or of when somebody looked. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  'radix-tree-keys',
  'radix-tree-nodes',
  'seen-time',
  'active-time',
  'entries',
]);
const NOT_TOLD: ReadonlySet<string> = new Set(['consumers', 'entries-read', 'lag', 'pel']);

async function streamFacts(client: Client, key: string, strictness: Strictness): Promise<string> {
  try {
    const reply = await client.command('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0);
    return JSON.stringify(withoutFields(reply, strictness));
  } catch (error) {
    // Its time has come between two questions.
    return (error as Error).message;
  }
}

function withoutFields(value: Reply, strictness: Strictness): unknown {
  if (!Array.isArray(value)) return typeof value === 'bigint' ? String(value) : value;
  const isMap = typeof value[0] === 'string' && /^(length|name)$/.test(value[0]) && value.length % 2 === 0;
  if (!isMap) return value.map((each) => withoutFields(each, strictness));
  const fields: unknown[] = [];
  for (let i = 0; i < value.length; i += 2) {
    const name = value[i] as string;
    if (NOT_COMPARED.has(name) || (strictness !== 'whole' && NOT_TOLD.has(name))) continue;
    fields.push(name, withoutFields(value[i + 1], strictness));
  }
  return fields;
}

function compare(its: Facts, mine: Facts): string[] {
  const found: string[] = [];
  for (const key of new Set([...its.keys(), ...mine.keys()])) {
    const [should, is] = [its.get(key), mine.get(key)];
    if (should !== is) found.push(`${key} is ${is ?? 'not there'}, should be ${should ?? 'not there'}`);
  }
  return found.length <= SHOWN_MAX ? found : [...found.slice(0, SHOWN_MAX), `… ${found.length} differences`];
}

function databases(): number[] {
  return Array.from({ length: DATABASES }, (_, index) => index);
}

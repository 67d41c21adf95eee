/**
 * Dataset: something of everything, of every encoding, in several databases, some of it to expire one day; and its signature,
 * which two keyspaces share only where they hold the same data to the millisecond.
 */
import { Random } from '../../src/base';
import type { Client } from '../../src/net';
import type { Words } from './history';

const DATABASES = 3;
const MEMBERS = 150;
/** So many times the members make a sketch that is no longer sparse. */
const SKETCHED = 20;
const EXPIRES_AT_MS = 4_102_444_800_000;

/** Commands that write a part of it; another `part` is about other keys, and changes some of the former ones. */
export function datasetCommands(seed: number, part: number): Words[] {
  const random = new Random(seed * 1000 + part);
  const commands: Words[] = [];
  for (let database = 0; database < DATABASES; database++) {
    commands.push(['SELECT', String(database)]);
    for (const size of [3, MEMBERS]) commands.push(...everyType(random, `${part}:${size}:`, size));
    if (part > 0) commands.push(...changes(random, `${part - 1}:${MEMBERS}:`));
  }
  return [...commands, ['SELECT', '0']];
}

function everyType(random: Random, prefix: string, size: number): Words[] {
  const commands: Words[] = [];
  for (let i = 0; i < size; i++) {
    const text = randomText(random);
    commands.push(
      ['RPUSH', `${prefix}list`, text],
      ['HSET', `${prefix}hash`, `field:${i}`, text],
      ['SADD', `${prefix}set`, text],
      ['RPUSH', `${prefix}nodes`, text.repeat(40)],
      ['SADD', `${prefix}numbers`, String(random.uint32() - 2 ** 31)],
      ['SADD', `${prefix}wide`, String(2 ** 40 + i)],
      ['GEOADD', `${prefix}places`, String(random.fraction() * 100), String(random.fraction() * 80), text],
      ['ZADD', `${prefix}sorted`, String(random.fraction() * 1000), `member:${i}`],
      ['XADD', `${prefix}stream`, `${i + 1}-${random.below(5)}`, 'field', text],
    );
    if (i % 10 !== 0) continue;
    commands.push(
      ['SET', `${prefix}string:${i}`, text, 'PXAT', String(EXPIRES_AT_MS + random.below(2 ** 31))],
      ['SET', `${prefix}number:${i}`, String(random.uint32())],
      ['SETBIT', `${prefix}bits`, String(random.below(4096)), '1'],
      ['PFADD', `${prefix}log`, text],
    );
  }
  commands.push(
    ['HSET', `${prefix}long-field`, 'field', 'x'.repeat(100)],
    ['PFADD', `${prefix}dense`, ...Array.from({ length: size * SKETCHED }, (_, i) => `${prefix}${i}`)],
    ['SET', `${prefix}long`, `${randomText(random)}${'repeated '.repeat(size)}`],
    ['XGROUP', 'CREATE', `${prefix}stream`, 'group', '0'],
    ['XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', '5', 'STREAMS', `${prefix}stream`, '>'],
    ['PEXPIREAT', `${prefix}set`, String(EXPIRES_AT_MS + random.below(2 ** 31))],
  );
  return commands;
}

function changes(random: Random, prefix: string): Words[] {
  return [
    ['MULTI'],
    ['LPOP', `${prefix}list`, '5'],
    ['HDEL', `${prefix}hash`, 'field:1'],
    ['ZINCRBY', `${prefix}sorted`, String(random.below(10)), 'member:7'],
    ['EXEC'],
    ['RENAME', `${prefix}numbers`, `${prefix}renamed`],
    ['XTRIM', `${prefix}stream`, 'MAXLEN', '100'],
    ['DEL', `${prefix}long`],
  ];
}

/** Short words in any alphabet, sometimes a number. */
function randomText(random: Random): string {
  if (random.below(5) === 0) return String(random.below(100_000));
  const letters = Array.from({ length: 1 + random.below(24) }, () => String.fromCharCode(33 + random.below(400)));
  return letters.join('');
}

export async function writeAll(client: Client, commands: readonly Words[]): Promise<void> {
  await Promise.all(commands.map((words) => client.command(...words)));
}

/** The digest of all databases, and of when which key expires, which the digest leaves out. */
export async function signatureOf(client: Client): Promise<string> {
  const expiries: string[] = [];
  for (let database = 0; database < DATABASES; database++) {
    await client.command('SELECT', database);
    const keys = ((await client.command('KEYS', '*')) as string[]).sort();
    const times = await Promise.all(keys.map((key) => client.command('PEXPIRETIME', key)));
    expiries.push(...keys.map((key, i) => `${database} ${key} ${String(times[i])}`));
  }
  await client.command('SELECT', 0);
  return `${String(await client.command('DEBUG', 'DIGEST'))}\n${expiries.join('\n')}`;
}

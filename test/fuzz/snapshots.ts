/**
 * Snapshots under fire: random sentences to a data node while a walk writes it down in tiny slices.
 *
 * What the walk has written is loaded into another keyspace and must be, key by key, what the node held when the walk began: value,
 * type, expiry, groups of streams, whatever happened since: new keys, deletions, RENAME, SWAPDB, FLUSHALL, MULTI, expiry, eviction.
 * Limits are so low that a handful of elements makes a value large. A second walk may begin while the first is under way, and
 * either may be abandoned. In the end everything is deleted, and no byte of the keyspace may be taken.
 */
import { Bytes, Random, type ReadableFile } from '../../src/base';
import { commands } from '../../src/commands';
import { Digests, Dumps, forEachKey, Keyspace, TYPE_STREAM } from '../../src/storage';
import { RdbLoader } from '../../src/storage/rdb/loader';
import { RdbFormat } from '../../src/storage/snapshot/rdb-format';
import { SnapshotWalk } from '../../src/storage/snapshot/walk';
import { isSpoken, mustNotWait } from './comparison';
import { manyElements } from './many-elements';
import { randomSentence } from './sentences';
import { StillNode } from './still-node';
import { TIGHT_LIMITS, UPHEAVALS } from './upheavals';
import { KEYS, one } from './words';

/** Values with more elements than this are large. */
const LARGE = { elements: 4, nodes: 1 };
const CRC_BYTES = 8;

const RARE: ReadonlySet<string> = new Set(['FLUSHALL', 'FLUSHDB', 'SWAPDB']);
const SPECS = commands.all.filter((spec) => isSpoken(spec) && !RARE.has(spec.name));

interface Running {
  readonly walk: SnapshotWalk;
  readonly state: ReadonlyMap<string, string>;
  /** What it has written so far. */
  readonly parts: Buffer[];
}

/** A node and a reader, which are used for many rounds: to make them takes longer than a round. */
export class SnapshotTrial {
  private readonly still: StillNode;
  private readonly reader: Keyspace;

  constructor(seed: number) {
    this.still = new StillNode(seed, TIGHT_LIMITS);
    this.reader = new Keyspace({ random: new Random(1) });
    this.reader.setTime(1);
    // What was large stays so: in a packed sorted set there is no −0.
    Object.assign(this.reader.limits, TIGHT_LIMITS);
  }

  /** One round, from an empty keyspace to an empty keyspace; what was wrong, or null. */
  round(seed: number): string | null {
    const random = new Random(seed);
    const { still } = this;
    const { keyspace } = still.node;
    const policy = random.fraction() < 0.2 ? one(random, ['allkeys-lfu', 'volatile-lru']) : 'noeviction';
    still.speak(['CONFIG', 'SET', 'maxmemory-policy', policy]);
    for (let left = 10 + random.below(80); left > 0; left--) disturb(random, still);
    const running: Running[] = [];
    let walksLeft = 1 + random.below(2);
    for (let left = 10 + random.below(80); left > 0 || running.length > 0; left--) {
      if (walksLeft > 0 && random.fraction() < 0.5) {
        walksLeft--;
        running.push(begin(keyspace, random));
      }
      for (let i = random.below(3); i > 0 && left > 0; i--) disturb(random, still);
      for (const each of running.slice()) {
        const isAbandoned = random.fraction() < 0.005;
        if (isAbandoned) each.walk.abandon();
        else if (!goOn(each, random)) continue;
        running.splice(running.indexOf(each), 1);
        const fault = isAbandoned ? null : compare(each, this.reader);
        if (fault !== null) return fault;
      }
    }
    return this.empty();
  }

  /** Deletes all keys; what is wrong then. */
  private empty(): string | null {
    const { keyspace } = this.still.node;
    this.still.speak(['DISCARD']);
    deleteAll(keyspace);
    const { usedBytes } = keyspace.arena;
    return usedBytes === 0 ? null : `${usedBytes} bytes are taken when all keys are deleted`;
  }
}

/** One slice of a walk; whether it was the last. */
function goOn({ walk, parts }: Running, random: Random): boolean {
  let looks = random.below(4);
  const isDone = walk.run(() => --looks < 0);
  if (random.fraction() < 0.5 || isDone) parts.push(walk.out.take());
  return isDone;
}

function begin(keyspace: Keyspace, random: Random): Running {
  const format = new RdbFormat(keyspace, {
    compresses: random.fraction() < 0.5,
    version: random.fraction() < 0.5 ? 10 : 11,
    aux: [],
    functions: [],
  });
  return {
    state: stateOf(keyspace),
    walk: new SnapshotWalk(keyspace, format, LARGE),
    parts: [],
  };
}

function disturb(random: Random, still: StillNode): void {
  const chance = random.fraction();
  if (chance < 0.03) {
    still.wallMs += random.below(1000);
  } else if (chance < 0.05) {
    still.speak(one(random, UPHEAVALS));
  } else if (chance < 0.12) {
    still.speak(['PEXPIRE', one(random, KEYS), String(1 + random.below(500))]);
  } else if (chance < 0.15) {
    evictOne(random, still);
  } else if (chance < 0.25) {
    still.speak(['SET', `key:${random.below(200)}`, 'x'.repeat(random.below(60))]);
  } else if (chance < 0.35) {
    still.speak(manyElements(random));
  } else if (chance < 0.38) {
    still.speak(['RENAME', one(random, KEYS), one(random, KEYS)]);
  } else {
    const sentence = randomSentence(random, SPECS[random.below(SPECS.length)]);
    const spec = commands.all.find(({ name }) => name === sentence[0]?.toUpperCase());
    if ((spec !== undefined && mustNotWait(spec)) || chance < 0.5) {
      still.speak(['MULTI']);
      still.speak(sentence);
      still.speak(['EXEC']);
    } else {
      still.speak(sentence);
    }
  }
}

/** As if memory were full. */
function evictOne(random: Random, { node: { keyspace } }: StillNode): void {
  const database = keyspace.database(random.below(2));
  const record = database.randomRecord();
  if (record !== 0) database.evict(record);
}

function compare({ parts, state }: Running, reader: Keyspace): string | null {
  const bytes = Buffer.concat([...parts, Buffer.alloc(CRC_BYTES)]);
  const file: ReadableFile = {
    size: bytes.length,
    read: (into, start, end, position) => bytes.copy(into, start, position, position + end - start),
    close: () => undefined,
  };
  deleteAll(reader);
  try {
    const loader = new RdbLoader(reader, file, { keepsExpired: true });
    while (!loader.step(() => false));
  } catch (error) {
    return `the snapshot cannot be loaded: ${(error as Error).message}`;
  }
  const found = stateOf(reader);
  for (const [key, value] of state) {
    if (found.get(key) !== value) return `${key} was ${value}, is ${found.get(key) ?? 'missing'} in the snapshot`;
  }
  for (const [key, value] of found) if (!state.has(key)) return `${key} was not there, is ${value} in the snapshot`;
  return null;
}

/** Key by key: it takes less than to flush, which gives all memory back. */
function deleteAll(keyspace: Keyspace): void {
  for (const database of keyspace.usedDatabases()) {
    const names: Buffer[] = [];
    forEachKey(database, (record) => names.push(keyspace.records.key(record, new Bytes()).copy()));
    for (const name of names) database.delete(new Bytes(name));
  }
  keyspace.reclaim(() => false);
}

/** Every key with all there is to know of it, by the number of its database and its name. */
function stateOf(keyspace: Keyspace): Map<string, string> {
  const digests = new Digests(keyspace);
  const dumps = new Dumps(keyspace);
  const { records } = keyspace;
  const state = new Map<string, string>();
  const { nowMs } = keyspace;
  // Nothing expires by being looked at.
  keyspace.setTime(1);
  for (const database of keyspace.usedDatabases()) {
    forEachKey(database, (record) => {
      const name = records.key(record, new Bytes()).toLatin1();
      const type = records.type(record);
      const value =
        type === TYPE_STREAM
          ? Buffer.from(dumps.dump(database, record, false)).toString('hex')
          : digests.ofValue(database, record);
      state.set(`${database.index} ${name}`, `${type} ${records.expiry(record)} ${value}`);
    });
  }
  keyspace.setTime(nowMs);
  return state;
}

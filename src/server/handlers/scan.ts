/**
 * Looking at keys without knowing their names: KEYS, SCAN, RANDOMKEY.
 *
 * A reply says how many keys it has before it names them. So the walk collects the addresses of the records, and the
 * keys are written from them afterwards; nothing moves a record in between. No key is copied but into the reply.
 */
import { Bytes } from '../../base';
import type { generic, Handlers } from '../../commands';
import { forEachKey, scan, TYPE_NAMES, type Address } from '../../storage';
import type { Call, Handler } from '../call';
import { NamePattern, parseCursor, ScanOptions } from './scan-arguments';

/** SCAN without TYPE. */
const ANY_TYPE = -1;
/** SCAN with a TYPE that there is not: no key has it. */
const UNKNOWN_TYPE = -2;

export const scanHandlers: Pick<Handlers<typeof generic, Handler>, 'KEYS' | 'RANDOMKEY' | 'SCAN'> = {
  KEYS(call) {
    const pattern = new NamePattern();
    pattern.set(call.arg(1));
    const filter = new KeyFilter(call, pattern);
    forEachKey(call.database, filter.visit);
    filter.reply();
  },

  RANDOMKEY(call) {
    const record = call.database.randomRecord();
    if (record === 0) call.reply.null();
    else call.reply.bulk(call.keyspace.records.key(record, call.value));
  },

  SCAN(call) {
    const cursor = parseCursor(call, 1);
    if (Number.isNaN(cursor)) return;
    const options = new ScanOptions();
    if (!options.parse(call, 2, true)) return;
    const filter = new KeyFilter(call, options.pattern);
    if (options.typeAt !== 0) {
      const type = TYPE_NAMES.findIndex((name) => call.is(options.typeAt, name));
      filter.type = type < 0 ? UNKNOWN_TYPE : type;
    }
    const next = scan(call.database, cursor, options.count, filter.visit);
    call.reply.array(2);
    call.reply.bulkInteger(next);
    filter.reply();
  },
};

/** Gathers the keys that match, and replies them. */
class KeyFilter {
  type = ANY_TYPE;
  private readonly key = new Bytes();
  private readonly found: Address[] = [];

  constructor(
    private readonly call: Call,
    private readonly pattern: NamePattern,
  ) {}

  readonly visit = (record: Address): void => {
    if (this.matches(record)) this.found.push(record);
  };

  private matches(record: Address): boolean {
    const { pattern, type } = this;
    const { records } = this.call.keyspace;
    if (type !== ANY_TYPE && records.type(record) !== type) return false;
    return pattern.matchesAll || pattern.matches(records.key(record, this.key));
  }

  reply(): void {
    const { reply, keyspace } = this.call;
    reply.array(this.found.length);
    for (const record of this.found) reply.bulk(keyspace.records.key(record, this.key));
  }
}

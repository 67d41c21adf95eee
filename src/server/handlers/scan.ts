/**
 * Looking at keys without knowing their names: KEYS, SCAN, RANDOMKEY.
 *
 * A reply says how many keys it has before it names them. So the walk collects the addresses of the records, and the
 * keys are written from them afterwards; nothing moves a record in between. No key is copied but into the reply.
 */
import { Bytes, globMatch } from '../../base';
import type { generic, Handlers } from '../../commands';
import { forEachKey, scan, TYPE_NAMES, type Address } from '../../storage';
import type { Call, Handler } from '../call';
import { parseCount, parseCursor, SCAN_COUNT_DEFAULT } from './scan-arguments';

/** SCAN without TYPE. */
const ANY_TYPE = -1;
/** SCAN with a TYPE that there is not: no key has it. */
const UNKNOWN_TYPE = -2;

export const scanHandlers: Pick<Handlers<typeof generic, Handler>, 'KEYS' | 'RANDOMKEY' | 'SCAN'> = {
  KEYS(call) {
    const filter = new KeyFilter(call);
    filter.match(call.arg(1));
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
    const filter = new KeyFilter(call);
    let count = SCAN_COUNT_DEFAULT;
    for (let i = 2; i < call.argc; i += 2) {
      if (i + 1 === call.argc) return call.syntaxError();
      if (call.is(i, 'count')) {
        count = parseCount(call, i + 1);
        if (Number.isNaN(count)) return;
        if (count < 1) return call.syntaxError();
      } else if (call.is(i, 'match')) {
        filter.match(call.arg(i + 1));
      } else if (call.is(i, 'type')) {
        const type = TYPE_NAMES.findIndex((name) => call.is(i + 1, name));
        filter.type = type < 0 ? UNKNOWN_TYPE : type;
      } else {
        return call.syntaxError();
      }
    }
    const next = scan(call.database, cursor, count, filter.visit);
    call.reply.array(2);
    call.reply.bulkInteger(next);
    filter.reply();
  },
};

/** Gathers the keys that match, and replies them. */
class KeyFilter {
  type = ANY_TYPE;
  private pattern: Bytes | null = null;
  private readonly key = new Bytes();
  private readonly found: Address[] = [];

  constructor(private readonly call: Call) {}

  /** Only keys that match this glob pattern. */
  match(pattern: Bytes): void {
    this.pattern = pattern.length === 1 && pattern.is('*') ? null : pattern;
  }

  readonly visit = (record: Address): void => {
    if (this.matches(record)) this.found.push(record);
  };

  private matches(record: Address): boolean {
    const { pattern, type } = this;
    const { records } = this.call.keyspace;
    if (type !== ANY_TYPE && records.type(record) !== type) return false;
    if (pattern === null) return true;
    const { buffer, start, end } = records.key(record, this.key);
    return globMatch(pattern.buffer, pattern.start, pattern.end, buffer, start, end, false);
  }

  reply(): void {
    const { reply, keyspace } = this.call;
    reply.array(this.found.length);
    for (const record of this.found) reply.bulk(keyspace.records.key(record, this.key));
  }
}

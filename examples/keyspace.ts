/**
 * The storage engine alone: keys and values off the V8 heap, with expiry, and no network.
 */
import { Bytes, Random } from 'slotcache/base';
import { ExpiryCycle, forEachKey, Keyspace, NO_EXPIRY, Strings } from 'slotcache/storage';

export function run(log: (line: string) => void): void {
  const keyspace = new Keyspace({ random: new Random(1) });
  const strings = new Strings(keyspace);
  const database = keyspace.database(0);
  const value = new Bytes();

  // The engine has no clock: whoever drives it says what time it is.
  keyspace.setTime(1_000_000);
  strings.set(database, Bytes.of('user:1'), Bytes.of('Ada'), NO_EXPIRY);
  strings.set(database, Bytes.of('session:1'), Bytes.of('token'), 1_000_000 + 5_000);
  log(`${database.size} keys, ${database.expiring} of them with an expiry`);

  const record = database.find(Bytes.of('user:1'));
  log(keyspace.records.value(record, value).toString());

  keyspace.setTime(1_000_000 + 5_001);
  new ExpiryCycle(keyspace).run(() => false);
  forEachKey(database, (each) => log(`still there: ${keyspace.records.key(each, value).toString()}`));
}

// prints:
// 2 keys, 1 of them with an expiry
// Ada
// still there: user:1

/**
 * Hashes of Redis 7.4 whose fields may have an expiry of their own. This server's fields have none; so a hash is taken where no
 * field has one, and refused where one has: a field that stayed for ever would be worse than none.
 *
 * Packed, such a hash is a listpack of names, values and expiries in turn, 0 for none.
 */
import { Bytes } from '../../base';
import { Listpack, NOWHERE } from '../listpack';
import { countElements, NO_LISTPACK, NOT_PACKED } from './checks';
import { ListpackBuilder } from './listpack-builder';
import type { RdbReader } from './reader';

export const FIELD_EXPIRES = 'a field of the hash has an expiry of its own, which this server does not support';

/** Elements of a field: name, value, expiry. */
const STEP = 3;

/** A listpack of the names and values in one that nobody has checked; null where the reader has failed. */
export function pairsWithoutExpiry(reader: RdbReader, bytes: Bytes): Bytes | null {
  const count = reader.isFailed ? NO_LISTPACK : countElements(bytes);
  if (count === NO_LISTPACK || count % STEP !== 0) {
    reader.fail(NOT_PACKED);
    return null;
  }
  const listpack = new Listpack().over(bytes);
  const builder = new ListpackBuilder(bytes.length);
  const element = new Bytes();
  for (let at = listpack.first(), i = 0; at !== NOWHERE; at = listpack.next(at), i++) {
    if (i % STEP < STEP - 1) {
      builder.append(listpack.read(at, element));
    } else if (listpack.integerAt(at) !== 0) {
      reader.fail(FIELD_EXPIRES);
      return null;
    }
  }
  return builder.finish();
}

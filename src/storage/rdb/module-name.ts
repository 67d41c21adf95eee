/**
 * Names of modules' types. A file does not spell them out: a type is a number of 64 bits, nine characters of six bits, the first
 * one highest, and ten bits of version. (Redis: "Modules API reference", native types.)
 */
import type { Int64 } from '../int64';

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_LENGTH = 9;
const CHARACTER_BITS = 6n;
const VERSION_BITS = 10n;

/** The name in a module type's number. */
export function moduleName({ low, high }: Int64): string {
  let rest = ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) >> VERSION_BITS;
  let name = '';
  for (let i = 0; i < NAME_LENGTH; i++) {
    name = CHARACTERS[Number(rest & 63n)] + name;
    rest >>= CHARACTER_BITS;
  }
  return name;
}

/**
 * The catalogue: every command that there is. A new family gets a file, a name in declaration.ts,
 * an ACL category in table.ts, and its place here.
 */
import { bitmap } from './bitmap';
import { connection } from './connection';
import { generic } from './generic';
import { geo } from './geo';
import { hash } from './hash';
import { hyperloglog } from './hyperloglog';
import { list } from './list';
import { server } from './server';
import { set } from './set';
import { sortedSet } from './sorted-set';
import { stream } from './stream';
import { string } from './string';
import { compile, type CommandTable } from './table';
import { transactions } from './transactions';

/** All families, in the order of the documentation. */
export const families = [
  string,
  list,
  hash,
  set,
  sortedSet,
  stream,
  geo,
  hyperloglog,
  bitmap,
  generic,
  connection,
  server,
  transactions,
] as const;

/** All commands, compiled. */
export const commands: CommandTable = compile(families);

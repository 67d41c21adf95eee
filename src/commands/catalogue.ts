/**
 * The catalogue: every command that there is. A new family gets a file, a name in declaration.ts,
 * an ACL category in table.ts, and its place here.
 */
import { connection } from './connection';
import { generic } from './generic';
import { server } from './server';
import { string } from './string';
import { compile, type CommandTable } from './table';

/** All families, in the order of the documentation. */
export const families = [string, generic, connection, server] as const;

/** All commands, compiled. */
export const commands: CommandTable = compile(families);

/**
 * All handlers by command name. Each family's record is checked against its declarations by the compiler: a command
 * that is declared and has no handler does not build.
 */
import type { Handler } from '../call';
import { connectionHandlers } from './connection';
import { genericHandlers } from './generic';
import { serverHandlers } from './server';
import { stringHandlers } from './string';

export const handlers: Readonly<Record<string, Handler | undefined>> = {
  ...stringHandlers,
  ...genericHandlers,
  ...connectionHandlers,
  ...serverHandlers,
};

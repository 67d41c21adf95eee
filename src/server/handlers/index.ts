/**
 * All handlers by command name. Each family's record is checked against its declarations by the compiler: a command
 * that is declared and has no handler does not build.
 */
import type { Handler } from '../call';
import { bitmapHandlers } from './bitmap';
import { connectionHandlers } from './connection';
import { genericHandlers } from './generic';
import { hyperloglogHandlers } from './hyperloglog';
import { serverHandlers } from './server';
import { stringHandlers } from './string';
import { transactionHandlers } from './transactions';

export const handlers: Readonly<Record<string, Handler | undefined>> = {
  ...stringHandlers,
  ...hyperloglogHandlers,
  ...bitmapHandlers,
  ...genericHandlers,
  ...connectionHandlers,
  ...serverHandlers,
  ...transactionHandlers,
};

/**
 * All handlers by command name. Each family's record is checked against its declarations by the compiler: a command
 * that is declared and has no handler does not build.
 */
import type { Handler } from '../call';
import { bitmapHandlers } from './bitmap';
import { connectionHandlers } from './connection';
import { genericHandlers } from './generic';
import { geoHandlers } from './geo';
import { hashHandlers } from './hash';
import { hyperloglogHandlers } from './hyperloglog';
import { listHandlers } from './list';
import { serverHandlers } from './server';
import { setHandlers } from './set';
import { sortedSetHandlers } from './sorted-set';
import { streamHandlers } from './stream';
import { stringHandlers } from './string';
import { transactionHandlers } from './transactions';

export const handlers: Readonly<Record<string, Handler | undefined>> = {
  ...stringHandlers,
  ...hashHandlers,
  ...listHandlers,
  ...setHandlers,
  ...sortedSetHandlers,
  ...streamHandlers,
  ...geoHandlers,
  ...hyperloglogHandlers,
  ...bitmapHandlers,
  ...genericHandlers,
  ...connectionHandlers,
  ...serverHandlers,
  ...transactionHandlers,
};

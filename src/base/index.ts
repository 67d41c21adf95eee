export { ascii, asBuffer, Bytes, compareBytes, copyBytes, EMPTY_BUFFER, sameBytes } from './bytes';
export { assert, CacheError, type CacheErrorCode } from './errors';
export {
  INT64_MAX,
  INT64_MIN,
  INT64_TEXT_MAX,
  integerLength,
  isInt64,
  parseInt64,
  parseInteger,
  parseIntegerAt,
  writeInteger,
} from './integers';
export { Output, type ByteSink } from './output';
export { quote, splitArguments } from './quoting';
export { Random } from './random';
export {
  realClock,
  realTimers,
  realWorld,
  silentLog,
  type Clock,
  type Log,
  type LogLevel,
  type Timers,
  type World,
} from './world';

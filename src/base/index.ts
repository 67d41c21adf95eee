export { countBits, countBitsBetween, findBitBetween, readBits, writeBits } from './bits';
export { ascii, asBuffer, Bytes, copyBytes, EMPTY_BUFFER, sameBytes, widen, wordsOf } from './bytes';
export { parseDouble, readDouble } from './doubles';
export { assert, CacheError, type CacheErrorCode } from './errors';
export { fileFailed, type Files, type ReadableFile, type WritableFile } from './files';
export {
  cutToInt64,
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
export { addLongDoubles, formatLongDouble, isFiniteLongDouble, parseLongDouble, type LongDouble } from './long-double';
export { isPlanted } from './mutants';
export { Output, type ByteSink } from './output';
export { ProcessGauge } from './process-gauge';
export { quote, splitArguments } from './quoting';
export { Random } from './random';
export { RealFiles } from './real-files';
export { type Processes } from './directory-claim';
export {
  realClock,
  realFiles,
  realTimers,
  realWorld,
  silentLog,
  type Clock,
  type Log,
  type LogLevel,
  type Timers,
  type World,
} from './world';
export { VERSION } from './version';
export { globMatch, isGlob } from './glob';
export { assignmentLine, parseCommandLine, type CommandLine } from './command-line';
export {
  BAD_DIRECTIVE,
  Settings,
  type SettingsInput,
  type SettingSource,
  type SettingsTable,
  type SettingsValues,
} from './settings';
export {
  outputLimits,
  percentiles,
  savePoints,
  someOf,
  type OutputLimit,
  type OutputLimits,
  type SavePoint,
} from './settings-composites';
export {
  loadSettings,
  loadSettingsText,
  systemReason,
  type Directives,
  type LoadOptions,
  type SettingsReader,
} from './settings-file';
export {
  formatMemory,
  INT32_MAX,
  integer,
  LONG_MAX,
  memory,
  octal,
  oneOf,
  parseMemory,
  Refusal,
  single,
  text,
  UINT32_MAX,
  UNSIGNED_LONG_MAX,
  words,
  yesNo,
  type Bounds,
  type Setting,
  type SettingLine,
  type Traits,
} from './settings-kinds';
export { rewriteSettingsFile, rewriteSettingsText } from './settings-rewrite';

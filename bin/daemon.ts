/**
 * What all daemons have in common: settings from the command line and a file, a log in Redis' form, start, stop.
 *
 * The process that was started is the daemon itself; it says `Ready to accept connections` on standard output when it
 * does; SIGTERM and SIGINT end it cleanly with exit code 0, a second one at once. Tools that start servers rely on it.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import {
  CacheError,
  loadSettings,
  parseCommandLine,
  realWorld,
  systemReason,
  VERSION,
  type Directives,
  type Log,
  type LogLevel,
  type Settings,
  type SettingsTable,
  type World,
} from '../src/base';
import { addressText, type Address } from '../src/net';

/** The settings that every daemon has. */
interface CommonValues {
  readonly loglevel: string;
  readonly logfile: string;
  readonly dir: string;
  readonly port: number;
}

interface Node {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Is asked to do what must be done before it may end because of this signal; emits `shutdown` when that is done. */
  prepareToStop?(signal: 'SIGTERM' | 'SIGINT'): void;
  /** It was asked, and is still at it. */
  readonly isShuttingDown?: boolean;
  readonly addresses: readonly Address[];
  /** What it is, in a letter, for the log; M unless said. */
  readonly roleMark?: 'M' | 'S';
}

export interface Daemon<Table extends SettingsTable, N extends Node> {
  readonly name: string;
  /** One line for --help. */
  readonly does: string;
  readonly settings: Settings<Table>;
  /** Directives of the file that are no settings. */
  readonly directives?: Directives;
  /** Lines for --help on the settings that matter most. */
  readonly help: readonly (readonly [usage: string, does: string])[];
  /** What --version prints. */
  readonly version: string;
  make(world: World, settings: Settings<Table>, configFile: string | null): N;
  /** What is to be done before the doors open. */
  prepare?(world: World): Promise<void>;
  /** Says what is worth a line before the start; returns a reason not to start. */
  check?(settings: Settings<Table>, log: Log): string | null;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LEVELS: readonly LogLevel[] = ['debug', 'verbose', 'notice', 'warning'];
const LEVEL_MARKS: Readonly<Record<LogLevel, string>> = { debug: '.', verbose: '-', notice: '*', warning: '#' };

// What was warmed up stays warm: V8 forgets the code of functions that were not called for a while, and who needed them next, such
// as a save after a quiet minute, would wait a millisecond longer.
setFlagsFromString('--no-flush-bytecode');

/** Runs a daemon to its end. */
export async function runDaemon<Table extends SettingsTable, N extends Node>(daemon: Daemon<Table, N>): Promise<void> {
  const commandLine = parseCommandLine(process.argv.slice(2));
  if (commandLine.wantsHelp || commandLine.wantsVersion) {
    process.stdout.write(commandLine.wantsVersion ? `${daemon.version}\n` : helpText(daemon));
    return;
  }
  // The log may go to a pipe that somebody closes, and terminals hang up: no reasons to lose what is in memory.
  process.stdout.on('error', () => undefined);
  process.on('SIGHUP', () => undefined);
  const { settings } = daemon;
  // Where it is now: the working directory is about to change.
  const configFile = commandLine.file === null ? null : resolve(commandLine.file);
  try {
    const reader = { readFile: (path: string) => readFileSync(path, 'utf8'), readStdin: () => readFileSync(0, 'utf8') };
    loadSettings(settings, commandLine, reader, { directives: daemon.directives ?? {} });
  } catch (error) {
    fail(error);
    return;
  }
  const values = settings.values as unknown as CommonValues;
  if (values.logfile !== '') {
    try {
      appendFileSync(values.logfile, '');
    } catch (error) {
      fail(new CacheError('BAD_SETTING', `Can't open the log file: ${systemReason(error)}`));
      return;
    }
  }
  let node: N | null = null;
  const log = makeLog(values, () => node?.roleMark ?? 'M');
  const world = realWorld({ log });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    if (node === null) process.exit(0);
    node.stop().then(
      () => {
        log('notice', `${daemon.name} is now ready to exit, bye bye...`);
        process.exit(0);
      },
      (error: Error) => {
        log('warning', `Could not stop cleanly: ${error.message}`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log('notice', `Received ${signal}, scheduling shutdown...`);
      if (isStopping || node?.prepareToStop === undefined) {
        stop();
      } else if (signal === 'SIGINT' && node.isShuttingDown === true) {
        log('warning', 'You insist... exiting now.');
        process.exit(1);
      } else {
        node.prepareToStop(signal);
      }
    });
  }
  log(
    'notice',
    `${daemon.name} is starting, slotcache version=${VERSION}, pid=${process.pid}, node=${process.version}`,
  );
  if (commandLine.file === null) log('warning', 'No config file given, using the default settings');
  else log('notice', 'Configuration loaded');
  for (const name of settings.inertInUse()) log('warning', `The setting ${name} is accepted but has no effect yet`);
  const refusal = daemon.check?.(settings, log) ?? null;
  if (refusal !== null) {
    log('warning', refusal);
    process.exitCode = 1;
    return;
  }
  try {
    process.chdir(values.dir);
  } catch (error) {
    fail(new CacheError('BAD_SETTING', `Can't chdir to '${values.dir}': ${systemReason(error)}`));
    return;
  }
  // From here on a relative `dir` would mean a folder inside itself.
  settings.set('dir', [process.cwd()], settings.sourceOf('dir' as keyof Table & string));
  node = daemon.make(world, settings, configFile);
  if ('once' in node && typeof node.once === 'function') {
    node.once('shutdown', stop);
    node.once('failed', () => process.exit(1));
  }
  try {
    await daemon.prepare?.(world);
    await node.start();
  } catch (error) {
    // Stopped while it was starting: that is why it did not.
    if (isStopping) return;
    const isDoor = error instanceof CacheError && error.code === 'LISTEN_FAILED';
    const what = isDoor ? `Failed listening on port ${values.port}, aborting` : `${daemon.name} cannot start`;
    log('warning', `${what}: ${(error as Error).message}`);
    process.exitCode = 1;
    return;
  }
  log('notice', `Running mode=standalone, port=${values.port}, PID: ${process.pid}, host=${hostname()}.`);
  log('notice', 'Server initialized');
  for (const address of node.addresses) {
    log('notice', `Ready to accept connections ${'path' in address ? 'unix' : 'tcp'} ${addressText(address)}`);
  }
}

/** Lines as Redis writes them: `pid:M 22 Nov 2026 10:59:50.123 * text`; M is a master, S a replica. */
function makeLog(values: CommonValues, roleMark: () => string): Log {
  return (level, message) => {
    if (values.loglevel === 'nothing' || LEVELS.indexOf(level) < LEVELS.indexOf(values.loglevel as LogLevel)) return;
    const line = `${process.pid}:${roleMark()} ${timestamp(new Date())} ${LEVEL_MARKS[level]} ${message}\n`;
    if (values.logfile === '') {
      process.stdout.write(line);
      return;
    }
    try {
      appendFileSync(values.logfile, line);
    } catch {
      // A full disk must not end the daemon; the line is lost.
    }
  };
}

function timestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ${time}.${milliseconds}`;
}

function helpText<Table extends SettingsTable, N extends Node>(daemon: Daemon<Table, N>): string {
  const width = Math.max(...daemon.help.map(([usage]) => usage.length));
  return [
    `Usage: ${daemon.name} [/path/to/${daemon.name}.conf] [--name value ...] [-]`,
    `       ${daemon.name} - (reads the configuration from standard input)`,
    `       ${daemon.name} -v or --version`,
    `       ${daemon.name} -h or --help`,
    '',
    daemon.does,
    '',
    'Settings, in the file as "name value", here as "--name value":',
    ...daemon.help.map(([usage, does]) => `  ${usage.padEnd(width)}  ${does}`),
    '',
  ].join('\n');
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof CacheError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

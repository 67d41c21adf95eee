/**
 * The program behind `cachectl`: options, the tree of commands made of the table of verbs, and what becomes of a call.
 *
 * Answers go to standard output, all else (errors, progress, help that was not asked for) to standard error, so that a pipe gets nothing but
 * answers. Exit codes: 0 done, 1 refused, 2 not understood, 3 no config server could answer.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CacheError, Settings, VERSION } from '../../src/base';
import { clientTls, doorwaySettings, type Address, type TlsContext } from '../../src/net';
import { Caller, type CallerOptions, type Repetition } from './caller';
import { completionScript, SHELLS, type Shell } from './completion';
import { EXIT, Failure } from './failure';
import { followEvents, showProgress } from './follow';
import { plainOf, textOf, type Plain } from './present';
import { VERBS, type Verb, type VerbOptions } from './verbs';

/** What every command knows. */
interface CommonOptions {
  readonly servers: readonly Address[];
  readonly password: string;
  readonly json?: boolean;
  /** Seconds. */
  readonly timeout?: number;
  readonly tls?: boolean;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
}

const DEFAULT_SERVER: Address = { host: '127.0.0.1', port: 6390 };
const TIMEOUT_SECONDS = 5;
/** For what is awaited to its end. */
const LONG_TIMEOUT_SECONDS = 60;
const EVENTS_SHOWN = 20;
const PARENTS: Readonly<Record<string, string>> = {
  groups: 'groups of servers: one master, its replicas',
  slots: 'slots, and which group owns them',
  proxies: 'proxies that follow the view',
  failover: 'changes of master',
  settings: 'settings of the cluster',
  configs: 'the config servers themselves',
};

/** Where text goes: answers, and all else. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs one call. Resolves with the exit code; rejects only where there is a bug. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = makeProgram(terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!(error instanceof Failure || error instanceof CacheError)) throw error;
    terminal.err(`${program.name()}: ${error.message}\n`);
    return error instanceof Failure ? error.exitCode : EXIT.usage;
  }
}

function makeProgram(terminal: Terminal): Command {
  const program = new Command('cachectl')
    .description('Asks and tells the control plane of a slotcache cluster.')
    .version(`cachectl v=${VERSION}`, '-v, --version')
    .addOption(
      new Option('--servers <addresses>', 'config servers, host:port divided by commas')
        .env('CACHECTL_SERVERS')
        .argParser(parseServers)
        .default([DEFAULT_SERVER], '127.0.0.1:6390'),
    )
    .addOption(new Option('--password <text>', 'password of the config servers').env('CACHECTL_PASSWORD').default(''))
    .option('--json', 'answers as JSON')
    .option('--timeout <seconds>', `how long to wait (${TIMEOUT_SECONDS}, or ${LONG_TIMEOUT_SECONDS})`, parseSeconds)
    .option('--tls', 'connect under TLS')
    .option('--cacert <file>', 'authorities to trust, PEM')
    .option('--cert <file>', 'certificate to show, PEM')
    .option('--key <file>', 'its private key, PEM')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(cachectl --help says more)');
  for (const verb of VERBS) addVerb(program, verb, terminal);
  program
    .command('raw')
    .argument('<words...>', 'words of the API; HELP lists them')
    .description('send words as they are')
    .action(async (words: string[], _, command: Command) => {
      const common = command.optsWithGlobals<CommonOptions>();
      show(terminal, await ask(callerOptions(common, TIMEOUT_SECONDS), words, 'once'), common);
    });
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS))
    .description('print the completion script of a shell')
    .action((shell: Shell) => terminal.out(completionScript(shell, program)));
  return program;
}

function addVerb(program: Command, verb: Verb, terminal: Terminal): void {
  const [first, second] = verb.name.split(' ');
  const parent = second === undefined ? program : parentOf(program, first);
  const command = parent.command(`${second ?? first} ${verb.takes}`.trimEnd()).description(verb.does);
  for (const [flags, does] of verb.options ?? []) command.option(flags, does);
  command.action(async (...given: unknown[]) => {
    // commander gives arguments (several of them as one list), options, and the command.
    const args = given
      .slice(0, -2)
      .flat()
      .filter((each) => each !== undefined) as string[];
    await perform(terminal, verb, args, command.opts<VerbOptions>(), command.optsWithGlobals<CommonOptions>());
  });
}

function parentOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(PARENTS[name]);
}

async function perform(
  terminal: Terminal,
  verb: Verb,
  args: readonly string[],
  options: VerbOptions,
  common: CommonOptions,
): Promise<void> {
  const calling = callerOptions(common, verb.kind === 'long' ? LONG_TIMEOUT_SECONDS : TIMEOUT_SECONDS);
  if (options.follow === true) {
    const count = args[0] === undefined ? EVENTS_SHOWN : parseCount(args[0]);
    await followEvents(calling, count, (event) => show(terminal, event, common));
  }
  const words = verb.words(args, options);
  const sayProgress = (text: string): void => terminal.err(`${text}\n`);
  const endProgress = verb.kind === 'long' ? showProgress(calling, words, sayProgress) : null;
  try {
    const answer = await ask(calling, words, verb.kind === 'read' ? 'repeatable' : 'named');
    show(terminal, verb.name === 'settings get' && args.length > 0 ? settingOf(answer, args[0]) : answer, common, verb);
  } finally {
    endProgress?.();
  }
}

async function ask(options: CallerOptions, words: readonly string[], repetition: Repetition): Promise<Plain> {
  const caller = new Caller(options);
  try {
    return plainOf(await caller.call(words, repetition));
  } finally {
    caller.close();
  }
}

function show(terminal: Terminal, answer: Plain, { json }: CommonOptions, verb?: Verb): void {
  // What is changed without more to say is answered with the version of the view that it made.
  const isVersion = verb !== undefined && verb.kind !== 'read' && typeof answer === 'number';
  const text = json === true ? JSON.stringify(answer) : isVersion ? `done: version ${answer}` : textOf(answer);
  terminal.out(`${text}\n`);
}

function settingOf(answer: Plain, name: string): Plain {
  const found = typeof answer === 'object' && answer !== null && !Array.isArray(answer) && Object.hasOwn(answer, name);
  if (!found) throw new Failure(EXIT.refused, `there is no setting '${name}'`);
  return (answer as { readonly [name: string]: Plain })[name];
}

function callerOptions(common: CommonOptions, timeoutSeconds: number): CallerOptions {
  const { servers, password, timeout = timeoutSeconds } = common;
  return { servers, password, timeoutMs: timeout * 1000, tls: tlsOf(common) };
}

/** @throws CacheError BAD_SETTING: a file is not good */
function tlsOf({ tls, cacert = '', cert = '', key = '' }: CommonOptions): TlsContext | null {
  if (tls !== true) return null;
  const settings = new Settings(doorwaySettings(0));
  settings.assign({ 'tls-ca-cert-file': cacert, 'tls-client-cert-file': cert, 'tls-client-key-file': key });
  return clientTls(settings.values);
}

function parseServers(text: string): Address[] {
  return text.split(',').map((each) => {
    const parts = /^\s*(?:\[([^\]]+)\]|([^:[\]\s]+))(?::([0-9]{1,5}))?\s*$/.exec(each);
    if (parts === null) throw new InvalidArgumentError(`'${each}' is not host:port.`);
    return { host: parts[1] ?? parts[2], port: Number(parts[3] ?? 6390) };
  });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new InvalidArgumentError('Not a number of seconds.');
  return seconds;
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new Failure(EXIT.usage, `'${text}' is not a number of events`);
  return Number(text);
}

/**
 * The command line of a daemon, read as redis-server reads its own: `daemon [file] [--name value…]… [-]`.
 *
 * The first argument, if it begins with no hyphen, is the configuration file. `--name` takes all arguments up to the next
 * one that begins with `--`; the argument right after a name is always its value, so a value may begin with hyphens.
 * A lone `-` at the end, or alone, means that more configuration comes on standard input. As in redis-server, the
 * assignments count as lines after those of the file: the last one wins.
 */
import { quote, splitArguments } from './quoting';

export interface CommandLine {
  readonly file: string | null;
  readonly readStdin: boolean;
  /** Names without `--`, with their words as given. */
  readonly assignments: readonly (readonly [name: string, words: readonly string[]])[];
  /** `-h` or `--help` was given. */
  readonly wantsHelp: boolean;
  /** `-v` or `--version` was given. */
  readonly wantsVersion: boolean;
}

/** Reads the arguments after the program's own name. Never fails: what makes no sense fails later, as a bad line. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const readStdin = argv.length > 0 && argv[argv.length - 1] === '-';
  const end = readStdin ? argv.length - 1 : argv.length;
  const file = end > 0 && !argv[0].startsWith('-') ? argv[0] : null;
  const assignments: [string, string[]][] = [];
  let wantsHelp = false;
  let wantsVersion = false;
  let awaitsValue = false;
  for (let i = file === null ? 0 : 1; i < end; i++) {
    const argument = argv[i];
    if (!awaitsValue && (argument === '--help' || argument === '-h')) {
      wantsHelp = true;
    } else if (!awaitsValue && (argument === '--version' || argument === '-v')) {
      wantsVersion = true;
    } else if (!awaitsValue && argument.startsWith('--')) {
      const [name, words] = splitOption(argument.slice(2));
      assignments.push([name, words]);
      awaitsValue = words.length === 0;
      // `--save` alone means `--save ""`, an old habit of people who want no persistence.
      if (name.toLowerCase() === 'save' && awaitsValue && (i + 1 === end || argv[i + 1].startsWith('--'))) {
        words.push('');
        awaitsValue = false;
      }
    } else if (assignments.length === 0) {
      assignments.push([argument, []]);
    } else {
      assignments[assignments.length - 1][1].push(argument);
      awaitsValue = false;
    }
  }
  return { file, readStdin, assignments, wantsHelp, wantsVersion };
}

/** An assignment as the line of a configuration file that it stands for. */
export function assignmentLine(name: string, words: readonly string[]): string {
  return [name, ...words.map((word) => quote(Buffer.from(word)))].join(' ');
}

/** Name and value may come as one argument, `--port 7000` in quotes. */
function splitOption(option: string): [string, string[]] {
  const parts = splitArguments(Buffer.from(option));
  if (parts === null || parts.length === 0) return [option, []];
  const [name, ...words] = parts.map((part) => part.toString());
  return [name, words];
}

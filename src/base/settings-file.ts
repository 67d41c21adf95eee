/**
 * Reading configuration: files in the form of redis.conf, standard input and the command line, in that order.
 *
 * A line is a directive and its words, split as Redis splits them (quotes, escapes); lines that begin with # say nothing.
 * `include` reads another file in its place. A directive is a setting of the table, or one that the daemon handles by
 * itself (`directives`). The first line that makes no sense ends it, with Redis' own report of file line and reason:
 * starting with half of a configuration is worse than not starting.
 */
import { assignmentLine, type CommandLine } from './command-line';
import { CacheError } from './errors';
import { splitArguments } from './quoting';
import { BAD_DIRECTIVE, type Settings, type SettingSource, type SettingsTable } from './settings';

/** Files may include files this deep; more is taken for a circle. */
const INCLUDE_DEPTH_MAX = 16;

/** Directives that are no settings, by lower-case name; each returns null or the reason why the line is refused. */
export type Directives = Readonly<Record<string, (words: readonly string[]) => string | null>>;

export interface SettingsReader {
  /** The text of a file; relative to the working directory. Throws as `fs.readFileSync` does. */
  readFile(path: string): string;
  /** All of standard input. */
  readStdin(): string;
}

export interface LoadOptions {
  readonly directives?: Directives;
  /** Named in the report of an error. */
  readonly version?: string;
}

/**
 * Sets everything that a command line says, the files it names included.
 * @throws CacheError BAD_SETTING; the message is the report that belongs on standard error.
 */
export function loadSettings<Table extends SettingsTable>(
  settings: Settings<Table>,
  commandLine: CommandLine,
  reader: SettingsReader,
  options: LoadOptions = {},
): void {
  const loader = new Loader(settings, reader, options.directives ?? {}, options.version ?? '7.2.5');
  let text = commandLine.file === null ? '' : loader.open(commandLine.file);
  if (commandLine.readStdin) text += reader.readStdin();
  const lines = text.split('\n');
  loader.load(lines, 1, 'file', 0);
  const given = commandLine.assignments.map(([name, words]) => assignmentLine(name, words));
  loader.load(given, lines.length + 1, 'line', 0);
}

/** Sets everything that a text in the form of redis.conf says. @throws CacheError BAD_SETTING. */
export function loadSettingsText<Table extends SettingsTable>(
  settings: Settings<Table>,
  text: string,
  reader: SettingsReader,
  options: LoadOptions = {},
): void {
  const loader = new Loader(settings, reader, options.directives ?? {}, options.version ?? '7.2.5');
  loader.load(text.split('\n'), 1, 'file', 0);
}

class Loader<Table extends SettingsTable> {
  constructor(
    private readonly settings: Settings<Table>,
    private readonly reader: SettingsReader,
    private readonly directives: Directives,
    private readonly version: string,
  ) {}

  load(lines: readonly string[], firstNumber: number, source: SettingSource, depth: number): void {
    lines.forEach((raw, index) => {
      const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
      if (line === '' || line.startsWith('#')) return;
      const reason = this.apply(line, source, depth);
      if (reason !== null) {
        throw new CacheError(
          'BAD_SETTING',
          `*** FATAL CONFIG FILE ERROR (Redis ${this.version}) ***\n` +
            `Reading the configuration file, at line ${firstNumber + index}\n>>> '${line}'\n${reason}`,
        );
      }
    });
  }

  open(path: string): string {
    try {
      return this.reader.readFile(path);
    } catch (cause) {
      throw new CacheError('BAD_SETTING', `Fatal error, can't open config file '${path}': ${systemReason(cause)}`, {
        cause,
      });
    }
  }

  private apply(line: string, source: SettingSource, depth: number): string | null {
    const parts = splitArguments(Buffer.from(line));
    if (parts === null) return 'Unbalanced quotes in configuration line';
    if (parts.length === 0) return null;
    const [directive, ...words] = parts.map((part) => part.toString());
    const name = directive.toLowerCase();
    if (this.settings.canonicalName(name) !== null) return this.settings.set(name, words, source);
    if (name === 'include' && words.length === 1) {
      if (depth === INCLUDE_DEPTH_MAX) return `more than ${INCLUDE_DEPTH_MAX} files include one another`;
      this.load(this.open(words[0]).split('\n'), 1, source, depth + 1);
      return null;
    }
    return Object.hasOwn(this.directives, name) ? this.directives[name](words) : BAD_DIRECTIVE;
  }
}

/** What `strerror` would say, out of the error that Node makes of it. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : REASONS[code];
  if (known !== undefined) return known;
  return error.message;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EDQUOT: 'Disk quota exceeded',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};

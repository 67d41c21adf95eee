/** Configuration files and command lines. Reports of errors are those of a Redis 7.0.15, but for the version. */
import { describe, expect, it } from 'vitest';
import {
  integer,
  loadSettings,
  loadSettingsText,
  parseCommandLine,
  savePoints,
  Settings,
  text,
  words,
  type Directives,
} from '../../src/base';

const does = 'Serves as an example.';

function example() {
  return new Settings({
    port: integer(6379, { max: 65535, immutable: true, does }),
    timeout: integer(0, { does }),
    logfile: text('', { does }),
    bind: words(['*'], { does }),
    save: savePoints([{ seconds: 3600, changes: 1 }], { does }),
  });
}

/** Loads `argv` with the given files; returns the values, or the report. */
function load(argv: string[], files: Record<string, string> = {}, directives: Directives = {}): unknown {
  const settings = example();
  const readFile = (path: string): string => {
    if (path in files) return files[path];
    throw Object.assign(new Error('missing'), { code: 'ENOENT' });
  };
  const reader = { readFile, readStdin: () => files['-'] };
  try {
    loadSettings(settings, parseCommandLine(argv), reader, { directives });
  } catch (error) {
    return (error as Error).message;
  }
  return settings.values;
}

function report(line: number, shown: string, reason: string): string {
  return [
    '*** FATAL CONFIG FILE ERROR (Redis 7.2.5) ***',
    `Reading the configuration file, at line ${line}`,
    `>>> '${shown}'`,
    reason,
  ].join('\n');
}

describe('configuration files', () => {
  it('take several words in one pair of quotes', () => {
    const several = load(['my.conf', '--save', '900 1 60 5'], { 'my.conf': 'bind "::1 127.0.0.1"' });
    expect(several).toMatchObject({
      bind: ['::1', '127.0.0.1'],
      save: [
        { seconds: 900, changes: 1 },
        { seconds: 60, changes: 5 },
      ],
    });
  });

  it('have comments, blank lines, quotes and any case', () => {
    const lines = ['# comment', '', '  PORT 7000\t\r', 'logfile "a\\x20b \\"c\\""', "bind ::1 '127.0.0.1'", 'save ""'];
    expect(load(['my.conf'], { 'my.conf': lines.join('\n') })).toEqual({
      port: 7000,
      timeout: 0,
      logfile: 'a b "c"',
      bind: ['::1', '127.0.0.1'],
      save: [],
    });
  });

  it.each([
    ['port 17400\n\nfoo bar\n', report(3, 'foo bar', 'Bad directive or wrong number of arguments')],
    ['port abc', report(1, 'port abc', "argument couldn't be parsed into an integer")],
    ['port 1 2', report(1, 'port 1 2', 'wrong number of arguments')],
    ['port', report(1, 'port', 'wrong number of arguments')],
    ['bind "127', report(1, 'bind "127', 'Unbalanced quotes in configuration line')],
    ['save 1', report(1, 'save 1', 'Invalid save parameters')],
    ['include nope.conf', "Fatal error, can't open config file 'nope.conf': No such file or directory"],
  ])('%j is reported as Redis does', (content, expected) => {
    expect(load(['my.conf'], { 'my.conf': content })).toBe(expected);
  });

  it('include others in place, but not one another for ever', () => {
    const files = { a: 'port 1\ninclude b\ntimeout 3', b: 'port 2\ntimeout 2', loop: 'include loop' };
    expect(load(['a'], files)).toMatchObject({ port: 2, timeout: 3 });
    expect(load(['loop'], files)).toBe(report(1, 'include loop', 'more than 16 files include one another'));
  });

  it('may have directives of the daemon', () => {
    const seen: unknown[] = [];
    const directives: Directives = {
      zone: (given) => {
        seen.push(given);
        return given.length === 1 ? null : 'one zone only';
      },
    };
    expect(load(['a'], { a: 'Zone x' }, directives)).toMatchObject({ port: 6379 });
    expect(load(['a'], { a: 'zone x y' }, directives)).toBe(report(1, 'zone x y', 'one zone only'));
    expect(load(['a'], { a: 'toString x' }, directives)).toContain('Bad directive');
    expect(seen).toEqual([['x'], ['x', 'y']]);
  });

  it('can be given as text', () => {
    const settings = example();
    const reader = { readFile: () => 'timeout 9', readStdin: () => '' };
    loadSettingsText(settings, 'port 1\ninclude x', reader);
    expect([settings.values.port, settings.values.timeout, settings.sourceOf('port')]).toEqual([1, 9, 'file']);
  });
});

describe('command lines', () => {
  it.each<[string[], object]>([
    [[], {}],
    [['my.conf'], { file: 'my.conf' }],
    [['-'], { readStdin: true }],
    [['my.conf', '--port', '7', '-'], { file: 'my.conf', readStdin: true, assignments: [['port', ['7']]] }],
    [
      ['--port', '7000', '--save', ''],
      {
        assignments: [
          ['port', ['7000']],
          ['save', ['']],
        ],
      },
    ],
    [
      ['--save', '--port', '7'],
      {
        assignments: [
          ['save', ['']],
          ['port', ['7']],
        ],
      },
    ],
    [['--save'], { assignments: [['save', ['']]] }],
    [
      ['--bind', '::1', '127.0.0.1', '--port', '7'],
      {
        assignments: [
          ['bind', ['::1', '127.0.0.1']],
          ['port', ['7']],
        ],
      },
    ],
    [['--port 7000'], { assignments: [['port', ['7000']]] }],
    [['--logfile', '--odd'], { assignments: [['logfile', ['--odd']]] }],
    [['--port'], { assignments: [['port', []]] }],
    [['-x', '1'], { assignments: [['-x', ['1']]] }],
    [['--help'], { wantsHelp: true }],
    [['-v'], { wantsVersion: true }],
    [['--logfile', '-v'], { assignments: [['logfile', ['-v']]] }],
  ])('%j', (argv, expected) => {
    const empty = { file: null, readStdin: false, assignments: [], wantsHelp: false, wantsVersion: false };
    expect(parseCommandLine(argv)).toEqual({ ...empty, ...expected });
  });

  it('come after the file and standard input, as further lines', () => {
    const files = { a: 'port 1\ntimeout 1\nlogfile a\n', '-': 'timeout 2' };
    expect(load(['a', '--port', '3', '-'], files)).toMatchObject({ port: 3, timeout: 2, logfile: 'a' });
    expect(load(['--foo', 'bar'])).toBe(report(2, 'foo "bar"', 'Bad directive or wrong number of arguments'));
    expect(load(['--port', '1', '--timeout', 'abc'])).toBe(
      report(3, 'timeout "abc"', "argument couldn't be parsed into an integer"),
    );
  });

  it('are told when the file cannot be read', () => {
    expect(load(['nope'])).toBe("Fatal error, can't open config file 'nope': No such file or directory");
  });
});

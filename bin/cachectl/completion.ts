/**
 * Completion scripts for shells, made of the tree of commands.
 *
 * Each script finds the place in the tree that the words so far lead to, passing over options and arguments, and offers what can
 * follow there: commands, and options.
 */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Place {
  /** Words from the root, divided by blanks; '' for the root. */
  readonly path: string;
  readonly follows: readonly (readonly [word: string, does: string])[];
}

/** The script for a shell. @param program the root of the tree */
export function completionScript(shell: Shell, program: Command): string {
  const name = program.name();
  const places = placesOf(program, '', program);
  return { bash, zsh, fish }[shell](name, places);
}

function placesOf(command: Command, path: string, root: Command): Place[] {
  const common = root.options.filter(({ long }) => long !== '--version');
  const options = command === root ? root.options : [...command.options, ...common];
  const visible = options.filter(({ hidden }) => !hidden);
  const follows = [
    ...command.commands.map((each) => [each.name(), each.description()] as const),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map((choice) => [choice, ''] as const)),
    ...visible.map(({ long, description }) => [long!, description] as const),
  ];
  const below = command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trimStart(), root));
  return [{ path, follows }, ...below];
}

function bash(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => quoted(path)).join('|');
  const cases = places.map(({ path, follows }) => `    ${quoted(path)}) words=${quoted(wordsOf(follows))} ;;`);
  return `# ${name} completion bash > /etc/bash_completion.d/${name}
_${name}() {
  local place='' words='' next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${place:+$place }\${COMP_WORDS[i]}"
    case "$next" in
      ${known}) place=$next ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _${name} ${name}
`;
}

function zsh(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => quoted(path)).join('|');
  const cases = places.map(({ path, follows }) => {
    const items = follows.map(([word, does]) => quoted(`${word}:${does.replaceAll(':', '\\:')}`));
    return `    ${quoted(path)}) candidates=(${items.join(' ')}) ;;`;
  });
  return `#compdef ${name}
# ${name} completion zsh > ~/.zfunc/_${name}
_${name}() {
  local place='' next word
  local -a candidates
  for word in \${words[2,CURRENT-1]}; do
    next="\${place:+$place }$word"
    case $next in
      ${known}) place=$next ;;
    esac
  done
  case $place in
${cases.join('\n')}
  esac
  _describe ${name} candidates
}
compdef _${name} ${name}
`;
}

function fish(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => quoted(path)).join(' ');
  const lines = places.flatMap(({ path, follows }) =>
    follows.map(([word, does]) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c ${name} -n ${quoted(`__${name}_at "${path}"`)} ${what} -d ${quoted(does)}`;
    }),
  );
  return `# ${name} completion fish > ~/.config/fish/completions/${name}.fish
function __${name}_at
  set -l place ''
  set -l words (commandline -opc)
  for word in $words[2..]
    set -l next (string trim -- "$place $word")
    contains -- $next ${known}; and set place $next
  end
  test "$place" = "$argv[1]"
end
complete -c ${name} -f
${lines.join('\n')}
`;
}

function wordsOf(follows: Place['follows']): string {
  return follows.map(([word]) => word).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

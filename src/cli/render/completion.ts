import { Option } from 'commander';
import type { CommandSpec, OptionSpec } from '../command.ts';
import { globalOptions } from '../options.ts';

/** Shells that scripts are written for. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

export function findShell(name: string): Shell | undefined {
  return shells.find((shell) => shell === name);
}

/**
 * The completion script of a shell: commands, their words, flags and the choices of flags; anything else completes as file names. All of it
 * is written into the script, so that a key press starts no process.
 */
export function renderCompletion(shell: Shell, specs: readonly CommandSpec[]): string {
  const tree = completionTree(specs);
  switch (shell) {
    case 'bash':
      return renderBash(tree);
    case 'zsh':
      // zsh runs the very function of bash; this is the way that its own manual names (bashcompinit).
      return `#compdef airlock\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(tree)}`;
    case 'fish':
      return renderFish(specs);
    case 'powershell':
      return renderPowerShell(tree);
  }
}

/** What can follow: key → words. Keys: `` for the top, `registry` for a group, `registry serve` for flags, `plan --output` for choices. */
type CompletionTree = ReadonlyMap<string, readonly string[]>;

function completionTree(specs: readonly CommandSpec[]): CompletionTree {
  const tree = new Map<string, string[]>();
  const add = (key: string, words: readonly string[]): void => {
    const known = tree.get(key) ?? [];
    tree.set(key, [...new Set([...known, ...words])]);
  };
  for (const spec of specs) {
    const words = spec.name.split(' ');
    words.forEach((word, at) => {
      add(words.slice(0, at).join(' '), [word]);
    });
    for (const option of [...spec.options, ...globalOptions]) {
      const names = optionNames(option);
      add(
        spec.name,
        names.filter((name) => name.startsWith('--')),
      );
      if (option.choices) for (const name of names) add(`${spec.name} ${name}`, option.choices);
    }
    add(spec.name, ['--help']);
  }
  add('completion', shells);
  return tree;
}

function optionNames(spec: OptionSpec): string[] {
  const { short, long } = new Option(spec.flags);
  return [long, short].filter((name) => name !== undefined);
}

/** Words of the table are letters, digits and dashes only, so nothing needs quoting. */
function renderBash(tree: CompletionTree): string {
  const cases = [...tree].map(([key, words]) => `    '${key}') words='${words.join(' ')}' ;;`);
  return `# airlock completion: source <(airlock completion bash)
_airlock_words() {
  local words=''
  case "$1" in
${cases.join('\n')}
  esac
  echo "$words"
}
_airlock() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word at choices
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case " $(_airlock_words "$path") " in
      *" $word "*) case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  choices=''
  case "$previous" in -*) choices="$(_airlock_words "$path $previous")" ;; esac
  COMPREPLY=($(compgen -W "\${choices:-$(_airlock_words "$path")}" -- "$current"))
}
complete -o default -F _airlock airlock
`;
}

function renderFish(specs: readonly CommandSpec[]): string {
  const lines = new Set<string>(['# airlock completion: airlock completion fish | source']);
  for (const spec of specs) {
    const [first = '', second] = spec.name.split(' ');
    const summary = fishText(second === undefined ? spec.summary : `${first} commands`);
    lines.add(`complete -c airlock -n __fish_use_subcommand -f -a ${first} -d ${summary}`);
    const inGroup = `__fish_seen_subcommand_from ${first}`;
    if (second !== undefined)
      lines.add(`complete -c airlock -n '${inGroup}' -f -a ${second} -d ${fishText(spec.summary)}`);
    const here = second === undefined ? inGroup : `${inGroup}; and __fish_seen_subcommand_from ${second}`;
    for (const option of [...spec.options, ...globalOptions]) lines.add(fishOption(here, option));
  }
  lines.add(`complete -c airlock -n '__fish_seen_subcommand_from completion' -f -a '${shells.join(' ')}'`);
  return `${[...lines].join('\n')}\n`;
}

function fishOption(condition: string, spec: OptionSpec): string {
  const { short, long, required } = new Option(spec.flags);
  const parts = ['complete -c airlock', `-n '${condition}'`, `-l ${long?.slice(2)}`];
  if (short) parts.push(`-s ${short.slice(1)}`);
  if (spec.choices) parts.push(`-x -a '${spec.choices.join(' ')}'`);
  else if (required) parts.push('-r');
  return [...parts, `-d ${fishText(spec.summary)}`].join(' ');
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function renderPowerShell(tree: CompletionTree): string {
  const rows = [...tree].map(([key, words]) => `    '${key}' = '${words.join(' ')}'`);
  return `# airlock completion: airlock completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName airlock -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $tree = @{
${rows.join('\n')}
  }
  $path = ''
  $previous = ''
  foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
    $previous = $element.ToString()
    if ($previous -notlike '-*' -and "$($tree[$path])".Split(' ') -ccontains $previous) { $path = "$path $previous".Trim() }
  }
  $words = $tree["$path $previous"]
  if ($previous -notlike '-*' -or -not $words) { $words = $tree[$path] }
  "$words".Split(' ') | Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}

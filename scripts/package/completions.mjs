// Completions for bash, zsh and fish, from the commands' own definitions.

/**
 * @typedef {import('./commands.mjs').Program} Program
 * @typedef {import('./commands.mjs').Verb} Verb
 * @typedef {import('./commands.mjs').Flag} Flag
 */

const HELP = { flags: '-h, --help', names: ['-h', '--help'], takesValue: false, choices: [], fallback: '' };

/** Its own and those of what may follow it, each once. @param {Verb} verb @returns {Flag[]} */
const flagsOf = ({ options, under }) => {
  const all = [...options, ...under.flatMap((each) => each.options)];
  const once = new Map(all.map((option) => [option.flags, option]));
  return [...once.values(), { ...HELP, description: 'help for this command' }];
};

/** @param {Verb} verb */
const following = ({ under }) => under.map(({ name }) => name).join(' ');

/** Whether its value is the name of a file. @param {Flag} option */
const takesFile = ({ flags }) => /<(file|folder|dir)>/.test(flags);

/** @param {Program} program */
export function bashCompletion({ name, verbs }) {
  const called = `_${name.replaceAll('-', '_')}`;
  const cases = verbs.map((verb) => {
    const flags = flagsOf(verb);
    const words = flags.flatMap(({ names }) => names).join(' ');
    const values = flags
      .filter(({ takesValue }) => takesValue)
      .map((option) => {
        const reply = takesFile(option)
          ? 'compopt -o default; COMPREPLY=()'
          : `mapfile -t COMPREPLY < <(compgen -W '${option.choices.join(' ')}' -- "$current")`;
        return `        ${option.names.join(' | ')}) ${reply}; return ;;`;
      });
    const before = values.length === 0 ? [] : ['      case "$previous" in', ...values, '      esac'];
    const next =
      verb.under.length === 0
        ? []
        : [
            `      if ((COMP_CWORD == 2)) && [[ $current != -* ]]; then mapfile -t COMPREPLY < <(compgen -W '${following(verb)}' -- "$current"); return; fi`,
          ];
    return [`    ${verb.name})`, ...next, ...before, `      words='${words}' ;;`].join('\n');
  });
  return `# bash completion for ${name}
${called}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '${[...verbs.map((verb) => verb.name), 'help', '--help', '--version'].join(' ')}' -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words='' ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    compopt -o default
    COMPREPLY=()
  fi
}
complete -F ${called} ${name}
`;
}

/** For a description inside of zsh's brackets and single quotes. @param {string} text */
const zshText = (text) =>
  text.replaceAll("'", "'\\''").replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:');

/** @param {Program} program */
export function zshCompletion({ name, verbs }) {
  const list = verbs.map((verb) => `    '${verb.name}:${zshText(verb.description)}'`);
  const cases = verbs.map((verb) => {
    const specs = flagsOf(verb).flatMap((option) =>
      option.names.map((one) => {
        const value = takesFile(option) ? ':file:_files' : `:value:(${option.choices.join(' ')})`;
        return `'${one}[${zshText(option.description)}]${option.takesValue ? value : ''}'`;
      }),
    );
    const next = verb.under.length === 0 ? '_files' : `(${following(verb)})`;
    return `    ${verb.name}) _arguments ${specs.join(' ')} '*:argument:${next}' ;;`;
  });
  return `#compdef ${name}
local -a verbs
if ((CURRENT == 2)); then
  verbs=(
${list.join('\n')}
  )
  _describe command verbs
else
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
${cases.join('\n')}
  esac
fi
`;
}

/** @param {string} text */
const fishText = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** @param {Program} program */
export function fishCompletion({ name, verbs }) {
  const lines = verbs.map(
    (verb) =>
      `complete -c ${name} -f -n __fish_use_subcommand -a ${verb.name} -d ${fishText(verb.description)}`,
  );
  for (const verb of verbs) {
    for (const option of flagsOf(verb)) lines.push(fishOption(name, verb, option));
    const when = fishText(`__fish_seen_subcommand_from ${verb.name}`);
    for (const each of verb.under)
      lines.push(`complete -c ${name} -f -n ${when} -a ${each.name} -d ${fishText(each.description)}`);
  }
  return `# fish completion for ${name}\n${lines.join('\n')}\n`;
}

/** @param {string} program @param {Verb} verb @param {Flag} option */
function fishOption(program, verb, option) {
  const names = option.names.map((one) =>
    one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`,
  );
  const value = !option.takesValue
    ? ''
    : takesFile(option)
      ? ' -r -F'
      : ` -x${option.choices.length > 0 ? ` -a ${fishText(option.choices.join(' '))}` : ''}`;
  const when = fishText(`__fish_seen_subcommand_from ${verb.name}`);
  return `complete -c ${program} -n ${when} ${names.join(' ')}${value} -d ${fishText(option.description)}`;
}

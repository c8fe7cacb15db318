// A command's manual page, from the command's own definition.
import { bold, escaped, heading, italic, line } from './roff.mjs';

/**
 * @typedef {import('./commands.mjs').Program} Program
 * @typedef {import('./commands.mjs').Verb} Verb
 * @typedef {import('./commands.mjs').Flag} Flag
 */

/** What a page says beyond the verbs. @type {Record<string, Record<string, [string, string][] | string>>} */
const MORE = {
  failtome: {
    DESCRIPTION:
      "An agent on each HAProxy node probes the shared address and exchanges heartbeats with its peers. It moves the address only when its own probe has failed and the peers agree. The same program is the operator's tool.",
    'EXIT STATUS': [
      ['0', 'done'],
      ['1', 'not done; the reason is printed'],
      ['2', 'usage or configuration'],
    ],
    FILES: [
      ['/etc/failtome/failtome.yaml', 'the configuration, see failtome.yaml(5)'],
      ['/etc/failtome/cluster.key', "the cluster's key, readable by root and the group failtome alone"],
      ['/etc/default/failtome', 'variables of the environment of the service, such as FAILTOME_NODE_ID'],
      ['/var/lib/failtome', 'what the agent has to remember'],
      ['/usr/share/doc/failtome', 'operations, HTTP API, metrics, IAM policies, alert rules, licences'],
    ],
    'SEE ALSO': 'failtome.yaml(5), failtome-sim(1), systemctl(1), haproxy(1)',
  },
  'failtome-sim': {
    DESCRIPTION:
      'Runs the very code that decides in the agent, in virtual time: scenarios, random faults, every interleaving of a small cluster; and a demonstration on real processes with an embedded cloud.',
    'EXIT STATUS': [
      ['0', 'as it should be'],
      ['1', 'not as it should be'],
      ['2', 'wrongly called'],
      ['3', 'something that should have been seen was not'],
    ],
    'SEE ALSO': 'failtome(1), failtome.yaml(5)',
  },
};

/** @param {Program} program @param {number} epochS */
export function commandPage({ name, description, version, verbs }, epochS) {
  const { DESCRIPTION = '', ...rest } = MORE[name] ?? {};
  return `${[
    ...heading({ title: name, section: 1, version, epochS, about: lowered(description) }),
    '.SH SYNOPSIS',
    `.B ${escaped(name)}`,
    '.I command',
    '.RI [ options ]',
    '.br',
    `.B ${escaped(name)} \\-\\-version`,
    '.SH DESCRIPTION',
    ...told(DESCRIPTION),
    '.SH COMMANDS',
    ...verbs.flatMap((verb) => verbLines(name, verb)),
    ...Object.entries(rest).flatMap(([title, content]) => [`.SH ${title}`, ...told(content)]),
  ].join('\n')}\n`;
}

/** @param {string} text */
const lowered = (text) => text.charAt(0).toLowerCase() + text.slice(1);

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}

/** @param {[string, string][] | string} content */
function told(content) {
  if (typeof content === 'string') return [line(escaped(content))];
  return content.flatMap(([term, text]) => ['.TP', bold(term), line(escaped(text))]);
}

/** @param {string} program @param {Verb} verb @returns {string[]} */
function verbLines(program, verb) {
  const places = verb.arguments.map(({ name, required }) =>
    required ? ` ${italic(name)}` : ` [${italic(name)}]`,
  );
  const options = verb.options.length > 0 ? ` [${italic('options')}]` : '';
  return [
    `.SS ${bold(verb.name)}`,
    `${bold(`${program} ${verb.name}`)}${places.join('')}${options}`,
    '.PP',
    line(escaped(sentence(verb.description))),
    ...verb.arguments
      .filter(({ description }) => description !== '')
      .flatMap(({ name, description }) => ['.TP', italic(name), line(escaped(description))]),
    ...verb.options.flatMap((option) => ['.TP', flags(option), line(escaped(meaning(option)))]),
    ...verb.under.flatMap((each) => verbLines(program, { ...each, name: `${verb.name} ${each.name}` })),
  ];
}

/** @param {Flag} option */
function flags({ flags: written }) {
  const [, names = '', value = ''] = /^(.*?)( <.*>)?$/.exec(written) ?? [];
  return `${bold(names)}${value === '' ? '' : ` ${italic(value.trim().slice(1, -1))}`}`;
}

/** @param {Flag} option */
function meaning({ description, choices, fallback }) {
  const notes = [
    choices.length > 0 ? `one of ${choices.join(', ')}` : '',
    fallback === '' ? '' : `default: ${fallback}`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

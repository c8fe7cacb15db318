/**
 * The tables of docs/scenarios.md, made of the descriptions that files are read by.
 */
import { formatDuration } from '@failtome/config';
import { ACTIONS, type ActionKind, type Parameter } from '../src/plan/index.ts';
import { expectFields } from '../src/scenario/expectation.ts';
import { OBSERVABLES } from '../src/scenario/observables.ts';
import { isRequired, shortFor, writtenName } from '../src/scenario/timeline-shape.ts';
import { formatShare } from '../src/scenario/units.ts';

/** Every action with its parameters, as a table in Markdown. */
export function actionTable(): string {
  const rows = [...ACTIONS.values()].map((kind) => [
    `\`${kind.name}\``,
    `${kind.says}${kind.lastsMs === null ? ' (happens, and is over: takes no `for`)' : ''}`,
    Object.entries(kind.parameters)
      .map(([name, parameter]) => parameterText(kind, name, parameter))
      .join('; '),
  ]);
  return table(['action', 'what happens', 'parameters'], rows);
}

/** Every claim that `expect` can make, as a table in Markdown. */
export function claimTable(): string {
  const rows = Object.entries(expectFields).map(([name, { says, shape }]) => [
    `\`${name}\``,
    says,
    shape.expected,
  ]);
  return table(['claim', 'what it says', 'written as'], rows);
}

/** What `seen` and `unseen` can ask for, by their first words. */
export function observableTable(): string {
  const families = new Map<string, string[]>();
  for (const observation of OBSERVABLES) {
    const [first = '', ...rest] = observation.split(' ');
    families.set(first, [...(families.get(first) ?? []), rest.join(' ')]);
  }
  const rows = [...families].map(([first, rests]) => [
    `\`${first}\``,
    rests
      .filter((rest) => rest !== '')
      .map((rest) => `\`${rest}\``)
      .join(', '),
  ]);
  return table(['observation', 'followed by'], rows);
}

function parameterText(kind: ActionKind, name: string, parameter: Parameter): string {
  const short = shortFor(kind) === name ? ' (may stand alone)' : '';
  const otherwise = isRequired(parameter) ? '' : `, ${defaultText(parameter)}`;
  return `\`${writtenName(name)}\`: ${parameter.says}, ${kindText(parameter)}${otherwise}${short}`;
}

function kindText(parameter: Parameter): string {
  switch (parameter.kind) {
    case 'node':
      return 'a node';
    case 'address':
    case 'ip':
      return 'an address';
    case 'duration':
      return 'a duration';
    case 'whole':
      return `${parameter.least} to ${parameter.most}`;
    case 'share':
      return 'a percentage';
    case 'choice':
      return parameter.of.map((word) => `\`${word}\``).join(', ');
    case 'text':
      return 'text';
    case 'settings':
      return 'settings';
  }
}

function defaultText(parameter: Parameter): string {
  const { kind, optional } = parameter;
  if (kind === 'address') return 'default the only one';
  if (optional === null || optional === undefined) return 'may be left out';
  if (typeof optional === 'object') return 'may be left out';
  if (typeof optional !== 'number') return `default \`${String(optional)}\``;
  const text =
    kind === 'duration' ? formatDuration(optional) : kind === 'share' ? formatShare(optional) : `${optional}`;
  return `default ${text}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

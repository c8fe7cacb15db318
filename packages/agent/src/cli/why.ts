/** `failtome why`: the decision as a ladder, each gate with what it saw, how old that is, and what would have to change. */
import { adviceFor, BY_ITSELF, ballotAdviceFor } from './advice.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { readView } from './read.ts';
import { findTarget, type TargetOptions } from './target.ts';
import { ago, cell, clean, type Paint, painter, type Row, table } from './text.ts';
import { type GateRow, statusOf, type WhyRow, whyOf } from './views.ts';

export async function why(
  address: string | undefined,
  options: TargetOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const addresses = await addressesOf(address, target.url, dependencies);
  if (addresses === null) return 1;
  const views: unknown[] = [];
  for (const ip of addresses) {
    const result = await readView(target.url, `/v1/why?ip=${encodeURIComponent(ip)}`, dependencies);
    if (result.kind === 'failed') {
      complain(dependencies, result.detail);
      return 1;
    }
    views.push(result.json);
  }
  if (options.json === true) {
    printJson(dependencies, address === undefined && views.length !== 1 ? views : views[0]);
    return 0;
  }
  const paint = painter(dependencies.stdout, dependencies.env);
  for (const [index, view] of views.entries()) {
    if (index > 0) print(dependencies, '');
    print(dependencies, ...whyLines(whyOf(view), paint));
  }
  return 0;
}

/** The one that was named, or all of the agent's. Null: the reason has been printed. */
async function addressesOf(
  address: string | undefined,
  url: string,
  dependencies: CliDependencies,
): Promise<readonly string[] | null> {
  if (address !== undefined) return [address];
  const result = await readView(url, '/v1/status', dependencies);
  if (result.kind === 'read') return statusOf(result.json).addresses.map(({ ip }) => ip);
  complain(dependencies, result.detail);
  return null;
}

export function whyLines(view: WhyRow, paint: Paint): readonly string[] {
  const detail = view.detail === '' ? '' : `: ${view.detail}`;
  const headline = clean(`${view.address}: ${view.outcome} (${view.reason})${detail}`);
  return [
    paint(headline, 'strong'),
    ...table(['', 'gate', 'saw', 'how old'], view.gates.map(gateRow), paint),
    ...ballotLines(view),
    ...adviceLines(view),
  ];
}

function gateRow({ name, passed, reason, ageMs }: GateRow): Row {
  const mark = passed === null ? cell('-', 'faint') : passed ? cell('pass', 'good') : cell('stop', 'bad');
  const saw = cell(reason, passed === false ? 'plain' : 'faint');
  return [mark, name, saw, cell(ageMs === null ? '-' : ago(ageMs), 'faint')];
}

/** What each voter said stands in the summary as `neptune: refuse (up)`. */
const SAID = /([A-Za-z0-9._-]+): (?:grant|blind|refuse|pending) \(([a-z-]+)\)/g;

function ballotLines({ lastBallot }: WhyRow): readonly string[] {
  if (lastBallot === '') return [];
  const sentences = [...lastBallot.matchAll(SAID)].flatMap(([, voter = '', code = '']) => {
    const advice = ballotAdviceFor(code);
    return advice === null ? [] : [`  ${voter}, ${code}: ${advice}`];
  });
  return ['', clean(`Last ballot: ${lastBallot}`), ...sentences];
}

/**
 * The decision's own reason first. Of the gates behind it only those that will not open by themselves: the others
 * have not been their turn yet.
 */
function adviceLines(view: WhyRow): readonly string[] {
  const own = adviceFor(view.reason);
  const stops = view.gates.filter(({ passed, code }) => passed === false && code !== view.reason);
  const others = stops.flatMap(({ code }) => {
    const advice = adviceFor(code);
    return advice === null || advice.startsWith(BY_ITSELF) ? [] : [`  ${code}: ${advice}`];
  });
  const sentences = [...(own === null ? [] : [`  ${view.reason}: ${own}`]), ...others];
  return sentences.length === 0 ? [] : ['', 'What would have to change:', ...sentences];
}

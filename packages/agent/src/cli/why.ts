/** `failtome why`: the decision as a ladder, each gate with what it saw, how old that is, and what would have to change. */
import { adviceFor, ballotAdviceFor, CALM_REASONS } from './advice.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { readView } from './read.ts';
import { handoverLines, homeLines } from './status-lines.ts';
import { folded, table } from './table.ts';
import { findTarget, type Target, type TargetOptions, trusting } from './target.ts';
import { ago, type Cell, cell, clean, type Look, lookOf, type Row } from './text.ts';
import { statusOf } from './view-rows.ts';
import { type GateRow, type WhyRow, whyOf } from './why-rows.ts';

/** `failtome why`: the decision about an address, gate by gate. */
export async function why(
  address: string | undefined,
  options: TargetOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const asking = trusting(dependencies, target);
  const addresses = await addressesOf(address, target, asking);
  if (addresses === null) return 1;
  const views: unknown[] = [];
  for (const ip of addresses) {
    const result = await readView(
      target.url,
      `/v1/why?ip=${encodeURIComponent(ip)}`,
      asking,
      target.readKeys,
    );
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
  const look = lookOf(dependencies);
  for (const [index, view] of views.entries()) {
    if (index > 0) print(dependencies, '');
    print(dependencies, ...whyLines(whyOf(view), look));
  }
  return 0;
}

/** The one that was named, or all of the agent's. Null: the reason has been printed. */
async function addressesOf(
  address: string | undefined,
  { url, readKeys }: Target,
  dependencies: CliDependencies,
): Promise<readonly string[] | null> {
  if (address !== undefined) return [address];
  const result = await readView(url, '/v1/status', dependencies, readKeys);
  if (result.kind === 'read') return statusOf(result.json).addresses.map(({ ip }) => ip);
  complain(dependencies, result.detail);
  return null;
}

/** The ladder of gates as lines of text. */
export function whyLines(view: WhyRow, look: Look): readonly string[] {
  const detail = view.detail === '' ? '' : `: ${view.detail}`;
  const headline = clean(`${view.address}: ${view.outcome} (${view.reason})${detail}`);
  return [
    ...folded(headline, look).map((line) => look.paint(line, 'strong')),
    ...homeLines(view.address, view.home, look),
    ...view.handovers.flatMap((one) => handoverLines(one, look)),
    ...table(['', 'gate', 'saw', 'how old'], view.gates.map(gateRow), look),
    ...[...ballotLines(view), ...adviceLines(view)].flatMap((line) => folded(line, look)),
  ];
}

function gateRow({ name, state, code, reason, ageMs }: GateRow): Row {
  const saw = cell(reason, state === 'closed' ? 'plain' : 'faint');
  return [
    gateMark(state, code),
    cell(name, state === 'not-asked' ? 'faint' : 'plain'),
    saw,
    cell(ageMs === null ? '-' : ago(ageMs), 'faint'),
  ];
}

/** A gate that is closed as it should be, because the address answers say, is no alarm. */
function gateMark(state: GateRow['state'], code: string): Cell {
  switch (state) {
    case 'passed':
      return cell('pass', 'good');
    case 'closed':
      return cell('stop', CALM_REASONS.includes(code) ? 'plain' : 'bad');
    case 'not-asked':
      return cell('-', 'faint');
  }
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

/** The decision's own reason first, then those of the other closed gates; only where somebody has to do something. */
function adviceLines({ reason, gates }: WhyRow): readonly string[] {
  const closed = gates.flatMap(({ state, code }) => (state === 'closed' ? [code] : []));
  const sentences = [...new Set([reason, ...closed])].flatMap((code) => {
    const advice = adviceFor(code);
    return advice === null ? [] : [`  ${code}: ${advice}`];
  });
  return sentences.length === 0 ? [] : ['', 'What would have to change:', ...sentences];
}

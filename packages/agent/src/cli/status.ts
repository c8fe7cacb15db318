/** `failtome status`: every node, every address, who holds it, what each node sees, votes and hold-down. */
import { escapedJson } from '@failtome/protocol';
import { WARN_BEFORE_MS } from '../tls/certificate.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { readView } from './read.ts';
import { findTarget, type Target, type TargetOptions, trusting } from './target.ts';
import {
  age,
  ago,
  type Cell,
  cell,
  clean,
  moment,
  type Paint,
  painter,
  type Row,
  table,
  toned,
} from './text.ts';
import { type AddressRow, type HandoverRow, type NodeRow, type StatusRow, statusOf } from './view-rows.ts';

/** The options of `failtome status`. */
export interface StatusOptions extends TargetOptions {
  readonly watch?: boolean;
}

/** Between two looks of `--watch`. */
export const WATCH_MS = 1_000;

/** Clears the screen and goes to its top (ECMA-48: ED, CUP). */
const CLEAR = '\u001b[2J\u001b[H';

/** `failtome status`: who holds what, and how every node is. */
export async function status(options: StatusOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const asking = trusting(dependencies, target);
  let code = await showOnce(target, options, asking);
  while (options.watch === true && !dependencies.interrupted()) {
    await dependencies.sleep(WATCH_MS);
    if (dependencies.interrupted()) break;
    code = await showOnce(target, options, asking);
  }
  return options.watch === true ? 0 : code;
}

async function showOnce(
  { url, readKeys }: Target,
  { json, watch }: StatusOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const result = await readView(url, '/v1/status', dependencies, readKeys);
  if (result.kind === 'failed') {
    complain(dependencies, result.detail);
    return 1;
  }
  // One line a look, so that a program can follow a watch.
  if (json === true && watch === true) print(dependencies, escapedJson(JSON.stringify(result.json)));
  else if (json === true) printJson(dependencies, result.json);
  else {
    if (watch === true && dependencies.stdout.isTTY) dependencies.stdout.write(CLEAR);
    print(
      dependencies,
      ...statusLines(statusOf(result.json), painter(dependencies.stdout, dependencies.env)),
    );
  }
  return 0;
}

/** The whole view as lines. */
export function statusLines(view: StatusRow, paint: Paint): readonly string[] {
  return [
    `${paint(`Cluster ${clean(view.cluster)}`, 'strong')}, seen by ${clean(view.self.id)} (failtome ${clean(view.version)})`,
    ...pauseLines(view, paint),
    ...view.handovers.flatMap((one) => handoverLines(one, paint)),
    ...problemLines(view, paint),
    ...certificateLines(view, paint),
    '',
    ...table(
      ['address', 'holder', 'verdict', 'seen', 'hold-down', 'decision here'],
      view.addresses.map(addressRow),
      paint,
    ),
    '',
    ...table(
      ['node', 'role', 'state', 'heard', 'fit', 'ready', ...view.addresses.map(({ ip }) => ip)],
      [view.self, ...view.peers].map((node) => nodeRow(node, view.self, view.addresses)),
      paint,
    ),
    ...voteLines(view, paint),
    ...electorateLines(view, paint),
  ];
}

/** Nodes whose digests differ are configured with different voters, and never vote together. */
function electorateLines({ self, peers }: StatusRow, paint: Paint): readonly string[] {
  if (self.electorate === '') return [];
  const told = peers.filter(({ electorate, state }) => electorate !== '' && state !== 'dead');
  const others = told.filter(({ electorate }) => electorate !== self.electorate);
  const name = `Electorate ${clean(self.electorate)}`;
  if (others.length > 0) {
    const which = others.map(({ id, electorate }) => `${clean(id)} has ${clean(electorate)}`).join(', ');
    return ['', paint(`${name}; ${which}: they are configured with different voters`, 'warn')];
  }
  return [
    '',
    `${name}, the same on ${told.length === peers.length ? 'every node' : 'every node that is heard'}`,
  ];
}

function pauseLines({ pause }: StatusRow, paint: Paint): readonly string[] {
  if (!pause.paused) return [];
  const until = pause.until === null ? 'until resumed' : `until ${moment(pause.until)}`;
  const reason = pause.reason === '' ? '' : `: ${pause.reason}`;
  return [paint(clean(`Automatic takeover is paused by ${pause.owner} ${until}${reason}`), 'warn')];
}

/** An open handover: who wants it, why, until when, and what it waits for. */
export function handoverLines(
  { address, to, state, by, reason, until, detail }: HandoverRow,
  paint: Paint,
): readonly string[] {
  if (state !== 'open') return [];
  const why = reason === '' ? '' : `: ${reason}`;
  const end = until === null ? '' : ` until ${moment(until)}`;
  const waits = detail === '' ? '' : ` (waits: ${detail})`;
  return [
    paint(clean(`Handover of ${address} to ${to} is open${end}, ordered by ${by}${why}${waits}`), 'warn'),
  ];
}

function problemLines({ self }: StatusRow, paint: Paint): readonly string[] {
  const lines = [];
  if (self.readiness === 'not-ready')
    lines.push(`This node is not ready to take over${listed(self.because)}`);
  // The holder takes nothing now, and yet couldn't take the address back.
  if (self.readiness === 'holder' && self.ready === false)
    lines.push(`This node could not take an address that it does not hold${listed(self.problems)}`);
  return lines.map((line) => paint(clean(line), 'warn'));
}

/** Without a word of its beginning, the warning comes as long before its end as for the longest-lived. */
function certificateLines({ certificateUntil: until, wall }: StatusRow, paint: Paint): readonly string[] {
  if (until === null || wall === null || until - wall > WARN_BEFORE_MS) return [];
  const verb = until <= wall ? 'expired' : 'expires';
  return [paint(`The certificate of this node ${verb} on ${moment(until)}`, until <= wall ? 'bad' : 'warn')];
}

function listed(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
}

function addressRow(address: AddressRow): Row {
  const decision = address.outcome === '' ? '-' : `${address.outcome} (${address.reason})`;
  return [
    address.ip,
    cell(address.holder, address.holder === 'nobody' || address.holder === 'unknown' ? 'warn' : 'plain'),
    toned(address.verdict),
    ago(address.ageMs),
    address.holdDownMs > 0 ? `${age(address.holdDownMs)} left` : 'none',
    decision,
  ];
}

function nodeRow(node: NodeRow, self: NodeRow, addresses: readonly AddressRow[]): Row {
  const own = node === self;
  return [
    node.id,
    node.role,
    toned(node.state),
    own ? '-' : ago(node.lastHeardMs),
    toned(node.fit),
    readyCell(node.readiness),
    ...addresses.map(({ ip }) => {
      const seen = node.verdicts.find((verdict) => verdict.ip === ip);
      if (seen === undefined) return '-';
      return cell(`${seen.verdict} (${ago(seen.ageMs)})`, toned(seen.verdict).tone);
    }),
  ];
}

/** Whether the node could take an address now; a word of its own for who needn't, or can't be asked. */
function readyCell(word: string): Cell {
  switch (word) {
    case 'ready':
      return cell('yes', 'good');
    case 'not-ready':
      return cell('no', 'warn');
    case 'dead':
      return cell('dead', 'bad');
    case 'unknown':
      return cell('unknown', 'warn');
    default:
      return cell(word, 'plain');
  }
}

function voteLines({ addresses }: StatusRow, paint: Paint): readonly string[] {
  const rows = addresses.flatMap(({ ip, votes }) =>
    votes.map(({ voter, answer, reason }): Row => [ip, voter, toned(answer), reason]),
  );
  return rows.length === 0 ? [] : ['', ...table(['address', 'voter', 'vote', 'reason'], rows, paint)];
}

/** What a tuning came to, as lines for a terminal of a hundred columns. */
import { formatDuration, PRESETS } from '@failtome/config';
import type { Given } from '../scenario/index.ts';
import type { YearlyRate } from './estimate.ts';
import { FAILURES } from './experiment.ts';
import type { Choice } from './measure.ts';
import type { NetworkModel } from './network-model.ts';
import type { TuneResult } from './tune.ts';

/** The result, line by line. */
export function describeTuning({ network, choices, front, advised, isWhole }: TuneResult): readonly string[] {
  const yours = choices[0];
  return [
    ...describeNetwork(network),
    '',
    'without service after the holder fails: median (9 of 10 within);',
    'needless moves a year: estimate (95 % interval)',
    row(['', 'killed', 'hung', 'gone', 'needless moves a year', '']),
    ...shown(choices, front).map((choice) => row(cellsOf(choice, front.includes(choice)))),
    '',
    'measured with: interval, fastInterval, timeout, fall; of gossip interval, dead, timeout',
    ...shown(choices, front).map(({ name, settings }) => row([name, describeSettings(settings)])),
    '',
    ...(isWhole ? [] : ['the time was up: less was searched than planned', '']),
    ...describeAdvice(yours, advised),
  ];
}

/** What differs between two choices, as it is to be written into the configuration file. */
export function yamlChange(from: Choice, to: Choice): readonly string[] {
  if (PRESETS.some((preset) => preset === to.name))
    return [
      `preset: ${to.name}`,
      '# and none of: probe, local and gossip timings, agreement.lease, guard.timeout',
    ];
  const changes = [...to.settings].filter(([key, value]) => from.settings.get(key) !== value);
  const sections = new Map<string, string[]>();
  for (const [key, value] of changes) {
    const [section = '', name = ''] = key.split('.');
    const lines = sections.get(section) ?? [];
    sections.set(section, lines);
    lines.push(`${name}: ${name === 'fall' ? value : formatDuration(Number(value))}`);
  }
  return [...sections].flatMap(([section, lines]) => [
    section === 'probe' ? 'probe: # of each address' : `${section}:`,
    ...lines.map((line) => `  ${line}`),
  ]);
}

/** The timings of a choice, on one line. */
export function describeSettings(settings: Given): string {
  const value = (key: string): string => {
    const found = settings.get(key);
    return key.endsWith('.fall') ? String(found) : formatDuration(Number(found));
  };
  const parts = SHOWN.filter(([section]) => settings.has(`${section}.interval`));
  return parts
    .map(([section, ...names]) => `${section} ${names.map((name) => value(`${section}.${name}`)).join(' ')}`)
    .join(', ');
}

/** A rate for people: `0.00012 (0.00003 to 0.0005)`, or `under 0.000001`. */
export function describeRate({ value, low, high, isLess }: YearlyRate): string {
  return isLess ? `under ${short(high)}` : `${short(value)} (${short(low)} to ${short(high)})`;
}

/** What was taken for granted. */
export function describeNetwork({
  packets,
  standstills,
  cloud,
  associationSettleMs,
}: NetworkModel): readonly string[] {
  const { loss, bursts, peerRttMs, outsideRttMs, externalIpMs } = packets;
  const often = ({ perHour, ms }: { readonly perHour: number; readonly ms: number }): string =>
    perHour === 0 ? 'none' : `${perHour} an hour and node of ${ms} ms`;
  const call = [cloud.applyMs[0] + cloud.answerMs[0], cloud.applyMs[1] + cloud.answerMs[1]];
  return [
    `network  ${short(loss * 100)} % of packets lost`,
    `         bursts: ${often(bursts)}; standstills: ${often(standstills)}`,
    `         round trips: peers ${range(peerRttMs)}, address ${range(outsideRttMs)}, external IP ${range(externalIpMs)}`,
    `cloud    a call ${range(call)}; an association works ${associationSettleMs} ms after it`,
  ];
}

function shown(choices: readonly Choice[], front: readonly Choice[]): readonly Choice[] {
  const named = choices.filter(({ name }) => !name.startsWith('found '));
  return [...named, ...front.filter((choice) => !named.includes(choice))];
}

function cellsOf({ name, downtime, needless, effort }: Choice, isBest: boolean): readonly string[] {
  const spans = FAILURES.map((failure) => {
    const { median, p90, unserved } = downtime[failure];
    return unserved > 0
      ? `${unserved} of ${effort.failures} never`
      : `${seconds(median.value)} (${seconds(p90.value)})`;
  });
  return [name, ...spans, describeRate(needless), isBest ? '*' : ''];
}

function describeAdvice(yours: Choice | undefined, advised: Choice | null): readonly string[] {
  if (yours === undefined || advised === null)
    return [
      'No settings were found that move an address for nothing seldom enough:',
      'raise --needless, or look at the network.',
    ];
  if (advised === yours) return ['Yours are the quickest that were found with so few needless moves.'];
  return [
    `The quickest with few enough needless moves: ${advised.name}. To have them:`,
    '',
    ...yamlChange(yours, advised).map((line) => `  ${line}`),
    '',
    'Left open: what the network model above does not have, such as a path that fails one way,',
    'or a load that slows HAProxy down. `*`: no other is better at both aims.',
  ];
}

/** A cluster without a local check has none of its timings. */
const SHOWN = [
  ['probe', 'interval', 'fastInterval', 'timeout', 'fall'],
  ['local', 'interval', 'fastInterval', 'timeout', 'fall'],
  ['gossip', 'interval', 'dead', 'timeout'],
] as const;

const WIDTHS = [10, 17, 17, 17, 32, 1];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join(' ')
    .trimEnd();
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function range([least, most]: readonly (number | undefined)[]): string {
  return `${least}..${most} ms`;
}

/** Two figures that count. */
function short(value: number): string {
  if (value === 0) return '0';
  return value >= 0.001 && value < 1_000 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}

/** A comparison by size, as lines for a terminal. */
import { counted } from '@failtome/protocol';
import type { QuietRow, ScaleResult, SlowRow } from './comparison.ts';
import { LOOK_MS } from './measured-cluster.ts';
import { swimSettings } from './swim-cluster.ts';

/** The result, line by line. */
export function describeScale(result: ScaleResult): readonly string[] {
  const { options, quiet, slow, left } = result;
  const { spans, slowUpTo } = options;
  return [
    ...describeWorld(result),
    '',
    ...aligned(QUIET_HEAD, quiet.map(quietCells)),
    ...(slow.length === 0
      ? []
      : [
          '',
          `slow members: each stops for so long, goes on for ${options.restMs === null ? 'as long' : seconds(options.restMs)}, and so on, for ${seconds(spans.slowMs)};`,
          'how often one member called another dead or suspected it that was running, and what it was',
          '',
          ...aligned(SLOW_HEAD, slow.map(slowCells)),
        ]),
    ...(options.members.some((members) => members > slowUpTo) && options.slowShares.length > 0
      ? ['', `what has more than ${counted(slowUpTo, 'member')} wasn't measured with slow ones: --slow-up-to`]
      : []),
    ...(left.length === 0
      ? []
      : ['', 'the time was up, and this was left out:', ...left.map((what) => `  ${what}`)]),
  ];
}

/** What the numbers are measured in. */
export function describeWorld({ options }: ScaleResult): readonly string[] {
  const { members, spans, seed, lossPerMille } = options;
  const swim = swimSettings(members.at(-1) ?? 0);
  return [
    `members    ${members.join(', ')}; seed ${seed}; ${lossPerMille / 10} % of messages lost`,
    `failtome   default settings; 2 candidates, 1 witness, all others members`,
    `swim       plain: a period of ${swim.periodMs} ms, ${swim.indirect} indirect probes, ${swim.updatesPerMessage} updates a message`,
    `           suspicion of ${seconds(swimSettings(10).suspicionMs)} at 10 members, ${seconds(swim.suspicionMs)} at ${members.at(-1) ?? 0}`,
    `bytes      of message bodies as they are sent, without headers, signatures and TCP;`,
    `           counted for ${seconds(spans.bytesMs)} from ${seconds(spans.settleMs)} after the start`,
    `news       told to the last member; until all know it, looked at every ${LOOK_MS} ms`,
    `death      the machine of one member is gone; until the first other, and all others, call it dead`,
  ];
}

/** The columns of the first table. */
export const QUIET_HEAD: readonly string[] = [
  'members',
  'protocol',
  'B/s a member',
  'B/s at most',
  'messages/s',
  'news to all',
  'first dead',
  'all dead',
];

/** A row of the first table. */
export function quietCells(row: QuietRow): readonly string[] {
  const {
    members,
    protocol,
    meanBytes,
    mostBytes,
    meanMessages,
    newsMs,
    newsReached,
    firstDeadMs,
    allDeadMs,
    deadReached,
  } = row;
  return [
    String(members),
    protocol,
    meanBytes.toFixed(0),
    mostBytes.toFixed(0),
    meanMessages.toFixed(1),
    newsMs === null ? reached(newsReached, members - 1) : seconds(newsMs),
    firstDeadMs === null ? 'never' : seconds(firstDeadMs),
    allDeadMs === null ? reached(deadReached, members - 1) : seconds(allDeadMs),
  ];
}

/** The columns of the second table. */
export const SLOW_HEAD: readonly string[] = [
  'members',
  'slow',
  'for',
  'protocol',
  'healthy: dead',
  'by healthy',
  'suspected',
  'slow: dead',
];

/** A row of the second table. */
export function slowCells(row: SlowRow): readonly string[] {
  return [
    String(row.members),
    String(row.slow),
    seconds(row.slowForMs),
    row.protocol,
    String(row.healthyDead),
    String(row.healthyByHealthy),
    String(row.healthySuspected),
    String(row.slowDead),
  ];
}

function aligned(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        cell === 'failtome' || cell === 'swim' || cell === 'protocol'
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

function reached(count: number, of: number): string {
  return `${count} of ${of}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

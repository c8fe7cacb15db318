/** A comparison by size as one HTML file: a picture a quantity, and the tables. */
import { counted } from '@failtome/protocol';
import { escaped } from '../pages/escaped.ts';
import { picturePage } from '../pages/picture-page.ts';
import { PROTOCOLS, type ProtocolName, type QuietRow, type ScaleResult } from './comparison.ts';
import { describeWorld, QUIET_HEAD, quietCells, SLOW_HEAD, slowCells } from './scale-text.ts';

const WIDTH = 420;
const HEIGHT = 260;
const PLOT = { left: 62, top: 14, right: 14, bottom: 42 };

interface Curve {
  readonly protocol: ProtocolName;
  /** Drawn with dashes: not the mean, the most. */
  readonly isMost: boolean;
  readonly points: readonly { readonly members: number; readonly value: number }[];
}

interface Picture {
  readonly title: string;
  readonly unit: string;
  readonly curves: readonly Curve[];
}

/** The whole document. It loads nothing. */
export function scalePage(result: ScaleResult): string {
  const body = `<pre>${escaped(describeWorld(result).join('\n'))}</pre>
<p class="key"><span class="failtome">failtome</span> <span class="swim">plain SWIM</span>. Both axes are logarithmic. Dashes: the member that sends most. A value that wasn't reached isn't drawn.</p>
<div class="pictures">${picturesOf(result.quiet).map(drawn).join('\n')}</div>
<h2>Numbers</h2>
${table(QUIET_HEAD, result.quiet.map(quietCells))}
${result.slow.length === 0 ? '' : `<h2>Slow members</h2>\n<p>How often one member called another that was running dead, or suspected it.</p>\n${table(SLOW_HEAD, result.slow.map(slowCells))}`}
${result.left.length === 0 ? '' : `<p>The time was up. Left out: ${escaped(result.left.join('; '))}.</p>`}`;
  return picturePage({ heading: 'How it grows with its members', style: STYLE, body });
}

function picturesOf(rows: readonly QuietRow[]): readonly Picture[] {
  const curves = (value: (row: QuietRow) => number | null, isMost = false): readonly Curve[] =>
    PROTOCOLS.map((protocol) => ({
      protocol,
      isMost,
      points: rows
        .filter((row) => row.protocol === protocol)
        .flatMap((row) => {
          const found = value(row);
          return found === null || found <= 0 ? [] : [{ members: row.members, value: found }];
        }),
    }));
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);
  return [
    {
      title: 'bytes a member and second',
      unit: 'B/s',
      curves: [...curves(({ meanBytes }) => meanBytes), ...curves(({ mostBytes }) => mostBytes, true)],
    },
    { title: 'until all know news', unit: 's', curves: curves(({ newsMs }) => seconds(newsMs)) },
    {
      title: 'until all call a dead member dead',
      unit: 's',
      curves: curves(({ allDeadMs }) => seconds(allDeadMs)),
    },
  ];
}

function drawn({ title, unit, curves }: Picture): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) return '';
  const [left, right] = powersAround(points.map(({ members }) => members));
  const [low, high] = powersAround(points.map(({ value }) => value));
  const x = (members: number): number =>
    PLOT.left + ((Math.log10(members) - left) / (right - left)) * (WIDTH - PLOT.left - PLOT.right);
  const y = (value: number): number =>
    HEIGHT - PLOT.bottom - ((Math.log10(value) - low) / (high - low)) * (HEIGHT - PLOT.top - PLOT.bottom);
  const rows = powersBetween(low, high).map(
    (value) =>
      `<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(value)}" y2="${y(value)}"/><text x="${PLOT.left - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  );
  const columns = powersBetween(left, right).map(
    (members) =>
      `<text x="${x(members)}" y="${HEIGHT - PLOT.bottom + 16}" text-anchor="middle">${members}</text>`,
  );
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}, by members">
${rows.join('')}${columns.join('')}
<text x="${(WIDTH + PLOT.left) / 2}" y="${HEIGHT - 8}" text-anchor="middle">members</text>
${curves.map((curve) => line(curve, unit, x, y)).join('\n')}
</svg><figcaption>${escaped(title)} (${unit})</figcaption></figure>`;
}

function line(
  { protocol, isMost, points }: Curve,
  unit: string,
  x: (members: number) => number,
  y: (value: number) => number,
): string {
  const path = points
    .map(({ members, value }) => `${x(members).toFixed(1)},${y(value).toFixed(1)}`)
    .join(' ');
  const dots = points.map(
    ({ members, value }) =>
      `<circle cx="${x(members).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3.5"><title>${protocol}, ${counted(members, 'member')}: ${Number(value.toPrecision(4))} ${unit}</title></circle>`,
  );
  return `<g class="${protocol}${isMost ? ' most' : ''}"><polyline points="${path}"/>${dots.join('')}</g>`;
}

/** The powers of ten that all of them are between. */
function powersAround(values: readonly number[]): readonly [number, number] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))];
}

function powersBetween(low: number, high: number): readonly number[] {
  return Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(3)));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string): string =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  return `<div class="wide"><table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>
${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}
</tbody></table></div>`;
}

const STYLE = `
:root { --other: #b3541e; } @media (prefers-color-scheme: dark) { :root { --other: #f0a06a; } }
body { max-width: 82rem; } .pictures { display: flex; flex-wrap: wrap; gap: 1rem; } figure { flex: 1 1 22rem; }
polyline { fill: none; stroke-width: 2; } .failtome polyline { stroke: var(--accent); } .failtome circle { fill: var(--accent); }
.swim polyline { stroke: var(--other); } .swim circle { fill: var(--other); } .most polyline { stroke-dasharray: 5 4; }
span.failtome { color: var(--accent); font-weight: 600; } span.swim { color: var(--other); font-weight: 600; }
`;

/** A tuning as one HTML file: the front of the two aims as a picture, the numbers, and the change that is advised. */
import { escaped } from '../pages/escaped.ts';
import { picturePage } from '../pages/picture-page.ts';
import { FAILURES } from './experiment.ts';
import type { Choice } from './measure.ts';
import type { TuneResult } from './tune.ts';
import { describeNetwork, describeRate, yamlChange } from './tuning-text.ts';

const WIDTH = 860;
const HEIGHT = 420;
const PLOT = { left: 84, top: 16, right: 20, bottom: 48 };
/** Rarer than this is drawn here. */
const RAREST = 1e-9;

/** The whole document. It loads nothing. */
export function tuningPage(result: TuneResult): string {
  const { network, choices, advised, front } = result;
  const yours = choices[0];
  const change =
    yours === undefined || advised === null || advised === yours ? [] : yamlChange(yours, advised);
  const body = `<pre>${escaped(describeNetwork(network).join('\n'))}</pre>
<figure>${picture(result)}<figcaption>Left is quicker, down is calmer. Bars: 95 % intervals. Filled: on the front, no other is better at both.</figcaption></figure>
${change.length === 0 ? '' : `<h2>Advised: ${escaped(advised?.name ?? '')}</h2><pre>${escaped(change.join('\n'))}</pre>`}
<h2>Numbers</h2>
<p>Without service after the holder fails: median, and within what 9 of 10 are served again.</p>
<div class="wide"><table><thead><tr><th scope="col">settings</th>${FAILURES.map((failure) => `<th scope="col">${failure}</th>`).join('')}<th scope="col">needless moves a year</th></tr></thead><tbody>
${choices.map((choice) => tableRow(choice, front.includes(choice))).join('\n')}
</tbody></table></div>`;
  return picturePage({ heading: 'Settings held against a network', style: STYLE, body });
}

function tableRow(choice: Choice, isBest: boolean): string {
  const { name, downtime, needless, settings } = choice;
  const spans = FAILURES.map((failure) => {
    const { median, p90 } = downtime[failure];
    return `<td>${seconds(median.value)} (${seconds(p90.value)})</td>`;
  });
  const all = [...settings].map(([key, value]) => `${key} ${value}`).join(', ');
  return `<tr${isBest ? ' class="best"' : ''}><th scope="row"><details><summary>${escaped(name)}</summary>${escaped(all)}</details></th>${spans.join('')}<td>${escaped(describeRate(needless))}</td></tr>`;
}

function picture({ choices, front }: TuneResult): string {
  const measured = choices.filter(({ typicalMs }) => Number.isFinite(typicalMs));
  const mostS = Math.max(1, ...measured.map(({ typicalMs }) => typicalMs / 1_000)) * 1.05;
  const rates = measured.map(({ needless }) => Math.log10(Math.max(RAREST, needless.high)));
  const [lowest, highest] = [Math.floor(Math.min(-3, ...rates)) - 1, Math.ceil(Math.max(0, ...rates))];
  const x = (seconds: number): number => PLOT.left + (seconds / mostS) * (WIDTH - PLOT.left - PLOT.right);
  const y = (rate: number): number => {
    const share = (Math.log10(Math.max(10 ** lowest, rate)) - lowest) / (highest - lowest);
    return HEIGHT - PLOT.bottom - share * (HEIGHT - PLOT.top - PLOT.bottom);
  };
  const powers = Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);
  const step = mostS > 6 ? 2 : mostS > 3 ? 1 : 0.5;
  const ticks = Array.from({ length: Math.floor(mostS / step) + 1 }, (_, index) => index * step);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Typical downtime against needless moves a year">
${powers.map((power) => `<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(10 ** power)}" y2="${y(10 ** power)}"/><text x="${PLOT.left - 8}" y="${y(10 ** power) + 4}" text-anchor="end">${power === 0 ? '1' : `10<tspan dy="-5" font-size="9">${power}</tspan>`}</text>`).join('')}
${ticks.map((tick) => `<text x="${x(tick)}" y="${HEIGHT - PLOT.bottom + 18}" text-anchor="middle">${tick} s</text>`).join('')}
<text x="${(WIDTH + PLOT.left) / 2}" y="${HEIGHT - 8}" text-anchor="middle">typical downtime: mean of the medians of killed, hung, gone</text>
<text transform="rotate(-90 14 ${HEIGHT / 2})" x="14" y="${HEIGHT / 2}" text-anchor="middle">needless moves a year</text>
${measured.map((choice) => dot(choice, front.includes(choice), { x, y })).join('\n')}
</svg>`;
}

function dot(
  { name, typicalMs, needless }: Choice,
  isBest: boolean,
  { x, y }: { readonly x: (seconds: number) => number; readonly y: (rate: number) => number },
): string {
  const [cx, low, high] = [x(typicalMs / 1_000), y(needless.low), y(needless.high)];
  const cy = needless.isLess ? high : y(needless.value);
  const named = name.startsWith('found ') ? '' : `<text x="${cx + 8}" y="${cy - 7}">${escaped(name)}</text>`;
  return `<g class="${isBest ? 'best' : 'other'}"><title>${escaped(`${name}: ${seconds(typicalMs)}, ${describeRate(needless)}`)}</title><line x1="${cx}" x2="${cx}" y1="${low}" y2="${high}"/><circle cx="${cx}" cy="${cy}" r="5"/>${named}</g>`;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(2)} s` : 'never';
}

const STYLE = `
body { max-width: 60rem; } .other circle { fill: none; stroke: var(--faint); } .other line { stroke: var(--line); }
.best circle { fill: var(--accent); } .best line { stroke: var(--accent); }
tr.best > th summary { color: var(--accent); font-weight: 600; } th[scope=row] { font-weight: 400; }
`;

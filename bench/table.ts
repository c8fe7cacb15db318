/** Samples, and the one table that every benchmark's figures end up in. */

/** One line of the table. A benchmark that has no bound says so. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly yardstick: string;
  readonly ratio: string;
  readonly bound: string;
  /** Null: there is no bound to keep. */
  readonly ok: boolean | null;
}

/** The value below which that part of the samples lies, by the nearest rank; of few samples the 99th percentile is the largest. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function p99(samples: readonly number[]): number {
  return quantile(samples, 0.99);
}

export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

/** `median (99th percentile)`. */
export function spread(samples: readonly number[], unit: string, digits = 0): string {
  return `${median(samples).toFixed(digits)} (${p99(samples).toFixed(digits)})${unit === '' ? '' : ` ${unit}`}`;
}

const HEADINGS = ['what', 'measured: median (p99)', 'yardstick', 'ratio', 'bound', 'ok?'];

/** The rows as text, in columns. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('-|-');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function cellsOf({ what, measured, yardstick, ratio, bound, ok }: Row): readonly string[] {
  return [what, measured, yardstick, ratio, bound, ok === null ? '' : ok ? 'yes' : 'NO'];
}

/** How spans of time are written in configuration files and scenarios. */

/** The units, and how many milliseconds each has. */
export const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `2s`, `1m` or `1h`; null for anything else. */
export function parseDuration(written: string): number | null {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(written) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  return digits === undefined || unitMs === undefined ? null : Number(digits) * unitMs;
}

/** Milliseconds of `500ms`, `1.5s`, `-2m`, which scenarios may write; null for anything else. */
export function parseSpan(written: string): number | null {
  const [, minus, digits, unit] = /^(-?)(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(written) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (digits === undefined || unitMs === undefined) return null;
  // Rounded to a nanosecond, so that 0.3s is 300 and not a little less.
  const ms = Math.round(Number(digits) * unitMs * 1_000_000) / 1_000_000;
  return minus === '-' && ms !== 0 ? -ms : ms;
}

/** The shortest way to write it in whole units, `90s` or `2m`; fractions in milliseconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? 1;
    if (ms !== 0 && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

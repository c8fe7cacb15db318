/** How spans of time and shares are written in files. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `1.5s`, `-2m`; null for anything else. */
export function parseDuration(written: string): number | null {
  const [, sign, digits, unit] = /^(-?)(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(written) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (digits === undefined || unitMs === undefined) return null;
  // Rounded to a nanosecond, so that 0.3s is 300 and not a little less.
  const ms = Math.round(Number(digits) * unitMs * 1_000_000) / 1_000_000;
  return sign === '-' && ms !== 0 ? -ms : ms;
}

/** The shortest way to write it in whole units; fractions in milliseconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? 1;
    if (ms !== 0 && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

/** Thousandths of `30 %` or `2.5%`; null for anything else. */
export function parseShare(written: string): number | null {
  const [, digits] = /^(\d{1,3}(?:\.\d)?) ?%$/.exec(written) ?? [];
  const thousandths = digits === undefined ? null : Math.round(Number(digits) * 10);
  return thousandths !== null && thousandths <= 1_000 ? thousandths : null;
}

export function formatShare(thousandths: number): string {
  return `${thousandths / 10} %`;
}

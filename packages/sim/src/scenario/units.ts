/** How shares are written in scenarios; durations are the configuration's. */

/** Thousandths of `30 %` or `2.5%`; null for anything else. */
export function parseShare(written: string): number | null {
  const [, digits] = /^(\d{1,3}(?:\.\d)?) ?%$/.exec(written) ?? [];
  const thousandths = digits === undefined ? null : Math.round(Number(digits) * 10);
  return thousandths !== null && thousandths <= 1_000 ? thousandths : null;
}

/** A share in per cent. */
export function formatShare(thousandths: number): string {
  return `${thousandths / 10} %`;
}

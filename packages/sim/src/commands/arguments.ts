/** What options of the commands take: spans of time and whole numbers, and how a help text shows them. */
import { formatDuration } from '@failtome/config';
import { Help, InvalidArgumentError, type Option } from 'commander';

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Read a span of time such as `500ms`, `60s`, `5m`, `12h` or `3d`, in milliseconds; null: it is none. */
export function parseSpan(text: string): number | null {
  const [, count = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}

/**
 * The argument of an option `<time>`, in milliseconds.
 *
 * @throws InvalidArgumentError it is none
 */
export function spanIn(text: string): number {
  const ms = parseSpan(text);
  if (ms === null) throw new InvalidArgumentError('not a time such as 500ms, 60s, 5m or 12h');
  return ms;
}

/** As `spanIn`, and not zero. */
export function spanAboveZero(text: string): number {
  const ms = spanIn(text);
  if (ms === 0) throw new InvalidArgumentError('longer than nothing is wanted');
  return ms;
}

/**
 * Reads the argument of an option `<n>`: a whole number, also written as `1_000_000`.
 *
 * @throws InvalidArgumentError it is none, or out of bounds
 */
export function wholeIn(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
    if (value >= least && value <= most) return value;
    const upTo = most === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${most}`;
    throw new InvalidArgumentError(`not a whole number, ${least} ${upTo}`);
  };
}

/**
 * Reads the argument of an option `<share>`: below 1, also in percent.
 *
 * @throws InvalidArgumentError it is none
 */
export function shareIn(text: string): number {
  const [, digits = '', percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const share = Number(digits) / (percent === '%' ? 100 : 1);
  if (digits === '' || share >= 1) throw new InvalidArgumentError('a share below 1 such as 1% or 0.01');
  return share;
}

/** Shows the default of an option as people would write it: a time with its unit, a list with commas, and none where there is none. */
export function describeOption(this: Help, option: Option): string {
  const { defaultValue: value, defaultValueDescription: said } = option;
  const isNone =
    value === false || value === Number.POSITIVE_INFINITY || (Array.isArray(value) && value.length === 0);
  if (isNone) return option.description;
  const isTime = /<time(,…)?>$/.test(option.flags) && value !== undefined;
  if (said === undefined && (isTime || Array.isArray(value)))
    option.default(
      value,
      [value]
        .flat()
        .map(isTime ? formatDuration : String)
        .join(),
    );
  return Help.prototype.optionDescription.call(this, option);
}

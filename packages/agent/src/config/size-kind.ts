/** How much room something may take, as people write it: `64MB`, a million bytes each. */

import { describeNode } from '@failtome/config';
import type { Reading, ValueKind } from './value-kind.ts';

const UNIT_BYTES: Readonly<Record<string, number>> = { kB: 1_000, MB: 1_000_000, GB: 1_000_000_000 };

/** Bytes of a text such as `64MB`; null: it is none. */
export function parseSize(text: string): number | null {
  const [, amount, unit = ''] = /^(\d{1,9})(kB|MB|GB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (UNIT_BYTES[unit] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

function formatSize(bytes: number): string {
  const unit = ['GB', 'MB', 'kB'].find((one) => bytes % (UNIT_BYTES[one] ?? 1) === 0) ?? 'kB';
  return `${bytes / (UNIT_BYTES[unit] ?? 1)}${unit}`;
}

/** A number of bytes between two bounds, both included. */
export function size(min: number, max: number): ValueKind<number> {
  return {
    name: 'size',
    expected: `a size from ${formatSize(min)} to ${formatSize(max)}, such as 64MB`,
    schema: { type: 'string', pattern: '^\\d{1,9}(kB|MB|GB)$', examples: ['64MB'] },
    read(node): Reading<number> {
      const found = describeNode(node);
      if (node.kind !== 'scalar') return { kind: 'fault', found, hint: '' };
      const bytes = typeof node.value === 'string' ? parseSize(node.value) : null;
      if (bytes === null) return { kind: 'fault', found, hint: hintFor(node.value) };
      return bytes >= min && bytes <= max
        ? { kind: 'value', value: bytes }
        : { kind: 'fault', found, hint: '' };
    },
  };
}

/** Says how to write `64 MB`, `64mb` or `64M` in the one way that is read. */
function hintFor(written: unknown): string {
  if (typeof written === 'number') return `write ${written}MB`;
  const [, amount, unit = ''] = /^(\d{1,9})\s*([kmg])i?b?$/i.exec(String(written).trim()) ?? [];
  return amount === undefined ? '' : `write ${amount}${{ k: 'kB', m: 'MB', g: 'GB' }[unit.toLowerCase()]}`;
}

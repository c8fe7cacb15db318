/** What a read shows, and since when reads have shown it. */
import type { Association } from '@failtome/protocol';
import type { Shown } from './run-history.ts';

/** @param before what was shown last */
export function shownBy(
  association: Association,
  { beganMs, atMs }: Pick<Shown, 'beganMs' | 'atMs'>,
  before: Shown | null,
): Shown {
  const { associationId, self } =
    association.kind === 'none'
      ? { associationId: null, self: false }
      : { associationId: association.associationId ?? association.instanceId, self: association.self };
  const isSame = before !== null && associationId !== null && before.associationId === associationId;
  const sinceMs = isSame ? Math.min(before.sinceMs, beganMs) : beganMs;
  return { associationId, self, beganMs, sinceMs, atMs };
}

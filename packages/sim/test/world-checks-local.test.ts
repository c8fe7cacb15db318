/** A node's checks of its own HAProxy overlap, and are counted in the order in which they began (I9). */
import { expect, test } from 'vitest';
import { takeover } from './changed-takeover.ts';
import { type Moment, play } from './checked-stage.ts';

/** A check that began (`null`), or how it ended. */
type Said = readonly [checkId: number, ok: boolean | null];

/** Shortly before the release one thing after the other. */
function checks(...said: readonly Said[]): readonly Moment[] {
  return said.map(
    ([checkId, ok], n): Moment => [
      4_201 + n,
      ({ tell, b: by }) =>
        tell(
          ok === null
            ? { kind: 'local-check-began', by, checkId }
            : { kind: 'local-checked', by, checkId, ok },
        ),
    ],
  );
}

// The stage's node is unfit after two failures in a row.
test.each<[says: string, said: readonly Said[], broken: readonly string[]]>([
  [
    'two failures in a row',
    [
      [2, null],
      [2, false],
      [3, null],
      [3, false],
    ],
    ['I9'],
  ],
  [
    'two failures around one that began between them and is still out',
    [
      [2, null],
      [3, null],
      [4, null],
      [2, false],
      [4, false],
    ],
    [],
  ],
  [
    'two failures and the one that was still out between them',
    [
      [2, null],
      [3, null],
      [4, null],
      [2, false],
      [4, false],
      [3, false],
    ],
    ['I9'],
  ],
  [
    'two failures that began after a success which came last',
    [
      [2, null],
      [3, null],
      [4, null],
      [3, false],
      [4, false],
      [2, true],
    ],
    ['I9'],
  ],
  [
    'a failure before a success that began later, and one after it',
    [
      [2, null],
      [3, null],
      [4, null],
      [3, true],
      [2, false],
      [4, false],
    ],
    [],
  ],
])('a takeover with %s', (_says, said, broken) => {
  expect(play(takeover({}, ...checks(...said)))).toEqual(broken);
});

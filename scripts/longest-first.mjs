// Vitest begins with the largest files, which tells little here: a short file may run a world for hours. What takes
// longest is begun first, so that no core waits for it at the end.
import { BaseSequencer } from 'vitest/node';

/** In the order of their processor time; all others follow as Vitest sorts them. */
const longest = [
  'packages/sim/test/scenarios-a-to-l.test.ts',
  'packages/sim/test/scenarios-m-to-z.test.ts',
  'packages/sim/test/shrink-asks.test.ts',
  'packages/sim/test/shrink-pace.test.ts',
  'packages/sim/test/shrink-member.test.ts',
  'packages/sim/test/explore.test.ts',
];

export class LongestFirst extends BaseSequencer {
  /**
   * @override
   * @param {import('vitest/node').TestSpecification[]} files
   */
  async sort(files) {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

/** @param {import('vitest/node').TestSpecification} file */
function rankOf({ moduleId }) {
  const rank = longest.findIndex((name) => moduleId.endsWith(name));
  return rank === -1 ? longest.length : rank;
}

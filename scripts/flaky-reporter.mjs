// A Vitest reporter that names each test which passed only at a further try, so that no retry hides a fault.
import { relative } from 'node:path';
import { root } from './install.mjs';

/** What each of its lines begins with. */
export const flakyPrefix = 'flaky: ';

/** Vitest takes a reporter by its default export. */
export default class FlakyReporter {
  /** @param {readonly import('vitest/node').TestModule[]} modules */
  onTestRunEnd(modules) {
    for (const line of modules.flatMap(flakyIn)) console.log(`${flakyPrefix}${line}`);
  }
}

/** @param {import('vitest/node').TestModule} module */
function flakyIn({ moduleId, children }) {
  return Array.from(children.allTests('passed')).flatMap((test) => {
    const tries = (test.diagnostic()?.retryCount ?? 0) + 1;
    return tries > 1 ? [`${relative(root, moduleId)}: ${test.fullName} (passed at try ${tries})`] : [];
  });
}

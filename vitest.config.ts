import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.mjs';
import { pageParts } from './scripts/page-parts.mjs';
import { reportClient } from './scripts/report-client.mjs';

// Tests run against the sources, so that none of them ever sees a stale build.
const protocol = fileURLToPath(new URL('packages/protocol/src/index.ts', import.meta.url));

/** Unit tests that npm test runs in a stage of their own. */
const runElsewhere = process.env.FAILTOME_RUN_ELSEWHERE?.split(',') ?? [];

/** What takes minutes and seldom breaks: whole machines, and rates by brute force. `npm run test:long` runs them. */
const long = '**/*.long.test.ts';

export default defineConfig({
  resolve: { alias: [{ find: /^@failtome\/protocol$/, replacement: protocol }] },
  define: {
    FAILTOME_VERSION: JSON.stringify('0.0.0-test'),
    REPORT_CLIENT: JSON.stringify(reportClient()),
    ...pageParts(),
  },
  test: {
    passWithNoTests: true,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './scripts/flaky-reporter.mjs'],
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/e2e/**', long, '**/node_modules/**', ...runElsewhere],
          // No test waits for wall time; the bound is for a loaded machine, and longer where others go first.
          testTimeout: Number(process.env.FAILTOME_TEST_TIMEOUT_MS ?? 240_000),
          // A deterministic test that fails once has failed.
          retry: 0,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          // Real processes on a busy machine: what fails twice again has failed. What a further try made pass is
          // printed as flaky.
          retry: 2,
          include: ['test/e2e/**/*.test.ts'],
          exclude: [long],
          // These drive the built entry points.
          globalSetup: ['scripts/build.mjs'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // These wait for sockets and timers far more than they compute: more files at once than cores.
          maxWorkers: 3,
          maxConcurrency: 8,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [long],
          globalSetup: ['scripts/build.mjs'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});

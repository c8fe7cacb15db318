export default {
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  // TypeScript 7 has no JavaScript API that the tool could ask; types are stripped all the same.
  tsconfigFile: 'none.json',
  mutate: ['packages/protocol/src/**/*.ts'],
  ignorePatterns: [
    'packages/*/dist',
    'docs',
    'deploy',
    'packaging',
    'bench',
    'packages/sim/scenarios',
    '*.md',
  ],
  // What people read is tied to the code by other tests; here it is behaviour that is asked for.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  reporters: ['json', 'html', 'progress-append-only'],
  jsonReporter: { fileName: 'reports/mutation/unit.json' },
  htmlReporter: { fileName: 'reports/mutation/unit.html' },
  tempDirName: 'node_modules/.cache/mutation/sandbox',
  timeoutMS: 30_000,
};

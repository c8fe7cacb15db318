/** The judge of `npm run mutation`: the protocol's unit tests, in one process, against the sources. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));

export default defineConfig({
  root,
  test: {
    include: ['packages/protocol/test/**/*.test.ts'],
    testTimeout: 60_000,
  },
});

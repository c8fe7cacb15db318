/**
 * A property that is held against random input: a bounded number of times, always the same, in `npm test`, and for a
 * time, from a new seed, in `npm run fuzz`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'vitest';

/** Of one property, in `npm run fuzz`; else as many runs as the property's own number. */
const forMs = Number(process.env.FAILTOME_FUZZ_FOR_MS ?? 0);
const given = process.env.FAILTOME_FUZZ_SEED;
const path = process.env.FAILTOME_FUZZ_PATH;
const only = process.env.FAILTOME_FUZZ_ONLY;

/** Where input that fails is kept. */
const kept = join(import.meta.dirname, '../../node_modules/.cache/failtome-fuzz');
/** The same in every run of the tests, so that a failure can be looked at. */
const settledSeed = 20_261;
/** More than any machine gets through in the time. */
const endless = 1_000_000_000;
/** For a shrink that has begun when the time is up, and for what is closed then. */
const moreMs = 120_000;

/** @param runs in `npm test` */
export function fuzz<T>(name: string, runs: number, property: () => fc.IRawProperty<T>): void {
  if (forMs === 0) {
    test(name, () => fc.assert(property(), { numRuns: runs, seed: settledSeed }));
    return;
  }
  test.skipIf(only !== undefined && only !== name)(name, { timeout: forMs + moreMs, retry: 0 }, async () => {
    const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);
    const details = await fc.check(property(), {
      seed,
      numRuns: endless,
      interruptAfterTimeLimit: forMs,
      ...(path === undefined ? {} : { path }),
    });
    process.stderr.write(`${name}: ${details.numRuns} runs from seed ${seed}\n`);
    if (!details.failed || details.counterexample === null) return;
    throw new Error(`${keep(name, details)}\n${fc.defaultReportMessage(details)}`);
  });
}

/** @returns where it was kept, and how to run it again */
function keep(
  name: string,
  {
    seed,
    counterexample,
    counterexamplePath,
  }: { seed: number; counterexample: unknown; counterexamplePath: string | null },
): string {
  mkdirSync(kept, { recursive: true });
  const file = join(kept, `${name.replaceAll(/\W+/g, '-')}-${seed}.txt`);
  writeFileSync(file, `${fc.stringify(counterexample)}\n`);
  const again = `npm run fuzz -- --only "${name}" --seed ${seed} --path ${counterexamplePath ?? ''}`;
  return `The input that fails, as small as it became, is in ${file}. Again: ${again}`;
}

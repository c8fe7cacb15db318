/** `failtome keygen`: a new cluster key, on standard output, ready to be a line of the key file. */
import { type CliDependencies, type ExitCode, print, printJson } from './dependencies.ts';

export function keygen(
  { json }: { readonly json?: boolean },
  dependencies: Pick<CliDependencies, 'stdout' | 'generateKey'>,
): ExitCode {
  const key = dependencies.generateKey();
  if (json === true) printJson(dependencies, { key });
  else print(dependencies, key);
  return 0;
}

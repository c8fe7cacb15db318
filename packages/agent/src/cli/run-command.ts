/** `failtome run`: the agent. Nothing starts before the configuration is known to be good. */
import type { DurationMs } from '@failtome/protocol';
import { faultLines, lacksOwnAddress, loadConfig, warningLines } from '../config/load.ts';
import { loadCertificate } from '../tls/certificate-load.ts';
import { type CliDependencies, complain, type ExitCode } from './dependencies.ts';
import { DEFAULT_CONFIG_FILE, type TargetOptions } from './target.ts';

/** How long a link may take to come up. Without it nobody can be reached anyway. */
const ADDRESS_WITHIN_MS: DurationMs = 60_000;
const LOOK_EVERY_MS: DurationMs = 500;

/** `failtome run`: loads the configuration, and starts the agent if it is good. */
export async function run(options: TargetOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const { env, version } = dependencies;
  await awaitAddress(file, dependencies);
  const result = await loadConfig(file, env, dependencies.readFile);
  if (result.kind === 'faulty') {
    complain(dependencies, ...faultLines(result.faults, file));
    return 2;
  }
  const { config, settings } = result;
  const loaded = await loadCertificate(config, settings);
  if (loaded.kind === 'faulty') {
    complain(dependencies, ...faultLines(loaded.faults, file));
    return 2;
  }
  const { certificate } = loaded;
  const warnings = [...warningLines(result.warnings), ...loaded.warnings];
  return dependencies.runAgent({ file, config, certificate, warnings, env, version });
}

/** Which node this is may be told by its address alone: a machine that boots waits for it, rather than be another node. */
async function awaitAddress(file: string, dependencies: CliDependencies): Promise<void> {
  const { env, sleep, interrupted } = dependencies;
  const limit = `${ADDRESS_WITHIN_MS / 1_000} s`;
  for (let waitedMs = 0; await lacksOwnAddress(file, env, dependencies); waitedMs += LOOK_EVERY_MS) {
    if (interrupted()) return;
    if (waitedMs >= ADDRESS_WITHIN_MS)
      return complain(dependencies, `no address within ${limit}: going on with the instance id as node.id`);
    if (waitedMs === 0)
      complain(
        dependencies,
        `waiting for an address of this machine, up to ${limit}: ${file} has no node.id, and tells by it which of peers this node is`,
      );
    await sleep(LOOK_EVERY_MS);
  }
}

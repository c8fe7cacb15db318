/** `failtome run`: the agent. Nothing starts before the configuration is known to be good. */
import { faultLines, loadConfig, warningLines } from '../config/load.ts';
import { type CliDependencies, complain, type ExitCode } from './dependencies.ts';
import { DEFAULT_CONFIG_FILE, type TargetOptions } from './target.ts';

export async function run(options: TargetOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const { env, version } = dependencies;
  const result = await loadConfig(file, env, dependencies.readFile);
  if (result.kind === 'faulty') {
    complain(dependencies, ...faultLines(result.faults, file));
    return 2;
  }
  const warnings = warningLines(result.warnings);
  return dependencies.runAgent({ file, config: result.config, warnings, env, version });
}

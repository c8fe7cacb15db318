/** `failtome run`: the agent. Nothing starts before the configuration is known to be good. */
import { faultLines, loadConfig, warningLines } from '../config/load.ts';
import { loadCertificate } from '../tls/certificate-load.ts';
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

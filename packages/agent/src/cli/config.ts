/**
 * `failtome config`: the effective configuration, every default filled in, and where each value came from;
 * or, with `--from-stack-json`, one for an OpsWorks stack.
 */
import { MAX_FILE_BYTES } from '@failtome/config';
import { configFromStackJson } from '../config/from-stack-json.ts';
import { faultLines, loadConfig, warningLines } from '../config/load.ts';
import { effectiveJson, effectiveYaml } from '../config/print.ts';
import { unreadableFault } from '../config/source.ts';
import { type CliDependencies, complain, type ExitCode, printJson } from './dependencies.ts';
import { DEFAULT_CONFIG_FILE, refusesUrl, type TargetOptions } from './target.ts';

/** The options of `failtome config`. */
export interface ConfigOptions extends TargetOptions {
  readonly fromStackJson?: string;
  /** Of the configuration that is written from a stack's JSON. */
  readonly driver?: 'ec2' | 'opsworks';
}

/** `failtome config`: the configuration as it counts, with defaults; or one made from a stack's custom JSON. */
export async function config(options: ConfigOptions, dependencies: CliDependencies): Promise<ExitCode> {
  if (options.fromStackJson !== undefined) return fromStackJson(options.fromStackJson, options, dependencies);
  if (options.driver !== undefined) {
    complain(dependencies, '--driver: only with --from-stack-json FILE, whose configuration it is for');
    return 2;
  }
  if (refusesUrl(options, dependencies)) return 2;
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const result = await loadConfig(file, dependencies.env, dependencies.readFile);
  const warnings = warningLines(result.warnings);
  if (result.kind === 'faulty') {
    const faults = faultLines(result.faults, file);
    if (options.json === true) printJson(dependencies, { file, faults, warnings });
    complain(dependencies, ...faults);
    return 2;
  }
  if (options.json === true) {
    printJson(dependencies, { file, ...effectiveJson(result.settings), warnings });
    return 0;
  }
  dependencies.stdout.write(effectiveYaml(result.settings, file));
  complain(dependencies, ...warnings.map((line) => `warning: ${line}`));
  return 0;
}

async function fromStackJson(
  file: string,
  { json, driver }: ConfigOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  let bytes: Uint8Array;
  try {
    bytes = await dependencies.readFile(file, MAX_FILE_BYTES);
  } catch (error) {
    complain(dependencies, `${file}: found ${unreadableFault(file, error).found}, expected a stack's JSON`);
    return 2;
  }
  const text = new TextDecoder().decode(bytes);
  const asked = { driver: driver ?? 'opsworks' } as const;
  let result = configFromStackJson(text, { ...asked, found: null });
  if (result.kind === 'config' && result.missing.length > 0) {
    const found = await dependencies.lookUpStack({ ips: result.ips, env: dependencies.env });
    if (found.obstacle !== null) complain(dependencies, found.obstacle);
    result = configFromStackJson(text, { ...asked, found });
  }
  if (result.kind === 'fault') {
    complain(dependencies, `${file}: ${result.detail}`);
    return 2;
  }
  if (json === true) printJson(dependencies, { yaml: result.yaml, missing: result.missing });
  else dependencies.stdout.write(result.yaml);
  if (result.missing.length === 0) return 0;
  complain(dependencies, 'To be filled in:', ...result.missing.map((line) => `  ${line}`));
  return 1;
}

/** `failtome iam`: the least policy for a configuration, without anything left to fill in. */
import { InvalidArgumentError } from 'commander';
import { regionRemark } from '../config/aws-names.ts';
import { faultLines, loadConfig } from '../config/load.ts';
import { searches } from '../config/located.ts';
import type { AgentConfig } from '../config/types.ts';
import { type PolicyFormat, policyText } from '../iam/formats.ts';
import { candidateIps, type Given, grantOf, needsLookup } from '../iam/grant.ts';
import { leastPolicy } from '../iam/policy.ts';
import { type CliDependencies, complain, type ExitCode } from './dependencies.ts';
import { DEFAULT_CONFIG_FILE, refusesUrl, type TargetOptions } from './target.ts';

/** The options of `failtome iam`. */
export interface IamOptions extends Pick<TargetOptions, 'config' | 'url'> {
  readonly format: PolicyFormat;
  readonly account?: string;
  readonly region?: string;
  readonly subnet?: readonly string[];
  readonly instanceProfile?: readonly string[];
  readonly tag?: { readonly key: string; readonly value: string };
  readonly stack?: string;
  /** The ARN of the secret that holds the key. */
  readonly keySecret?: string;
  readonly assumed?: boolean;
}

/** `failtome iam`: the least IAM policy for a configuration. */
export async function iam(options: IamOptions, dependencies: CliDependencies): Promise<ExitCode> {
  if (refusesUrl(options, dependencies)) return 2;
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const result = await loadConfig(file, dependencies.env, dependencies.readFile);
  if (result.kind === 'faulty') {
    complain(dependencies, ...faultLines(result.faults, file));
    return 2;
  }
  const { config } = result;
  const calls = config.node.role === 'candidate' || config.store?.kind === 'dynamodb' || searches(config);
  if (!calls && options.keySecret === undefined) {
    complain(dependencies, `A ${config.node.role} never calls AWS: it needs no policy.`);
    return 1;
  }
  return printPolicy(config, options, dependencies);
}

async function printPolicy(
  config: AgentConfig,
  options: IamOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const given = givenIn(options, dependencies);
  const found = needsLookup(config, given) ? await lookUp(config, given, dependencies) : null;
  const result = grantOf(config, given, found);
  if (result.kind === 'unknown') {
    complain(dependencies, 'The policy has to name what is not known here. Give:');
    complain(dependencies, ...result.wanted.map((line) => `  ${line}`));
    for (const obstacle of found?.obstacles ?? []) complain(dependencies, `(looked up in vain: ${obstacle})`);
    return 2;
  }
  const policy = leastPolicy(result.grant);
  if (policy.Statement.length === 0) {
    complain(dependencies, 'This configuration makes no call to AWS: the node needs no policy.');
    return 1;
  }
  dependencies.stdout.write(policyText(policy, options.format, config.cluster));
  return 0;
}

function givenIn(options: IamOptions, { env }: Pick<CliDependencies, 'env'>): Given {
  const fromEnvironment = env.AWS_REGION || env.AWS_DEFAULT_REGION || null;
  return {
    account: options.account ?? null,
    region: options.region ?? null,
    subnets: options.subnet ?? [],
    profiles: options.instanceProfile ?? [],
    tag: options.tag ?? null,
    stackId: options.stack ?? null,
    keySecretArn: options.keySecret ?? null,
    assumed: options.assumed ?? false,
    regionOtherwise: fromEnvironment,
  };
}

async function lookUp(config: AgentConfig, given: Given, { env, lookUpForIam }: CliDependencies) {
  const { driver, addresses } = config;
  if (driver === null || driver.kind === 'exec') return null;
  return lookUpForIam({
    driver: driver.kind,
    ips: addresses.map(({ ip }) => ip),
    nodeIps: candidateIps(config),
    isListed: config.peers.some(({ id }) => id === config.node.id),
    region: given.region ?? driver.region ?? given.regionOtherwise,
    opsworksInstanceId: driver.kind === 'opsworks' ? driver.instanceId : null,
    env,
  });
}

type Parser<T> = (written: string) => T;

interface IamValues {
  readonly account: Parser<string>;
  readonly subnet: Parser<string>;
  readonly profile: Parser<string>;
  readonly stack: Parser<string>;
  readonly region: Parser<string>;
  readonly tag: Parser<{ readonly key: string; readonly value: string }>;
}

/** Parsers of the options: each takes what AWS would, so that no policy names what cannot exist. */
export const IAM_VALUES: IamValues = {
  account: matching(/^\d{12}$/, 'An account has 12 digits.'),
  subnet: matching(/^subnet-[0-9a-z]+$/, 'A subnet is written subnet-0abc.'),
  profile: matching(
    /^([\w+=,.@-]{1,128}|arn:aws[a-z-]*:iam::\d{12}:instance-profile\/[\w+=,.@/-]{1,512})$/,
    'An instance profile is given by its name, or by its ARN if it has a path.',
  ),
  stack: matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'A stack is given by its id, a UUID.'),
  region(written) {
    const remark = regionRemark(written);
    if (remark === null) return written;
    throw new InvalidArgumentError(`A region is written us-east-1${remark === '' ? '.' : `; ${remark}`}`);
  },
  /** A star or question mark would mean any text, and `$` a variable (IAM User Guide, "Policy variables"). */
  tag(written) {
    const [, key, value] = /^([\w .:/+@-]{1,128})=([\w .:/=+@-]{1,256})$/.exec(written) ?? [];
    if (key !== undefined && value !== undefined) return { key, value };
    throw new InvalidArgumentError('Write KEY=VALUE.');
  },
};

function matching(pattern: RegExp, rule: string): Parser<string> {
  return (written) => {
    if (pattern.test(written)) return written;
    throw new InvalidArgumentError(rule);
  };
}

/** An option that may be given more than once. */
export function listed<T>(parse: Parser<T>): (written: string, before?: readonly T[]) => readonly T[] {
  return (written, before = []) => [...before, parse(written)];
}

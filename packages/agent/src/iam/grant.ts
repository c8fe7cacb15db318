/** From a configuration, and what was given or looked up besides, to what a policy grants; or to what is still unknown. */
import { isIP } from 'node:net';
import type { Ip } from '@failtome/protocol';
import type { FoundForIam } from '../adapters/iam-lookup.ts';
import { type AwsDriverKindName, isOnAws } from '../config/driver-kinds.ts';
import { httpUrl } from '../config/http-url.ts';
import { searches } from '../config/located.ts';
import type { AgentConfig, DriverSettings } from '../config/types.ts';
import { type DriverGrant, dynamoTableArn, type Grant, instanceProfileArn, type NodeMark } from './policy.ts';

/** What was given on the command line, each in its right form. */
export interface Given {
  readonly account: string | null;
  readonly region: string | null;
  /** The environment's, which counts after the configuration's. */
  readonly regionOtherwise: string | null;
  readonly subnets: readonly string[];
  /** Names or ARNs. */
  readonly profiles: readonly string[];
  readonly tag: { readonly key: string; readonly value: string } | null;
  readonly stackId: string | null;
  /** The secret that the nodes have their key from. */
  readonly keySecretArn: string | null;
  /** The policy is that of `driver.assumeRole`, and not the nodes' own. */
  readonly assumed: boolean;
}

/** What a policy grants, or what has to be given for it to be known. */
export type GrantResult =
  | { readonly kind: 'grant'; readonly grant: Grant }
  /** What to give, one line each. */
  | { readonly kind: 'unknown'; readonly wanted: readonly string[] };

type AwsDriver = Extract<DriverSettings, { kind: AwsDriverKindName }>;

/** What a policy needs of the configuration. */
type Configured = Pick<
  AgentConfig,
  'node' | 'addresses' | 'driver' | 'notify' | 'store' | 'peers' | 'discovery'
>;

/** What counts first is what was given, then the configuration, then what was found. */
export function grantOf(config: Configured, given: Given, found: FoundForIam | null): GrantResult {
  const { driver } = config;
  const onAws = isOnAws(driver) ? driver : null;
  const assumeRole = onAws?.assumeRole ?? null;
  if (given.assumed && assumeRole === null)
    return { kind: 'unknown', wanted: ['driver.assumeRole: --assumed is about the role that it names'] };
  const wanted: string[] = [];
  // The driver's part is the assumed role's, and all else the nodes'.
  const drives = onAws !== null && (assumeRole === null || given.assumed);
  const known = drives ? driverGrant(config, onAws, given, found, wanted) : { kind: 'none' as const };
  const tableArn = known === null || given.assumed ? null : tableOf(config, onAws, given, found, wanted);
  const findsPeersIn =
    given.assumed || known?.kind === 'ec2' ? null : searchRegion(config, onAws, given, found, wanted);
  if (known === null || wanted.length > 0) return { kind: 'unknown', wanted };
  if (given.assumed)
    return {
      kind: 'grant',
      grant: { driver: known, topicArn: null, tableArn: null, keySecretArn: null },
    };
  const topicArn = config.notify.sns?.topicArn ?? null;
  const grant: Grant = {
    driver: known,
    topicArn,
    ...(findsPeersIn === null ? {} : { findsPeersIn }),
    tableArn,
    keySecretArn: given.keySecretArn,
  };
  return { kind: 'grant', grant: assumeRole === null ? grant : { ...grant, assumeRoleArn: assumeRole } };
}

function driverGrant(
  config: Configured,
  driver: AwsDriver,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): DriverGrant | null {
  switch (driver.kind) {
    case 'ec2':
      return ec2Grant(config, driver, given, found, wanted);
    case 'ec2-private-ip': {
      const place = placeOf(config, driver, given, found, wanted);
      if (place === null || wanted.length > 0) return null;
      return { kind: 'ec2-private-ip', ...place, addresses: config.addresses.map(({ ip }) => ip) };
    }
    case 'ec2-route': {
      const region = regionOf(driver, given, found);
      const account = accountOf(config, given, found);
      if (region === null) wanted.push(REGION_WANTED);
      if (account === null) wanted.push(ACCOUNT_WANTED);
      const { kind, routeTables } = driver;
      return region === null || account === null ? null : { kind, region, account, routeTables };
    }
    case 'opsworks':
      return opsworksGrant(driver, given, found, wanted);
  }
}

/** Null: there is no table, or it isn't known whose. */
function tableOf(
  { store, notify }: Configured,
  driver: AwsDriver | null,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): string | null {
  if (store?.kind !== 'dynamodb') return null;
  const region =
    store.region ?? given.region ?? driver?.region ?? given.regionOtherwise ?? found?.region ?? null;
  const account = given.account ?? found?.account ?? accountIn(notify.sns?.topicArn ?? '');
  if (region === null) wanted.push('--region NAME, or store.region: the AWS region that the table is in');
  if (account === null) wanted.push('--account ID: the AWS account that the table is in, 12 digits');
  return region === null || account === null ? null : dynamoTableArn(region, account, store.table);
}

/** Null: no peer is to be found, nor this node's own id. */
function searchRegion(
  config: Configured,
  driver: AwsDriver | null,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): string | null {
  if (!searches(config)) return null;
  const region = given.region ?? driver?.region ?? given.regionOtherwise ?? found?.region ?? null;
  if (region === null && !wanted.includes(REGION_WANTED))
    wanted.push('--region NAME: the AWS region that the nodes are in');
  return region;
}

type Place = Pick<Extract<DriverGrant, { kind: 'ec2' }>, 'region' | 'account' | 'subnets'>;

/** In which subnets of whose network the nodes are; null: it isn't known. */
function placeOf(
  config: Configured,
  driver: AwsDriver,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): Place | null {
  const region = regionOf(driver, given, found);
  const account = accountOf(config, given, found);
  const subnets = given.subnets.length > 0 ? given.subnets : (found?.subnets ?? []);
  if (region === null) wanted.push(REGION_WANTED);
  if (account === null) wanted.push(ACCOUNT_WANTED);
  if (subnets.length === 0) {
    wanted.push("--subnet ID, once for each subnet that the nodes' network interfaces are in (subnet-0abc)");
  }
  return region === null || account === null ? null : { region, account, subnets };
}

function ec2Grant(
  config: Configured,
  driver: AwsDriver,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): DriverGrant | null {
  const place = placeOf(config, driver, given, found, wanted);
  const nodes = place === null ? null : nodeMark(place.region, place.account, given, found);
  if (
    nodes === null &&
    given.profiles.length === 0 &&
    given.tag === null &&
    (found?.profiles ?? []).length === 0
  ) {
    wanted.push(
      '--instance-profile NAME, which the nodes are launched with, or --tag KEY=VALUE, which their instances carry',
    );
  }
  if (place === null || nodes === null || wanted.length > 0) return null;
  const named = config.addresses.map(({ ip, allocationId }) => ({
    ip,
    allocationId: allocationId ?? found?.allocationIds.get(ip) ?? null,
  }));
  return { kind: 'ec2', ...place, addresses: named, nodes };
}

const REGION_WANTED = '--region NAME, or driver.region: the AWS region that the addresses are in';

function nodeMark(region: string, account: string, given: Given, found: FoundForIam | null): NodeMark | null {
  if (given.tag !== null) return { kind: 'tag', ...given.tag };
  const profiles = given.profiles.length > 0 ? given.profiles : (found?.profiles ?? []);
  if (profiles.length === 0) return null;
  const arns = profiles.map((each) =>
    each.startsWith('arn:') ? each : instanceProfileArn(region, account, each),
  );
  return { kind: 'profile', arns };
}

function opsworksGrant(
  driver: AwsDriver,
  given: Given,
  found: FoundForIam | null,
  wanted: string[],
): DriverGrant | null {
  const region = regionOf(driver, given, found);
  const stackId = given.stackId ?? found?.stackId ?? null;
  if (region === null) wanted.push(REGION_WANTED);
  if (stackId === null) wanted.push("--stack ID: OpsWorks's id of the stack, a UUID");
  if (region === null || stackId === null) return null;
  return { kind: 'opsworks', region, stackId, searches: driver.instanceId === null };
}

const ACCOUNT_WANTED = '--account ID: the AWS account that the nodes are in, 12 digits';

function accountOf({ notify }: Configured, given: Given, found: FoundForIam | null): string | null {
  return given.account ?? found?.account ?? accountIn(notify.sns?.topicArn ?? '');
}

function regionOf(driver: AwsDriver, given: Given, found: FoundForIam | null): string | null {
  return given.region ?? driver.region ?? given.regionOtherwise ?? found?.region ?? null;
}

/** A topic mostly is in the nodes' own account. */
function accountIn(topicArn: string): string | null {
  return /^arn:[^:]*:sns:[^:]*:(\d{12}):/.exec(topicArn)?.[1] ?? null;
}

/** Whether everything that a policy is better for was given, so that nothing needs to be looked up. */
export function needsLookup(config: Configured, given: Given): boolean {
  const { driver, notify } = config;
  if (driver === null || driver.kind === 'exec') return false;
  if (driver.assumeRole !== null && !given.assumed)
    return config.store?.kind === 'dynamodb' && given.account === null;
  if (regionOf(driver, given, null) === null) return true;
  if (driver.kind === 'opsworks') return given.stackId === null;
  if (given.account === null && accountIn(notify.sns?.topicArn ?? '') === null) return true;
  if (driver.kind === 'ec2-route') return false;
  if (given.subnets.length === 0) return true;
  return driver.kind === 'ec2' && given.tag === null && given.profiles.length === 0;
}

/** The private addresses of all candidates, for a look-up; null where one of them is known by its name only. */
export function candidateIps({ peers }: Pick<AgentConfig, 'peers'>): readonly Ip[] | null {
  const hosts = peers
    .filter(({ role }) => role === 'candidate')
    .map(({ url }) => (url === null ? '' : httpUrl(url).host));
  return hosts.every((host) => isIP(host) !== 0) ? hosts : null;
}

/**
 * What the agent knows of each kind of driver before one is opened. A new kind begins with a row here; what it does is
 * in `adapters/drivers.ts`.
 */
import type { DriverConfig, Role } from '@failtome/protocol';

/** The kinds that call AWS. */
export type AwsDriverKindName = 'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks';

/** The name of a driver. */
export type DriverKindName = AwsDriverKindName | 'exec';

interface DriverKind<Name extends DriverKindName> extends Pick<DriverConfig, 'style' | 'swap'> {
  /** Calls AWS: needs credentials, a region, and this machine's name there. */
  readonly onAws: Name extends AwsDriverKindName ? true : false;
  /** Whose ids of instances it goes by; null: it knows nodes by their own. */
  readonly instancesOf: 'ec2' | 'opsworks' | null;
  /** The keys that it takes beside `driver.kind` and `driver.displace`, of addresses those that not every kind takes. */
  readonly keys: readonly string[];
  /** The calls that it makes in normal running: the labels of `failtome_aws_requests_total`. */
  readonly calls: readonly (readonly [service: string, operation: string])[];
}

const AWS_KEYS = ['driver.region', 'driver.instanceId', 'driver.assumeRole'];
/** What is said of an Elastic IP. Drivers that have no use for it pass it over, as ever. */
const ELASTIC_KEYS = ['addresses[].allocationId', 'addresses[].privateIp'];

/** EC2 and a user's program can be fenced; OpsWorks has one call and so has a route, and only an Elastic IP of EC2's can be swapped in one. */
export const DRIVER_KINDS: { readonly [Name in DriverKindName]: DriverKind<Name> } = {
  ec2: {
    onAws: true,
    instancesOf: 'ec2',
    keys: [...AWS_KEYS, 'driver.networkInterfaceId', ...ELASTIC_KEYS],
    style: 'fenced',
    swap: true,
    calls: [
      ['ec2', 'DescribeAddresses'],
      ['ec2', 'DescribeInstances'],
      ['ec2', 'AssociateAddress'],
      ['ec2', 'AssociateAddressDryRun'],
      ['ec2', 'DisassociateAddress'],
      ['ec2', 'DisassociateAddressDryRun'],
    ],
  },
  'ec2-private-ip': {
    onAws: true,
    instancesOf: 'ec2',
    keys: [...AWS_KEYS, 'driver.networkInterfaceId'],
    style: 'fenced',
    swap: false,
    calls: [
      ['ec2', 'DescribeNetworkInterfaces'],
      ['ec2', 'AssignPrivateIpAddresses'],
      ['ec2', 'UnassignPrivateIpAddresses'],
      ['ec2', 'AssignIpv6Addresses'],
      ['ec2', 'UnassignIpv6Addresses'],
    ],
  },
  'ec2-route': {
    onAws: true,
    instancesOf: 'ec2',
    keys: [...AWS_KEYS, 'driver.networkInterfaceId', 'driver.routeTables'],
    style: 'single-call',
    swap: false,
    calls: [
      ['ec2', 'DescribeRouteTables'],
      ['ec2', 'DescribeNetworkInterfaces'],
      ['ec2', 'ReplaceRoute'],
      ['ec2', 'ReplaceRouteDryRun'],
      ['ec2', 'CreateRoute'],
      ['ec2', 'CreateRouteDryRun'],
    ],
  },
  opsworks: {
    onAws: true,
    instancesOf: 'opsworks',
    keys: [...AWS_KEYS, ...ELASTIC_KEYS],
    style: 'single-call',
    swap: false,
    calls: [
      ['opsworks', 'DescribeElasticIps'],
      ['opsworks', 'DescribeInstances'],
      ['opsworks', 'AssociateElasticIp'],
      ['opsworks', 'DisassociateElasticIp'],
    ],
  },
  exec: {
    onAws: false,
    instancesOf: null,
    keys: ['driver.command', ...ELASTIC_KEYS],
    style: 'fenced',
    swap: false,
    calls: [
      ['exec', 'read'],
      ['exec', 'take'],
      ['exec', 'release'],
    ],
  },
};

/** In the order in which messages and pages name them. */
export const DRIVER_KIND_NAMES: readonly DriverKindName[] = Object.keys(DRIVER_KINDS) as DriverKindName[]; // the keys of a record

/** Whether a key is one that drivers of some other kinds take, and this one has no use for. */
export function isForeignDriverKey(kind: DriverKindName, path: string): boolean {
  const takes = (name: DriverKindName): boolean => DRIVER_KINDS[name].keys.includes(path);
  return !takes(kind) && DRIVER_KIND_NAMES.some(takes);
}

/** The kinds that take a key. */
export function driverKindsWith(path: string): readonly DriverKindName[] {
  return DRIVER_KIND_NAMES.filter((name) => DRIVER_KINDS[name].keys.includes(path));
}

/** Narrows to the settings of a driver that calls AWS. */
export function isOnAws<T extends { readonly kind: DriverKindName }>(
  driver: T | null | undefined,
): driver is Extract<T, { readonly kind: AwsDriverKindName }> {
  return driver !== null && driver !== undefined && DRIVER_KINDS[driver.kind].onAws;
}

/** The kind of driver that this node drives; null for a witness or a member, whatever is configured. */
export function driverKindOf({
  driver,
  node,
}: {
  readonly driver: { readonly kind: DriverKindName } | null;
  readonly node: { readonly role: Role };
}): DriverKindName | null {
  return driver === null || node.role !== 'candidate' ? null : driver.kind;
}

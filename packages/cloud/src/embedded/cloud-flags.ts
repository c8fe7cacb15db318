/** What the flags of `failtome-sim cloud` say. All throw CloudFlagError for what they can't read. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { canonicalIpv6, defaultAwsConfig, subnetIdOf, VPC_CIDR } from '../model/index.ts';
import { type CloudAddress, type CloudInstance, isLoopback } from './options.ts';
import type { Endpoint } from './togglable-listener.ts';

/** What was asked for can't be done as it was asked. */
export class CloudFlagError extends Error {
  override readonly name = 'CloudFlagError';
}

/** `NAME=VALUE`, each. */
export function pairsOf(flag: string, pairs: readonly string[]): readonly (readonly [string, string])[] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new CloudFlagError(`${flag}: write NAME=VALUE.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/** The flags that say what there is in the account. */
export interface AccountFlags {
  readonly instances: readonly string[];
  readonly tags: readonly string[];
  readonly addresses: readonly string[];
  readonly privateAddresses: readonly string[];
  readonly routedAddresses: readonly string[];
  readonly routeTables: readonly string[];
}

/** The zone of all instances where there are private addresses: these never leave their subnet, and each zone has one. */
const sharedZone = `${defaultAwsConfig.region}a`;

/** `--instances`, each `ID[@HOST:PORT]`, as the addresses that there are have them. */
export function instancesOf({
  instances,
  tags,
  privateAddresses,
  routedAddresses,
}: AccountFlags): readonly CloudInstance[] {
  return instances.map((flag) => ({
    ...instanceOf(flag),
    tags: Object.fromEntries(pairsOf('--tags', tags)),
    ...(privateAddresses.length === 0 ? {} : { availabilityZone: sharedZone }),
    ...(routedAddresses.length === 0 ? {} : { sourceDestCheck: false }),
  }));
}

function instanceOf(flag: string): CloudInstance {
  const [id = '', backend] = flag.split('@', 2);
  if (id === '') throw new CloudFlagError(`--instances: ${flag} names no instance.`);
  if (backend === undefined) return { id };
  const endpoint = endpointOf('--instances', backend);
  // All share the loopback addresses; any other one is the instance's own private one, and tells who asks.
  const sources = isLoopback(endpoint.host) ? [] : [endpoint.host];
  return {
    id,
    backend: endpoint,
    sources,
    ...(sources.length === 0 ? {} : { privateIps: [[endpoint.host]] }),
  };
}

/** `--addresses`, `--private-addresses` and `--routed-addresses`, each `IP[:PORT][=HOLDER]`, in this order. */
export function addressesOf(flags: AccountFlags): readonly CloudAddress[] {
  const subnetId = subnetIdOf({ availabilityZone: sharedZone });
  const routes = routesOf(flags);
  return [
    ...flags.addresses.map((flag) => addressOf('--addresses', flag)),
    ...flags.privateAddresses.map(
      (flag): CloudAddress => ({
        ...addressOf('--private-addresses', flag, isMovable),
        kind: 'private',
        subnetId,
      }),
    ),
    ...flags.routedAddresses.map((flag): CloudAddress => {
      const address = addressOf('--routed-addresses', flag);
      if (!isInVpc(address.publicIp)) return { ...address, ...routes };
      const why = `EC2 takes no route to a single address within the VPC's own ${VPC_CIDR}`;
      throw new CloudFlagError(`--routed-addresses: ${address.publicIp} can't be one, because ${why}.`);
    }),
  ];
}

function routesOf({
  routedAddresses,
  routeTables,
}: AccountFlags): Pick<CloudAddress, 'kind' | 'routeTables'> {
  if (routeTables.length === 0) return { kind: 'route' };
  if (routedAddresses.length === 0)
    throw new CloudFlagError('--route-tables: no --routed-addresses are given, which these tables lead to.');
  for (const [index, id] of routeTables.entries()) {
    if (!/^rtb-[A-Za-z0-9-]{1,124}$/.test(id))
      throw new CloudFlagError(`--route-tables: ${id} is not the id of a route table such as rtb-0abc.`);
    if (routeTables.indexOf(id) !== index) throw new CloudFlagError(`--route-tables: ${id} is there twice.`);
  }
  return { kind: 'route', routeTables };
}

function isInVpc(ip: string): boolean {
  const [network = '', bits = ''] = VPC_CIDR.split('/');
  const block = new BlockList();
  block.addSubnet(network, Number(bits), 'ipv4');
  return block.check(ip, 'ipv4');
}

/** One of either IP version, without an embedded IPv4 address. */
function isMovable(ip: string): boolean {
  return isIPv4(ip) || (isIPv6(ip) && !/[.%]/.test(ip));
}

/** @param isFit which addresses can move so, by default those of IPv4 */
function addressOf(name: string, flag: string, isFit: (ip: string) => boolean = isIPv4): CloudAddress {
  const [where = '', holder] = flag.split('=', 2);
  if (holder === '') throw new CloudFlagError(`${name}: ${flag} names no holder after the "=".`);
  const bind = where.includes(':') && !isIPv6(where) ? endpointOf(name, where) : null;
  const ip = bind?.host ?? where;
  if (!isFit(ip)) {
    const what = isFit === isIPv4 ? 'an IPv4' : 'an IP';
    throw new CloudFlagError(`${name}: ${ip} is not ${what} address.`);
  }
  const publicIp = isIPv6(ip) ? canonicalIpv6(ip) : ip;
  return {
    publicIp,
    ...(bind === null ? {} : { bind }),
    ...(holder === undefined ? {} : { holder }),
  };
}

/** `HOST:PORT`, an IPv6 host in brackets, of the flag of this name. */
export function endpointOf(name: string, text: string): Endpoint {
  const [, ipv6, other, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? other;
  if (host === undefined || port === undefined || Number(port) > maxPort)
    throw new CloudFlagError(`${name}: ${text} is not host:port.`);
  return { host, port: Number(port) };
}

/** The last port that there is. */
export const maxPort = 65_535;

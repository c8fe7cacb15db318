/** Subnets, of which each availability zone has one. A subnet has the IPv6 CIDR blocks that the addresses in it that move need. */
import { ec2Errors } from './errors.ts';
import { ipv6BlockOf, isIpv6 } from './ipv6.ts';
import { done, refused } from './outcome.ts';
import { subnetIdOf, VPC_ID } from './policy.ts';
import type { AwsOutcome, DescribeSubnets, SubnetView } from './requests.ts';
import type { Facts } from './state.ts';

/** EC2 API Reference, DescribeSubnets: an id that doesn't exist is an error, a filter that matches nothing isn't. */
export function describeSubnets(facts: Facts, request: DescribeSubnets): AwsOutcome {
  const all = subnetsIn(facts);
  const missing = request.subnetIds.find((id) => !all.some(({ subnetId }) => subnetId === id));
  if (missing !== undefined) return refused(ec2Errors.subnetNotFound(missing));
  const unknown = request.filters.find(({ name }) => !filters.has(name));
  if (unknown !== undefined)
    return refused(ec2Errors.parameterValue(`The filter '${unknown.name}' is invalid`));
  const subnets = all
    .filter(({ subnetId }) => request.subnetIds.length === 0 || request.subnetIds.includes(subnetId))
    .filter((view) =>
      request.filters.every(({ name, values }) => values.includes(filters.get(name)?.(view) ?? '')),
    );
  return done({ action: request.action, subnets });
}

const filters: ReadonlyMap<string, (view: SubnetView) => string> = new Map([
  ['availability-zone', ({ availabilityZone }: SubnetView) => availabilityZone],
  ['subnet-id', ({ subnetId }: SubnetView) => subnetId],
  ['vpc-id', () => VPC_ID],
]);

function subnetsIn(facts: Facts): readonly SubnetView[] {
  const zones = new Set([...facts.instances.values()].map(({ availabilityZone }) => availabilityZone));
  return [...zones].map((availabilityZone) => {
    const subnetId = subnetIdOf({ availabilityZone });
    const moving = [...facts.addresses.values()].filter(
      (address) => address.subnetId === subnetId && isIpv6(address.publicIp),
    );
    const ipv6Blocks = [...new Set(moving.map(({ publicIp }) => ipv6BlockOf(publicIp)))];
    return { subnetId, availabilityZone, ipv6Blocks };
  });
}

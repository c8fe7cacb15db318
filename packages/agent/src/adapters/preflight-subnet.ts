/** Whether IPv6 addresses could be in this node's subnet at all, as `failtome check` shows it. The driver itself doesn't ask. */
import { BlockList } from 'node:net';
import { DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { Ip } from '@failtome/protocol';
import { type AwsClients, type CallContext, readAws } from './aws-clients.ts';
import { type CheckLine, fail, fixFor, foundIn, ok, warn } from './preflight-fix.ts';

const PERMISSION = { action: 'ec2:DescribeSubnets', resources: ['*'] };

/** Ask EC2 for the IPv6 CIDR blocks of a subnet. A move needs no such read: that it fails is only a warning. */
export async function preflightSubnet(
  clients: AwsClients,
  subnetId: string,
  ips: readonly Ip[],
  context: CallContext,
): Promise<CheckLine> {
  const name = `subnet ${subnetId}`;
  const command = new DescribeSubnetsCommand({ SubnetIds: [subnetId] });
  const outcome = await readAws(
    clients,
    {
      service: 'ec2',
      operation: 'DescribeSubnets',
      send: (options) => clients.ec2.send(command, options),
    },
    context,
  );
  if (outcome.kind === 'failed')
    return warn(name, foundIn(outcome.failure), fixFor(outcome.failure, PERMISSION));
  const subnet = outcome.output.Subnets?.find(({ SubnetId }) => SubnetId === subnetId);
  const blocks = (subnet?.Ipv6CidrBlockAssociationSet ?? []).flatMap(
    ({ Ipv6CidrBlock, Ipv6CidrBlockState }) =>
      Ipv6CidrBlock && Ipv6CidrBlockState?.State === 'associated' ? [Ipv6CidrBlock] : [],
  );
  const outside = ips.filter((ip) => !blocks.some((block) => isWithin(block, ip)));
  const has = blocks.length === 0 ? 'has no IPv6 CIDR block' : `has ${blocks.join(' and ')}`;
  if (outside.length === 0) return ok(name, has);
  const fix = `Choose addresses of the subnet's IPv6 CIDR block, or give the subnet one that has ${outside.join(' and ')}: an address never leaves its subnet.`;
  return fail(name, `${has}, and ${outside.join(' and ')} can't be in it`, fix);
}

/** What is no CIDR block has nothing in it. */
function isWithin(block: string, ip: Ip): boolean {
  const [network = '', bits = ''] = block.split('/');
  const list = new BlockList();
  try {
    list.addSubnet(network, Number(bits), 'ipv6');
  } catch {
    return false;
  }
  return list.check(ip, 'ipv6');
}

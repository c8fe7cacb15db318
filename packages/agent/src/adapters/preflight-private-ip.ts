/**
 * The part of `failtome check` for the driver `ec2-private-ip`: which interface the addresses come to, who has them, and whether they
 * could come here. None of the calls of a move has a dry run.
 */
import { isIpv6, type NetworkCard, type OwnSpec } from '@failtome/ports';
import type { DriverAnswer, DurationMs } from '@failtome/protocol';
import type { AddressSettings } from '../config/types.ts';
import { type AwsClients, contextFor } from './aws-clients.ts';
import { createPrivateIpDriver } from './aws-driver.ts';
import { preflightCard } from './preflight-card.ts';
import { type CheckLine, fail, failed, ok, type Permission, warn } from './preflight-fix.ts';
import { ask, holderIn } from './preflight-read.ts';
import { preflightSubnet } from './preflight-subnet.ts';

/** What the preflight of the driver `ec2-private-ip` works with. */
export interface PrivateIpPreflight extends OwnSpec {
  readonly clients: AwsClients;
  /** For the ARNs in the fixes; null where STS didn't tell. */
  readonly account: string | null;
  readonly timeoutMs: DurationMs;
}

const MAY_READ: Permission = { action: 'ec2:DescribeNetworkInterfaces', resources: ['*'] };

/** Check everything that taking each address needs, as far as reads can show it. */
export async function preflightPrivateIp(
  preflight: PrivateIpPreflight,
  addresses: readonly Pick<AddressSettings, 'ip'>[],
): Promise<readonly CheckLine[]> {
  const { clients, timeoutMs, instanceId, networkInterfaceId } = preflight;
  const context = contextFor(timeoutMs, () => undefined);
  const { card, line } = await preflightCard(clients, preflight, context);
  if (card === null) return [line];
  const driver = (post: Parameters<typeof createPrivateIpDriver>[1]['post']) =>
    createPrivateIpDriver({ instanceId, networkInterfaceId, addresses }, { clients, post });
  const lines = addresses.map(async ({ ip }) => addressLine(ip, await ask(driver, ip, timeoutMs), card));
  const ipv6s = addresses.map(({ ip }) => ip).filter(isIpv6);
  const subnet = ipv6s.length === 0 ? [] : [preflightSubnet(clients, card.subnetId, ipv6s, context)];
  return [
    line,
    ...(await Promise.all([...lines, ...subnet])),
    ...(ipv6s.length < addresses.length ? [unproven(preflight, 'PrivateIpAddresses')] : []),
    ...(ipv6s.length > 0 ? [unproven(preflight, 'Ipv6Addresses')] : []),
  ];
}

function addressLine(ip: string, answer: DriverAnswer, { subnetId }: NetworkCard): CheckLine {
  const name = `address ${ip}`;
  if (answer.kind === 'read') return ok(name, holderIn(answer));
  if (answer.kind !== 'refused' && answer.kind !== 'unknown') return fail(name, answer.kind, '');
  if (answer.code === 'OtherSubnet') {
    const fix = `Only nodes with an interface in the address's subnet can have it: give this instance one there, or choose an address of ${subnetId}.`;
    return fail(name, answer.message, fix);
  }
  if (answer.code === 'PrimaryPrivateIp')
    return fail(name, answer.message, "Choose an address that is no interface's primary one.");
  return failed(name, answer, MAY_READ);
}

/** @param what which calls: `Assign` and `Unassign` with this behind it */
function unproven(
  { clients, account }: PrivateIpPreflight,
  what: 'PrivateIpAddresses' | 'Ipv6Addresses',
): CheckLine {
  const resource = `arn:aws:ec2:${clients.region ?? '*'}:${account ?? '*'}:network-interface/*`;
  return warn(
    `permission ec2:Assign${what}`,
    'not proven: EC2 has no dry run of it',
    `See that the role allows ec2:Assign${what} and ec2:Unassign${what} on ${resource}: \`failtome iam\` prints the policy. See, too, that the interface has room for one address more.`,
  );
}

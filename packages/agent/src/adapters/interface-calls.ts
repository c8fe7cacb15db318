/** The driver's calls about network interfaces over the SDK, and what of the answers counts. */
import {
  AssignIpv6AddressesCommand,
  AssignPrivateIpAddressesCommand,
  DescribeNetworkInterfacesCommand,
  type DescribeNetworkInterfacesCommandOutput,
  type NetworkInterface,
  UnassignIpv6AddressesCommand,
  type UnassignIpv6AddressesCommandOutput,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import {
  type AwsCall,
  type CallOutcome,
  interfaceFilter,
  isIpv6,
  isRepeatable,
  type NetworkCard,
  operationOf,
} from '@failtome/ports';
import { canonicalIp } from '../config/host.ts';
import { type AwsClients, ask, type CallContext, type SendOptions } from './aws-clients.ts';

type InterfaceCall = Extract<AwsCall, { kind: 'interfaces' | 'assign-ip' | 'unassign-ip' }>;

/** Send one. */
export function sendOfInterfaces(
  clients: AwsClients,
  call: InterfaceCall,
  context: CallContext,
): Promise<CallOutcome> {
  const { ec2 } = clients;
  const what = { ...operationOf(call), repeatable: isRepeatable(call) };
  switch (call.kind) {
    case 'interfaces': {
      const { name, values } = interfaceFilter(call.of);
      const command = new DescribeNetworkInterfacesCommand({
        Filters: [{ Name: name, Values: [...values] }],
      });
      const send = (options: SendOptions) => ec2.send(command, options);
      return ask(clients, { ...what, send, read: interfacesIn }, context);
    }
    case 'assign-ip': {
      const { networkInterfaceId: NetworkInterfaceId, ip } = call;
      const command = isIpv6(ip)
        ? new AssignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: [ip] })
        : new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: [ip] });
      const send = (options: SendOptions): Promise<object> => ec2.send(command, options);
      return ask(clients, { ...what, send, read: done }, context);
    }
    case 'unassign-ip': {
      const { networkInterfaceId: NetworkInterfaceId, ip } = call;
      if (isIpv6(ip)) {
        const command = new UnassignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: [ip] });
        const send = (options: SendOptions) => ec2.send(command, options);
        return ask(clients, { ...what, send, read: unassignedIn }, context);
      }
      const command = new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: [ip] });
      const send = (options: SendOptions) => ec2.send(command, options);
      return ask(clients, { ...what, send, read: done }, context);
    }
  }
}

const done = () => ({ kind: 'done' }) as const;

/** An answer without the list isn't one that took nothing away. */
function unassignedIn({ UnassignedIpv6Addresses }: UnassignIpv6AddressesCommandOutput) {
  if (UnassignedIpv6Addresses === undefined) return null;
  return { kind: 'unassigned', ips: UnassignedIpv6Addresses.map(canonicalIp) } as const;
}

/** An answer without the list isn't one without interfaces. */
function interfacesIn({ NetworkInterfaces }: DescribeNetworkInterfacesCommandOutput) {
  if (NetworkInterfaces === undefined) return null;
  return { kind: 'interfaces', interfaces: NetworkInterfaces.flatMap((each) => cardIn(each) ?? []) } as const;
}

function cardIn(card: NetworkInterface): NetworkCard | null {
  const { NetworkInterfaceId, SubnetId, VpcId, PrivateIpAddress, PrivateIpAddresses = [], Attachment } = card;
  if (!NetworkInterfaceId || !SubnetId || !VpcId) return null;
  const more = PrivateIpAddresses.flatMap((each) => each.PrivateIpAddress ?? []);
  const ipv6s = (card.Ipv6Addresses ?? []).flatMap(({ Ipv6Address, IsPrimaryIpv6 }) =>
    Ipv6Address ? [{ ip: canonicalIp(Ipv6Address), isPrimary: IsPrimaryIpv6 === true }] : [],
  );
  const privateIps = [...(PrivateIpAddress ? [PrivateIpAddress] : []), ...more, ...ipv6s.map(({ ip }) => ip)];
  return {
    networkInterfaceId: NetworkInterfaceId,
    instanceId: Attachment?.InstanceId || null,
    subnetId: SubnetId,
    vpcId: VpcId,
    primary: PrivateIpAddress || null,
    privateIps: [...new Set(privateIps)],
    primaryIpv6: ipv6s.find(({ isPrimary }) => isPrimary)?.ip ?? null,
    // What isn't shown may be on: EC2 has it so by default.
    sourceDestCheck: card.SourceDestCheck !== false,
  };
}

/** Network interfaces and subnets in the XML of EC2's answers (EC2 API Reference, InstanceNetworkInterface, NetworkInterface, Subnet). */
import {
  type AwsConfig,
  type AwsResult,
  type InstanceView,
  type InterfaceView,
  type NetworkInterface,
  type SetIpv6Addresses,
  type SubnetView,
  subnetIdOf,
  VPC_ID,
} from '../model/index.ts';
import { element, items, type Xml } from './xml.ts';

/** One among the interfaces of an instance. */
export function interfaceItem(
  card: NetworkInterface,
  index: number,
  view: InstanceView,
  config: AwsConfig,
): readonly (Xml | null)[] {
  return [
    ...ownFields(card, view.instance, config),
    publicSide(card, card.privateIps[0], view, config),
    element(
      'attachment',
      element('attachmentId', card.id.replace(/^eni-/, 'eni-attach-')),
      element('deviceIndex', index),
      element('status', 'attached'),
    ),
    addressSet(card, (privateIp) => publicSide(card, privateIp, view, config)),
    ipv6Set(card),
  ];
}

/** An interface by itself names its instance, which one among an instance's doesn't. */
export function cardItem({ card, instance }: InterfaceView, config: AwsConfig): readonly (Xml | null)[] {
  return [
    ...ownFields(card, instance, config),
    element('availabilityZone', instance.availabilityZone),
    element('interfaceType', 'interface'),
    element(
      'attachment',
      element('attachmentId', card.id.replace(/^eni-/, 'eni-attach-')),
      element('instanceId', instance.id),
      element('instanceOwnerId', config.accountId),
      element(
        'deviceIndex',
        instance.interfaces.findIndex(({ id }) => id === card.id),
      ),
      element('status', 'attached'),
    ),
    addressSet(card, () => null),
    ipv6Set(card),
  ];
}

/** What both have of it. */
function ownFields(
  { id, mac, privateIps, sourceDestCheck = true }: NetworkInterface,
  instance: InstanceView['instance'],
  { accountId }: AwsConfig,
): readonly (Xml | null)[] {
  return [
    element('networkInterfaceId', id),
    element('subnetId', subnetIdOf(instance)),
    element('vpcId', VPC_ID),
    element('ownerId', accountId),
    element('status', 'in-use'),
    element('macAddress', mac),
    element('privateIpAddress', privateIps[0]),
    element('sourceDestCheck', sourceDestCheck),
  ];
}

/** Its private addresses, the primary one first. @param publicOf what is said of the public address behind one */
function addressSet({ privateIps }: NetworkInterface, publicOf: (privateIp: string) => Xml | null): Xml {
  return items(
    'privateIpAddressesSet',
    privateIps.map((privateIp, place) => [
      element('privateIpAddress', privateIp),
      element('primary', place === 0),
      publicOf(privateIp),
    ]),
  );
}

function ipv6Set({ ipv6s = [] }: NetworkInterface): Xml {
  return items(
    'ipv6AddressesSet',
    ipv6s.map((ip) => [element('ipv6Address', ip), element('isPrimaryIpv6', false)]),
  );
}

/** EC2 API Reference, AssignIpv6Addresses and UnassignIpv6Addresses: which addresses it was about. */
export function ipv6Lines({
  action,
  networkInterfaceId,
  ipv6Addresses,
}: Extract<AwsResult, { readonly action: SetIpv6Addresses['action'] }>): readonly Xml[] {
  const list = action === 'ec2:AssignIpv6Addresses' ? 'assignedIpv6Addresses' : 'unassignedIpv6Addresses';
  return [
    element('networkInterfaceId', networkInterfaceId),
    element(list, ...ipv6Addresses.map((ip) => element('item', ip))),
  ];
}

/** EC2 API Reference, Subnet, as far as the model knows it. */
export function subnetItem({ subnetId, availabilityZone, ipv6Blocks }: SubnetView): readonly Xml[] {
  const blocks = ipv6Blocks.map((block, index) => [
    element('associationId', `subnet-cidr-assoc-${subnetId.replace(/^subnet-/, '')}-${index}`),
    element('ipv6CidrBlock', block),
    element('ipv6CidrBlockState', element('state', 'associated')),
  ]);
  return [
    element('subnetId', subnetId),
    element('vpcId', VPC_ID),
    element('state', 'available'),
    element('availabilityZone', availabilityZone),
    items('ipv6CidrBlockAssociationSet', blocks),
  ];
}

/** The public address that maps to a private one: an Elastic IP belongs to the account, an automatic one to `amazon`. */
function publicSide(
  card: NetworkInterface,
  privateIp: string,
  view: InstanceView,
  config: AwsConfig,
): Xml | null {
  const elastic = view.addresses.find(
    ({ association }) => association?.interfaceId === card.id && association.privateIp === privateIp,
  );
  if (elastic !== undefined) {
    return element(
      'association',
      element('publicIp', elastic.publicIp),
      element('ipOwnerId', config.accountId),
    );
  }
  const [primary] = view.instance.interfaces;
  const isPrimary = primary.id === card.id && primary.privateIps[0] === privateIp;
  if (!isPrimary || view.publicIp === null) return null;
  return element('association', element('publicIp', view.publicIp), element('ipOwnerId', 'amazon'));
}

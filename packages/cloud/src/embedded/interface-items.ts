/** Network interfaces in the XML of EC2's answers (EC2 API Reference, InstanceNetworkInterface and NetworkInterface). */
import {
  type AwsConfig,
  type InstanceView,
  type InterfaceView,
  type NetworkInterface,
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

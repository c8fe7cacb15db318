/** Route tables in the XML of EC2's answers (EC2 API Reference, RouteTable and Route). */
import { type AwsConfig, type RouteTableView, type RouteView, VPC_ID } from '../model/index.ts';
import { element, items, optional, type Xml } from './xml.ts';

/** One table, with its routes. */
export function routeTableItem(
  { routeTableId, routes }: RouteTableView,
  config: AwsConfig,
): readonly (Xml | null)[] {
  return [
    element('routeTableId', routeTableId),
    element('vpcId', VPC_ID),
    element('ownerId', config.accountId),
    items(
      'routeSet',
      routes.map((route) => routeItem(route, config)),
    ),
    element('associationSet'),
    element('propagatingVgwSet'),
    element('tagSet'),
  ];
}

function routeItem({ destination, target, state }: RouteView, config: AwsConfig): readonly (Xml | null)[] {
  const to =
    target === null
      ? [element('gatewayId', 'local')]
      : [
          optional('instanceId', target.instanceId),
          target.instanceId === null ? null : element('instanceOwnerId', config.accountId),
          element('networkInterfaceId', target.interfaceId),
        ];
  return [
    element('destinationCidrBlock', destination),
    ...to,
    element('state', state),
    element('origin', target === null ? 'CreateRouteTable' : 'CreateRoute'),
  ];
}

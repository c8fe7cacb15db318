/** The driver's calls about route tables over the SDK, and what of the answers counts. */
import {
  CreateRouteCommand,
  DescribeRouteTablesCommand,
  type DescribeRouteTablesCommandOutput,
  type Route as Ec2Route,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { type AwsCall, type CallOutcome, isRepeatable, operationOf, type Route } from '@failtome/ports';
import { type AwsClients, ask, type CallContext, type SendOptions } from './aws-clients.ts';

/** Send one. */
export function sendOfRoutes(
  clients: AwsClients,
  call: Extract<AwsCall, { kind: 'route-tables' | 'replace-route' | 'create-route' }>,
  context: CallContext,
): Promise<CallOutcome> {
  const { ec2 } = clients;
  const what = { ...operationOf(call), repeatable: isRepeatable(call) };
  if (call.kind === 'route-tables') {
    const command = new DescribeRouteTablesCommand({ RouteTableIds: [...call.routeTableIds] });
    const send = (options: SendOptions) => ec2.send(command, options);
    return ask(clients, { ...what, send, read: tablesIn }, context);
  }
  const input = {
    RouteTableId: call.routeTableId,
    DestinationCidrBlock: call.destination,
    NetworkInterfaceId: call.networkInterfaceId,
    ...(call.dryRun ? { DryRun: true } : {}),
  };
  const read = () => ({ kind: 'done' }) as const;
  if (call.kind === 'replace-route') {
    const command = new ReplaceRouteCommand(input);
    return ask(
      clients,
      { ...what, send: (options: SendOptions) => ec2.send(command, options), read },
      context,
    );
  }
  const command = new CreateRouteCommand(input);
  return ask(clients, { ...what, send: (options: SendOptions) => ec2.send(command, options), read }, context);
}

/** An answer without the list isn't one without tables; one without its routes isn't an empty table. */
function tablesIn({ RouteTables }: DescribeRouteTablesCommandOutput) {
  if (RouteTables === undefined) return null;
  const tables = RouteTables.flatMap(({ RouteTableId, VpcId, Routes }) =>
    RouteTableId && VpcId && Routes
      ? [
          {
            routeTableId: RouteTableId,
            vpcId: VpcId,
            routes: Routes.flatMap((route) => routeIn(route) ?? []),
          },
        ]
      : [],
  );
  return { kind: 'route-tables', tables } as const;
}

/** Those for IPv6 and for prefix lists are of no use here. */
function routeIn({
  DestinationCidrBlock,
  InstanceId,
  NetworkInterfaceId,
  GatewayId,
}: Ec2Route): Route | null {
  if (!DestinationCidrBlock) return null;
  return {
    destination: DestinationCidrBlock,
    instanceId: InstanceId || null,
    networkInterfaceId: NetworkInterfaceId || null,
    isLocal: GatewayId === 'local',
  };
}

/**
 * The driver's calls to OpsWorks over the SDK. OpsWorks Stacks itself ended on 2024-05-26; this serves endpoints that
 * speak its protocol.
 */
import {
  AssociateElasticIpCommand,
  DescribeElasticIpsCommand,
  type DescribeElasticIpsCommandInput,
  DisassociateElasticIpCommand,
  type ElasticIp,
} from '@aws-sdk/client-opsworks';
import { type AwsCall, type CallOutcome, operationOf } from '@failtome/ports';
import { type AwsClients, ask, type CallContext, type SendOptions } from './aws-clients.ts';

/** The calls that go to OpsWorks. */
export type OpsworksCall = Extract<
  AwsCall,
  { kind: 'stack-addresses' | 'stack-associate' | 'stack-disassociate' }
>;

/** Send one call. */
export async function sendToOpsworks(
  clients: AwsClients,
  call: OpsworksCall,
  context: CallContext,
): Promise<CallOutcome> {
  const { opsworks } = clients;
  const what = { ...operationOf(call), repeatable: false, read: () => ({ kind: 'done' }) as const };
  switch (call.kind) {
    case 'stack-addresses': {
      const input = 'ip' in call.of ? { Ips: [call.of.ip] } : { InstanceId: call.of.instanceId };
      const shown = await readElasticIps(clients, input, context);
      if (shown.kind === 'failed') return shown;
      const addresses = shown.output.flatMap(({ Ip, InstanceId }) =>
        Ip ? [{ ip: Ip, instanceId: InstanceId || null }] : [],
      );
      return { kind: 'ok', output: { kind: 'stack-addresses', addresses } };
    }
    case 'stack-associate': {
      const input = { ElasticIp: call.ip, InstanceId: call.instanceId };
      const command = new AssociateElasticIpCommand(input);
      const send = (options: SendOptions) => opsworks.send(command, options);
      return ask(clients, { ...what, send }, context);
    }
    case 'stack-disassociate': {
      const command = new DisassociateElasticIpCommand({ ElasticIp: call.ip });
      const send = (options: SendOptions) => opsworks.send(command, options);
      return ask(clients, { ...what, send }, context);
    }
  }
}

/** The Elastic IPs that OpsWorks shows for one resource. */
export function readElasticIps(
  clients: AwsClients,
  input: DescribeElasticIpsCommandInput,
  context: CallContext,
): Promise<CallOutcome<readonly ElasticIp[]>> {
  const command = new DescribeElasticIpsCommand(input);
  return ask(
    clients,
    {
      service: 'opsworks',
      operation: 'DescribeElasticIps',
      repeatable: true,
      send: (options: SendOptions) => clients.opsworks.send(command, options),
      read: ({ ElasticIps }) => ElasticIps ?? null,
    },
    context,
  );
}

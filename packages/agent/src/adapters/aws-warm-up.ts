/** The first calls of a run, so that none of a move's is the first. */
import {
  DescribeAddressesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
} from '@aws-sdk/client-ec2';
import { DescribeElasticIpsCommand } from '@aws-sdk/client-opsworks';
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import type { CloudRequest, DurationMs, Ip } from '@failtome/protocol';
import type { AwsDriverKindName } from '../config/driver-kinds.ts';
import { type AwsClients, type AwsRequest, callAws, contextFor } from './aws-clients.ts';

/** What a warm-up reads, of what this agent will use. */
export interface WarmUp {
  readonly driver: AwsDriverKindName | null;
  readonly ips: readonly Ip[];
  readonly topicArn: string | null;
}

/**
 * Fetch the credentials and send one small read a service, so that neither metadata, names, connections
 * nor code are cold when they are needed. What fails is told, for the log, and nothing more.
 */
export async function warmUp(
  clients: AwsClients,
  { driver, ips, topicArn }: WarmUp,
  timeoutMs: DurationMs,
): Promise<readonly CloudRequest[]> {
  const requests: CloudRequest[] = [];
  const context = contextFor(timeoutMs, (request) => requests.push(request));
  const { ec2, opsworks, sns } = clients;
  const calls: AwsRequest<unknown>[] = [];
  const warm = (
    service: AwsRequest<unknown>['service'],
    operation: string,
    send: AwsRequest<unknown>['send'],
  ) => calls.push({ service, operation, send });
  if (driver === 'ec2') {
    warm('ec2', 'DescribeAddresses', (options) => ec2.send(new DescribeAddressesCommand({}), options));
  }
  if (driver === 'ec2-private-ip') {
    const command = new DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'addresses.private-ip-address', Values: [...ips] }],
    });
    warm('ec2', 'DescribeNetworkInterfaces', (options) => ec2.send(command, options));
  }
  if (driver === 'ec2-route') {
    // For the connection's sake: its answer is of no use without the tables' ids, so one page of one is enough.
    const command = new DescribeRouteTablesCommand({ MaxResults: 5 });
    warm('ec2', 'DescribeRouteTables', (options) => ec2.send(command, options));
  }
  if (driver === 'opsworks') {
    const command = new DescribeElasticIpsCommand({ Ips: [...ips] });
    warm('opsworks', 'DescribeElasticIps', (options) => opsworks.send(command, options));
  }
  const asked = calls.map((call) => callAws(clients, call, context));
  if (topicArn !== null) {
    // For the connection's sake: the role need not be allowed to ask this, so the answer is told to nobody.
    const command = new GetTopicAttributesCommand({ TopicArn: topicArn });
    const send: AwsRequest<unknown>['send'] = (options) => sns.send(command, options);
    const untold = contextFor(timeoutMs, () => undefined);
    asked.push(callAws(clients, { service: 'sns', operation: 'GetTopicAttributes', send }, untold));
  }
  await Promise.all(asked);
  return requests;
}

/**
 * What an EC2 instance finds out of a cluster that is about to be set up: itself, the instances that carry the same `failtome`
 * tag, and the Elastic IPs that carry it too, or else the only one that those instances hold.
 */
import { DescribeAddressesCommand, type Instance } from '@aws-sdk/client-ec2';
import { scalarNode } from '@failtome/config';
import type { DurationMs, Ip, NodeId } from '@failtome/protocol';
import { NODE_ID } from '../config/file-keys.ts';
import type { Environment } from '../config/settings.ts';
import { AgentError } from '../errors.ts';
import { type AwsClients, type CallContext, contextFor, createAwsClients, readAws } from './aws-clients.ts';
import { NOT_TERMINATED, readInstance, readInstancesWhere } from './ec2-calls.ts';
import { ATTENDED_TIMEOUT_MS, InstanceMetadata } from './instance-metadata.ts';
import type { Names } from './names.ts';

const LOOKUP_TIMEOUT_MS: DurationMs = 10_000;

/** The tag that instances and addresses of one cluster share; its value is the cluster's name. */
export const CLUSTER_TAG = 'failtome';
/** `witness` on an instance that only votes. */
const ROLE_TAG = 'failtome:role';

/** Empty where nothing was found. */
export interface FoundCluster {
  readonly cluster: string | null;
  readonly ips: readonly Ip[];
  readonly nodes: readonly {
    readonly id: NodeId;
    readonly role: 'candidate' | 'witness';
    readonly address: string;
  }[];
  /** Why something could not be found out, for people. */
  readonly obstacles: readonly string[];
}

/** Look up what there is. Never throws for what the world lacks. */
export async function lookUpCluster(env: Environment, { names }: { names: Names }): Promise<FoundCluster> {
  const metadata = new InstanceMetadata({ env, requestTimeoutMs: ATTENDED_TIMEOUT_MS }, { names });
  const nothing: FoundCluster = { cluster: null, ips: [], nodes: [], obstacles: [] };
  try {
    const [instanceId, region] = await Promise.all([metadata.instanceId(), metadata.region()]);
    const clients = createAwsClients({ region, topicArn: null });
    try {
      const context = contextFor(LOOKUP_TIMEOUT_MS, () => undefined);
      const own = await readInstance(clients, instanceId, context);
      if (own.kind === 'failed') {
        const { code, message } = own.failure;
        return { ...nothing, obstacles: [`ec2:DescribeInstances: ${code}: ${message}`] };
      }
      return await clusterOf(clients, own.output, context);
    } finally {
      clients.close();
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { ...nothing, obstacles: [error.message] };
  }
}

async function clusterOf(clients: AwsClients, own: Instance, context: CallContext): Promise<FoundCluster> {
  const cluster = tagOf(own, CLUSTER_TAG);
  const obstacles: string[] = [];
  if (cluster === null)
    obstacles.push(`this instance has no tag ${CLUSTER_TAG}, by which the others would be found`);
  const instances = cluster === null ? [own] : await taggedInstances(clients, cluster, context, obstacles);
  const nodes = instances.flatMap((instance) => nodeOf(instance) ?? []);
  const ids = instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const ips = await sharedIps(clients, cluster, ids, context, obstacles);
  return { cluster, ips, nodes: nodes.sort((a, b) => (a.id < b.id ? -1 : 1)), obstacles };
}

async function taggedInstances(
  clients: AwsClients,
  cluster: string,
  context: CallContext,
  obstacles: string[],
): Promise<readonly Instance[]> {
  const filters = [{ Name: `tag:${CLUSTER_TAG}`, Values: [cluster] }, NOT_TERMINATED];
  const outcome = await readInstancesWhere(clients, filters, context);
  if (outcome.kind === 'ok') return outcome.output;
  obstacles.push(`ec2:DescribeInstances: ${outcome.failure.code}: ${outcome.failure.message}`);
  return [];
}

/** Named as people name it where that can be an id, and otherwise by its instance. */
function nodeOf(instance: Instance): FoundCluster['nodes'][number] | null {
  const { InstanceId, PrivateIpAddress } = instance;
  if (InstanceId === undefined || PrivateIpAddress === undefined) return null;
  const name = tagOf(instance, 'Name') ?? '';
  const isName = NODE_ID.kind.read(scalarNode(name)).kind === 'value';
  const role = tagOf(instance, ROLE_TAG) === 'witness' ? 'witness' : 'candidate';
  return { id: isName ? name : InstanceId, role, address: PrivateIpAddress };
}

async function sharedIps(
  clients: AwsClients,
  cluster: string | null,
  instanceIds: readonly string[],
  context: CallContext,
  obstacles: string[],
): Promise<readonly Ip[]> {
  const command = new DescribeAddressesCommand({});
  const send = (options: { readonly abortSignal: AbortSignal }) => clients.ec2.send(command, options);
  const outcome = await readAws(clients, { service: 'ec2', operation: 'DescribeAddresses', send }, context);
  if (outcome.kind === 'failed') {
    obstacles.push(`ec2:DescribeAddresses: ${outcome.failure.code}: ${outcome.failure.message}`);
    return [];
  }
  const all = outcome.output.Addresses ?? [];
  const tagged = cluster === null ? [] : all.filter((each) => tagOf(each, CLUSTER_TAG) === cluster);
  if (tagged.length > 0) return tagged.flatMap(({ PublicIp }) => PublicIp ?? []).sort();
  const held = all.filter(({ InstanceId = '' }) => instanceIds.includes(InstanceId));
  if (held.length === 1) return held.flatMap(({ PublicIp }) => PublicIp ?? []);
  const count = held.length === 0 ? 'none' : String(held.length);
  obstacles.push(`no Elastic IP has the tag ${CLUSTER_TAG}, and these instances hold ${count}`);
  return [];
}

function tagOf(
  {
    Tags,
  }: {
    readonly Tags?:
      | readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
      | undefined;
  },
  key: string,
): string | null {
  return Tags?.find(({ Key }) => Key === key)?.Value ?? null;
}

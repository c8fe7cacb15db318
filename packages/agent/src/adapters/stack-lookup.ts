/**
 * What an instance of an OpsWorks stack can find out by itself of what a stack's JSON may lack: who it is, from instance
 * metadata, and which instances share its layer.
 *
 * The layer is in the tags that OpsWorks put on its EC2 instances, which outlive OpsWorks: `opsworks:stack`,
 * `opsworks:layer:SHORTNAME` and `opsworks:instance`, the hostname (AWS OpsWorks User Guide, "Tags"). Where there are none,
 * OpsWorks itself, or an endpoint that stands for it, is asked.
 */
import type { Instance, Tag } from '@aws-sdk/client-ec2';
import type { DurationMs, InstanceId, Ip } from '@failtome/protocol';
import type { FoundStack } from '../config/from-stack-json.ts';
import type { Environment } from '../config/settings.ts';
import { AgentError } from '../errors.ts';
import { type AwsClients, type CallContext, contextFor, createAwsClients } from './aws-clients.ts';
import { NOT_TERMINATED, readInstance, readInstancesWhere } from './ec2-calls.ts';
import { ATTENDED_TIMEOUT_MS, InstanceMetadata } from './instance-metadata.ts';
import type { Names } from './names.ts';
import { findOpsworksInstance, readOpsworksInstances } from './opsworks-instance.ts';

/** Searching the stacks of OpsWorks is several calls. */
const LOOKUP_TIMEOUT_MS: DurationMs = 15_000;

/** What is known of an OpsWorks stack before it is looked up. */
export interface StackLookup {
  /** The shared addresses: OpsWorks finds a stack by who holds them. */
  readonly ips: readonly Ip[];
  readonly env: Environment;
  /** Null: OpsWorks is not asked for its own agent's file on this machine. */
  readonly agentFile?: string | null;
}

type Layer = Pick<FoundStack, 'opsworksInstanceId' | 'hostname' | 'stackName' | 'peers' | 'obstacle'>;

const NO_LAYER: Layer = {
  opsworksInstanceId: null,
  hostname: null,
  stackName: null,
  peers: [],
  obstacle: null,
};

/** Look up what there is. Never throws for what the world lacks. */
export async function lookUpStack(lookup: StackLookup, { names }: { names: Names }): Promise<FoundStack> {
  const metadata = new InstanceMetadata(
    { env: lookup.env, requestTimeoutMs: ATTENDED_TIMEOUT_MS },
    { names },
  );
  const own = { region: null, ec2InstanceId: null, privateIp: null };
  try {
    const ec2InstanceId = await metadata.instanceId();
    const [region, privateIp] = await Promise.all([metadata.region(), metadata.get('local-ipv4')]);
    const clients = createAwsClients({ region, topicArn: null });
    try {
      const layer = await findLayer(clients, ec2InstanceId, lookup);
      return { ...layer, region, ec2InstanceId, privateIp };
    } finally {
      clients.close();
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { ...NO_LAYER, ...own, obstacle: `nothing could be looked up: ${error.message}` };
  }
}

async function findLayer(
  clients: AwsClients,
  ec2InstanceId: InstanceId,
  lookup: StackLookup,
): Promise<Layer> {
  const context = contextFor(LOOKUP_TIMEOUT_MS, () => undefined);
  const own = await readInstance(clients, ec2InstanceId, context);
  const tagged = own.kind === 'ok' ? await layerByTags(clients, own.output, context) : null;
  if (tagged !== null) return tagged;
  const asked = await layerByOpsworks(clients, ec2InstanceId, lookup, context);
  if (asked.obstacle === null || own.kind === 'ok') return asked;
  const { code, message } = own.failure;
  return { ...asked, obstacle: `${asked.obstacle}; EC2: ${code}: ${message}` };
}

const LAYER_TAG = 'opsworks:layer:';

/** Null where the instance carries none of OpsWorks's tags. */
async function layerByTags(clients: AwsClients, own: Instance, context: CallContext): Promise<Layer | null> {
  const stackName = tagOf(own, 'opsworks:stack');
  const layers = (own.Tags ?? []).flatMap(({ Key }) => (Key?.startsWith(LAYER_TAG) ? [Key] : []));
  const layer = layers.includes(`${LAYER_TAG}lb`) ? `${LAYER_TAG}lb` : layers[0];
  if (stackName === null || layer === undefined) return null;
  const found: Layer = { ...NO_LAYER, stackName, hostname: tagOf(own, 'opsworks:instance') };
  const filters = [
    { Name: 'tag:opsworks:stack', Values: [stackName] },
    { Name: 'tag-key', Values: [layer] },
    NOT_TERMINATED,
  ];
  const outcome = await readInstancesWhere(clients, filters, context);
  if (outcome.kind === 'failed') {
    return { ...found, obstacle: `peers: ${outcome.failure.code}: ${outcome.failure.message}` };
  }
  const peers = outcome.output
    .filter(({ InstanceId }) => InstanceId !== own.InstanceId)
    .flatMap((instance) => {
      const hostname = tagOf(instance, 'opsworks:instance');
      return hostname === null ? [] : [{ hostname, privateIp: instance.PrivateIpAddress ?? null }];
    });
  return { ...found, peers };
}

function tagOf({ Tags }: { readonly Tags?: readonly Tag[] | undefined }, key: string): string | null {
  return Tags?.find(({ Key }) => Key === key)?.Value ?? null;
}

async function layerByOpsworks(
  clients: AwsClients,
  ec2InstanceId: InstanceId,
  { ips, agentFile }: StackLookup,
  context: CallContext,
): Promise<Layer> {
  const query = { ec2InstanceId, ips, ...(agentFile === undefined ? {} : { agentFile }) };
  const known = await findOpsworksInstance(clients, query, context);
  if (known.kind === 'failed') return { ...NO_LAYER, obstacle: obstacleOf(known.failure) };
  const found: Layer = { ...NO_LAYER, opsworksInstanceId: known.instanceId };
  const own = await readOpsworksInstances(clients, { InstanceIds: [known.instanceId] }, context);
  if (own.kind === 'failed') return { ...found, obstacle: obstacleOf(own.failure) };
  const [instance] = own.output;
  const hostname = instance?.Hostname ?? null;
  for (const layerId of instance?.LayerIds ?? []) {
    const layer = await readOpsworksInstances(clients, { LayerId: layerId }, context);
    if (layer.kind === 'failed') return { ...found, hostname, obstacle: obstacleOf(layer.failure) };
    const peers = layer.output
      .filter(({ InstanceId }) => InstanceId !== known.instanceId)
      .flatMap(({ Hostname, PrivateIp }) =>
        Hostname === undefined ? [] : [{ hostname: Hostname, privateIp: PrivateIp ?? null }],
      );
    if (peers.length > 0) return { ...found, hostname, peers };
  }
  return { ...found, hostname };
}

function obstacleOf({ code, message }: { readonly code: string; readonly message: string }): string {
  return `the layer: OpsWorks: ${code}: ${message}`;
}

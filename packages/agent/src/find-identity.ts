/**
 * Finds out who this node is, for as long as it takes: a machine whose metadata service is late must
 * not be a node that is gone.
 */
import { scalarNode } from '@failtome/config';
import type { DurationMs, InstanceId } from '@failtome/protocol';
import pRetry from 'p-retry';
import { type AwsClients, contextFor, createAwsClients } from './adapters/aws-clients.ts';
import { readInstance } from './adapters/ec2-calls.ts';
import { InstanceMetadata, resolveIdentity } from './adapters/instance-metadata.ts';
import type { Names } from './adapters/names.ts';
import { findOpsworksInstance } from './adapters/opsworks-instance.ts';
import { tagOf } from './adapters/tagged-instances.ts';
import { NODE_ID } from './config/file-keys.ts';
import type { Environment } from './config/settings.ts';
import type { AgentConfig, Identity } from './config/types.ts';
import { AgentError } from './errors.ts';
import { clientsFor } from './ports.ts';

/** Between two attempts to find out. */
const RETRY_MS: DurationMs = 1000;
const MAX_RETRY_MS: DurationMs = 10_000;

const TAG_TIMEOUT_MS: DurationMs = 10_000;

/** Searching the stacks of OpsWorks is several calls. */
const OPSWORKS_TIMEOUT_MS: DurationMs = 20_000;

/** Who this node is, with what had to be opened to find out. */
export interface FoundIdentity extends Identity {
  /** Made already: OpsWorks's id of this instance may have had to be asked for. Null where AWS isn't needed. */
  readonly clients: AwsClients | null;
}

/** What the search for this node's identity needs, and who hears that it goes on. */
export interface FindIdentityDependencies {
  readonly env: Environment;
  readonly names: Names;
  /** Ends the search. */
  readonly signal: AbortSignal;
  /** Told after each attempt that failed, why. */
  readonly onMissing: (reason: string) => void;
}

/** Ask until it is known. Null when `signal` ended it. */
export async function findIdentity(
  config: AgentConfig,
  { env, names, signal, onMissing }: FindIdentityDependencies,
): Promise<FoundIdentity | null> {
  const metadata = new InstanceMetadata({ env }, { names });
  try {
    return await pRetry(() => findOnce(config, env, metadata), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: RETRY_MS,
      maxTimeout: MAX_RETRY_MS,
      signal,
      // What was expected is tried again; anything else is a fault of this program.
      shouldRetry: ({ error }) => error instanceof AgentError,
      onFailedAttempt: ({ error }) => onMissing(error.message),
    });
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

async function findOnce(
  config: AgentConfig,
  env: Environment,
  metadata: InstanceMetadata,
): Promise<FoundIdentity> {
  const { ec2InstanceId, ...resolved } = await resolveIdentity(config, { env, metadata });
  const identity = await namedByTag(config, resolved, ec2InstanceId);
  const clients = clientsFor(config, identity);
  if (clients === null || config.driver?.kind !== 'opsworks' || identity.instanceId !== '') {
    return { ...identity, clients };
  }
  const instanceId = await askOpsworks(config, clients, ec2InstanceId ?? '');
  return { ...identity, instanceId, clients };
}

/**
 * Where the configuration doesn't name this node and peers are found by a tag, its own instance's says which one it is.
 *
 * @throws AgentError
 */
async function namedByTag(
  { node, discovery, driver }: AgentConfig,
  identity: Identity,
  ec2InstanceId: InstanceId | null,
): Promise<Identity> {
  if (node.id !== null || discovery === null || ec2InstanceId === null) return identity;
  const clients = createAwsClients({ region: identity.region, topicArn: null });
  try {
    const context = contextFor(TAG_TIMEOUT_MS, () => undefined);
    const outcome = await readInstance(clients, ec2InstanceId, context);
    if (outcome.kind === 'failed') {
      const { code, message } = outcome.failure;
      throw unnamed(`EC2 does not tell the tags of ${ec2InstanceId}: ${code}: ${message}`);
    }
    const name = tagOf(outcome.output, discovery.tag);
    const reading = NODE_ID.kind.read(scalarNode(name));
    if (name === null) throw unnamed(`${ec2InstanceId} has no tag ${discovery.tag}`);
    if (reading.kind !== 'value')
      throw unnamed(`the tag ${discovery.tag} of ${ec2InstanceId} is no node id: ${reading.found}`);
    const { value: id } = reading;
    return {
      ...identity,
      id,
      instanceId: driver?.kind === 'exec' && node.role === 'candidate' ? id : identity.instanceId,
    };
  } finally {
    clients.close();
  }
}

function unnamed(why: string): AgentError {
  return new AgentError(
    'NODE_TAG_MISSING',
    `node.id is not configured, and ${why}; set node.id`,
    'retryable',
  );
}

/** @throws AgentError */
async function askOpsworks(
  config: AgentConfig,
  clients: AwsClients,
  ec2InstanceId: InstanceId,
): Promise<InstanceId> {
  const ips = config.addresses.map(({ ip }) => ip);
  const context = contextFor(OPSWORKS_TIMEOUT_MS, () => undefined);
  const outcome = await findOpsworksInstance(clients, { ec2InstanceId, ips }, context);
  if (outcome.kind === 'found') return outcome.instanceId;
  clients.close();
  const { code, message } = outcome.failure;
  const detail = `driver.instanceId is not configured, and OpsWorks does not tell it: ${code}: ${message}`;
  throw new AgentError('OPSWORKS_INSTANCE_UNKNOWN', `${detail}; set driver.instanceId`, 'retryable');
}

/**
 * Which instance of OpsWorks's this machine is, where the configuration doesn't say.
 *
 * OpsWorks finds instances by stack, layer or its own ids, never by EC2's. So either the OpsWorks agent's
 * own file on the machine tells, or the stack is found first: through the instances that hold the
 * configured addresses, or else among all stacks that this node may list.
 */
import { readFile } from 'node:fs/promises';
import { DescribeInstancesCommand, DescribeStacksCommand, type Instance } from '@aws-sdk/client-opsworks';
import type { CallOutcome } from '@failtome/ports';
import type { DriverFailure, InstanceId, Ip } from '@failtome/protocol';
import { type AwsClients, type CallContext, readAws } from './aws-clients.ts';
import { readElasticIps } from './opsworks-calls.ts';

/** Written by the OpsWorks agent at set-up; `:identity:` is OpsWorks's id of the instance. */
const AGENT_FILE = '/etc/aws/opsworks/instance-agent.yml';

/** The most stacks that are searched. */
const MAX_STACKS = 50;

/** Which instance OpsWorks is asked for, and by what it can be found. */
export interface OpsworksInstanceQuery {
  readonly ec2InstanceId: InstanceId;
  readonly ips: readonly Ip[];
  /** Null: none is read. */
  readonly agentFile?: string | null;
}

/** OpsWorks's own id of the instance, or why it can't be had. */
export type OpsworksInstanceOutcome =
  | { readonly kind: 'found'; readonly instanceId: InstanceId }
  | { readonly kind: 'failed'; readonly failure: DriverFailure };

/** Find it. A failure that is not a definite no may be tried again. */
export async function findOpsworksInstance(
  clients: AwsClients,
  query: OpsworksInstanceQuery,
  context: CallContext,
): Promise<OpsworksInstanceOutcome> {
  const agentFile = query.agentFile === undefined ? AGENT_FILE : query.agentFile;
  const told = agentFile === null ? null : await identityIn(agentFile);
  if (told !== null) return { kind: 'found', instanceId: told };
  const byHolder = await stacksOfHolders(clients, query.ips, context);
  const found = await searchStacks(clients, byHolder.output, query.ec2InstanceId, context);
  if (found !== null) return { kind: 'found', instanceId: found };
  const all = await allStacks(clients, context);
  const rest = all.kind === 'ok' ? all.output.filter((id) => !byHolder.output.includes(id)) : [];
  const foundLater = await searchStacks(clients, rest, query.ec2InstanceId, context);
  if (foundLater !== null) return { kind: 'found', instanceId: foundLater };
  return { kind: 'failed', failure: byHolder.failure ?? notFound(query.ec2InstanceId) };
}

/** Only the one line is looked at: the file holds keys, too. Null where there is no such file for us. */
async function identityIn(file: string): Promise<InstanceId | null> {
  try {
    const text = await readFile(file, 'utf8');
    return /^:identity:\s*['"]?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

interface Stacks {
  readonly output: readonly string[];
  readonly failure: DriverFailure | null;
}

async function stacksOfHolders(
  clients: AwsClients,
  ips: readonly Ip[],
  context: CallContext,
): Promise<Stacks> {
  const addresses = await readElasticIps(clients, { Ips: [...ips] }, context);
  if (addresses.kind === 'failed') return { output: [], failure: addresses.failure };
  const holders = addresses.output.flatMap(({ InstanceId }) => InstanceId ?? []);
  if (holders.length === 0) return { output: [], failure: null };
  const instances = await readOpsworksInstances(clients, { InstanceIds: holders }, context);
  if (instances.kind === 'failed') return { output: [], failure: instances.failure };
  return { output: [...new Set(instances.output.flatMap(({ StackId }) => StackId ?? []))], failure: null };
}

async function allStacks(clients: AwsClients, context: CallContext): Promise<CallOutcome<readonly string[]>> {
  const outcome = await readAws(
    clients,
    {
      service: 'opsworks',
      operation: 'DescribeStacks',
      send: (options) => clients.opsworks.send(new DescribeStacksCommand({}), options),
    },
    context,
  );
  if (outcome.kind === 'failed') return outcome;
  return { kind: 'ok', output: (outcome.output.Stacks ?? []).flatMap(({ StackId }) => StackId ?? []) };
}

async function searchStacks(
  clients: AwsClients,
  stackIds: readonly string[],
  ec2InstanceId: InstanceId,
  context: CallContext,
): Promise<InstanceId | null> {
  for (const stackId of stackIds.slice(0, MAX_STACKS)) {
    const instances = await readOpsworksInstances(clients, { StackId: stackId }, context);
    if (instances.kind === 'failed') continue;
    const own = instances.output.find(({ Ec2InstanceId }) => Ec2InstanceId === ec2InstanceId);
    if (own?.InstanceId !== undefined) return own.InstanceId;
  }
  return null;
}

/** The instances of a stack, of a layer, or by OpsWorks's own ids. */
export async function readOpsworksInstances(
  clients: AwsClients,
  input: { readonly StackId: string } | { readonly LayerId: string } | { readonly InstanceIds: string[] },
  context: CallContext,
): Promise<CallOutcome<readonly Instance[]>> {
  const outcome = await readAws(
    clients,
    {
      service: 'opsworks',
      operation: 'DescribeInstances',
      send: (options) => clients.opsworks.send(new DescribeInstancesCommand(input), options),
    },
    context,
  );
  return outcome.kind === 'failed' ? outcome : { kind: 'ok', output: outcome.output.Instances ?? [] };
}

function notFound(ec2InstanceId: InstanceId): DriverFailure {
  const message = `no stack that this node may see has ${ec2InstanceId}; set driver.instanceId to OpsWorks's own id of this instance`;
  return { kind: 'refused', throttled: false, code: 'OpsworksInstanceNotFound', message };
}

/**
 * What a policy has to name and a configuration doesn't: the account, the addresses' allocation ids, the nodes' instance
 * profiles and subnets, OpsWorks's stack. Asked of instance metadata and of AWS, with whatever credentials there are.
 */
import type { Instance } from '@aws-sdk/client-ec2';
import type { CallOutcome, ElasticIp } from '@failtome/ports';
import type { DriverFailure, DurationMs, InstanceId, Ip } from '@failtome/protocol';
import type { AwsDriverKindName } from '../config/driver-kinds.ts';
import type { Environment } from '../config/settings.ts';
import { AgentError } from '../errors.ts';
import { type AwsClients, type CallContext, contextFor, createAwsClients } from './aws-clients.ts';
import { readCaller } from './caller.ts';
import { readAllAddresses, readInstancesWhere } from './ec2-calls.ts';
import { ATTENDED_TIMEOUT_MS, InstanceMetadata } from './instance-metadata.ts';
import type { Names } from './names.ts';
import { findOpsworksInstance, readOpsworksInstances } from './opsworks-instance.ts';

const LOOKUP_TIMEOUT_MS: DurationMs = 15_000;

/** What is looked up in AWS for the least policy, so that it names resources and not all. */
export interface IamLookup {
  readonly driver: AwsDriverKindName;
  readonly ips: readonly Ip[];
  /** The private addresses of all candidates; null where one is known by name only. */
  readonly nodeIps: readonly Ip[] | null;
  /** This node's own is among them; otherwise it is the instance's. */
  readonly isListed: boolean;
  /** Null: the instance's own. */
  readonly region: string | null;
  /** As configured; null: searched for. */
  readonly opsworksInstanceId: InstanceId | null;
  readonly env: Environment;
}

/** Null or empty where it could not be found out. */
export interface FoundForIam {
  readonly region: string | null;
  readonly account: string | null;
  readonly allocationIds: ReadonlyMap<Ip, string>;
  /** ARNs. */
  readonly profiles: readonly string[];
  /** Of all the candidates, or none. */
  readonly subnets: readonly string[];
  readonly stackId: string | null;
  /** Why something could not be found out, for people. */
  readonly obstacles: readonly string[];
}

type FromMetadata = Pick<FoundForIam, 'region' | 'account' | 'profiles'> & {
  readonly instanceId: InstanceId | null;
  readonly privateIp: Ip | null;
};

/** Look up what there is. Never throws for what the world lacks. */
export async function lookUpForIam(lookup: IamLookup, { names }: { names: Names }): Promise<FoundForIam> {
  const obstacles: string[] = [];
  const { instanceId, privateIp, ...own } = await fromMetadata(lookup, names, obstacles);
  const region = lookup.region ?? own.region;
  const found = {
    ...own,
    region,
    allocationIds: new Map<Ip, string>(),
    subnets: [],
    stackId: null,
    obstacles,
  };
  if (region === null) return found;
  const clients = createAwsClients({ region, topicArn: null });
  const context = contextFor(LOOKUP_TIMEOUT_MS, () => undefined);
  try {
    const account = own.account ?? (await accountByCaller(clients, context, obstacles));
    if (lookup.driver === 'opsworks') {
      const stackId = await stackOf(clients, lookup, instanceId, context, obstacles);
      return { ...found, account, stackId };
    }
    const nodeIps = allNodeIps(lookup, privateIp);
    const ofNodes = await ofEc2(clients, nodeIps, lookup, context, obstacles);
    const profiles = ofNodes.profiles.length > 0 ? ofNodes.profiles : own.profiles;
    return { ...found, ...ofNodes, account, profiles };
  } finally {
    clients.close();
  }
}

async function fromMetadata({ env }: IamLookup, names: Names, obstacles: string[]): Promise<FromMetadata> {
  const metadata = new InstanceMetadata({ env, requestTimeoutMs: ATTENDED_TIMEOUT_MS }, { names });
  try {
    const instanceId = await metadata.instanceId();
    const [region, mac] = await Promise.all([metadata.region(), metadata.get('mac')]);
    const account = await metadata.get(`network/interfaces/macs/${mac}/owner-id`);
    const privateIp = await metadata.get('local-ipv4');
    return { instanceId, privateIp, region, account, profiles: await ownProfile(metadata) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    obstacles.push(error.message);
    return { instanceId: null, privateIp: null, region: null, account: null, profiles: [] };
  }
}

/** An instance need not have a profile. */
async function ownProfile(metadata: InstanceMetadata): Promise<readonly string[]> {
  try {
    const info: unknown = JSON.parse(await metadata.document('iam/info'));
    const arn = typeof info === 'object' && info !== null && 'InstanceProfileArn' in info;
    return arn && typeof info.InstanceProfileArn === 'string' ? [info.InstanceProfileArn] : [];
  } catch (error) {
    if (error instanceof AgentError || error instanceof SyntaxError) return [];
    throw error;
  }
}

async function accountByCaller(
  clients: AwsClients,
  context: CallContext,
  obstacles: string[],
): Promise<string | null> {
  const outcome = await readCaller(clients, context);
  if (outcome.kind === 'ok') return outcome.output.Account ?? null;
  obstacles.push(obstacleOf('sts:GetCallerIdentity', outcome.failure));
  return null;
}

function allNodeIps({ nodeIps, isListed }: IamLookup, own: Ip | null): readonly Ip[] | null {
  if (nodeIps === null || isListed) return nodeIps;
  return own === null ? null : [...new Set([...nodeIps, own])];
}

/** What moves no Elastic IP needs none. */
const NO_ADDRESSES: CallOutcome<readonly ElasticIp[]> = { kind: 'ok', output: [] };

async function ofEc2(
  clients: AwsClients,
  nodeIps: readonly Ip[] | null,
  { driver, ips }: IamLookup,
  context: CallContext,
  obstacles: string[],
): Promise<Pick<FoundForIam, 'allocationIds' | 'subnets' | 'profiles'>> {
  const [addresses, instances] = await Promise.all([
    driver === 'ec2' ? readAllAddresses(clients, context) : NO_ADDRESSES,
    nodeIps === null
      ? null
      : readInstancesWhere(clients, [{ Name: 'private-ip-address', Values: [...nodeIps] }], context),
  ]);
  if (addresses.kind === 'failed') obstacles.push(obstacleOf('ec2:DescribeAddresses', addresses.failure));
  const known = addresses.kind === 'ok' ? addresses.output.filter(({ ip }) => ips.includes(ip)) : [];
  const allocationIds = new Map(known.map(({ ip, allocationId }) => [ip, allocationId] as const));
  if (instances?.kind === 'failed') obstacles.push(obstacleOf('ec2:DescribeInstances', instances.failure));
  const found = instances?.kind === 'ok' ? instances.output : [];
  return { allocationIds, ...ofInstances(found, nodeIps ?? [], obstacles) };
}

/** Without one of the nodes its subnet would be missing, and the address stuck there: then none is told. */
function ofInstances(
  instances: readonly Instance[],
  nodeIps: readonly Ip[],
  obstacles: string[],
): Pick<FoundForIam, 'subnets' | 'profiles'> {
  const cards = instances.flatMap(({ NetworkInterfaces = [] }) => NetworkInterfaces);
  const absent = nodeIps.filter((ip) => !instances.some(({ PrivateIpAddress }) => PrivateIpAddress === ip));
  if (nodeIps.length === 0 || instances.length === 0 || absent.length > 0) {
    if (absent.length > 0) obstacles.push(`no instance has the private address ${absent.join(', ')}`);
    return { subnets: [], profiles: [] };
  }
  const profiles = instances.flatMap(({ IamInstanceProfile }) => IamInstanceProfile?.Arn ?? []);
  const subnets = cards.flatMap(({ SubnetId }) => SubnetId ?? []);
  return { subnets: [...new Set(subnets)].sort(), profiles: [...new Set(profiles)].sort() };
}

async function stackOf(
  clients: AwsClients,
  { ips, opsworksInstanceId }: IamLookup,
  ec2InstanceId: InstanceId | null,
  context: CallContext,
  obstacles: string[],
): Promise<string | null> {
  let id = opsworksInstanceId;
  if (id === null && ec2InstanceId !== null) {
    const found = await findOpsworksInstance(clients, { ec2InstanceId, ips }, context);
    if (found.kind === 'failed') obstacles.push(obstacleOf('OpsWorks', found.failure));
    else id = found.instanceId;
  }
  if (id === null) return null;
  const outcome = await readOpsworksInstances(clients, { InstanceIds: [id] }, context);
  if (outcome.kind === 'ok') return outcome.output[0]?.StackId ?? null;
  obstacles.push(obstacleOf('opsworks:DescribeInstances', outcome.failure));
  return null;
}

function obstacleOf(what: string, { code, message }: DriverFailure): string {
  return `${what}: ${code}: ${message}`;
}

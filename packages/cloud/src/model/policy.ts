/**
 * Identity-based policies, as far as a role that moves addresses needs them: whether one allows a call of the model.
 *
 * Sources: IAM User Guide, "Policy evaluation logic" (a call is allowed when each of its resources is) and "IAM JSON policy
 * elements"; Service Authorization Reference, Amazon EC2, for the resources and condition keys of each action. What is
 * written in a policy and not known here is an error rather than a guess.
 */
import type { AwsAction, Caller } from './names.ts';
import type { AssociateAddress, AwsRequest } from './requests.ts';
import type { AwsConfig, AwsState, ElasticAddress, Instance, NetworkInterface } from './state.ts';

type OneOrMore = string | readonly string[];

/** One statement of an IAM policy, as its JSON has it. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: OneOrMore;
  readonly Resource: OneOrMore;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore>>>>;
}

/** A policy document, as IAM takes it. */
export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly PolicyStatement[];
}

/** One thing that has to be allowed: the action on one resource, with what conditions may ask of it. */
interface Question {
  readonly resource: string;
  readonly keys: ReadonlyMap<string, string>;
}

/** Throws when the document says something that isn't understood here. */
export function checkPolicy(document: PolicyDocument): void {
  if (document.Version !== '2012-10-17') throw new Error(`A policy of version ${document.Version}.`);
  for (const { Sid = 'a statement', Effect, Condition = {} } of document.Statement) {
    if (Effect !== 'Allow') throw new Error(`${Sid} has the effect ${Effect}; only Allow is understood.`);
    const unknown = Object.keys(Condition).find((operator) => !OPERATORS.has(operator));
    if (unknown !== undefined) throw new Error(`${Sid} has the condition operator ${unknown}.`);
  }
}

/** Whether a role with this policy alone may make the call. STS tells everyone who they are. */
export function isAllowed(document: PolicyDocument, state: AwsState, request: AwsRequest): boolean {
  if (request.action === 'sts:GetCallerIdentity') return true;
  const questions = questionsOf(state, request);
  return questions.every((question) =>
    document.Statement.some((statement) => allows(statement, request.action, question)),
  );
}

function allows(
  { Action, Resource, Condition = {} }: PolicyStatement,
  action: AwsAction,
  question: Question,
) {
  return (
    listOf(Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    listOf(Resource).some((pattern) => matches(pattern, question.resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => {
        // A key that the request doesn't have fulfils no condition (IAM User Guide, "Condition").
        const value = question.keys.get(key.toLowerCase());
        return value !== undefined && listOf(values).some((each) => OPERATORS.get(operator)?.(each, value));
      }),
    )
  );
}

const OPERATORS: ReadonlyMap<string, (pattern: string, value: string) => boolean> = new Map([
  ['StringEquals', (pattern: string, value: string) => pattern === value],
  ['StringLike', matches],
  // Both match alike (IAM User Guide, "ARN condition operators").
  ['ArnEquals', matches],
  ['ArnLike', matches],
]);

function matches(pattern: string, value: string): boolean {
  const parts = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('?', '.'));
  return new RegExp(`^${parts.join('.*')}$`).test(value);
}

function listOf(value: OneOrMore): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function questionsOf(state: AwsState, request: AwsRequest): readonly Question[] {
  const { config } = state;
  switch (request.action) {
    case 'ec2:AssociateAddress':
      return associateQuestions(state, request);
    case 'ec2:DisassociateAddress': {
      const address = [...state.addresses.values()].find(
        ({ association }) => association?.id === request.associationId,
      );
      const card = interfacesOf(state).find(({ card: { id } }) => id === address?.association?.interfaceId);
      return [addressQuestion(config, address), interfaceQuestion(config, card)];
    }
    case 'ec2:AssignPrivateIpAddresses':
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:UnassignIpv6Addresses':
      return [
        interfaceQuestion(
          config,
          interfacesOf(state).find(({ card: { id } }) => id === request.networkInterfaceId),
        ),
      ];
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
      return [routeTableQuestion(config, request.routeTableId ?? UNKNOWN)];
    case 'opsworks:AssociateElasticIp':
    case 'opsworks:DisassociateElasticIp':
    case 'opsworks:DescribeElasticIps':
    case 'opsworks:DescribeInstances':
      return [
        question(config, `arn:aws:opsworks:${config.region}:${config.accountId}:stack/${config.stackId}/`),
      ];
    case 'secretsmanager:GetSecretValue':
      return [question(config, request.secretId)];
    case 'sns:Publish':
    case 'sns:GetTopicAttributes':
      return [question(config, request.topicArn)];
    case 'sts:AssumeRole':
      return [question(config, request.roleArn)];
    default:
      return [question(config, '*')];
  }
}

/** An id that nobody has is judged as a resource without any properties. */
const UNKNOWN = 'unknown';

function associateQuestions(state: AwsState, request: AssociateAddress): readonly Question[] {
  const { config } = state;
  const address = [...state.addresses.values()].find(
    ({ allocationId, publicIp }) => allocationId === request.allocationId || publicIp === request.publicIp,
  );
  const landing = interfacesOf(state).find(
    ({ instance, card }) => instance.id === request.instanceId || card.id === request.networkInterfaceId,
  );
  return [
    addressQuestion(config, address),
    instanceQuestion(config, landing?.instance),
    interfaceQuestion(config, landing),
  ];
}

interface PlacedInterface {
  readonly instance: Instance;
  readonly card: NetworkInterface;
}

function interfacesOf(state: AwsState): readonly PlacedInterface[] {
  return [...state.instances.values()].flatMap((instance) =>
    instance.interfaces.map((card) => ({ instance, card })),
  );
}

function addressQuestion(config: AwsConfig, address: ElasticAddress | undefined): Question {
  const arn = ec2Arn(config, 'elastic-ip', address?.allocationId ?? UNKNOWN);
  if (address === undefined) return question(config, arn);
  const { allocationId, publicIp } = address;
  return question(config, arn, { 'ec2:AllocationId': allocationId, 'ec2:PublicIpAddress': publicIp });
}

function instanceQuestion(config: AwsConfig, instance: Instance | undefined): Question {
  const arn = ec2Arn(config, 'instance', instance?.id ?? UNKNOWN);
  if (instance === undefined) return question(config, arn);
  const tags = Object.entries(instance.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
  return question(config, arn, {
    'ec2:InstanceID': instance.id,
    'ec2:InstanceProfile': instanceProfileArn(config, instance),
    ...Object.fromEntries(tags),
  });
}

function interfaceQuestion(config: AwsConfig, placed: PlacedInterface | undefined): Question {
  const arn = ec2Arn(config, 'network-interface', placed?.card.id ?? UNKNOWN);
  if (placed === undefined) return question(config, arn);
  return question(config, arn, {
    'ec2:NetworkInterfaceID': arn,
    'ec2:Subnet': ec2Arn(config, 'subnet', subnetIdOf(placed.instance)),
    'ec2:Vpc': ec2Arn(config, 'vpc', VPC_ID),
  });
}

function routeTableQuestion(config: AwsConfig, id: string): Question {
  const arn = ec2Arn(config, 'route-table', id);
  return question(config, arn, { 'ec2:RouteTableID': id, 'ec2:Vpc': ec2Arn(config, 'vpc', VPC_ID) });
}

function question(
  config: AwsConfig,
  resource: string,
  keys: Readonly<Record<string, string>> = {},
): Question {
  const all = { 'aws:RequestedRegion': config.region, 'ec2:Region': config.region, ...keys };
  return { resource, keys: new Map(Object.entries(all).map(([key, value]) => [key.toLowerCase(), value])) };
}

function ec2Arn({ region, accountId }: AwsConfig, kind: string, id: string): string {
  return `arn:aws:ec2:${region}:${accountId}:${kind}/${id}`;
}

/** The one network that all instances are in. */
export const VPC_ID = 'vpc-0f417703e00000001';

/** Each zone has one subnet. */
export function subnetIdOf({ availabilityZone }: Pick<Instance, 'availabilityZone'>): string {
  return `subnet-${availabilityZone.replaceAll('-', '')}`;
}

/** The profile that an instance was launched with; all have the same unless told otherwise. */
export function instanceProfileArn({ accountId }: AwsConfig, { profile = 'failtome' }: Instance): string {
  return `arn:aws:iam::${accountId}:instance-profile/${profile}`;
}

/** Which instances' own roles, and which roles that are assumed, by their names, have a policy of their own; to everybody else every call is allowed. */
export type Policies = ReadonlyMap<string, PolicyDocument>;

/** Whether the caller's policy, if there is one, refuses a call. */
export function isRefusedByPolicy(
  policies: Policies,
  state: AwsState,
  request: AwsRequest,
  caller: Caller,
): boolean {
  const policy =
    caller.kind === 'instance' ? policies.get(caller.role?.name ?? caller.instanceId) : undefined;
  return policy !== undefined && !isAllowed(policy, state, request);
}

import type { AwsError, AwsRequest, AwsService, Filter, SetIpv6Addresses, SetRoute } from '../model/index.ts';

/** A request that was understood, or why not. */
export type Parsed =
  | { readonly kind: 'request'; readonly request: AwsRequest }
  | { readonly kind: 'error'; readonly error: AwsError };

type Parser = (parameters: Parameters) => AwsRequest;

/** Reads a form-encoded request of EC2, SNS or STS ("Query API"). Parameters that it doesn't know are refused, as EC2 does. */
export function parseQuery(
  service: Exclude<AwsService, 'opsworks' | 'secretsmanager'>,
  body: string,
): Parsed {
  const parameters = new Parameters(new URLSearchParams(body));
  const action = parameters.text('Action') ?? '';
  parameters.text('Version');
  const parser = parsers.get(`${service}:${action}`);
  if (parser === undefined) {
    return failure('InvalidAction', `The action ${action} is not valid for this web service.`);
  }
  const request = parser(parameters);
  if (parameters.faults.length > 0) return failure('InvalidParameterValue', parameters.faults.join('; '));
  const [unknown] = parameters.unread();
  if (unknown !== undefined) return failure('UnknownParameter', `The parameter ${unknown} is not recognized`);
  return { kind: 'request', request };
}

function failure(code: string, message: string): Parsed {
  return { kind: 'error', error: { code, message, status: 400 } };
}

const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  [
    'ec2:DescribeAddresses',
    (p) => ({
      action: 'ec2:DescribeAddresses',
      dryRun: p.flag('DryRun') ?? false,
      publicIps: p.list('PublicIp'),
      allocationIds: p.list('AllocationId'),
      filters: p.filters(),
    }),
  ],
  [
    'ec2:AssociateAddress',
    (p) => ({
      action: 'ec2:AssociateAddress',
      dryRun: p.flag('DryRun') ?? false,
      allocationId: p.text('AllocationId'),
      publicIp: p.text('PublicIp'),
      instanceId: p.text('InstanceId'),
      networkInterfaceId: p.text('NetworkInterfaceId'),
      privateIpAddress: p.text('PrivateIpAddress'),
      allowReassociation: p.flag('AllowReassociation'),
    }),
  ],
  [
    'ec2:DisassociateAddress',
    (p) => ({
      action: 'ec2:DisassociateAddress',
      dryRun: p.flag('DryRun') ?? false,
      associationId: p.text('AssociationId'),
      publicIp: p.text('PublicIp'),
    }),
  ],
  [
    'ec2:DescribeInstances',
    (p) => {
      p.text('MaxResults');
      return {
        action: 'ec2:DescribeInstances',
        dryRun: p.flag('DryRun') ?? false,
        instanceIds: p.list('InstanceId'),
        filters: p.filters(),
      };
    },
  ],
  [
    'ec2:DescribeInstanceStatus',
    (p) => {
      p.text('MaxResults');
      return {
        action: 'ec2:DescribeInstanceStatus',
        dryRun: p.flag('DryRun') ?? false,
        instanceIds: p.list('InstanceId'),
        includeAllInstances: p.flag('IncludeAllInstances') ?? false,
      };
    },
  ],
  [
    'ec2:DescribeNetworkInterfaces',
    (p) => {
      p.text('MaxResults');
      return {
        action: 'ec2:DescribeNetworkInterfaces',
        dryRun: p.flag('DryRun') ?? false,
        networkInterfaceIds: p.list('NetworkInterfaceId'),
        filters: p.filters(),
      };
    },
  ],
  [
    'ec2:AssignPrivateIpAddresses',
    (p) => ({
      action: 'ec2:AssignPrivateIpAddresses',
      networkInterfaceId: p.text('NetworkInterfaceId'),
      privateIpAddresses: p.list('PrivateIpAddress'),
      allowReassignment: p.flag('AllowReassignment'),
    }),
  ],
  [
    'ec2:UnassignPrivateIpAddresses',
    (p) => ({
      action: 'ec2:UnassignPrivateIpAddresses',
      networkInterfaceId: p.text('NetworkInterfaceId'),
      privateIpAddresses: p.list('PrivateIpAddress'),
    }),
  ],
  ['ec2:AssignIpv6Addresses', (p) => ipv6From(p, 'ec2:AssignIpv6Addresses')],
  ['ec2:UnassignIpv6Addresses', (p) => ipv6From(p, 'ec2:UnassignIpv6Addresses')],
  [
    'ec2:DescribeSubnets',
    (p) => ({
      action: 'ec2:DescribeSubnets',
      dryRun: p.flag('DryRun') ?? false,
      subnetIds: p.list('SubnetId'),
      filters: p.filters(),
    }),
  ],
  [
    'ec2:DescribeRouteTables',
    (p) => {
      p.text('MaxResults');
      return {
        action: 'ec2:DescribeRouteTables',
        dryRun: p.flag('DryRun') ?? false,
        routeTableIds: p.list('RouteTableId'),
        filters: p.filters(),
      };
    },
  ],
  ['ec2:ReplaceRoute', (p) => routeFrom(p, 'ec2:ReplaceRoute')],
  ['ec2:CreateRoute', (p) => routeFrom(p, 'ec2:CreateRoute')],
  [
    'sns:Publish',
    (p) => ({
      action: 'sns:Publish',
      topicArn: p.text('TopicArn') ?? '',
      subject: p.text('Subject'),
      message: p.text('Message') ?? '',
    }),
  ],
  [
    'sns:GetTopicAttributes',
    (p) => ({ action: 'sns:GetTopicAttributes', topicArn: p.text('TopicArn') ?? '' }),
  ],
  [
    'sts:AssumeRole',
    (p) => ({
      action: 'sts:AssumeRole',
      roleArn: p.text('RoleArn') ?? '',
      sessionName: p.text('RoleSessionName') ?? '',
      durationMs: Number(p.text('DurationSeconds') ?? 3_600) * 1_000,
    }),
  ],
  ['sts:GetCallerIdentity', () => ({ action: 'sts:GetCallerIdentity' })],
]);

function ipv6From(p: Parameters, action: SetIpv6Addresses['action']): SetIpv6Addresses {
  return {
    action,
    networkInterfaceId: p.text('NetworkInterfaceId'),
    ipv6Addresses: p.list('Ipv6Addresses'),
  };
}

function routeFrom(p: Parameters, action: SetRoute['action']): SetRoute {
  return {
    action,
    dryRun: p.flag('DryRun') ?? false,
    routeTableId: p.text('RouteTableId'),
    destination: p.text('DestinationCidrBlock'),
    networkInterfaceId: p.text('NetworkInterfaceId'),
    instanceId: p.text('InstanceId'),
  };
}

/** Form parameters, which remember what was read. */
class Parameters {
  readonly #form: URLSearchParams;
  readonly #read = new Set<string>();
  readonly faults: string[] = [];

  constructor(form: URLSearchParams) {
    this.#form = form;
  }

  text(name: string): string | null {
    this.#read.add(name);
    return this.#form.get(name);
  }

  flag(name: string): boolean | null {
    const value = this.text(name);
    if (value === null) return null;
    if (value !== 'true' && value !== 'false')
      this.faults.push(`The value ${value} of ${name} is not a boolean`);
    return value === 'true';
  }

  list(name: string): readonly string[] {
    const values: string[] = [];
    for (let number = 1; this.#form.has(`${name}.${number}`); number += 1) {
      values.push(this.text(`${name}.${number}`) ?? '');
    }
    return values;
  }

  filters(): readonly Filter[] {
    const filters: Filter[] = [];
    for (let number = 1; this.#form.has(`Filter.${number}.Name`); number += 1) {
      const name = this.text(`Filter.${number}.Name`) ?? '';
      filters.push({ name, values: this.list(`Filter.${number}.Value`) });
    }
    return filters;
  }

  unread(): readonly string[] {
    return [...this.#form.keys()].filter((name) => !this.#read.has(name));
  }
}

import type {
  AwsConfig,
  AwsError,
  AwsRequest,
  AwsResult,
  InstanceState,
  InstanceView,
} from '../model/index.ts';
import type { Parsed } from './query-request.ts';

/** What OpsWorks answers. */
export type OpsworksResult = Extract<AwsResult, { readonly action: `opsworks:${string}` }>;

const targetForm = /^OpsWorks_20130218\.(\w+)$/;

/** Reads a JSON 1.1 request of OpsWorks; the operation stands in `x-amz-target`. */
export function parseOpsworks(target: string | undefined, body: string): Parsed {
  const operation = targetForm.exec(target ?? '')?.[1];
  const fields = fieldsOf(body);
  if (fields === null) return failure('SerializationException', 'The request body is not a JSON object');
  const request = operation === undefined ? null : requestOf(operation, fields);
  if (request === null)
    return failure('UnknownOperationException', `There is no operation ${operation ?? target}`);
  return { kind: 'request', request };
}

function requestOf(operation: string, fields: Fields): AwsRequest | null {
  switch (operation) {
    case 'AssociateElasticIp':
      return {
        action: 'opsworks:AssociateElasticIp',
        elasticIp: text(fields, 'ElasticIp') ?? '',
        instanceId: text(fields, 'InstanceId'),
      };
    case 'DisassociateElasticIp':
      return { action: 'opsworks:DisassociateElasticIp', elasticIp: text(fields, 'ElasticIp') ?? '' };
    case 'DescribeElasticIps':
      return {
        action: 'opsworks:DescribeElasticIps',
        instanceId: text(fields, 'InstanceId'),
        stackId: text(fields, 'StackId'),
        ips: list(fields, 'Ips'),
      };
    case 'DescribeInstances':
      return {
        action: 'opsworks:DescribeInstances',
        stackId: text(fields, 'StackId'),
        layerId: text(fields, 'LayerId'),
        instanceIds: list(fields, 'InstanceIds'),
      };
    default:
      return null;
  }
}

/** Writes a success. The two calls that move an address answer with an empty body (OpsWorks API Reference). */
export function opsworksAnswer(result: OpsworksResult, config: AwsConfig): string {
  switch (result.action) {
    case 'opsworks:AssociateElasticIp':
    case 'opsworks:DisassociateElasticIp':
      return '';
    case 'opsworks:DescribeElasticIps':
      return JSON.stringify({
        ElasticIps: result.elasticIps.map(({ ip, instanceId }) => ({
          Domain: 'vpc',
          Ip: ip,
          Region: config.region,
          ...(instanceId === null ? {} : { InstanceId: instanceId }),
        })),
      });
    case 'opsworks:DescribeInstances':
      return JSON.stringify({ Instances: result.instances.map((view) => instanceJson(view, config)) });
  }
}

/** Writes an error: SDKs read the code from `__type`. */
export function opsworksError(error: AwsError): string {
  return JSON.stringify({ __type: error.code, message: error.message });
}

function instanceJson({ instance, addresses, publicIp }: InstanceView, config: AwsConfig): object {
  const elastic = addresses[0]?.publicIp;
  return {
    InstanceId: instance.opsworksId,
    Ec2InstanceId: instance.id,
    Hostname: instance.hostname,
    StackId: config.stackId,
    LayerIds: [config.layerId],
    AvailabilityZone: instance.availabilityZone,
    PrivateIp: instance.interfaces[0].privateIps[0],
    Status: statusOf(instance.state, instance.network),
    ...(elastic === undefined ? {} : { ElasticIp: elastic }),
    ...(publicIp === null ? {} : { PublicIp: publicIp }),
  };
}

/** OpsWorks API Reference, Instance: its agent's silence shows as `connection_lost`. */
function statusOf(state: InstanceState, network: InstanceView['instance']['network']): string {
  switch (state) {
    case 'running':
      return network === 'gone' ? 'connection_lost' : 'online';
    case 'pending':
      return 'pending';
    case 'stopping':
      return 'stopping';
    case 'stopped':
      return 'stopped';
    case 'shutting-down':
      return 'terminating';
    case 'terminated':
      return 'terminated';
  }
}

type Fields = ReadonlyMap<string, unknown>;

function fieldsOf(body: string): Fields | null {
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return new Map(Object.entries(value));
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function text(fields: Fields, name: string): string | null {
  const value = fields.get(name);
  return typeof value === 'string' ? value : null;
}

function list(fields: Fields, name: string): readonly string[] {
  const value = fields.get(name);
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function failure(code: string, message: string): Parsed {
  return { kind: 'error', error: { code, message, status: 400 } };
}

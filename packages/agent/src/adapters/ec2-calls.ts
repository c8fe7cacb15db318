/**
 * The driver's calls to EC2 over the SDK, and what of its answers counts. Without state: the driver, the preflight and
 * the look-ups share them.
 */
import {
  type Address,
  AssociateAddressCommand,
  type AssociateAddressCommandInput,
  type AssociateAddressCommandOutput,
  DescribeAddressesCommand,
  type DescribeAddressesCommandOutput,
  DescribeInstancesCommand,
  type DescribeInstancesCommandOutput,
  DisassociateAddressCommand,
  type Filter,
  type Instance,
} from '@aws-sdk/client-ec2';
import {
  type Associate,
  type AwsCall,
  type CallOutcome,
  type ElasticIp,
  isRepeatable,
  operationOf,
  outputOf,
  type Place,
} from '@failtome/ports';
import type { InstanceId } from '@failtome/protocol';
import { type AwsClients, ask, type CallContext, readAws, type SendOptions } from './aws-clients.ts';
import { sendOfInterfaces } from './interface-calls.ts';
import { sendOfRoutes } from './route-calls.ts';

/** The calls that go to EC2. */
export type Ec2Call = Extract<
  AwsCall,
  {
    kind:
      | 'addresses'
      | 'places'
      | 'interfaces'
      | 'associate'
      | 'disassociate'
      | 'assign-ip'
      | 'unassign-ip'
      | 'route-tables'
      | 'replace-route'
      | 'create-route';
  }
>;

/** Send one call. */
export function sendToEc2(clients: AwsClients, call: Ec2Call, context: CallContext): Promise<CallOutcome> {
  const { ec2 } = clients;
  const what = { ...operationOf(call), repeatable: isRepeatable(call) };
  switch (call.kind) {
    case 'addresses': {
      const command = new DescribeAddressesCommand(filterOf(call.of));
      const send = (options: SendOptions) => ec2.send(command, options);
      return ask(clients, { ...what, send, read: addressesIn }, context);
    }
    case 'places': {
      const command = new DescribeInstancesCommand({ InstanceIds: [call.instanceId] });
      const send = (options: SendOptions) => ec2.send(command, options);
      const read = (answer: DescribeInstancesCommandOutput) => {
        const instance = instanceIn(answer, call.instanceId);
        return instance === null ? null : ({ kind: 'places', places: placesOf(instance) } as const);
      };
      return ask(clients, { ...what, send, read }, context);
    }
    case 'associate': {
      const command = new AssociateAddressCommand(associateInput(call));
      const send = (options: SendOptions) => ec2.send(command, options);
      return ask(clients, { ...what, send, read: associatedIn }, context);
    }
    case 'disassociate': {
      const { associationId, dryRun } = call;
      const input = { AssociationId: associationId, ...(dryRun ? { DryRun: true } : {}) };
      const command = new DisassociateAddressCommand(input);
      const send = (options: SendOptions) => ec2.send(command, options);
      return ask(clients, { ...what, send, read: done }, context);
    }
    case 'interfaces':
    case 'assign-ip':
    case 'unassign-ip':
      return sendOfInterfaces(clients, call, context);
    case 'route-tables':
    case 'replace-route':
    case 'create-route':
      return sendOfRoutes(clients, call, context);
  }
}

const done = () => ({ kind: 'done' }) as const;

function associatedIn({ AssociationId }: AssociateAddressCommandOutput) {
  return AssociationId ? ({ kind: 'associated', associationId: AssociationId } as const) : null;
}

/** Every Elastic IP of the account and region. */
export async function readAllAddresses(
  clients: AwsClients,
  context: CallContext,
): Promise<CallOutcome<readonly ElasticIp[]>> {
  const shown = outputOf(await sendToEc2(clients, { kind: 'addresses', of: null }, context), 'addresses');
  return shown.kind === 'failed' ? shown : { kind: 'ok', output: shown.output.addresses };
}

function filterOf(of: Extract<Ec2Call, { kind: 'addresses' }>['of']) {
  if (of === null) return {};
  const [name, value] = 'ip' in of ? ['public-ip', of.ip] : ['instance-id', of.instanceId];
  return { Filters: [{ Name: name, Values: [value] }] };
}

/** An answer without the list isn't one without addresses. */
function addressesIn({ Addresses }: DescribeAddressesCommandOutput) {
  if (Addresses === undefined) return null;
  return { kind: 'addresses', addresses: Addresses.flatMap((address) => elasticIp(address) ?? []) } as const;
}

function elasticIp(address: Address): ElasticIp | null {
  const { PublicIp, AllocationId, AssociationId, InstanceId, NetworkInterfaceId, PrivateIpAddress } = address;
  if (!PublicIp || !AllocationId) return null;
  const association = AssociationId
    ? {
        id: AssociationId,
        instanceId: InstanceId || null,
        networkInterfaceId: NetworkInterfaceId || null,
        privateIp: PrivateIpAddress || null,
      }
    : null;
  return { ip: PublicIp, allocationId: AllocationId, association };
}

/** Ask EC2 for all that it tells of an instance. */
export async function readInstance(
  clients: AwsClients,
  instanceId: InstanceId,
  context: CallContext,
): Promise<CallOutcome<Instance>> {
  const command = new DescribeInstancesCommand({ InstanceIds: [instanceId] });
  return ask(
    clients,
    {
      service: 'ec2',
      operation: 'DescribeInstances',
      repeatable: true,
      send: (options: SendOptions) => clients.ec2.send(command, options),
      read: (answer: DescribeInstancesCommandOutput) => instanceIn(answer, instanceId),
    },
    context,
  );
}

/** A filter of instances: those that run, or may run again. */
export const NOT_TERMINATED: Filter = {
  Name: 'instance-state-name',
  Values: ['pending', 'running', 'stopping', 'stopped'],
};

/** Ask EC2 for the instances that pass all of these filters. */
export async function readInstancesWhere(
  clients: AwsClients,
  filters: Filter[],
  context: CallContext,
): Promise<CallOutcome<readonly Instance[]>> {
  const command = new DescribeInstancesCommand({ Filters: filters });
  const send = (options: SendOptions) => clients.ec2.send(command, options);
  const outcome = await readAws(clients, { service: 'ec2', operation: 'DescribeInstances', send }, context);
  return outcome.kind === 'failed' ? outcome : { kind: 'ok', output: instancesIn(outcome.output) };
}

function instanceIn(answer: DescribeInstancesCommandOutput, instanceId: InstanceId): Instance | null {
  return instancesIn(answer).find(({ InstanceId }) => InstanceId === instanceId) ?? null;
}

function instancesIn({ Reservations = [] }: DescribeInstancesCommandOutput): readonly Instance[] {
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

/** The interfaces that an address can land on. */
export function placesOf({ NetworkInterfaces }: Instance): readonly Place[] {
  return (NetworkInterfaces ?? []).flatMap(({ NetworkInterfaceId, PrivateIpAddress, PrivateIpAddresses }) => {
    if (!NetworkInterfaceId || !PrivateIpAddress) return [];
    const more = (PrivateIpAddresses ?? []).flatMap((each) => each.PrivateIpAddress ?? []);
    return [
      {
        networkInterfaceId: NetworkInterfaceId,
        primary: PrivateIpAddress,
        // EC2 names the primary one among the others, too.
        privateIps: [...new Set([PrivateIpAddress, ...more])],
      },
    ];
  });
}

function associateInput({
  allocationId,
  onto,
  privateIp,
  reassociate,
  dryRun,
}: Associate): AssociateAddressCommandInput {
  return {
    AllocationId: allocationId,
    AllowReassociation: reassociate,
    ...('instanceId' in onto
      ? { InstanceId: onto.instanceId }
      : { NetworkInterfaceId: onto.networkInterfaceId }),
    ...(privateIp === null ? {} : { PrivateIpAddress: privateIp }),
    ...(dryRun ? { DryRun: true } : {}),
  };
}

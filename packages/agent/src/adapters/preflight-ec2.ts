/**
 * The EC2 part of `failtome check`: what a move needs, asked with the move's own calls as dry runs.
 */
import type { Instance } from '@aws-sdk/client-ec2';
import {
  type AssociateRequest,
  displacedBy,
  dryRunsOf,
  type ElasticIp,
  type Landing,
  type OwnSpec,
  refusalIn,
  type Target,
  targetOn,
} from '@failtome/ports';
import { counted, type DriverFailure, type InstanceId } from '@failtome/protocol';
import type { AddressSettings } from '../config/types.ts';
import type { AwsClients, CallContext } from './aws-clients.ts';
import { sendAll } from './aws-driver.ts';
import { placesOf, readAllAddresses, readInstance } from './ec2-calls.ts';
import { type CheckLine, fail, failed, ok, type Permission, warn } from './preflight-fix.ts';

/** What the preflight of the driver `ec2` works with. */
export interface Ec2Preflight extends OwnSpec {
  readonly clients: AwsClients;
  /** For the ARNs in the fixes; null where STS didn't tell. */
  readonly account: string | null;
  readonly displace: 'refuse' | 'allow';
}

type Address = Pick<AddressSettings, 'ip' | 'allocationId' | 'privateIp'>;

/** Check everything that taking each address needs. */
export async function preflightEc2(
  preflight: Ec2Preflight,
  addresses: readonly Address[],
  context: CallContext,
): Promise<readonly CheckLine[]> {
  const { clients, instanceId } = preflight;
  const [instance, all] = await Promise.all([
    readInstance(clients, instanceId, context),
    readAllAddresses(clients, context),
  ]);
  const instanceLine =
    instance.kind === 'ok'
      ? ok('EC2 instance', describeInstance(instanceId, instance.output))
      : failed('EC2 instance', instance.failure, describe('ec2:DescribeInstances'));
  if (all.kind === 'failed') {
    return [instanceLine, failed('Elastic IP addresses', all.failure, describe('ec2:DescribeAddresses'))];
  }
  const known = instance.kind === 'ok' ? instance.output : null;
  const lines = await Promise.all(
    addresses.map((address) => checkAddress(preflight, address, known, all.output, context)),
  );
  return [instanceLine, ...lines.flat()];
}

function describeInstance(instanceId: InstanceId, instance: Instance): string {
  const interfaces = instance.NetworkInterfaces?.length ?? 0;
  return `${instanceId}, ${instance.State?.Name ?? 'state unknown'}, ${counted(interfaces, 'network interface')}`;
}

/** Reads of EC2 know no resources (Service Authorization Reference, Amazon EC2). */
function describe(action: string): Permission {
  return { action, resources: ['*'] };
}

async function checkAddress(
  preflight: Ec2Preflight,
  address: Address,
  instance: Instance | null,
  all: readonly ElasticIp[],
  context: CallContext,
): Promise<readonly CheckLine[]> {
  const name = `address ${address.ip}`;
  const found = all.find(({ ip }) => ip === address.ip);
  if (found === undefined) {
    const region = preflight.clients.region ?? 'this region';
    const fix = 'Set addresses[].ip to an Elastic IP of the account, and driver.region to its region.';
    return [fail(name, `no Elastic IP of this account in ${region}`, fix)];
  }
  if (address.allocationId !== null && address.allocationId !== found.allocationId) {
    const told = `allocation id ${found.allocationId}, but ${address.allocationId} is configured`;
    return [fail(name, told, `Set addresses[].allocationId to ${found.allocationId}, or leave it out.`)];
  }
  const { instanceId, networkInterfaceId } = preflight;
  const landing = { instanceId, networkInterfaceId, privateIp: address.privateIp };
  const target: Target = instance === null ? { kind: 'unresolved' } : targetOn(placesOf(instance), landing);
  const holder = ok(name, `${found.allocationId}, ${holderOf(found, preflight.instanceId)}`);
  const lands = landingLine(address, target, instance);
  if (target.kind === 'impossible') return [holder, lands];
  const request = { allocationId: found.allocationId, landing, target, reassociate: false };
  return [
    holder,
    lands,
    displacementLine(preflight, address, landing, target, all),
    ...(await permissionLines(preflight, found, request, context)),
  ];
}

function holderOf({ association }: ElasticIp, own: InstanceId): string {
  if (association === null) return 'held by nobody';
  if (association.instanceId === own) return 'held by this node';
  return `held by ${association.instanceId ?? association.networkInterfaceId ?? 'an unknown interface'}`;
}

function landingLine({ ip }: Address, target: Target, instance: Instance | null): CheckLine {
  const name = `landing of ${ip}`;
  switch (target.kind) {
    case 'interface':
      return ok(name, `${target.privateIp} on ${target.networkInterfaceId}`);
    case 'unresolved':
      return warn(
        name,
        'the network interfaces of this instance could not be read',
        'Allow ec2:DescribeInstances; without it EC2 itself refuses an instance with several interfaces.',
      );
    case 'impossible':
      return fail(name, target.failure.message, landingFix(target.failure, instance));
  }
}

function landingFix({ code }: DriverFailure, instance: Instance | null): string {
  const places = instance === null ? [] : placesOf(instance);
  const cards = places.map(({ networkInterfaceId }) => networkInterfaceId).join(', ');
  if (code === 'InterfaceNotFound')
    return `Set driver.networkInterfaceId to one of ${cards}, or leave it out.`;
  const privateIps = places.flatMap((place) => place.privateIps).join(', ');
  const fix = `Set addresses[].privateIp to one of ${privateIps}`;
  return code === 'SeveralInterfaces'
    ? `${fix}, or driver.networkInterfaceId to one of ${cards}.`
    : `${fix}.`;
}

function displacementLine(
  { displace }: Ec2Preflight,
  { ip }: Address,
  landing: Landing,
  target: Target,
  all: readonly ElasticIp[],
): CheckLine {
  const name = `displaced by ${ip}`;
  const displaced = displacedBy(all, ip, landing, target);
  if (displaced === null) return ok(name, 'nothing');
  const found = `taking it would throw off ${displaced}`;
  if (displace === 'allow') return warn(name, found, 'None needed: driver.displace allows it.');
  return fail(
    name,
    found,
    `Move ${displaced} elsewhere, or give this instance another private address and name it in addresses[].privateIp; driver.displace: allow takes it regardless.`,
  );
}

async function permissionLines(
  preflight: Ec2Preflight,
  { allocationId, association }: ElasticIp,
  request: AssociateRequest,
  context: CallContext,
): Promise<readonly CheckLine[]> {
  const { clients, instanceId, account } = preflight;
  const arn = (kind: string, id: string) =>
    `arn:aws:ec2:${clients.region ?? '*'}:${account ?? '*'}:${kind}/${id}`;
  const { target } = request;
  const networkInterface = target.kind === 'interface' ? target.networkInterfaceId : '*';
  const mayTake: Permission = {
    action: 'ec2:AssociateAddress',
    resources: [
      arn('elastic-ip', allocationId),
      arn('instance', instanceId),
      arn('network-interface', networkInterface),
    ],
  };
  const mayRelease: Permission = {
    action: 'ec2:DisassociateAddress',
    resources: [arn('elastic-ip', allocationId), arn('network-interface', '*')],
  };
  const dryRuns = dryRunsOf(request, association?.id ?? null);
  const outcomes = await sendAll(clients, dryRuns, context);
  const [take = null, release = null] = dryRuns.map((call, index) => refusalIn(call, outcomes[index]));
  const takeName = `permission ec2:AssociateAddress on ${allocationId}`;
  const releaseName = `permission ec2:DisassociateAddress on ${allocationId}`;
  return [
    take === null ? ok(takeName, 'granted (dry run)') : failed(takeName, take, mayTake),
    association === null
      ? warn(
          releaseName,
          'not proven: nobody holds the address',
          `None needed now; see that the role allows ${mayRelease.action} on ${mayRelease.resources.join(' and ')}.`,
        )
      : release === null
        ? ok(releaseName, 'granted (dry run)')
        : failed(releaseName, release, mayRelease),
  ];
}

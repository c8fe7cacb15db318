/**
 * The drivers `ec2` and `opsworks` and the notifier over the model of AWS: the requests that the agent's adapters
 * send, and what they make of the answers.
 */

import type { AwsRequest, Caller } from '@failtome/cloud/model';
import type {
  Association,
  CloudRequest,
  DriveEffect,
  DriverAnswer,
  DriverFailure,
  DriverResult,
  Ip,
  PublishEffect,
  PublishResult,
} from '@failtome/protocol';
import type { CallEnd, Cloud } from './cloud.ts';

/** Who drives, and where an address lands on it. */
export interface DriverSpec {
  readonly kind: 'ec2' | 'opsworks';
  readonly instanceId: string;
  /** The private address that each contested address lands on. */
  readonly landing: ReadonlyMap<Ip, string>;
  readonly topicArn: string;
}

/** What a driver heeds of a call. */
export type DriverCall = Pick<DriveEffect, 'address' | 'operation'>;

export interface SimDriver {
  drive(call: DriverCall, until: number, done: (result: DriverResult) => void): void;
  publish(effect: PublishEffect, until: number, done: (result: PublishResult) => void): void;
}

const THROTTLES: ReadonlySet<string> = new Set(['RequestLimitExceeded', 'ThrottlingException', 'Throttling']);
const BEYOND_PERMISSION: ReadonlySet<string> = new Set([
  'DryRunOperation',
  'Resource.AlreadyAssociated',
  'InvalidAssociationID.NotFound',
]);

type Answered = (result: DriverResult) => void;

export function createDriver(cloud: Cloud, spec: DriverSpec): SimDriver {
  const caller: Caller = { kind: 'instance', instanceId: spec.instanceId };
  /** The association that was read last, for the dry run of a release. */
  const seen = new Map<Ip, string | null>();

  function send(request: AwsRequest, until: number, done: (end: CallEnd, told: CloudRequest) => void): void {
    cloud.call(request, caller, until, (end) => done(end, requestOf(request, end)));
  }

  function one(
    request: AwsRequest,
    until: number,
    read: (end: CallEnd) => DriverAnswer,
    done: Answered,
  ): void {
    send(request, until, (end, told) => done({ answer: read(end), requests: [told] }));
  }

  function readEc2(ip: Ip, until: number, done: Answered): void {
    const request: AwsRequest = {
      action: 'ec2:DescribeAddresses',
      dryRun: false,
      publicIps: [],
      allocationIds: [],
      filters: [],
    };
    one(request, until, (end) => associationIn(ip, end), done);
  }

  function associationIn(ip: Ip, end: CallEnd): DriverAnswer {
    if (end.kind !== 'ok' || end.result.action !== 'ec2:DescribeAddresses') return failureOf(end);
    const found = end.result.addresses.find((address) => address.publicIp === ip);
    if (found === undefined) return refused('InvalidAddress.NotFound', `${ip} is no Elastic IP here`);
    const landing = spec.landing.get(ip);
    const isHere = (at: { readonly instanceId: string; readonly privateIp: string }): boolean =>
      at.instanceId === spec.instanceId && at.privateIp === landing;
    const occupant = end.result.addresses.find(
      (address) => address.publicIp !== ip && address.association !== null && isHere(address.association),
    );
    const { association } = found;
    seen.set(ip, association?.id ?? null);
    const told: Association =
      association === null
        ? { kind: 'none' }
        : {
            kind: 'associated',
            associationId: association.id,
            instanceId: association.instanceId,
            node: null,
            self: isHere(association),
          };
    return { kind: 'read', association: told, displaces: occupant?.publicIp ?? null };
  }

  function associateRequest(ip: Ip, reassociate: boolean, dryRun: boolean): AwsRequest {
    return {
      action: 'ec2:AssociateAddress',
      dryRun,
      allocationId: cloud.state().addresses.get(ip)?.allocationId ?? null,
      publicIp: null,
      instanceId: spec.instanceId,
      networkInterfaceId: null,
      privateIpAddress: spec.landing.get(ip) ?? null,
      allowReassociation: reassociate,
    };
  }

  function disassociateRequest(associationId: string, dryRun: boolean): AwsRequest {
    return { action: 'ec2:DisassociateAddress', dryRun, associationId, publicIp: null };
  }

  /** Both calls as dry runs, one after the other; the first failure that isn't beyond permission tells. */
  function permitEc2(ip: Ip, until: number, done: Answered): void {
    send(associateRequest(ip, false, true), until, (end, first) => {
      const failure = permissionFailure(end);
      const associationId = seen.get(ip) ?? null;
      if (failure !== null) return done({ answer: failure, requests: [first] });
      if (associationId === null) return done({ answer: { kind: 'permitted' }, requests: [first] });
      send(disassociateRequest(associationId, true), until, (second, told) =>
        done({ answer: permissionFailure(second) ?? { kind: 'permitted' }, requests: [first, told] }),
      );
    });
  }

  function driveEc2({ address, operation }: DriverCall, until: number, done: Answered): void {
    switch (operation.op) {
      case 'read':
        return readEc2(address, until, done);
      case 'permit':
        return permitEc2(address, until, done);
      case 'release':
        if (operation.associationId === null)
          return done({ answer: refused('NoAssociationId', 'a release must name one'), requests: [] });
        return one(disassociateRequest(operation.associationId, false), until, releasedFrom, done);
      case 'take':
        return one(associateRequest(address, operation.reassociate, false), until, takenFrom, done);
    }
  }

  /** Who holds the address, and what this instance holds, side by side. */
  function readOpsworks(ip: Ip, own: string, until: number, done: Answered): void {
    const told: CloudRequest[] = [];
    let held: CallEnd | null = null;
    let here: CallEnd | null = null;
    const ended = (): void => {
      if (held !== null && here !== null)
        done({ answer: opsworksHolder(ip, held, here, own), requests: told });
    };
    const ask = { action: 'opsworks:DescribeElasticIps', stackId: null } as const;
    send({ ...ask, instanceId: null, ips: [ip] }, until, (end, request) => {
      told.push(request);
      held = end;
      ended();
    });
    send({ ...ask, instanceId: own, ips: [] }, until, (end, request) => {
      told.push(request);
      here = end;
      ended();
    });
  }

  function driveOpsworks({ address, operation }: DriverCall, until: number, done: Answered): void {
    const own = cloud.state().instances.get(spec.instanceId)?.opsworksId ?? '';
    switch (operation.op) {
      case 'read':
        return readOpsworks(address, own, until, done);
      case 'permit':
        return done({ answer: { kind: 'permitted' }, requests: [] });
      case 'release':
        return done({ answer: refused('NoRelease', 'no part of any move'), requests: [] });
      case 'take':
        return one(
          { action: 'opsworks:AssociateElasticIp', elasticIp: address, instanceId: own },
          until,
          (end) => (end.kind === 'ok' ? { kind: 'taken', associationId: null } : failureOf(end)),
          done,
        );
    }
  }

  return {
    drive: spec.kind === 'ec2' ? driveEc2 : driveOpsworks,
    publish({ subject, message }, until, done) {
      const request: AwsRequest = { action: 'sns:Publish', topicArn: spec.topicArn, subject, message };
      send(request, until, (end, told) =>
        done(
          end.kind === 'ok'
            ? { kind: 'accepted', request: told }
            : { kind: 'failed', detail: told.code ?? end.kind, request: told },
        ),
      );
    },
  };
}

function opsworksHolder(ip: Ip, held: CallEnd, here: CallEnd, own: string): DriverAnswer {
  if (held.kind !== 'ok' || held.result.action !== 'opsworks:DescribeElasticIps') return failureOf(held);
  if (here.kind !== 'ok' || here.result.action !== 'opsworks:DescribeElasticIps') return failureOf(here);
  const instanceId = held.result.elasticIps[0]?.instanceId ?? null;
  const association: Association =
    instanceId === null
      ? { kind: 'none' }
      : { kind: 'associated', associationId: null, instanceId, node: null, self: instanceId === own };
  const occupant = here.result.elasticIps.find((one) => one.ip !== ip);
  return { kind: 'read', association, displaces: occupant?.ip ?? null };
}

function releasedFrom(end: CallEnd): DriverAnswer {
  if (end.kind === 'ok') return { kind: 'released' };
  if (end.kind === 'error' && end.code === 'InvalidAssociationID.NotFound') return { kind: 'stale' };
  return failureOf(end);
}

function takenFrom(end: CallEnd): DriverAnswer {
  if (end.kind === 'ok' && end.result.action === 'ec2:AssociateAddress')
    return { kind: 'taken', associationId: end.result.associationId };
  const held =
    end.kind === 'error' && end.code === 'Resource.AlreadyAssociated' && !end.message.includes('eni-');
  return held ? { kind: 'held' } : failureOf(end);
}

function permissionFailure(end: CallEnd): DriverFailure | null {
  return end.kind === 'ok' || (end.kind === 'error' && BEYOND_PERMISSION.has(end.code))
    ? null
    : failureOf(end);
}

/** A definite no, or unknown, as the agent tells them apart. */
function failureOf(end: CallEnd): DriverFailure {
  switch (end.kind) {
    case 'ok':
      return { kind: 'unknown', code: 'MalformedResponse', message: 'another call was answered' };
    case 'unsent':
      return refused('ConnectTimeout', 'no connection came about in time');
    case 'timeout':
      return { kind: 'unknown', code: 'Timeout', message: 'no answer in time' };
    case 'reset':
      return { kind: 'unknown', code: 'ECONNRESET', message: 'the connection was reset' };
    case 'error': {
      const { code, message, status } = end;
      if (THROTTLES.has(code) || status === 429) return { kind: 'refused', throttled: true, code, message };
      return status >= 500 || status === 408 ? { kind: 'unknown', code, message } : refused(code, message);
    }
  }
}

function refused(code: string, message: string): DriverFailure {
  return { kind: 'refused', throttled: false, code, message };
}

function requestOf({ action }: AwsRequest, end: CallEnd): CloudRequest {
  const [service, operation] = action.split(':');
  const failure = end.kind === 'ok' ? null : failureOf(end);
  const result =
    failure === null
      ? 'ok'
      : failure.kind === 'unknown'
        ? 'unknown'
        : failure.throttled
          ? 'throttled'
          : 'refused';
  return {
    service: service === 'sns' ? 'sns' : service === 'opsworks' ? 'opsworks' : 'ec2',
    operation: operation ?? '',
    result,
    code: failure?.code ?? null,
    requestId: 'requestId' in end ? end.requestId : null,
    durationMs: 0,
  };
}

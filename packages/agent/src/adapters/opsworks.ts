/**
 * The `opsworks` driver. OpsWorks moves an address with one call, whoever has it, and knows neither a
 * condition nor a dry run: what keeps two nodes from taking it after each other is the protocol alone.
 *
 * OpsWorks Stacks itself ended on 2024-05-26; this serves endpoints that speak its protocol.
 */
import {
  AssociateElasticIpCommand,
  DescribeElasticIpsCommand,
  type DescribeElasticIpsCommandInput,
  DisassociateElasticIpCommand,
  type ElasticIp,
} from '@aws-sdk/client-opsworks';
import type { DriveEffect, DriverAnswer, DriverOperation, InstanceId, Ip } from '@failtome/protocol';
import { type AwsClients, type CallContext, type CallOutcome, callAws, readAws } from './aws-clients.ts';
import { MALFORMED_CODE } from './aws-failure.ts';
import { FRESH_AFTER_MOVE_MS } from './connections.ts';
import { answerOnce, type Driver, type Post } from './driver.ts';

export interface OpsworksDriverOptions {
  /** OpsWorks's own id of this instance, not EC2's (`findOpsworksInstance`). */
  readonly instanceId: InstanceId;
}

export interface OpsworksDriverDependencies {
  readonly clients: AwsClients;
  readonly post: Post;
}

/** Build the driver. Nothing is sent until the first effect. */
export function createOpsworksDriver(
  options: OpsworksDriverOptions,
  dependencies: OpsworksDriverDependencies,
): Driver {
  const { instanceId } = options;
  const { clients, post } = dependencies;

  async function read(ip: Ip, context: CallContext): Promise<DriverAnswer> {
    const [address, here] = await Promise.all([
      readElasticIps(clients, { Ips: [ip] }, context),
      readElasticIps(clients, { InstanceId: instanceId }, context),
    ]);
    if (address.kind === 'failed') return address.failure;
    const found = address.output.find(({ Ip }) => Ip === ip);
    if (found === undefined) {
      const message = `${ip} is not registered with a stack that this node may see`;
      return { kind: 'refused', throttled: false, code: 'ResourceNotFoundException', message };
    }
    // What would be thrown off has to be known: an error is no "nothing there".
    if (here.kind === 'failed') return here.failure;
    const occupant = here.output.find(({ Ip, InstanceId }) => Ip !== ip && InstanceId === instanceId);
    return { kind: 'read', association: associationOf(found, instanceId), displaces: occupant?.Ip ?? null };
  }

  async function take(ip: Ip, context: CallContext): Promise<DriverAnswer> {
    const outcome = await callAws(
      clients,
      {
        service: 'opsworks',
        operation: 'AssociateElasticIp',
        send: (sending) =>
          clients.opsworks.send(
            new AssociateElasticIpCommand({ ElasticIp: ip, InstanceId: instanceId }),
            sending,
          ),
      },
      context,
    );
    return moved(outcome, { kind: 'taken', associationId: null });
  }

  /** Whoever holds it: not a part of any move, because it would leave the address with nobody. */
  async function release(ip: Ip, context: CallContext): Promise<DriverAnswer> {
    const outcome = await callAws(
      clients,
      {
        service: 'opsworks',
        operation: 'DisassociateElasticIp',
        send: (sending) =>
          clients.opsworks.send(new DisassociateElasticIpCommand({ ElasticIp: ip }), sending),
      },
      context,
    );
    return moved(outcome, { kind: 'released' });
  }

  function moved(outcome: CallOutcome<unknown>, done: DriverAnswer): DriverAnswer {
    if (outcome.kind === 'ok' || outcome.failure.kind === 'unknown') {
      clients.connections.renew(FRESH_AFTER_MOVE_MS);
    }
    return outcome.kind === 'ok' ? done : outcome.failure;
  }

  async function run(ip: Ip, operation: DriverOperation, context: CallContext): Promise<DriverAnswer> {
    switch (operation.op) {
      case 'read':
        return read(ip, context);
      case 'permit':
        // There is no dry run: the permission shows at the call itself.
        return { kind: 'permitted' };
      case 'release':
        return release(ip, context);
      case 'take':
        return take(ip, context);
    }
  }

  return {
    drive: (effect: DriveEffect) =>
      answerOnce(effect, post, (context) => run(effect.address, effect.operation, context)),
  };
}

function associationOf({ InstanceId }: ElasticIp, own: InstanceId) {
  if (!InstanceId) return { kind: 'none' } as const;
  return {
    kind: 'associated',
    associationId: null,
    instanceId: InstanceId,
    node: null,
    self: InstanceId === own,
  } as const;
}

/** The Elastic IPs that OpsWorks shows for one resource. */
export async function readElasticIps(
  clients: AwsClients,
  input: DescribeElasticIpsCommandInput,
  context: CallContext,
): Promise<CallOutcome<readonly ElasticIp[]>> {
  const outcome = await readAws(
    clients,
    {
      service: 'opsworks',
      operation: 'DescribeElasticIps',
      send: (options) => clients.opsworks.send(new DescribeElasticIpsCommand(input), options),
    },
    context,
  );
  if (outcome.kind === 'failed') return outcome;
  const { ElasticIps } = outcome.output;
  if (ElasticIps !== undefined) return { kind: 'ok', output: ElasticIps };
  const message = 'DescribeElasticIps answered without addresses';
  return { kind: 'failed', failure: { kind: 'unknown', code: MALFORMED_CODE, message } };
}

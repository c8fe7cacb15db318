/**
 * The drivers that call AWS: what they ask, and what they make of the answers, is in `@failtome/ports`; here it is
 * carried over the SDK.
 */
import {
  type AwsCall,
  type CallOutcome,
  createEc2Calls,
  createPrivateIpCalls,
  createRouteCalls,
  type DriverRun,
  type Ec2Options,
  opsworksRun,
  type PrivateIpOptions,
  type RouteOptions,
} from '@failtome/ports';
import type { DriverOperation, InstanceId, Ip } from '@failtome/protocol';
import type { AwsClients, CallContext } from './aws-clients.ts';
import { FRESH_AFTER_MOVE_MS } from './aws-connections.ts';
import { answerOnce, type Driver, type Post } from './driver.ts';
import { sendToEc2 } from './ec2-calls.ts';
import { sendToOpsworks } from './opsworks-calls.ts';

/** What a driver that calls AWS works with. */
export interface AwsDriverDependencies {
  readonly clients: AwsClients;
  readonly post: Post;
}

/** Build the driver `ec2`. Nothing is sent until the first effect. */
export function createEc2Driver(options: Ec2Options, dependencies: AwsDriverDependencies): Driver {
  return createAwsDriver(createEc2Calls(options).run, dependencies);
}

/** Build the driver `ec2-private-ip`. Nothing is sent until the first effect. */
export function createPrivateIpDriver(
  options: PrivateIpOptions,
  dependencies: AwsDriverDependencies,
): Driver {
  return createAwsDriver(createPrivateIpCalls(options).run, dependencies);
}

/** Build the driver `ec2-route`. Nothing is sent until the first effect. */
export function createRouteDriver(options: RouteOptions, dependencies: AwsDriverDependencies): Driver {
  return createAwsDriver(createRouteCalls(options).run, dependencies);
}

/** Build the driver `opsworks`. `instanceId` is OpsWorks's own id of this instance, not EC2's (`findOpsworksInstance`). */
export function createOpsworksDriver(
  { instanceId }: { readonly instanceId: InstanceId },
  dependencies: AwsDriverDependencies,
): Driver {
  return createAwsDriver((ip, operation) => opsworksRun(instanceId, ip, operation), dependencies);
}

function createAwsDriver(
  run: (ip: Ip, operation: DriverOperation) => DriverRun,
  { clients, post }: AwsDriverDependencies,
): Driver {
  return {
    drive: (effect) =>
      answerOnce(effect, post, async (context) => {
        const running = run(effect.address, effect.operation);
        let step = running.next([]);
        while (step.done !== true) step = running.next(await sendAll(clients, step.value, context));
        return step.value;
      }),
  };
}

/** Send calls side by side. */
export function sendAll(
  clients: AwsClients,
  calls: readonly AwsCall[],
  context: CallContext,
): Promise<readonly CallOutcome[]> {
  return Promise.all(
    calls.map(async (call) => {
      const outcome = await sendOne(clients, call, context);
      if (mayMoveOwnAddress(call, outcome)) clients.connections.renew(FRESH_AFTER_MOVE_MS);
      return outcome;
    }),
  );
}

function sendOne(clients: AwsClients, call: AwsCall, context: CallContext): Promise<CallOutcome> {
  switch (call.kind) {
    case 'addresses':
    case 'places':
    case 'interfaces':
    case 'associate':
    case 'disassociate':
    case 'assign-ip':
    case 'unassign-ip':
    case 'route-tables':
    case 'replace-route':
    case 'create-route':
      return sendToEc2(clients, call, context);
    case 'stack-addresses':
    case 'stack-associate':
    case 'stack-disassociate':
      return sendToOpsworks(clients, call, context);
  }
}

/** Whether this node's own public address may have changed by the call: then connections from before it are dead. */
function mayMoveOwnAddress(call: AwsCall, outcome: CallOutcome): boolean {
  switch (call.kind) {
    case 'addresses':
    case 'places':
    case 'interfaces':
    case 'route-tables':
    case 'stack-addresses':
    // A private address is nobody's public one, nor is one that routes lead to.
    case 'assign-ip':
    case 'unassign-ip':
    case 'replace-route':
    case 'create-route':
      return false;
    case 'disassociate':
      return !call.dryRun && call.own && outcome.kind === 'ok';
    case 'associate':
      return !call.dryRun && (outcome.kind === 'ok' || outcome.failure.kind === 'unknown');
    case 'stack-associate':
    case 'stack-disassociate':
      return outcome.kind === 'ok' || outcome.failure.kind === 'unknown';
  }
}

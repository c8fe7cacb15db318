/**
 * The calls of the `opsworks` driver. OpsWorks moves an address with one call, whoever has it, and knows neither a
 * condition nor a dry run: what keeps two nodes from taking it after each other is the protocol alone.
 */
import type { Association, DriverAnswer, DriverOperation, InstanceId, Ip } from '@failtome/protocol';
import { type CallOutcome, type DriverRun, outputOf } from './aws-calls.ts';
import { refused } from './aws-failure.ts';

/** One operation. `instanceId` is OpsWorks's own id of this instance, not EC2's. */
export function* opsworksRun(instanceId: InstanceId, ip: Ip, operation: DriverOperation): DriverRun {
  switch (operation.op) {
    case 'read':
      return yield* read(instanceId, ip);
    case 'permit':
      // There is no dry run: the permission shows at the call itself.
      return { kind: 'permitted' };
    case 'release': {
      // Whoever holds it: not a part of any move, because it would leave the address with nobody.
      const [outcome] = yield [{ kind: 'stack-disassociate', ip }];
      return moved(outcome, { kind: 'released' });
    }
    case 'take': {
      const [outcome] = yield [{ kind: 'stack-associate', ip, instanceId }];
      return moved(outcome, { kind: 'taken', associationId: null });
    }
  }
}

/** Who holds the address, and what this instance holds, side by side. */
function* read(own: InstanceId, ip: Ip): DriverRun {
  const [address, here] = yield [
    { kind: 'stack-addresses', of: { ip } },
    { kind: 'stack-addresses', of: { instanceId: own } },
  ];
  const shown = outputOf(address, 'stack-addresses');
  if (shown.kind === 'failed') return shown.failure;
  const found = shown.output.addresses.find((each) => each.ip === ip);
  if (found === undefined) {
    return refused(
      'ResourceNotFoundException',
      `${ip} is not registered with a stack that this node may see`,
    );
  }
  // What would be thrown off has to be known: an error is no "nothing there".
  const held = outputOf(here, 'stack-addresses');
  if (held.kind === 'failed') return held.failure;
  const occupant = held.output.addresses.find((each) => each.ip !== ip && each.instanceId === own);
  return { kind: 'read', association: associationOf(found.instanceId, own), displaces: occupant?.ip ?? null };
}

function associationOf(instanceId: InstanceId | null, own: InstanceId): Association {
  if (instanceId === null) return { kind: 'none' };
  return { kind: 'associated', associationId: null, instanceId, node: null, self: instanceId === own };
}

function moved(outcome: CallOutcome | undefined, done: DriverAnswer): DriverAnswer {
  return outcome?.kind === 'failed' ? outcome.failure : done;
}

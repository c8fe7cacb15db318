/** A cloud with one address, which does at once what it is asked, unless it was told to fail. */
import type { DriverOperation } from '../../src/model/effects.ts';
import type { DriverAnswer } from '../../src/model/inputs.ts';
import type { AssociationId, NodeId } from '../../src/model/units.ts';
import { SELF } from './fixtures.ts';

export interface Fault {
  readonly op: DriverOperation['op'];
  /** What is answered in place of the truth. */
  readonly answer: DriverAnswer;
  /** Whether it is done all the same. */
  readonly applied: boolean;
}

export interface FakeCloud {
  holder: { readonly node: NodeId; readonly associationId: AssociationId } | null;
  /** Each is used once, by the next call of its operation. */
  faults: Fault[];
  /** How often the node has been given the address. */
  taken: number;
  /** Whether its answers name associations; OpsWorks's don't. */
  named: boolean;
  call(operation: DriverOperation): DriverAnswer;
  /** Somebody else's doing. */
  assign(node: NodeId | null): void;
}

export const UNKNOWN: DriverAnswer = { kind: 'unknown', code: 'TimeoutError', message: 'no answer' };
export const THROTTLED: DriverAnswer = {
  kind: 'refused',
  throttled: true,
  code: 'RequestLimitExceeded',
  message: 'slow down',
};

export function newCloud(holder: NodeId | null): FakeCloud {
  let associations = 0;
  const give = (node: NodeId): { readonly node: NodeId; readonly associationId: AssociationId } => {
    associations += 1;
    return { node, associationId: `eipassoc-${associations}` };
  };
  const cloud: FakeCloud = {
    holder: holder === null ? null : give(holder),
    faults: [],
    taken: 0,
    named: true,
    call(operation) {
      const fault = cloud.faults.find(({ op }) => op === operation.op);
      if (fault === undefined) return perform(operation);
      cloud.faults = cloud.faults.filter((one) => one !== fault);
      if (fault.applied) perform(operation);
      return fault.answer;
    },
    assign(node) {
      cloud.holder = node === null ? null : give(node);
    },
  };
  return cloud;

  function perform(operation: DriverOperation): DriverAnswer {
    switch (operation.op) {
      case 'permit':
        return { kind: 'permitted' };
      case 'read':
        return { kind: 'read', association: associationOf(cloud), displaces: null };
      case 'release':
        if (cloud.holder === null || !isNamed(cloud, operation)) return { kind: 'stale' };
        cloud.holder = null;
        return { kind: 'released' };
      case 'take':
        if (cloud.holder !== null && !operation.reassociate) return { kind: 'held' };
        cloud.holder = give(SELF);
        cloud.taken += 1;
        return { kind: 'taken', associationId: cloud.named ? cloud.holder.associationId : null };
    }
  }
}

/** Whether it is the present association that is to be released: by its id, or where there are none by its holder's instance, if the cloud has told one. */
function isNamed(
  { holder, named }: FakeCloud,
  { associationId, instanceId, node }: Extract<DriverOperation, { op: 'release' }>,
): boolean {
  if (named) return holder?.associationId === associationId;
  return instanceId === null ? holder?.node === node : `i-${holder?.node}` === instanceId;
}

function associationOf({ holder, named }: FakeCloud): Extract<DriverAnswer, { kind: 'read' }>['association'] {
  if (holder === null) return { kind: 'none' };
  const { node } = holder;
  const associationId = named ? holder.associationId : null;
  return { kind: 'associated', associationId, instanceId: `i-${node}`, node: null, self: node === SELF };
}

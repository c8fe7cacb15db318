/** A world for one driver: one address, two nodes, what a test may break, and how an operation is driven. */
import { afterEach, expect, vi } from 'vitest';
import type { AwsAction } from '../../packages/cloud/src/model/index.ts';
import type {
  DriveEffect,
  DriverAnswer,
  DriverOperation,
  DriverResult,
  Event,
} from '../../packages/protocol/src/index.ts';

/** Who holds the address, from the side of the node whose driver it is. */
export type Holder = 'us' | 'them' | 'nobody';

/** What a test may break, once, from the next call of the operation on. */
export type DriverFault =
  | 'throttle'
  | 'server-error'
  | 'hang'
  | 'reset'
  | 'apply-then-hang'
  | 'apply-then-error'
  | 'apply-then-reset'
  | 'refuse';

/** One address, two nodes, and the driver of one of them. */
export interface DriverWorld {
  readonly drive: (effect: DriveEffect) => void;
  /** Events that the driver has posted so far. */
  readonly posted: readonly Event[];
  readonly address: string;
  /** As the cloud itself knows it. */
  holder(): Holder | Promise<Holder>;
  /** An operator's move, beside the driver. */
  move(to: Holder): void | Promise<void>;
  fault(fault: DriverFault, operation: 'read' | 'take' | 'release', times?: number): void | Promise<void>;
  /** Resolves once the driver has posted something more. */
  next(): Promise<void>;
  close(): void | Promise<void>;
}

/** A driver that calls AWS, and what the account can do to it. */
export interface AwsDriverWorld extends DriverWorld {
  /** Reads of the address show what was so long ago. */
  lag(lagMs: number): void;
  /** Let so much time pass. */
  pass(ms: number): Promise<void>;
  /** The next take is never answered, and applied so much later. */
  applyLate(applyAfterMs: number): void;
  /** No connection to AWS comes about from now on. */
  cutOff(): void | Promise<void>;
}

/** An account with permissions of its own for each action. */
export interface PermittedDriverWorld extends AwsDriverWorld {
  permit(action: AwsAction, permission: 'granted' | 'revoked'): void;
}

/** An EC2 account, and another address that may sit on this node. */
export interface Ec2DriverWorld extends PermittedDriverWorld {
  readonly other: string;
  /** Put the other address where this node would put the contested one. */
  occupy(): void;
}

/** Long enough for any answer that comes, on a loaded machine. */
const PATIENT_MS = 10_000;

/** For calls that never end. */
export const SHORT_MS = 300;

export const read: DriverOperation = { op: 'read' };
export const take: DriverOperation = { op: 'take', reassociate: false };
export const permit: DriverOperation = { op: 'permit' };

/** Drive one operation and wait for its answer. */
export async function drive(
  world: DriverWorld,
  operation: DriverOperation,
  timeoutMs: number = PATIENT_MS,
): Promise<DriverResult> {
  const callId = nextCallId++;
  world.drive({ kind: 'drive', callId, purpose: 'move', address: world.address, operation, timeoutMs });
  for (;;) {
    for (const event of world.posted) {
      if (event.kind === 'driven' && event.callId === callId) return event.result;
    }
    await world.next();
  }
}

let nextCallId = 1;

/**
 * The same for a call that is never answered. Its time is over as soon as it has come as far as `reached` says: a
 * time-out in real time would be over before a slow machine has even sent the call.
 */
export async function driveUntilTimeout(
  world: DriverWorld,
  operation: DriverOperation,
  reached: () => Promise<boolean>,
): Promise<DriverResult> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const result = drive(world, operation);
    await expect.poll(reached, { timeout: PATIENT_MS }).toBe(true);
    await vi.advanceTimersByTimeAsync(PATIENT_MS);
    return await result;
  } finally {
    vi.useRealTimers();
  }
}

/** Ends what a read saw. */
export function releaseOf(answer: DriverAnswer): DriverOperation {
  if (answer.kind !== 'read' || answer.association.kind !== 'associated') throw new Error('nobody holds it');
  const { associationId, instanceId, node } = answer.association;
  return { op: 'release', associationId, instanceId, node };
}

/** Opens worlds, and sees at the end of each test that every call was answered exactly once. */
export function worlds<World extends DriverWorld>(
  open: () => Promise<World>,
): (holder: Holder) => Promise<World> {
  let world: World | undefined;
  afterEach(async () => {
    const closing = world;
    world = undefined;
    await closing?.close();
    const ids = closing?.posted.map((event) => (event.kind === 'driven' ? event.callId : 0)) ?? [];
    expect(new Set(ids).size, 'every call is answered once').toBe(ids.length);
  });
  return async (holder) => {
    world = await open();
    await world.move(holder);
    return world;
  };
}

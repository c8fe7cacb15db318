/**
 * The invariants of PROTOCOL.md, checked from outside after every step.
 */
import type { Violate, Watcher, WorldView } from '../watch.ts';
import { checkBallots } from './ballots.ts';
import { checkCalls } from './calls.ts';
import { checkDurability } from './durability.ts';
import { checkMessages } from './messages.ts';

/** What checks need to know of the world's making. */
export interface CheckedSpec {
  readonly driver: 'ec2' | 'opsworks';
}

export function createChecks(view: WorldView, spec: CheckedSpec, violate: Violate): readonly Watcher[] {
  return [
    checkBallots(view, violate),
    checkCalls(view, spec.driver, violate),
    checkDurability(view, violate),
    checkMessages(violate),
  ];
}

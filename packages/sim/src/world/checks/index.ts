/**
 * The invariants of PROTOCOL.md, checked from outside after every step.
 */
import type { Violate, Watcher, WorldView } from '../watch.ts';
import { checkAgreement } from './agreement.ts';
import { checkBallots } from './ballots.ts';
import { checkCalls } from './calls.ts';
import { checkConduct } from './conduct.ts';
import { checkDamping } from './damping.ts';
import { checkDecisions } from './decisions.ts';
import { checkDurability } from './durability.ts';
import { checkDuty } from './duty.ts';
import { checkEpisodes } from './episodes.ts';
import { checkLending } from './lending.ts';
import { checkMessages } from './messages.ts';
import { checkOrders } from './orders.ts';
import { checkSight } from './sight.ts';
import { checkSigned } from './signed.ts';
import { checkTelling } from './telling.ts';

/** What checks need to know of the world's making. */
export interface CheckedSpec {
  readonly driver: 'ec2' | 'opsworks';
}

export function createChecks(view: WorldView, { driver }: CheckedSpec, violate: Violate): readonly Watcher[] {
  return [
    checkBallots(view, violate),
    checkLending(view, driver, violate),
    checkAgreement(view, violate),
    checkCalls(view, driver, violate),
    checkSight(view, violate),
    checkConduct(view, violate),
    checkDuty(view, driver, violate),
    checkDamping(view, driver, violate),
    checkEpisodes(view, violate),
    checkDurability(violate),
    checkTelling(view, violate),
    checkMessages(view, violate),
    checkDecisions(violate),
    checkOrders(view, violate),
    checkSigned(violate),
  ];
}

/**
 * I20: every change of a decision is told, with a reason that is known.
 */
import { REASONS } from '@failtome/protocol';
import { type Broken, broken, type FactOf, type RunView } from './events.ts';
import { addressOf, type RunHistory } from './run-history.ts';

const KNOWN: ReadonlySet<string> = new Set(REASONS);

/** A decision that is told. */
export function checkReason(by: RunView, { address, reason }: FactOf<'decided'>): readonly Broken[] {
  return KNOWN.has(reason)
    ? []
    : [broken('I20', `${by.run} decided about ${address} without a known reason: ${reason}`)];
}

/** After a step the decision in the state is the one that was told last. */
export function checkDecided(history: RunHistory, by: RunView): readonly Broken[] {
  const { addresses, phase } = by.state();
  if (phase === 'stopped') return [];
  for (const ip in addresses) {
    const decision = addresses[ip]?.decision;
    const { decided } = addressOf(history, ip);
    if (decision === undefined || decision.reason === decided) continue;
    return [
      broken(
        'I20',
        `${by.run} has decided ${decision.reason} about ${ip}, and told of ${decided} last: ${decision.detail}`,
      ),
    ];
  }
  return [];
}

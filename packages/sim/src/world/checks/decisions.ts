/**
 * I20: every change of a decision is told, with a reason that is known.
 */
import { type Fact, type Ip, REASONS } from '@failtome/protocol';
import type { RunView, Violate, Watcher } from '../watch.ts';

const KNOWN: ReadonlySet<string> = new Set(REASONS);

type Addresses = ReturnType<RunView['state']>['addresses'];

export function checkDecisions(violate: Violate): Watcher {
  const told = new Map<string, Map<Ip, string>>();
  const looked = new Map<string, Addresses>();

  function onDecided(by: RunView, { address, reason }: Extract<Fact, { kind: 'decided' }>): void {
    if (!KNOWN.has(reason))
      violate('I20', `${by.run} decided about ${address} without a known reason: ${reason}`);
    const known = told.get(by.run);
    if (known === undefined) told.set(by.run, new Map([[address, reason]]));
    else known.set(address, reason);
  }

  function onStep(by: RunView): void {
    const { addresses, phase } = by.state();
    if (looked.get(by.run) === addresses || phase === 'stopped') return;
    looked.set(by.run, addresses);
    for (const ip in addresses) {
      const decision = addresses[ip]?.decision;
      const last = told.get(by.run)?.get(ip) ?? 'starting';
      if (decision === undefined || decision.reason === last) continue;
      violate(
        'I20',
        `${by.run} has decided ${decision.reason} about ${ip}, and told of ${last} last: ${decision.detail}`,
      );
    }
  }

  return (event) => {
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) if (fact.kind === 'decided') onDecided(event.by, fact);
        return;
      case 'stepped':
        return onStep(event.by);
      case 'ended':
        told.delete(event.by.run);
        looked.delete(event.by.run);
        return;
      default:
        return;
    }
  };
}

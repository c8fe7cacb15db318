/** What the arbiter of a pair was asked, and what its answers were worth. */
import { ARBITER, decodeArbiterItem, majorityOf, votersOf } from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import type { Mark } from './mark.ts';

/** Mark what candidates write for the arbiter's votes, and what they make of them. */
export function watchArbiter(mark: Mark): Watcher {
  function onSwapped(by: RunView, ip: string, text: string): void {
    const item = decodeArbiterItem(text);
    if (item === null) return;
    const isOwn = item.run === by.state().session;
    if (item.candidate === null) mark(item.over ? 'arbiter:other-voters' : 'arbiter:made');
    else if (!item.over) mark('arbiter:lent');
    else mark(isOwn ? 'arbiter:given-back' : 'arbiter:stood-still');
    const { addresses, phase } = by.state();
    if (phase === 'running' && addresses[ip]?.arbiter.call === null) mark('arbiter:applied-unanswered');
  }

  /** Without its lease there would have been no majority. */
  function onWon(by: RunView, ip: string): void {
    const answers = Object.entries(by.state().addresses[ip]?.campaign?.answers ?? {});
    const lent = answers.filter(([, { answer }]) => answer === 'grant' || answer === 'blind');
    const others = lent.filter(([voter]) => voter !== ARBITER).length;
    if (lent.length > others && others < majorityOf(votersOf(by.config).length)) mark('arbiter:decided');
  }

  return (event) => {
    if (event.kind === 'swapped') return onSwapped(event.by, event.address, event.text);
    if (event.kind !== 'facts') return;
    for (const fact of event.facts) {
      if (fact.kind === 'ballot-closed' && fact.result === 'won') onWon(event.by, fact.address);
      if (fact.kind !== 'ballot-answered' || fact.answer.voter !== ARBITER) continue;
      const { answer, reason } = fact.answer;
      if (answer === 'blind') mark(`vote:${reason}`);
      else mark(`arbiter:refused:${reason}`);
    }
  };
}

/**
 * How a takeover is begun and ended, by what its own run has learned: by nobody that shuts down (I9), not on the silence of
 * somebody that is heard (I1), with no lease for an id that runs twice (I5), one address at a time (I13), and told as it
 * was seen (I17).
 */
import type { Ip } from '@failtome/protocol';
import { type Broken, broken, type EventOf, type FactOf, type RunView } from './events.ts';
import { addressOf, type RunHistory } from './run-history.ts';

/** How long an id that two runs use gets no lease, and what a fast clock may make of it. */
const DUPLICATE_MS = 29_900;
/** A clock shows whole milliseconds. */
const TOLERANCE_MS = 2;

/** What a fact of one run breaks. */
export function checkBoundaries(
  history: RunHistory,
  { by, fact }: EventOf<'fact'>,
  nowMs: number,
): readonly Broken[] {
  switch (fact.kind) {
    case 'ballot-opened':
      return history.stopping ? [broken('I9', `${by.run} asks for ${fact.address} while it shuts down`)] : [];
    case 'voted': {
      const seenMs = history.duplicates[fact.candidate] ?? Number.NEGATIVE_INFINITY;
      const lends = fact.answer === 'grant' || fact.answer === 'blind';
      if (!lends || nowMs - seenMs >= DUPLICATE_MS) return [];
      return [broken('I5', `${by.run} lends to ${fact.candidate}, which it has seen run twice at ${seenMs}`)];
    }
    case 'concluded':
      return fact.entry.result === 'served'
        ? checkServed(history, by, fact.entry.address)
        : checkEnded(history, by, fact);
    default:
      return [];
  }
}

/** I17: that an address answers is told only when it has, to a probe that began after the move. */
function checkServed(history: RunHistory, by: RunView, ip: Ip): readonly Broken[] {
  const last = by.state().addresses[ip]?.series.last;
  const heldMs = addressOf(history, ip).acceptedMs;
  const seen =
    last?.ok === true && heldMs !== null && by.worldTimeOf(last.startedAt) >= heldMs - TOLERANCE_MS;
  return seen
    ? []
    : [broken('I17', `${by.run} tells that ${ip} answers, and hasn't seen it since ${heldMs}`)];
}

/** I17: of a move that was told to have happened nothing else is told. What is refused before a ballot has the epoch of the last. */
function checkEnded(
  history: RunHistory,
  by: RunView,
  { entry: { address: ip, epoch, result } }: FactOf<'concluded'>,
): readonly Broken[] {
  if (result !== 'abandoned' && result !== 'lost-race') return [];
  if (addressOf(history, ip).movedIn !== epoch) return [];
  return [
    broken('I17', `${by.run} tells that move ${epoch} of ${ip} ended ${result}, and has told that it moved`),
  ];
}

/** I1 and I13 of a call: nobody is heard by whose silence it was won, and no other address is being moved. */
export function checkAlone(
  history: RunHistory,
  { by, effect: { address: ip, operation } }: EventOf<'drive'>,
): readonly Broken[] {
  if (operation.op !== 'release' && operation.op !== 'take') return [];
  const { addresses } = by.state();
  const move = addresses[ip]?.move;
  if (move == null || move.duty) return [];
  const what = `${by.run} calls ${operation.op} of ${ip}`;
  const found: Broken[] = [];
  const { silence } = addressOf(history, ip);
  if (silence?.epoch === move.epoch && silence.heard !== null)
    found.push(broken('I1', `${what} by the silence of ${silence.heard}, which it has heard since`));
  for (const other in addresses) {
    const meanwhile = addresses[other]?.move;
    if (other === ip || meanwhile == null || meanwhile.duty) continue;
    if (meanwhile.stage.kind === 'releasing' || meanwhile.stage.kind === 'taking')
      found.push(broken('I13', `${what} while it moves ${other}`));
  }
  return found;
}

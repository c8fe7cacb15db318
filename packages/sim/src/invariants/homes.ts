/**
 * I28: an address goes home only as configured: to a home whose agent runs and finds itself fit, once it has been where it is for
 * `after`, within the window, not while paused, and one address at a time. By the handover that its holder orders, and by what has
 * really moved.
 */
import { FAILBACK_OWNER, type Ip, isSpanOpen } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type FactOf, type RunView } from './events.ts';

/** What drifting clocks may make of a length of time. */
const DRIFT = 0.999;

/** By address: when it was associated last. */
type Moves = Readonly<Record<Ip, number>>;

/** The rules of addresses that go home. */
export const HOMES: ClusterRules<Moves> = {
  start: {},
  events: ['cloud'],
  facts: ['handover'],
  judge(moves, event, view) {
    if (event.kind === 'cloud') return [withMove(moves, event)];
    if (event.kind !== 'fact' || event.fact.kind !== 'handover') return [moves];
    const { by, fact } = event;
    if (fact.by !== FAILBACK_OWNER || fact.state !== 'open' || !isOrderedBy(by, fact)) return [moves];
    return [moves, ...checkOrder(moves, by, fact, view)];
  },
};

function withMove(moves: Moves, { event }: EventOf<'cloud'>): Moves {
  return event.kind === 'associated' ? { ...moves, [event.publicIp]: event.atMs } : moves;
}

/** Whoever orders it remembers that; others only hear of it. */
function isOrderedBy(by: RunView, { id, address }: FactOf<'handover'>): boolean {
  return id.startsWith(`${by.node}-`) && by.state().addresses[address]?.holder.node === by.node;
}

function checkOrder(
  moves: Moves,
  by: RunView,
  { id, address: ip, to }: FactOf<'handover'>,
  view: ClusterView,
): readonly Broken[] {
  const { failback, addresses } = by.config;
  const { pause, handovers, now } = by.state();
  const what = `${by.run} hands ${ip} over to ${to}`;
  const home = addresses.find((one) => one.ip === ip)?.home;
  if (failback === undefined || home !== to)
    return [broken('I28', `${what}, which is ${home ?? 'nobody'}'s`)];
  const found: Broken[] = [];
  const movedMs = moves[ip];
  if (movedMs !== undefined && view.now() - movedMs < failback.afterMs * DRIFT)
    found.push(broken('I28', `${what}, and it moved at ${movedMs}`));
  if (pause.paused) found.push(broken('I28', `${what} while paused`));
  if (failback.window !== null && !isSpanOpen(failback.window, now.wall))
    found.push(broken('I28', `${what} outside of ${failback.window}`));
  const others = handovers.filter(({ record }) => record.id !== id && record.state === 'open');
  const other = others.find(({ expiresAt }) => expiresAt > now.at);
  if (other !== undefined) found.push(broken('I28', `${what}, and ${other.record.address} too`));
  const there = view.runs().filter(({ node }) => node === to);
  if (there.every((run) => run.state().local.fit === 'unfit'))
    found.push(broken('I28', `${what}, which ${there.length === 0 ? 'is gone' : 'finds itself unfit'}`));
  return found;
}

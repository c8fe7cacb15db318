/**
 * I28: an address goes home only as configured: to a home whose agent runs and finds itself fit, once it has been where it is for
 * `after`, within the window, not while paused, and one address at a time. By the handover that its holder orders, and by what has
 * really moved.
 */
import { callTimeoutMs, FAILBACK_OWNER, type Ip, isSpanOpen, type NodeId } from '@failtome/protocol';
import { isPaused } from './calls.ts';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { isDouble } from './duplicate-ids.ts';
import { type Broken, broken, type EventOf, type FactOf, type RunView } from './events.ts';
import { addressOf, DRIFT } from './run-history.ts';

/** How long a message that says that all is well may be on its way, and a step may take. */
const ON_ITS_WAY_MS = 2_000;

interface Homes {
  /** By address: when it was associated last. */
  readonly moves: Readonly<Record<Ip, number>>;
  /** By node: when its last run ended. */
  readonly ended: Readonly<Record<NodeId, number>>;
  /** The last handovers that were ordered: a clone hears of what its like has ordered under both their names. */
  readonly orders: readonly string[];
}

const MAX_ORDERS = 64;

/** The rules of addresses that go home. */
export const HOMES: ClusterRules<Homes> = {
  start: { moves: {}, ended: {}, orders: [] },
  events: ['cloud', 'ended'],
  facts: ['handover'],
  judge(homes, event, view) {
    if (event.kind === 'cloud') return [withMove(homes, event)];
    if (event.kind === 'ended') return [{ ...homes, ended: { ...homes.ended, [event.by.node]: view.now() } }];
    if (event.kind !== 'fact' || event.fact.kind !== 'handover') return [homes];
    const { by, fact } = event;
    if (fact.by !== FAILBACK_OWNER || fact.state !== 'open' || !isOrderedBy(by, fact)) return [homes];
    if (homes.orders.includes(fact.id)) return [homes];
    const orders = [...homes.orders, fact.id].slice(-MAX_ORDERS);
    return [{ ...homes, orders }, ...checkOrder(homes, by, fact, view)];
  },
};

function withMove(homes: Homes, { event }: EventOf<'cloud'>): Homes {
  if (event.kind !== 'associated') return homes;
  return { ...homes, moves: { ...homes.moves, [event.publicIp]: event.atMs } };
}

/** Whoever orders it remembers that; others only hear of it. */
function isOrderedBy(by: RunView, { id, address }: FactOf<'handover'>): boolean {
  return id.startsWith(`${by.node}-`) && by.state().addresses[address]?.holder.node === by.node;
}

function checkOrder(
  { moves, ended }: Homes,
  by: RunView,
  { id, address: ip, to }: FactOf<'handover'>,
  view: ClusterView,
): readonly Broken[] {
  const { failback, addresses } = by.config;
  const { handovers, now } = by.state();
  const what = `${by.run} hands ${ip} over to ${to}`;
  const home = addresses.find((one) => one.ip === ip)?.home;
  if (failback === undefined || home !== to)
    return [broken('I28', `${what}, which is ${home ?? 'nobody'}'s`)];
  const found: Broken[] = [];
  const movedMs = moves[ip];
  if (movedMs !== undefined && isFresh(movedMs, by, ip, view) && knowsOf(movedMs, by, ip, view))
    found.push(broken('I28', `${what}, and it moved at ${movedMs}`));
  if (isPaused(by)) found.push(broken('I28', `${what} while paused`));
  if (failback.window !== null && !isSpanOpen(failback.window, now.wall))
    found.push(broken('I28', `${what} outside of ${failback.window}`));
  const others = handovers.filter(({ record }) => record.id !== id && record.state === 'open');
  const other = others.find(({ expiresAt }) => expiresAt > now.at);
  if (other !== undefined) found.push(broken('I28', `${what}, and ${other.record.address} too`));
  const gone = whyNotThere(to, ended[to] ?? 0, by, view);
  return gone === null ? found : [...found, broken('I28', `${what}, which ${gone}`)];
}

/** What a read shows a node takes to be so since the read began, which is one call earlier at most, and tells it to the others so. */
function isFresh(movedMs: number, by: RunView, ip: Ip, view: ClusterView): boolean {
  const own = addressOf(view.historyOf(by), ip).shows?.associationId;
  const begunMs = view.runs().flatMap((run) => {
    const { shows } = addressOf(view.historyOf(run), ip);
    return shows === null || shows.associationId !== own ? [] : [shows.sinceMs];
  });
  const earliestMs = Math.max(movedMs - callTimeoutMs(by.config), Math.min(movedMs, ...begunMs));
  return view.now() - earliestMs < (by.config.failback?.afterMs ?? 0) * DRIFT;
}

/** Whether it was told by the cloud itself that it holds the address by the very association that there is now. */
function knowsOf(movedMs: number, by: RunView, ip: Ip, view: ClusterView): boolean {
  const { shows } = addressOf(view.historyOf(by), ip);
  if (shows?.self !== true) return false;
  if (shows.associationId === null) return shows.beganMs >= movedMs;
  return shows.associationId === view.aws().addresses.get(ip)?.association?.id;
}

/** Null: it is, or was until lately, as far as whoever hears it can know: also by another run with its id. */
function whyNotThere(home: NodeId, endedMs: number, by: RunView, view: ClusterView): string | null {
  const longAgoMs = view.now() - by.config.gossip.deadMs - ON_ITS_WAY_MS;
  const there = view.runs().filter(({ node }) => node === home);
  if (isDouble(view.duplicates, home, view.now())) return null;
  if (there.length === 0 && (view.duplicates.live[home] ?? 0) > 0) return null;
  if (there.length === 0) return endedMs < longAgoMs ? 'is gone' : null;
  const areUnfit = there.every((run) => {
    const { fit, since } = run.state().local;
    return fit === 'unfit' && run.worldTimeOf(since) < longAgoMs;
  });
  return areUnfit ? 'finds itself unfit' : null;
}

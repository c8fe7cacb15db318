/**
 * I12: a released address is taken by somebody; whoever released it keeps trying, also after a restart. I11, as the
 * cloud saw it: a node's call ends only an association that this node had read, or one whose holder consented.
 */

import { holderOf } from '@failtome/cloud/model';
import type { Ip, NodeId } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { broken, type EventOf, type Judged, type JudgedEvent, type RunView, takesAtOnce } from './events.ts';

/** The longest rest between two attempts, two calls of 5 s, and what a timer may be late (PROTOCOL.md, "The move", 2). */
const MAX_REST_MS = 25_000;
const MAX_READ = 64;

/** An address that nobody holds by a node's doing, as that node was told. */
interface Owed {
  readonly node: NodeId;
  readonly sinceMs: number;
  readonly triedMs: number;
  /** Empty while it is down. */
  readonly run: string;
}

interface Duties {
  readonly owed: Readonly<Record<Ip, Owed>>;
  /** Per instance, the associations that it has read; where they have no ids, who held which address by them. */
  readonly read: Readonly<Record<string, readonly string[]>>;
  /** Who has called for a swap to which the holder consented, by instance and address; its window is open by design. */
  readonly swaps: readonly string[];
}

/** The rules of who must take an address that it has released. */
export const DUTY: ClusterRules<Duties> = {
  start: { owed: {}, read: {}, swaps: [] },
  events: ['cloud', 'drive', 'driven', 'stepped', 'ended', 'resumed'],
  facts: ['started'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'cloud':
        return onCloud(history, event, view);
      case 'drive':
        return [withCall(history, event, view.now())];
      case 'driven':
        return [withAnswer(history, event, view)];
      default:
        return Object.keys(history.owed).length === 0 ? [history] : onOwing(history, event, view);
    }
  },
};

function withAnswer(history: Duties, { by, effect, result }: EventOf<'driven'>, view: ClusterView): Duties {
  const { answer } = result;
  const { address: ip, operation } = effect;
  if (answer.kind === 'read' && answer.association.kind === 'associated') {
    const { associationId, instanceId } = answer.association;
    const name = associationId ?? `${ip} of ${instanceId}`;
    const known = history.read[by.instanceId] ?? [];
    if (known.includes(name)) return history;
    const read = [...known, name].slice(-MAX_READ);
    return { ...history, read: { ...history.read, [by.instanceId]: read } };
  }
  if (answer.kind !== 'released' || operation.op !== 'release' || holderOf(view.aws(), ip) !== null)
    return history;
  const owed: Owed = { node: by.node, run: by.run, sinceMs: view.now(), triedMs: view.now() };
  return { ...history, owed: { ...history.owed, [ip]: owed } };
}

function withCall(history: Duties, { by, effect }: EventOf<'drive'>, nowMs: number): Duties {
  const { address: ip, operation } = effect;
  const key = `${by.instanceId} ${ip}`;
  const isSwap = operation.op === 'take' && operation.reassociate && !history.swaps.includes(key);
  const swaps = isSwap ? [...history.swaps, key] : history.swaps;
  const one = history.owed[ip];
  const owed = one?.run === by.run ? { ...history.owed, [ip]: { ...one, triedMs: nowMs } } : history.owed;
  return swaps === history.swaps && owed === history.owed ? history : { ...history, swaps, owed };
}

/** I11 */
function onCloud(history: Duties, { event }: EventOf<'cloud'>, view: ClusterView): Judged<Duties> {
  if (event.kind === 'published') return [history];
  if (event.kind === 'associated') return [without(history, event.publicIp)];
  const { association, by, publicIp } = event;
  if (by.kind !== 'instance' || takesAtOnce(view.driver)) return [history];
  const { cause } = association;
  const id = view.driver === 'ec2' ? association.id : `${publicIp} of ${association.instanceId}`;
  if (cause === 'moved' && history.swaps.includes(`${by.instanceId} ${publicIp}`)) return [history];
  if (cause === 'displaced' || history.read[by.instanceId]?.includes(id) === true) return [history];
  const what = `${by.instanceId} ended ${id} of ${publicIp} (${cause}), which it had never read`;
  return [history, broken('I11', what)];
}

/** I12 */
function onOwing(history: Duties, event: JudgedEvent, view: ClusterView): Judged<Duties> {
  switch (event.kind) {
    case 'stepped':
      return checkTrying(history, event.by, view.now());
    case 'ended':
      return [withEach(history, (one) => (one.run === event.by.run ? { ...one, run: '' } : one))];
    case 'resumed':
      return [withEach(history, (one) => (one.run === event.by.run ? { ...one, triedMs: view.now() } : one))];
    case 'fact':
      return [withNextRun(history, event.by, view)];
    default:
      return [history];
  }
}

function checkTrying(history: Duties, by: RunView, nowMs: number): Judged<Duties> {
  for (const [ip, one] of Object.entries(history.owed)) {
    if (one.run !== by.run) continue;
    const { phase, addresses } = by.state();
    const story = `${by.run} released ${ip}, which nobody holds since ${one.sinceMs}`;
    if (addresses[ip]?.move == null)
      return [history, broken('I12', `${story}, and has given it up (${phase})`)];
    if (nowMs - one.triedMs > MAX_REST_MS)
      return [history, broken('I12', `${story}, and hasn't tried to take it since ${one.triedMs}`)];
  }
  return [history];
}

/** A later run of the same node with its disk owes what the last one did. */
function withNextRun(history: Duties, by: RunView, view: ClusterView): Duties {
  let after = history;
  for (const [ip, one] of Object.entries(history.owed)) {
    if (one.node !== by.node || one.run !== '') continue;
    const next: Owed = { ...one, run: by.run, triedMs: view.now() };
    after = view.disksHarmed() ? without(after, ip) : { ...after, owed: { ...after.owed, [ip]: next } };
  }
  return after;
}

function without(history: Duties, ip: Ip): Duties {
  if (history.owed[ip] === undefined) return history;
  const { [ip]: _, ...owed } = history.owed;
  return { ...history, owed };
}

function withEach(history: Duties, change: (one: Owed) => Owed): Duties {
  const owed = Object.entries(history.owed).map(([ip, one]) => [ip, change(one)]);
  return { ...history, owed: Object.fromEntries(owed) };
}

/**
 * Telling people of an address that is down and that no node may take: once an episode and node, and never because a
 * failover takes its time (PROTOCOL.md, "Telling people").
 */

import type { AddressState } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import { recordRefusal } from '../move/conclude.ts';
import { fitnessOf, isHeldBySelf, isSilent } from '../observation/holder.ts';
import { blockedNews } from '../reporting/notice-text.ts';
import { enqueue, noteOutage } from '../reporting/outbox.ts';
import { addressOf, changeAddress, emitFact, persist, type StepContext } from '../step-context.ts';
import { changeEpisode, hasAnswered } from './episode.ts';
import { blockedAfterMs } from './failover-time.ts';
import { ladder } from './ladder.ts';
import { expectsOf, protectionOf, sawOf } from './protection.ts';
import { takeoverView } from './view.ts';

/** Where all nodes have the same to say one speaks for all: each waits this much longer than the one before it. */
const VOICE_STEP_MS: DurationMs = 2_000;

/** Tell people about an address that has been down for long while nobody may take it: once an episode. */
export function tellBlocked(ctx: StepContext, ip: Ip): void {
  const due = blockedAt(ctx.state, addressOf(ctx.state, ip));
  if (due === null || due > ctx.now.at) return;
  const { state } = ctx;
  const address = addressOf(state, ip);
  const downMs = ctx.now.at - (downSince(address, state) ?? ctx.now.at);
  const { reason, detail } = mainReason(state, address);
  const refused = address.refusals.length === 0 ? [] : [`refused so far: ${address.refusals.join(', ')}`];
  const why = [...closedGates(state, address), ...othersSaid(state, address), ...refused];
  changeAddress(ctx, ip, { blockedTold: true });
  changeEpisode(ctx, ip, { toldBefore: null });
  emitFact(ctx, { kind: 'blocked', address: ip, downMs, reason });
  recordRefusal(ctx, ip, 'blocked', `${reason}: ${detail}`);
  enqueue(ctx, blockedNews(ctx, ip, downMs, reason, [...why, ...evidence(state, address)]));
  noteOutage(ctx, ip, false);
  persist(ctx);
}

/** When people are to be told, if nothing changes; null: there is nothing to tell, or it has been told. */
export function blockedAt(state: State, address: AddressState): MonotonicMs | null {
  const { config, phase } = state;
  if (address.blockedTold || phase !== 'running' || config.node.role !== 'candidate') return null;
  const since = downSince(address, state);
  // A success shows that it is on its way up: the verdict only wants more of them.
  if (since === null || address.series.last?.ok === true) return null;
  if (isToldByAnother(state, address)) return null;
  return since + blockedAfterMs(config) + patienceMs(state, address);
}

/**
 * Since when it has been down in vain; null: it isn't, or a move is under way. A move that can't be finished is as bad
 * as none; one that was accepted is told by its own notification. Whoever stood still in the middle of one doesn't know
 * what the address has been like meanwhile.
 */
function downSince({ move, verdict, episode }: AddressState, { observedFrom }: State): MonotonicMs | null {
  if (move === null) return verdict === 'down' ? episode.downSince : null;
  if (!move.duty || move.stage.kind === 'verifying' || verdict === 'up') return null;
  return Math.max(move.startedAt, episode.downSince ?? observedFrom);
}

/** Whoever holds it and is fit has nothing against anybody's taking it: the others say why they don't. */
function isFitHolder(state: State, { ip }: AddressState): boolean {
  return isHeldBySelf(state, ip) && state.local.fit !== 'unfit';
}

function isToldByAnother(state: State, address: AddressState): boolean {
  const { heardTold } = address.episode;
  if (heardTold === null || isSilent(state, heardTold)) return false;
  return isFitHolder(state, address) || isShared(state, address);
}

/** The address fails for all alike: it was moved in vain, or has never answered anybody. */
function isShared(state: State, address: AddressState): boolean {
  return address.episode.tries.length > 0 || !hasAnswered(state, address);
}

/** The candidates in the order of their ids, a holder that is fit last. */
function patienceMs(state: State, address: AddressState): DurationMs {
  const others = otherCandidates(state);
  if (isFitHolder(state, address)) return (others.length + 1) * VOICE_STEP_MS;
  if (!isShared(state, address)) return 0;
  return others.filter((id) => id < state.config.node.id).length * VOICE_STEP_MS;
}

function otherCandidates({ config }: State): readonly NodeId[] {
  return config.peers.filter(({ role }) => role === 'candidate').map(({ id }) => id);
}

/** What keeps it down in one code, which is never the holding itself: for a fit holder that of whoever else might take it, `no-candidate` where nobody might. */
function mainReason(
  state: State,
  address: AddressState,
): { readonly reason: string; readonly detail: string } {
  if (!isHeldBySelf(state, address.ip)) return address.decision;
  if (state.local.fit === 'unfit')
    return { reason: 'local-unfit', detail: "this node holds it, and its own HAProxy isn't fit to serve" };
  const [other] = otherCandidates(state).filter((id) => !isSilent(state, id));
  const damping = protectionOf(state, address, other ?? state.config.node.id);
  if (damping.kind === 'damped') return damping;
  return { reason: 'no-candidate', detail: 'no other candidate is heard that could take it' };
}

function closedGates(state: State, address: AddressState): readonly string[] {
  if (isHeldBySelf(state, address.ip)) {
    const { reason, detail } = mainReason(state, address);
    return [`${reason}: ${detail}`];
  }
  return ladder(takeoverView(state, address)).flatMap(({ name, answer }) =>
    answer.kind === 'closed' ? [`${name}: ${answer.reason}: ${answer.detail}`] : [],
  );
}

/** What every other node that is heard sees, and what it got. */
function othersSaid(state: State, { ip }: AddressState): readonly string[] {
  return state.config.peers.map(({ id }) => {
    const said = state.peers[id]?.record?.addresses.find((one) => one.ip === ip);
    if (isSilent(state, id) || said === undefined) return `${id}: silent`;
    const saw = said.episode?.saw ?? '';
    return `${id}: ${fitnessOf(state, id)}, sees it ${said.verdict}${saw === '' ? '' : ` (${saw})`}`;
  });
}

function evidence(state: State, address: AddressState): readonly string[] {
  return [`Expected: ${expectsOf(state, address.ip)}`, `Got: ${sawOf(address)}`];
}

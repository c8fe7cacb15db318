/**
 * What people are told of besides moves and blocked addresses: what this node knows now is compared with what people know by its
 * word, so that a restart or a lost moment changes nothing, and each event has one node that tells it (PROTOCOL.md, "Telling people").
 */

import { isCandidate } from '../election/quorum.ts';
import type { AddressState, Told } from '../model/address-state.ts';
import { NOTHING_TOLD } from '../model/initial.ts';
import type { Handover, State } from '../model/state.ts';
import type { DurationMs, Ip, NodeId } from '../model/units.ts';
import { holderName, isHeldBySelf, isSilent } from '../observation/holder.ts';
import { standingOf } from '../orders/handover.ts';
import { isPaused } from '../orders/pause.ts';
import { addressOf, change, changeAddress, persist, type StepContext } from '../step-context.ts';
import { blockedAfterMs } from '../takeover/failover-time.ts';
import {
  aloneNews,
  askedNews,
  endedNews,
  fitNews,
  lostNews,
  type News,
  pauseNews,
  servedNews,
  standbyNews,
  unfitNews,
} from './notice-text.ts';
import { enqueue, isWanted } from './outbox.ts';
import { protectionView } from './standby.ts';

/** A trouble is over for people when it has been over for so long: what flaps is one trouble. */
export const SETTLED_MS: DurationMs = 30_000;

/** Tell of everything that has changed since people were told last. */
export function tellNews(ctx: StepContext): void {
  const { phase, config } = ctx.state;
  if (phase !== 'running' || config.notify.receivers.length === 0) return;
  for (const ip in ctx.state.addresses) {
    tellHolding(ctx, ip);
    tellServed(ctx, ip);
    tellFitness(ctx, ip);
    tellStandby(ctx, ip);
  }
  tellPause(ctx);
  for (const one of ctx.state.handovers) if (one.untold !== 'nothing') tellHandover(ctx, one);
}

function tellHolding(ctx: StepContext, ip: Ip): void {
  if (!isWanted(ctx.state, 'lost')) return;
  const { told, holder, move } = addressOf(ctx.state, ip);
  const holds = isHeldBySelf(ctx.state, ip);
  // A move under way is told of first, whatever becomes of the address meanwhile.
  if (holds === told.holds || holder.kind === 'unknown' || move !== null) return;
  if (holds) note(ctx, ip, { holds });
  else tell(ctx, ip, { holds }, lostNews(ctx, ip, holderName(holder)));
}

function tellServed(ctx: StepContext, ip: Ip): void {
  const { told, verdict, holder, move } = addressOf(ctx.state, ip);
  if (!told.outage || verdict !== 'up' || move !== null) return;
  tell(ctx, ip, { outage: false }, servedNews(ctx, ip, holderName(holder)));
}

function tellFitness(ctx: StepContext, ip: Ip): void {
  if (!isWanted(ctx.state, 'unfit-holder') && !isWanted(ctx.state, 'holder-fit')) return;
  const { told, holder } = addressOf(ctx.state, ip);
  const { fit, since, series } = ctx.state.local;
  const holds = isHeldBySelf(ctx.state, ip);
  if (!told.unfit) {
    const reason = series.last?.reason ?? '';
    if (holds && fit === 'unfit') tell(ctx, ip, { unfit: true }, unfitNews(ctx, ip, reason));
    return;
  }
  const isFit = fit === 'fit' && ctx.now.at - since >= SETTLED_MS;
  if (isFit || (!holds && holder.kind !== 'unknown'))
    tell(ctx, ip, { unfit: false }, fitNews(ctx, ip, holds));
}

/** The holder tells of it: it is there, and who else could isn't. */
function tellStandby(ctx: StepContext, ip: Ip): void {
  if (!isWanted(ctx.state, 'no-standby') && !isWanted(ctx.state, 'standby')) return;
  const address = addressOf(ctx.state, ip);
  const { told, holder } = address;
  const seen = sightOf(ctx.state, address);
  if (seen === null || seen.alone === told.alone) {
    if (told.changedSince !== null) note(ctx, ip, { changedSince: null });
    return;
  }
  const since = told.changedSince ?? ctx.now.at;
  const lastsMs = told.alone ? SETTLED_MS : blockedAfterMs(ctx.state.config);
  const isOver = told.alone && !isHeldBySelf(ctx.state, ip) && holder.kind !== 'unknown';
  if (!isOver && ctx.now.at - since < lastsMs) {
    if (told.changedSince === null) note(ctx, ip, { changedSince: since });
    return;
  }
  const news = seen.alone ? aloneNews(ctx, ip, seen.reasons) : standbyNews(ctx, ip, seen.next);
  tell(ctx, ip, { alone: seen.alone, changedSince: null }, news);
}

interface Sight {
  readonly alone: boolean;
  readonly next: NodeId | '';
  readonly reasons: readonly string[];
}

/** Whether its holder stands alone; null: this is no time to say, for it fails, is being moved, or an operator has paused moves. */
function sightOf(state: State, address: AddressState): Sight | null {
  const { holder, verdict, told } = address;
  if (holder.kind === 'unknown') return null;
  if (holder.node !== state.config.node.id)
    return told.alone ? { alone: false, next: '', reasons: [] } : null;
  if (verdict !== 'up') return null;
  const view = protectionView(state, address);
  if (view.state === 'no-standby') return { alone: true, next: '', reasons: view.reasons };
  return view.state === 'protected' ? { alone: false, next: view.next ?? '', reasons: [] } : null;
}

/**
 * A pause is the whole cluster's: the candidate that was asked tells of it, and where a witness was, or the order fell away, the
 * first by id that is heard. So is its end.
 */
function tellPause(ctx: StepContext): void {
  if (!isWanted(ctx.state, 'paused') && !isWanted(ctx.state, 'resumed')) return;
  const { pause, toldPause: before } = ctx.state;
  const { version, by } = pause;
  const paused = isPaused(ctx.state);
  if (before !== null && before.version === version && before.by === by && before.paused === paused) return;
  change(ctx, { toldPause: { version, by, paused } });
  persist(ctx);
  // What was so before this node looked for the first time is no news, and neither is the end of what wasn't paused.
  if (before === null || (!paused && !before.paused)) return;
  if (spokesman(ctx.state, by) === ctx.state.config.node.id)
    enqueue(ctx, pauseNews(ctx, pause, pause.paused && !paused));
}

function spokesman(state: State, asked: NodeId): NodeId | null {
  const { node, peers } = state.config;
  if (isCandidate(state.config, asked)) return asked;
  const heard = peers
    .filter(({ id, role }) => role === 'candidate' && !isSilent(state, id))
    .map(({ id }) => id);
  return [node.id, ...heard].sort()[0] ?? null;
}

/** Of a handover its target tells, which makes it: that it was asked for, and how it ended. */
function tellHandover(ctx: StepContext, handover: Handover): void {
  const { record, untold } = handover;
  const open = record.state === 'open';
  const left = open ? 'end' : 'nothing';
  if (left === untold) return;
  change(ctx, {
    handovers: ctx.state.handovers.map((one) => (one === handover ? { ...one, untold: left } : one)),
  });
  persist(ctx);
  if (untold === 'all') enqueue(ctx, askedNews(ctx, record));
  if (!open) enqueue(ctx, endedNews(ctx, record, standingOf(record)));
}

function tell(ctx: StepContext, ip: Ip, parts: Partial<Told>, news: News): void {
  note(ctx, ip, parts);
  persist(ctx);
  enqueue(ctx, news);
}

/** What is only seen, and not told, is written down with whatever is written next; that this node holds it is written at once. */
function note(ctx: StepContext, ip: Ip, parts: Partial<Told>): void {
  const { told } = addressOf(ctx.state, ip);
  changeAddress(ctx, ip, { told: { ...NOTHING_TOLD, ...told, ...parts } });
  if (parts.holds === true) persist(ctx);
}

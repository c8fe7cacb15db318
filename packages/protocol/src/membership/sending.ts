/**
 * What a step wants to say is noted while it runs, and built here at its end: one message a peer, requests and responses
 * alike.
 */

import type { Draft } from '../copy.ts';
import { ballotsFor } from '../election/campaign.ts';
import { MAX_RUMOURS } from '../model/limits.ts';
import type { Peer, PendingSend } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, EffectId, NodeId } from '../model/units.ts';
import {
  change,
  changePeer,
  newEffectId,
  type Outgoing,
  type PendingReply,
  type StepContext,
} from '../step-context.ts';
import { echoFor, maxEchoAgeMs, type OwnSession } from '../wire/freshness.ts';
import {
  type BallotAnswer,
  type Envelope,
  type Payload,
  type Rumour,
  WIRE_VERSION,
} from '../wire/messages.ts';
import { duplicateFor, echoToUsurper } from './duplicate-id.ts';
import { suspects, takeRumours } from './membership.ts';
import { ownRecord, saysOtherwise } from './own-record.ts';
import { knownIncarnation } from './rolled-back.ts';

/** The most messages that may wait for an answer; beyond it the oldest is forgotten. */
const MAX_PENDING = 512;
/** How long a message may wait for a slow disk, and for its answer. */
const MAX_UNANSWERED_MS: DurationMs = 30_000;

/** Build and hand out what this step wants to say. */
export function flush(ctx: StepContext, before: State): void {
  if (saysOtherwise(before, ctx.state)) change(ctx, { recordVersion: ctx.state.recordVersion + 1 });
  for (const reply of ctx.replies) sendReply(ctx, reply);
  const replied = (to: NodeId): boolean =>
    ctx.replies.some((reply) => reply.status === 200 && reply.request.from === to);
  for (const [to, how] of ctx.outgoing) if (how.fresh || !replied(to)) sendTo(ctx, to, how);
  if (ctx.outgoing.size > 0) forgetOldSends(ctx);
}

/** What a message has to name to count in this run: its session, and its age by this run's own session time. */
export function ownSession(state: State): OwnSession {
  return {
    session: state.session,
    t: sessionTime(state),
    maxAgeMs: maxEchoAgeMs(state.config.gossip.deadMs),
  };
}

function sendTo(ctx: StepContext, to: NodeId, how: Outgoing): void {
  const payload = payloadFor(ctx, to);
  const sendId = newEffectId(ctx);
  const message = envelope(ctx, to, null, payload);
  const hurry = (payload.ballots ?? []).length + (payload.answers ?? []).length > 0;
  const held = waiting(ctx, payload);
  const pending: PendingSend = {
    sendId,
    to,
    seq: message.seq,
    sentAt: ctx.now.at,
    fresh: how.fresh,
    retry: how.retry,
    failedAt: null,
    ballots: (payload.ballots ?? []).map(({ address, epoch }) => ({ address, epoch })),
    after: held.after ?? 0,
  };
  change(ctx, { pendingSends: [...ctx.state.pendingSends, pending] });
  ctx.effects.push({
    kind: 'send',
    sendId,
    to,
    route: hurry ? '/v1/vote' : '/v1/gossip',
    message,
    fresh: how.fresh,
    timeoutMs: ctx.state.config.gossip.timeoutMs,
    ...held,
  });
}

function sendReply(ctx: StepContext, { requestId, request, status, refused, outcome }: PendingReply): void {
  const re = { session: request.session, seq: request.seq };
  const known = ctx.state.peers[request.from] !== undefined;
  const bare: Payload = {
    version: 0,
    ack: 0,
    ...(refused === null ? {} : { refused }),
    ...(outcome === null ? {} : { outcome }),
  };
  const payload = known && refused === null && outcome === null ? payloadFor(ctx, request.from) : bare;
  const message = envelope(ctx, request.from, re, payload);
  ctx.effects.push({ kind: 'reply', requestId, status, message, ...waiting(ctx, payload) });
}

/** What lends, asks for a lease, or tells of something just written, waits for the write. */
function waiting(ctx: StepContext, payload: Payload): { readonly after?: EffectId } {
  const binds =
    (payload.ballots ?? []).length > 0 ||
    (payload.answers ?? []).some((answer: BallotAnswer) => answer.leaseMs > 0);
  if (binds) return { after: ctx.state.storage.latest };
  const tells = ctx.writeId !== 0 && (payload.node !== undefined || payload.outcome !== undefined);
  return tells && ctx.state.storage.failing === null ? { after: ctx.writeId } : {};
}

function envelope(ctx: StepContext, to: NodeId, re: Envelope['re'], payload: Payload): Envelope {
  const seq = ctx.state.seq + 1;
  change(ctx, { seq });
  const { state } = ctx;
  const peer = state.peers[to];
  return {
    v: WIRE_VERSION,
    cluster: state.config.cluster,
    from: state.config.node.id,
    session: state.session,
    seq,
    to,
    t: sessionTime(state),
    echo: echoToUsurper(peer) ?? (peer === undefined ? null : echoFor(peer.channel)),
    re,
    payload,
  };
}

function payloadFor(ctx: StepContext, to: NodeId): Payload {
  const ballots = ballotsFor(ctx, to);
  const rumours = takeRumours(ctx);
  const peer = ctx.state.peers[to];
  if (peer === undefined) return { version: 0, ack: 0 };
  const { state } = ctx;
  const ask = suspects(state).filter((id) => id !== to);
  const known = knownIncarnation(peer);
  const duplicateMs = duplicateFor(peer, state);
  const payload: Draft<Payload> = { version: state.recordVersion, ack: peer.recordVersion };
  if (peer.acked < state.recordVersion) payload.node = ownRecord(state);
  if (known !== undefined) payload.known = known;
  if (duplicateMs !== undefined) payload.duplicateMs = duplicateMs;
  if (rumours.length > 0 || isAccused(peer)) payload.rumours = withAccusation(peer, rumours);
  if (ask.length > 0) payload.ask = ask;
  if (ballots.length > 0) payload.ballots = ballots;
  if (peer.answersDue.length > 0) payload.answers = peer.answersDue;
  if (peer.releasesDue.length > 0) payload.releases = peer.releasesDue.map((due) => due.release);
  if (peer.answersDue.length > 0 || peer.releasesDue.length > 0)
    changePeer(ctx, to, {
      answersDue: [],
      releasesDue: peer.releasesDue
        .map((due) => ({ ...due, left: due.left - 1 }))
        .filter((due) => due.left > 0),
    });
  return payload;
}

/** Whether it is told of that peer, in a large cluster, that it doesn't live. */
function isAccused({ told }: Peer): boolean {
  return (told?.state ?? 'alive') !== 'alive';
}

/** Whoever is accused hears of it first, so that it can refute that. */
function withAccusation({ id, told }: Peer, rumours: readonly Rumour[]): readonly Rumour[] {
  if (told === null || told === undefined || told.state === 'alive') return rumours;
  const others = rumours.filter((one) => one.id !== id);
  return [{ id, ...told }, ...others].slice(0, MAX_RUMOURS);
}

/** Whole milliseconds since this session began. */
function sessionTime(state: State): number {
  return Math.floor(state.now.at - state.startedAt);
}

/**
 * A late answer counts as heard for as long as a peer may be silent. What hasn't come to anything may still wait for a
 * write, and goes out after it; what the host has dropped, because the write failed, is never answered at all.
 */
function forgetOldSends(ctx: StepContext): void {
  const { pendingSends, config } = ctx.state;
  const kept = pendingSends.filter(({ sentAt, failedAt }) =>
    failedAt === null
      ? ctx.now.at - sentAt < MAX_UNANSWERED_MS
      : ctx.now.at - failedAt < config.gossip.deadMs,
  );
  if (kept.length < pendingSends.length || kept.length > MAX_PENDING)
    change(ctx, { pendingSends: kept.slice(-MAX_PENDING) });
}

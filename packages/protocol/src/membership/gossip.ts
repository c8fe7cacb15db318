/**
 * Heartbeats, and all that travels with them.
 *
 * What a step wants to say is noted while it runs and built here at its end: one message a peer, requests and
 * responses alike.
 */

import type { Draft } from '../copy.ts';
import { ballotsFor, onBallotAnswer, onBallotUndelivered } from '../election/campaign.ts';
import { onBallot, onRelease } from '../election/voter.ts';
import type { SendFailure } from '../model/inputs.ts';
import type { Channel, PendingSend } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, EffectId, NodeId } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import {
  addressOf,
  change,
  changeGossip,
  changePeer,
  draw,
  emitFact,
  newEffectId,
  type Outgoing,
  type PendingReply,
  type StepContext,
  speakTo,
} from '../step-context.ts';
import { admitRequest, admitResponse, echoFor, maxEchoAgeMs, type OwnSession } from '../wire/freshness.ts';
import {
  type BallotAnswer,
  type Envelope,
  type Payload,
  type RejectReason,
  WIRE_VERSION,
} from '../wire/messages.ts';
import { withinBudget } from './budget.ts';
import {
  duplicateFor,
  echoToUsurper,
  onAnswerOfOwnId,
  onDuplicateOfPeer,
  onRequestOfOwnId,
  onToldOfDuplicate,
} from './duplicate-id.ts';
import {
  adoptRecord,
  adoptWhatIsLeft,
  hear,
  knownIncarnation,
  onAsked,
  onKnown,
  onNewSession,
  onRumours,
  ownRecord,
  putVersionsRight,
  suspects,
  takeRumours,
} from './membership.ts';

/** The most messages that may wait for an answer; beyond it the oldest is forgotten. */
const MAX_PENDING = 512;
/** How long a message may wait for a slow disk, and for its answer. */
const MAX_UNANSWERED_MS: DurationMs = 30_000;

/** Speak to those whose turn it is, and again to every voter that owes an answer to an open ballot. */
export function gossipRound(ctx: StepContext): void {
  const { gossip, config, now } = ctx.state;
  if (now.at < gossip.nextRoundAt) return;
  const voters = config.peers.filter((peer) => peer.role !== 'member').map((peer) => peer.id);
  const members = config.peers.filter((peer) => peer.role === 'member').map((peer) => peer.id);
  const forMembers = members.length === 0 ? 0 : Math.max(1, config.gossip.fanout - voters.length);
  const forVoters = Math.max(1, config.gossip.fanout - forMembers);
  for (const id of inTurn(voters, gossip.voterCursor, forVoters)) speakTo(ctx, id);
  for (const id of inTurn(members, gossip.memberCursor, forMembers)) speakTo(ctx, id);
  const jitter = 0.95 + draw(ctx) * 0.1;
  changeGossip(ctx, {
    voterCursor: gossip.voterCursor + forVoters,
    memberCursor: gossip.memberCursor + forMembers,
    nextRoundAt: now.at + Math.round(config.gossip.intervalMs * jitter),
  });
  for (const ip in ctx.state.addresses) {
    const { campaign } = addressOf(ctx.state, ip);
    if (campaign === null || campaign.won !== null) continue;
    for (const voter of voters) {
      const answer = campaign.answers[voter]?.answer;
      if (answer === undefined || answer === 'pending')
        speakTo(ctx, voter, { fresh: isSilent(ctx.state, voter) });
    }
  }
}

/** A peer's request whose MAC was verified. */
export function onRequest(ctx: StepContext, requestId: EffectId, request: Envelope): void {
  const peer = ctx.state.peers[request.from];
  const misaddressed = misaddressedReason(ctx.state, request, peer !== undefined);
  if (misaddressed !== null || peer === undefined) {
    if (isOwnId(ctx.state, request)) onRequestOfOwnId(ctx, ownSession(ctx.state), request);
    refuse(ctx, requestId, request, 403, misaddressed ?? 'unknown-sender');
    return;
  }
  const admission = admitRequest(peer.channel, ownSession(ctx.state), request);
  if (admission.kind === 'refused') {
    changePeer(ctx, peer.id, { channel: admission.channel });
    refuse(ctx, requestId, request, 409, admission.reason);
    return;
  }
  takeChannel(ctx, peer.id, admission.channel, admission.returned);
  hear(ctx, peer.id);
  takePayload(ctx, peer.id, request.payload);
  ctx.replies.push({ requestId, request, status: 200, refused: null, outcome: null });
}

/** The answer to a message of ours, bound to it by its MAC. A late one, after its time-out, still counts as heard. */
export function onAnswered(ctx: StepContext, sendId: EffectId, answer: Envelope): void {
  const pending = ctx.state.pendingSends.find((send) => send.sendId === sendId);
  if (pending === undefined) return;
  const bound = answer.re?.session === ctx.state.session && answer.re.seq === pending.seq;
  const { config } = ctx.state;
  if (
    !bound ||
    answer.from !== pending.to ||
    answer.to !== config.node.id ||
    answer.cluster !== config.cluster
  ) {
    if (bound && isOwnId(ctx.state, answer)) onAnswerOfOwnId(ctx, pending.to, answer);
    emitFact(ctx, { kind: 'rejected', reason: 'unasked', from: answer.from });
    return;
  }
  forget(ctx, sendId);
  const peer = ctx.state.peers[pending.to];
  if (peer === undefined) return;
  const { channel, returned } = admitResponse(
    peer.channel,
    ownSession(ctx.state),
    answer,
    Math.floor(pending.sentAt - ctx.state.startedAt),
  );
  takeChannel(ctx, peer.id, channel, returned);
  hear(ctx, peer.id);
  // A run that has been replaced is heard, and has nothing to say: its record would stand in the way of the present one's.
  if (channel.session !== answer.session) return;
  const refused = answer.payload.refused;
  if (refused === 'session' || refused === 'stale') {
    if (!pending.retry) speakTo(ctx, peer.id, { hurried: true, retry: true, fresh: pending.fresh });
    return;
  }
  const rttMs = ctx.now.at - pending.sentAt;
  changePeer(ctx, peer.id, { rttMs });
  if (pending.failedAt === null) emitFact(ctx, { kind: 'heartbeat', peer: peer.id, result: 'ok', rttMs });
  if (refused === undefined) {
    putVersionsRight(ctx, ctx.state.peers[peer.id] ?? peer, answer.payload, rttMs);
    takePayload(ctx, peer.id, answer.payload);
  }
  // Only what decides: a pending answer goes with the next message, else two nodes would talk without a pause.
  const decides =
    ctx.state.peers[peer.id]?.answersDue.some(({ answer: said }) => said !== 'pending') ?? false;
  if (decides) speakTo(ctx, peer.id, { hurried: true });
}

export function onSendFailed(ctx: StepContext, sendId: EffectId, reason: SendFailure): void {
  const { pendingSends } = ctx.state;
  const pending = pendingSends.find((send) => send.sendId === sendId);
  if (pending === undefined || pending.failedAt !== null) return;
  emitFact(ctx, { kind: 'heartbeat', peer: pending.to, result: reason, rttMs: null });
  const failed = { ...pending, failedAt: ctx.now.at };
  change(ctx, { pendingSends: pendingSends.map((send) => (send === pending ? failed : send)) });
  for (const { address, epoch } of pending.ballots)
    onBallotUndelivered(ctx, pending.to, address, epoch, pending.fresh);
}

/** Build and hand out what this step wants to say. */
export function flush(ctx: StepContext): void {
  if (ctx.changed) change(ctx, { recordVersion: ctx.state.recordVersion + 1 });
  for (const reply of ctx.replies) sendReply(ctx, reply);
  const replied = (to: NodeId): boolean =>
    ctx.replies.some((reply) => reply.status === 200 && reply.request.from === to);
  for (const [to, how] of ctx.outgoing) if (how.fresh || !replied(to)) sendTo(ctx, to, how);
  if (ctx.outgoing.size > 0) forgetOldSends(ctx);
}

/** A refusal says nothing of this node but its session and time, which is the challenge. */
export function refuse(
  ctx: StepContext,
  requestId: EffectId,
  request: Envelope,
  status: 403 | 409,
  reason: RejectReason,
): void {
  emitFact(ctx, { kind: 'rejected', reason, from: request.from });
  ctx.replies.push({ requestId, request, status, refused: reason, outcome: null });
}

export function ownSession(state: State): OwnSession {
  return {
    session: state.session,
    t: sessionTime(state),
    maxAgeMs: maxEchoAgeMs(state.config.gossip.deadMs),
  };
}

export function misaddressedReason(state: State, request: Envelope, known: boolean): RejectReason | null {
  const { config } = state;
  if (request.cluster !== config.cluster) return 'cluster';
  if (request.from === config.node.id || request.re !== null) return 'reflected';
  if (request.to !== config.node.id) return 'not-for-me';
  return known ? null : 'unknown-sender';
}

function isOwnId({ config }: State, { cluster, from }: Envelope): boolean {
  return cluster === config.cluster && from === config.node.id;
}

function takeChannel(ctx: StepContext, id: NodeId, channel: Channel, returned: boolean): void {
  const peer = ctx.state.peers[id];
  if (peer === undefined) return;
  const isNew = peer.channel.session !== channel.session;
  changePeer(ctx, id, { channel });
  if (isNew) onNewSession(ctx, { ...peer, channel });
  if (!returned) return;
  onDuplicateOfPeer(ctx, peer);
}

function takePayload(ctx: StepContext, from: NodeId, payload: Payload): void {
  const peer = ctx.state.peers[from];
  if (peer === undefined) return;
  // Nobody has stored what wasn't said yet.
  if (payload.ack <= ctx.state.recordVersion)
    changePeer(ctx, from, { acked: Math.max(peer.acked, payload.ack) });
  withinBudget(ctx, from, () => takeWords(ctx, from, payload));
}

function takeWords(ctx: StepContext, from: NodeId, payload: Payload): void {
  const known = ctx.state.peers[from];
  if (payload.node !== undefined && known !== undefined && payload.version > known.recordVersion)
    adoptRecord(ctx, known, payload.node, payload.version);
  else if (known !== undefined && known.record !== null) adoptWhatIsLeft(ctx, known, known.record);
  if (payload.known !== undefined) onKnown(ctx, from, payload.known);
  if (payload.duplicateMs !== undefined) onToldOfDuplicate(ctx, from, payload.duplicateMs);
  if (payload.rumours !== undefined) onRumours(ctx, from, payload.rumours);
  if (payload.ask !== undefined) onAsked(ctx, payload.ask);
  for (const release of payload.releases ?? []) onRelease(ctx, from, release);
  for (const ballot of payload.ballots ?? []) onBallot(ctx, from, ballot);
  for (const answer of payload.answers ?? []) onBallotAnswer(ctx, from, answer);
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
  if (rumours.length > 0) payload.rumours = rumours;
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

/** Whole milliseconds since this session began. */
function sessionTime(state: State): number {
  return Math.floor(state.now.at - state.startedAt);
}

function inTurn(ids: readonly NodeId[], cursor: number, count: number): readonly NodeId[] {
  const chosen: NodeId[] = [];
  for (let i = 0; i < Math.min(count, ids.length); i += 1) {
    const id = ids[(cursor + i) % ids.length];
    if (id !== undefined) chosen.push(id);
  }
  return chosen;
}

function forget(ctx: StepContext, sendId: EffectId): void {
  change(ctx, { pendingSends: ctx.state.pendingSends.filter((send) => send.sendId !== sendId) });
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

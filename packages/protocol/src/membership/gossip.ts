import { onBallotAnswer, onBallotUndelivered } from '../election/campaign.ts';
import { onBallot, onRelease } from '../election/voter.ts';
import type { SendFailure } from '../model/inputs.ts';
import type { Channel, Peer, PendingSend } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { EffectId, NodeId } from '../model/units.ts';
import { neighbourhoodOf } from '../neighbours.ts';
import { briefSilenceMs, quietMs } from '../observation/holder.ts';
import { onMissedHeartbeat } from '../observation/watching.ts';
import {
  addressOf,
  change,
  changeGossip,
  changePeer,
  draw,
  emitFact,
  type StepContext,
  speakTo,
} from '../step-context.ts';
import { admitRequest, admitResponse } from '../wire/freshness.ts';
import type { Envelope, Payload, RejectReason } from '../wire/messages.ts';
import { withinBudget } from './budget.ts';
import { needsNewConnection } from './detector.ts';
import { onAnswerOfOwnId, onDuplicateOfPeer, onRequestOfOwnId, onToldOfDuplicate } from './duplicate-id.ts';
import {
  adoptRecord,
  adoptWhatIsLeft,
  findAlive,
  onAsked,
  onNewSession,
  onRumours,
  putVersionsRight,
  repeatRumour,
} from './membership.ts';
import { onKnown } from './rolled-back.ts';
import { ownSession } from './sending.ts';
import { hearStillSaid } from './still-said.ts';

/** In a large cluster a voter hears about so many members in a round that aren't its neighbours. */
const MEMBERS_A_ROUND = 1;

/** Who is spoken to in turn, and how many of them in this round. */
export interface Turns {
  /** All other voters: an open ballot goes to each. */
  readonly voters: readonly NodeId[];
  readonly members: readonly NodeId[];
  readonly forVoters: number;
  readonly forMembers: number;
}

/** The turns of this round. In a large cluster a member speaks to a voter every so many rounds, each from a round of its own. */
export function turns(state: State): Turns {
  const { config } = state;
  const { fanout } = config.gossip;
  const { isLarge, neighbours } = neighbourhoodOf(config);
  const voters = config.peers.filter((peer) => peer.role !== 'member').map((peer) => peer.id);
  if (isLarge && config.node.role === 'member') return memberTurns(state, voters);
  const among = isLarge ? neighbours : config.peers;
  const members = among.filter((peer) => peer.role === 'member').map((peer) => peer.id);
  const forMembers = members.length === 0 ? 0 : Math.max(1, fanout - voters.length);
  return { voters, members, forVoters: Math.max(1, fanout - forMembers), forMembers };
}

function memberTurns({ config, gossip }: State, voters: readonly NodeId[]): Turns {
  const { neighbours, phases } = neighbourhoodOf(config);
  const { fanout } = config.gossip;
  const members = config.peers.length + 1 - voters.length;
  const every = Math.max(1, Math.ceil(members / (MEMBERS_A_ROUND * voters.length)));
  const round = gossip.memberCursor / fanout + Math.floor(phases[0] * every);
  const first = Math.floor(phases[1] * voters.length);
  return {
    voters: [...voters.slice(first), ...voters.slice(0, first)],
    members: neighbours.map((peer) => peer.id),
    forVoters: Math.floor(round) % every === 0 ? 1 : 0,
    forMembers: fanout,
  };
}

/** Speak to those whose turn it is, and again to every voter that owes an answer to an open ballot. */
export function gossipRound(ctx: StepContext): void {
  const { gossip, config, now } = ctx.state;
  if (now.at < gossip.nextRoundAt) return;
  const { voters, members, forVoters, forMembers } = turns(ctx.state);
  for (const id of inTurn(voters, gossip.voterCursor, forVoters)) speakTo(ctx, id);
  for (const id of inTurn(members, gossip.memberCursor, forMembers)) speakTo(ctx, id);
  const jitter = 0.95 + draw(ctx) * 0.1;
  changeGossip(ctx, {
    voterCursor: gossip.voterCursor + forVoters,
    memberCursor: gossip.memberCursor + forMembers,
    nextRoundAt: now.at + Math.round(config.gossip.intervalMs * jitter),
  });
  repeatRumour(ctx);
  for (const ip in ctx.state.addresses) {
    const { campaign } = addressOf(ctx.state, ip);
    if (campaign === null || campaign.won !== null) continue;
    for (const voter of voters) {
      const answer = campaign.answers[voter]?.answer;
      if (answer === undefined || answer === 'pending')
        speakTo(ctx, voter, { fresh: needsNewConnection(ctx.state, voter) });
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
  hear(ctx, peer, admission.channel, admission.returned);
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
  hear(ctx, peer, channel, returned);
  // A superseded session proves that its host is reachable. Its payload is ignored: its record would replace the present one's.
  if (channel.session !== answer.session) return;
  const refused = answer.payload.refused;
  if (refused === 'session' || refused === 'stale') {
    if (!pending.retry && !isRepeated(ctx.state, pending))
      speakTo(ctx, peer.id, { retry: true, fresh: pending.fresh });
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
  if (decides) speakTo(ctx, peer.id);
}

/** What was refused together is said once more by one message: it carries all that is to be said. */
function isRepeated({ pendingSends }: State, { to, seq }: PendingSend): boolean {
  return pendingSends.some(
    (send) => send.to === to && send.retry && send.seq > seq && send.failedAt === null,
  );
}

/** A message came to nothing: not sent, or not answered in time. Its answer may still come late. */
export function onSendFailed(ctx: StepContext, sendId: EffectId, reason: SendFailure): void {
  const { pendingSends } = ctx.state;
  const pending = pendingSends.find((send) => send.sendId === sendId);
  if (pending === undefined || pending.failedAt !== null) return;
  emitFact(ctx, { kind: 'heartbeat', peer: pending.to, result: reason, rttMs: null });
  const failed = { ...pending, failedAt: ctx.now.at };
  change(ctx, { pendingSends: pendingSends.map((send) => (send === pending ? failed : send)) });
  for (const { address, epoch } of pending.ballots)
    onBallotUndelivered(ctx, pending.to, address, epoch, pending.fresh);
  onMissedHeartbeat(ctx, pending.to);
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

/** Why a request is none for this node, whatever it says; null: it is one. */
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

/** An authentic request or answer of the peer's own has come. */
function hear(ctx: StepContext, peer: Peer, channel: Channel, returned: boolean): void {
  const { heardAt: from } = peer;
  const until = ctx.now.at;
  const wasSilent = from !== null && quietMs(ctx.state, from) >= briefSilenceMs(ctx.state);
  const silence = wasSilent ? { from, until } : peer.silence;
  changePeer(ctx, peer.id, { channel, heardAt: until, silence, usurped: null });
  if (peer.channel.session !== channel.session) onNewSession(ctx, peer);
  if (returned) onDuplicateOfPeer(ctx, peer);
  findAlive(ctx, peer);
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
  hearStillSaid(ctx, from);
  if (payload.known !== undefined) onKnown(ctx, from, payload.known);
  if (payload.duplicateMs !== undefined) onToldOfDuplicate(ctx, from, payload.duplicateMs);
  if (payload.rumours !== undefined) onRumours(ctx, from, payload.rumours);
  if (payload.ask !== undefined) onAsked(ctx, payload.ask);
  for (const release of payload.releases ?? []) onRelease(ctx, from, release);
  for (const ballot of payload.ballots ?? []) onBallot(ctx, from, ballot);
  for (const answer of payload.answers ?? []) onBallotAnswer(ctx, from, answer);
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

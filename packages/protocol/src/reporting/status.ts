/**
 * What people and machines are shown: the status, the decision ladder, readiness. Views of the state, nothing more.
 */
import { arbiterProblem, isAskingArbiter } from '../election/arbiter.ts';
import { ballotElectorate, votersOf } from '../election/quorum.ts';
import type { AddressState } from '../model/address-state.ts';
import type { Role } from '../model/config.ts';
import type { Peer } from '../model/peer-state.ts';
import type { Handover, State } from '../model/state.ts';
import type { Instant, Ip, NodeId } from '../model/units.ts';
import { heldCount, isHeldBySelf, isSilent } from '../observation/holder.ts';
import { readinessProblems } from '../observation/idle-reads.ts';
import { type HomeView, homeView } from '../orders/failback.ts';
import { standingOf } from '../orders/handover.ts';
import { isPaused, pauseNeeds, pauseStoredBy } from '../orders/pause.ts';
import { bestCandidate, holdDownLeftMs } from '../takeover/damping.ts';
import { ladder, type Rung } from '../takeover/ladder.ts';
import { ownReadiness, peerReadiness } from '../takeover/readiness.ts';
import { decide } from '../takeover/takeover.ts';
import { takeoverPhase } from '../takeover/takeover-phase.ts';
import { takeoverView } from '../takeover/view.ts';
import { protectionView } from './standby.ts';
import type {
  AddressView,
  GateView,
  HandoverView,
  HolderView,
  PauseView,
  PeerView,
  StatusView,
  TakeoverProgress,
  WhyView,
} from './status-views.ts';

/** The whole status at `now`; ages are counted to it. */
export function statusOf(state: State, now: Instant): StatusView {
  const { config } = state;
  const present: State = { ...state, now };
  return {
    version: config.node.version,
    cluster: config.cluster,
    at: now.wall,
    node: {
      id: config.node.id,
      role: config.node.role,
      fit: state.local.fit,
      instanceId: config.node.instanceId,
      incarnation: state.incarnation,
      priority: config.node.priority,
      phase: state.phase,
      ready: takeoverReady(state),
      problems: readinessProblems(present),
      state: { found: state.storage.found, detail: state.storage.foundDetail },
      readiness: ownReadiness(present),
    },
    addresses: Object.values(state.addresses).map((address) => addressView(present, address)),
    peers: config.peers.map((peer) => peerView(present, peer.role, state.peers[peer.id], peer.id)),
    electorate: { voters: votersOf(config), digest: ballotElectorate(state) },
    pause: pauseView(present),
    orders: state.config.orders,
    handovers: present.handovers.map((handover) => handoverView(handover, now)),
    notificationsPending: state.outbox.length,
  };
}

/** The decision about one address as a ladder; null when the address isn't configured. */
export function whyOf(state: State, ip: Ip, now: Instant): WhyView | null {
  const address = state.addresses[ip];
  if (address === undefined) return null;
  const view = takeoverView({ ...state, now }, address);
  const decision = decide(view);
  return {
    address: ip,
    ...homePart(state, ip),
    outcome: decision.outcome,
    reason: decision.reason,
    detail: decision.detail,
    mode: view.mode,
    gates: ladder(view).map((rung) => gateView(rung, now)),
    lastBallot: lastBallotOf(address, now),
    refusals: address.refusals,
    handovers: state.handovers
      .filter(({ record }) => record.address === ip && record.state === 'open')
      .map((handover) => handoverView(handover, now)),
  };
}

/** Whether this node believes that it holds the address. */
export function isHolder(state: State, ip: Ip): boolean {
  return isHeldBySelf(state, ip);
}

/** Whether every probe has run once; what the address, the peers or the leases are like doesn't matter. */
export function readyView(state: State): { readonly ready: boolean; readonly reason: string } {
  if (state.phase !== 'running')
    return { ready: false, reason: state.phase === 'new' ? 'not started' : 'shutting down' };
  const unprobed = Object.values(state.addresses).find((address) => !address.series.everChecked);
  if (unprobed !== undefined) return { ready: false, reason: `${unprobed.ip} hasn't been probed yet` };
  if (state.config.local !== null && !state.local.series.everChecked)
    return { ready: false, reason: "the own HAProxy hasn't been checked yet" };
  return { ready: true, reason: 'ready' };
}

/** Whether the running preflight holds: this node could take an address if it had to. */
export function takeoverReady(state: State): boolean {
  return state.ready.ready;
}

/** Whether a stop has to wait: a move is being finished. */
export function isFinishingMove(state: State): boolean {
  return Object.values(state.addresses).some((address) => address.move !== null);
}

/** Left out where the address has no home. */
function homePart(state: State, ip: Ip): { readonly home?: HomeView } {
  const home = homeView(state, ip);
  return home === null ? {} : { home };
}

function addressView(state: State, address: AddressState): AddressView {
  const at = state.now.at;
  const { lent, campaign, series } = address;
  return {
    ip: address.ip,
    protection: protectionView(state, address),
    holder: holderView(state, address),
    next: bestCandidate(state, address.ip),
    verdict: address.verdict,
    ageMs: series.last === null ? null : at - series.last.endedAt,
    verdictForMs: at - address.verdictSince,
    reason: address.verdictReason,
    holdDownMs: holdDownLeftMs(state, address),
    outcome: address.decision.outcome,
    decision: address.decision.reason,
    epoch: address.epoch,
    lent:
      lent !== null && lent.expiresAt > at
        ? { candidate: lent.candidate, leftMs: lent.expiresAt - at }
        : null,
    lendsInMs: Math.max(0, address.lendFrom - at),
    ballot:
      campaign === null
        ? null
        : {
            epoch: campaign.epoch,
            won: campaign.won !== null,
            answers: Object.fromEntries(
              Object.entries(campaign.answers).map(([voter, { answer, reason }]) => [
                voter,
                `${answer}: ${reason}`,
              ]),
            ),
          },
    ...(isAskingArbiter(state) ? { arbiter: arbiterProblem(state, address) } : {}),
    takeover: progressOf(state, address),
    ...homePart(state, address.ip),
    views: toldViews(state, address),
  };
}

function progressOf({ now }: State, address: AddressState): TakeoverProgress | null {
  const { campaign, move, intent } = address;
  const phase = takeoverPhase(address);
  const work = campaign ?? move;
  const since = campaign?.openedAt ?? move?.startedAt;
  if (phase === 'idle' || work === null || since === undefined) return null;
  // A move begins with the steps of its intent.
  const steps = move?.steps ?? intent?.steps ?? [];
  return { mode: work.mode, epoch: work.epoch, phase, forMs: Math.max(0, now.at - since), steps };
}

function toldViews(state: State, address: AddressState): AddressView['views'] {
  const self = {
    node: state.config.node.id,
    verdict: address.verdict,
    ageMs: state.now.at - (address.series.last?.endedAt ?? state.observedFrom),
  };
  const told = Object.values(state.peers).flatMap((peer) => {
    const said = peer.record?.addresses.find((one) => one.ip === address.ip);
    return said === undefined
      ? []
      : [{ node: peer.id, verdict: said.verdict, ageMs: state.now.at - (peer.heardAt ?? peer.recordAt) }];
  });
  return [self, ...told];
}

function holderView(state: State, { holder }: AddressState): HolderView {
  if (holder.kind === 'unknown') return { kind: 'unknown' };
  return {
    kind: holder.kind,
    ...(holder.node === null ? {} : { node: holder.node }),
    ...(holder.instanceId === null ? {} : { instanceId: holder.instanceId }),
    ...(holder.associationId === null ? {} : { associationId: holder.associationId }),
    ageMs: state.now.at - holder.at,
  };
}

function peerView(state: State, role: Role, peer: Peer | undefined, id: NodeId): PeerView {
  const record = peer?.record ?? null;
  const silent = isSilent(state, id);
  return {
    id,
    role,
    state: peer?.state ?? 'unknown',
    lastHeardMs: peer?.heardAt == null ? null : state.now.at - peer.heardAt,
    rttMs: peer?.rttMs ?? null,
    fit: record === null || silent ? 'unknown' : record.fit,
    ready: record === null || silent ? null : record.ready,
    readiness: peerReadiness(state, id, role),
    leaving: record?.leaving ?? false,
    instanceId: record?.instanceId ?? null,
    incarnation: record?.incarnation ?? null,
    version: record?.version ?? null,
    electorate: record?.electorate ?? null,
    holds: heldCount(state, id),
  };
}

function handoverView({ record, expiresAt }: Handover, now: Instant): HandoverView {
  const { id, address, to, detail, by, reason, ordered = 0, proof } = record;
  const leftMs = Math.max(0, Math.floor(expiresAt - now.at));
  return {
    id,
    address,
    to,
    state: standingOf(record),
    detail,
    by,
    reason,
    until: Math.floor(now.wall + expiresAt - now.at),
    leftMs: record.state === 'open' ? leftMs : 0,
    ordered,
    signed: proof !== undefined,
  };
}

function pauseView(state: State): PauseView {
  const { owner, reason, until, version, by, signedAt, proof } = state.pause;
  return {
    paused: isPaused(state),
    by,
    owner,
    reason,
    until,
    version,
    signed: proof !== undefined,
    signedAt: proof === undefined ? null : (signedAt ?? null),
    stored: pauseStoredBy(state),
    needed: pauseNeeds(state),
  };
}

function gateView({ name, answer }: Rung, now: Instant): GateView {
  if (answer.kind === 'not-asked')
    return {
      name,
      state: 'not-asked',
      passed: null,
      reason: `not asked while ${answer.behind} is closed`,
      code: null,
      ageMs: null,
    };
  const { detail, seenAt } = answer;
  const ageMs = seenAt === null ? null : Math.max(0, now.at - seenAt);
  if (answer.kind === 'open')
    return { name, state: 'passed', passed: true, reason: detail, code: null, ageMs };
  return {
    name,
    state: 'closed',
    passed: false,
    reason: `${answer.reason}: ${detail}`,
    code: answer.reason,
    ageMs,
  };
}

/** The ballot that counts, or the one whose loss is waited out or explains why the address stays down. Later it is history. */
function lastBallotOf({ campaign, backoff, verdict }: AddressState, now: Instant): string | null {
  if (campaign?.won != null) return campaign.won.summary;
  const matters = backoff.until > now.at || verdict !== 'up';
  return backoff.reason === 'ballot-lost' && matters ? backoff.detail : null;
}

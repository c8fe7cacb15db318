/**
 * What people ask first of an address: is it protected, and if not, why not. One word, by what this node knows, with whom it
 * would go to and what stands in the way.
 *
 * Nothing is decided by it. The nodes may differ for a moment, as their probes do: each tells what it sees.
 */

import { arbiterProblem, isAskingArbiter } from '../election/arbiter.ts';
import { majorityOf, votersOf } from '../election/quorum.ts';
import type { AddressState } from '../model/address-state.ts';
import { ARBITER } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, NodeId } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import { isPaused } from '../orders/pause.ts';
import { candidatesInOrder, dampingOf } from '../takeover/damping.ts';
import { ownReadiness, peerReadiness, type ReadinessView } from '../takeover/readiness.ts';
import { takeoverPhase } from '../takeover/takeover-phase.ts';
import type { Verdict } from '../wire/messages.ts';

/**
 * `protected`: it answers, and a standby is ready. `no-standby`: nobody would take it over now. `failing-over`: somebody is
 * about to take it. `outage`: it doesn't answer, and nobody takes it. `paused`: it answers, and an operator has paused takeovers.
 */
export type ProtectionState = 'protected' | 'no-standby' | 'failing-over' | 'outage' | 'paused';

/** The first answer to the question whether an address is safe. */
export interface ProtectionView {
  readonly state: ProtectionState;
  /** Who would take it now, or takes it; null: nobody. */
  readonly next: NodeId | null;
  /**
   * What stands in the way, each beginning with a code and a colon. Of `protected`: against what it isn't.
   */
  readonly reasons: readonly string[];
}

/** An address that has been down for longer than this, while nobody has won a ballot, isn't being failed over. */
const FAILS_OVER_WITHIN_MS: DurationMs = 15_000;

/** What a standby does about an address is shown of it for so long after its last ballot was heard. */
const BALLOT_HEARD_WITHIN_MS: DurationMs = 5_000;

/** How well the address is protected at the moment of `state`. */
export function protectionView(state: State, address: AddressState): ProtectionView {
  const mover = moverOf(state, address);
  if (mover !== null && (mover.won || isRecent(state, address))) {
    const detail = mover.mode === 'handover' ? 'handover: as ordered' : mover.detail;
    return { state: 'failing-over', next: mover.node, reasons: [detail] };
  }
  const seen = sightOf(state, address);
  const { ready, reasons } = standbysOf(state, address);
  const [next = null] = ready;
  if (seen === 'down') {
    const blocked = whyNobody(state, address);
    const recent = address.verdict === 'down' && isRecent(state, address);
    if (next !== null && blocked.length === 0 && recent)
      return { state: 'failing-over', next, reasons: ['address-down: a takeover is about to begin'] };
    const idle = ready.map(
      (id) => `address-down: ${id}: it is ready, and hasn't taken it: its own ladder says why`,
    );
    return { state: 'outage', next: null, reasons: blocked.length > 0 ? blocked : [...idle, ...reasons] };
  }
  if (isPaused(state)) return { state: 'paused', next: null, reasons: [pausedBecause(state)] };
  if (seen === 'unknown')
    return { state: 'no-standby', next: null, reasons: [`verdict-unknown: ${unseenBecause(address)}`] };
  if (next === null) return { state: 'no-standby', next, reasons };
  return { state: 'protected', next, reasons: limitsOf(state, address) };
}

interface Mover {
  readonly node: NodeId;
  readonly mode: 'takeover' | 'handover';
  /** It may move it, or does, by its own word. */
  readonly won: boolean;
  readonly detail: string;
}

/** Who is at it: this node by its own state, a peer by the ballot that was heard of it or by the lease it was lent. */
function moverOf(state: State, address: AddressState): Mover | null {
  const { move, campaign, lent, openBallots } = address;
  const phase = takeoverPhase(address);
  const { id } = state.config.node;
  const mode = move?.mode ?? campaign?.mode;
  if (phase !== 'idle' && mode !== undefined) {
    const won = phase !== 'campaign';
    return {
      node: id,
      mode,
      won,
      detail: won ? `agreed: ${phase}` : 'ballot-open: the voters are being asked',
    };
  }
  for (const { ballot, answered, heardAt } of Object.values(openBallots)) {
    const { candidate } = ballot;
    const lends = lent !== null && lent.candidate === candidate && lent.expiresAt > state.now.at;
    const asks = answered !== 'released' && state.now.at - heardAt <= BALLOT_HEARD_WITHIN_MS;
    // It has it, and it answers: what it had asked for is over.
    const done = address.holder.node === candidate && address.verdict !== 'down';
    if (candidate === id || done || !(lends || asks)) continue;
    return {
      node: candidate,
      mode: ballot.mode,
      won: false,
      detail: `ballot-open: ${candidate} asks for it`,
    };
  }
  return null;
}

/** A failure that a takeover may still be on its way for; an address that answers has none behind it. */
function isRecent(state: State, { episode, verdict }: AddressState): boolean {
  if (verdict === 'up') return true;
  const since = episode.downSince ?? state.now.at;
  return state.now.at - since <= FAILS_OVER_WITHIN_MS;
}

/** What most of those say who have seen anything, this node among them; where they are as many, its own word. */
function sightOf(state: State, { ip, verdict }: AddressState): Verdict {
  const told = Object.values(state.peers)
    .filter(({ id }) => !isSilent(state, id))
    .map(({ record }) => record?.addresses.find((one) => one.ip === ip)?.verdict ?? 'unknown');
  const all = [verdict, ...told];
  const [ups, downs] = [count(all, 'up'), count(all, 'down')];
  if (ups === downs) return verdict;
  return ups > downs ? 'up' : 'down';
}

function count(all: readonly Verdict[], wanted: Verdict): number {
  return all.filter((one) => one === wanted).length;
}

function unseenBecause({ verdictReason }: AddressState): string {
  return verdictReason === '' ? 'no probe has come to a verdict yet' : verdictReason;
}

interface Standbys {
  /** Best first. */
  readonly ready: readonly NodeId[];
  /** Why each other candidate couldn't. */
  readonly reasons: readonly string[];
}

function standbysOf(state: State, address: AddressState): Standbys {
  const candidates = candidatesInOrder(state, address.ip);
  if (candidates.length === 0)
    return { ready: [], reasons: ['no-candidate: no other node is configured that could take it'] };
  const told = candidates.map((id) => ({ id, ...readinessOf(state, id) }));
  return {
    ready: told.filter(({ word }) => word === 'ready').map(({ id }) => id),
    reasons: told.filter(({ word }) => word !== 'ready').flatMap(({ id, ...view }) => because(id, view)),
  };
}

function readinessOf(state: State, id: NodeId): ReadinessView {
  return id === state.config.node.id ? ownReadiness(state) : peerReadiness(state, id, 'candidate');
}

function because(id: NodeId, { word, because: told }: ReadinessView): readonly string[] {
  switch (word) {
    case 'not-ready':
      return told.map((reason) => named(id, reason));
    case 'dead':
      return [`dead: ${id}: it isn't heard any more`];
    case 'unknown':
      return [`unknown: ${id}: it hasn't been heard`];
    case 'ready':
    case 'holder':
    case 'witness':
    case 'member':
      return []; // not one that stands by
  }
}

/** The code first, then whose it is. */
function named(id: NodeId, reason: string): string {
  const [code = reason, ...rest] = reason.split(': ');
  const detail = rest.join(': ').replace(`${id} itself`, 'it');
  return detail === '' ? `${code}: ${id}` : `${code}: ${id}: ${detail}`;
}

/** Why it stays down, by this node's own decision where it is one that could take it. */
function whyNobody(state: State, address: AddressState): readonly string[] {
  const { id, role } = state.config.node;
  if (isPaused(state)) return [pausedBecause(state)];
  if (role !== 'candidate' || address.holder.node === id) return [];
  const { outcome, reason, detail } = address.decision;
  if (outcome === 'hold' && reason !== 'address-up') return [named(id, `${reason}: ${detail}`)];
  return outcome === 'wait' && !isRecent(state, address) ? [named(id, `${reason}: ${detail}`)] : [];
}

function pausedBecause({ pause }: State): string {
  return `paused: by ${pause.owner}${pause.reason === '' ? '' : `: ${pause.reason}`}`;
}

/** Failures that the standby couldn't help with at this moment. */
function limitsOf(state: State, address: AddressState): readonly string[] {
  const damping = dampingOf(state, address);
  const damped = damping.kind === 'damped' ? [`${damping.reason}: ${damping.detail}`] : [];
  return [...damped, ...quorumLimit(state, address.ip)];
}

/** Should the holder's machine fail, the others have to be a majority without it; a pair has its own rule. */
function quorumLimit(state: State, ip: Ip): readonly string[] {
  const holder = state.addresses[ip]?.holder.node ?? null;
  const { node: self, agreement } = state.config;
  const voters = votersOf(state.config);
  if (holder === null || !voters.includes(holder)) return [];
  if (voters.length === 2)
    return agreement.silentPeer === 'takeover'
      ? []
      : [`no-majority: agreement.silentPeer is hold: should ${holder} fall silent, nobody takes it over`];
  const heard = voters.filter(
    (id) =>
      id !== holder &&
      (id === self.id || (id === ARBITER ? isArbiterReady(state, ip) : !isSilent(state, id))),
  );
  const needed = majorityOf(voters.length);
  if (heard.length >= needed) return [];
  const missing = voters.filter((id) => id !== holder && !heard.includes(id)).join(', ');
  return [
    `no-majority: should ${holder} fall silent, the voters left would be ${heard.length} of ${voters.length}, and ${needed} are needed; ${missing} isn't heard`,
  ];
}

/** A node that never asks it doesn't know better than that it will answer. */
function isArbiterReady(state: State, ip: Ip): boolean {
  const address = state.addresses[ip];
  return address === undefined || !isAskingArbiter(state) || arbiterProblem(state, address) === '';
}

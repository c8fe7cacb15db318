/**
 * Where it is decided to take an address over.
 *
 * `decide` asks the gates in order, dangers first, and the first that is closed says what to do now: nothing (`hold`,
 * `wait`), ask the voters (`campaign`), ask the outside (`guard`), see the move through (`verify`). When all are
 * open, the address is moved (`move`). Every gate names the invariant of PROTOCOL.md that it keeps.
 *
 * It reads a narrow view and does nothing itself; `apply-decision.ts` does what it says. `ladder.ts` shows people
 * what each gate sees.
 */

import type { Backoff, Campaign, Guard, Permission } from '../model/address-state.ts';
import type { Role } from '../model/config.ts';
import type { GateName, Outcome, Reason } from '../model/reasons.ts';
import type { Phase } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import type { BallotMode, Fitness, Verdict } from '../wire/messages.ts';
import type { Damping } from './damping.ts';

/** All that the rule may look at, about one address, at one moment. */
export interface TakeoverView {
  readonly at: MonotonicMs;
  /** `handover` when an operator has asked for one to this node. */
  readonly mode: BallotMode;
  readonly role: Role;
  readonly phase: Phase;
  readonly unfinished: UnfinishedMove;
  readonly holder: { readonly isSelf: boolean; readonly name: string; readonly at: MonotonicMs };
  readonly pause: { readonly paused: boolean; readonly detail: string };
  /** The last conclusive probe; null: none since the start or a stall. */
  readonly lastProbe: { readonly ok: boolean; readonly endedAt: MonotonicMs } | null;
  readonly local: { readonly fit: Fitness; readonly since: MonotonicMs };
  readonly verdict: {
    readonly is: Verdict;
    readonly since: MonotonicMs;
    /** What is missing for it to fail now: enough failures that count against its present holder, the newest included; null: nothing. */
    readonly notFailing: string | null;
    readonly detail: string;
  };
  readonly wayOut: {
    readonly proven: boolean;
    /** A probe has failed, or the external-IP service failed to answer when it was last asked: a proof is needed, or missed. */
    readonly wanted: boolean;
    readonly at: MonotonicMs | null;
    readonly detail: string;
  };
  readonly storageFailing: string | null;
  readonly displaces: { readonly ip: Ip | null; readonly allowed: boolean };
  readonly permission: Permission;
  readonly damping: Damping;
  readonly staggerUntil: MonotonicMs;
  /** When this node's own lease is free for itself. */
  readonly ownLease: { readonly freeAt: MonotonicMs; readonly lentTo: NodeId | null };
  readonly backoff: Backoff;
  readonly campaign: Campaign | null;
  readonly guard: Guard | null;
  /** The intent of the won ballot is durable. */
  readonly intentWritten: boolean;
  /** What the calls of the move that are still to come may take together. */
  readonly leaseNeededMs: DurationMs;
}

/** What of a move is still to be seen through. `settling`: it isn't known what became of a call. */
export type UnfinishedMove =
  | { readonly kind: 'none' }
  | { readonly kind: 'calling'; readonly detail: string }
  | { readonly kind: 'settling' }
  /** A call for another address is on its way. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'verifying'; readonly since: MonotonicMs }
  /** Something was done that must be seen through; the next attempt is at `until`. `released`: nobody holds the address by our doing. */
  | { readonly kind: 'duty'; readonly until: MonotonicMs; readonly released: boolean };

/** Nothing that this gate looks at stands in the way. */
export interface GateOpen {
  readonly kind: 'open';
  /** What it saw, in words. */
  readonly detail: string;
  /** When what it saw was seen; null where that has no age. */
  readonly seenAt: MonotonicMs | null;
}

/** What the gate says to do instead of moving the address, and why. */
export interface GateClosed extends Omit<GateOpen, 'kind'> {
  readonly kind: 'closed';
  readonly outcome: Outcome;
  readonly reason: Reason;
}

/** What a gate says when it is asked. */
export type GateAnswer = GateOpen | GateClosed;

/** What the rule says of one address at one moment. */
export interface TakeoverDecision {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly detail: string;
  /** The gate that decided; null when all are open. */
  readonly gate: GateName | null;
}

interface Gate {
  readonly name: GateName;
  readonly ask: (view: TakeoverView) => GateAnswer;
}

/** The rule. */
export const RULE: readonly Gate[] = [
  { name: 'unfinished-move', ask: unfinishedMove }, // I12, I14: see it through before anything else
  { name: 'role', ask: role }, // I3
  { name: 'running', ask: running },
  { name: 'not-holder', ask: notHolder }, // I9
  { name: 'paused', ask: notPaused }, // I16
  { name: 'observed', ask: observed }, // I8
  { name: 'local', ask: localFit }, // I9
  { name: 'verdict', ask: verdictDown }, // I1, I2
  { name: 'way-out', ask: wayOut }, // I2, I9
  { name: 'storage', ask: storage }, // I6
  { name: 'displace', ask: displace }, // I13
  { name: 'permission', ask: permission }, // I11
  { name: 'damping', ask: damping }, // I15
  { name: 'own-lease', ask: ownLeaseFree }, // I5
  { name: 'rank', ask: rank }, // I15
  { name: 'agreement', ask: agreement }, // I1, I4, I5, I10
  { name: 'guard', ask: guard }, // I1, I9
  { name: 'intent', ask: intent }, // I6
  { name: 'lease', ask: lease }, // I7
];

/** What to do now about this address. */
export function decide(view: TakeoverView): TakeoverDecision {
  for (const gate of RULE) {
    const answer = gate.ask(view);
    if (answer.kind === 'closed')
      return { outcome: answer.outcome, reason: answer.reason, detail: answer.detail, gate: gate.name };
  }
  return { outcome: 'move', reason: 'guard-passed', detail: 'every gate is open', gate: null };
}

function unfinishedMove({ at, unfinished }: TakeoverView): GateAnswer {
  switch (unfinished.kind) {
    case 'none':
      return open('no move is under way');
    case 'calling':
      return closed('wait', 'call-in-flight', unfinished.detail);
    case 'settling':
      return closed('wait', 'settling', 'an answer was unknown; reading until it is known');
    case 'elsewhere':
      return closed('wait', 'call-in-flight', 'another address is being moved to this node');
    case 'verifying':
      return closed(
        'verify',
        'moved',
        'the cloud has accepted the move; waiting for the address to answer',
        unfinished.since,
      );
    case 'duty':
      return unfinished.until > at
        ? closed('wait', 'backing-off', `${dutyOf(unfinished)}; going on soon`)
        : closed('move', 'finish-move', dutyOf(unfinished));
  }
}

function dutyOf({ released }: Extract<UnfinishedMove, { kind: 'duty' }>): string {
  return released
    ? 'nobody holds the address by our doing'
    : 'a move was begun, and what became of it has to be read';
}

function role({ role: is }: TakeoverView): GateAnswer {
  return is === 'candidate'
    ? open('this node is a candidate')
    : closed('hold', 'not-a-candidate', `this node is a ${is}`);
}

function running({ phase }: TakeoverView): GateAnswer {
  switch (phase) {
    case 'running':
      return open('running');
    case 'new':
      return closed('wait', 'starting', 'this node has not started yet');
    case 'stopping':
    case 'stopped':
      return closed('hold', 'stopping', 'this node is shutting down');
  }
}

function notHolder({ holder }: TakeoverView): GateAnswer {
  const seenAt = holder.name === 'unknown' ? null : holder.at;
  return holder.isSelf
    ? closed('hold', 'is-holder', 'this node holds it', seenAt)
    : open(`held by ${holder.name}`, seenAt);
}

function notPaused({ mode, pause }: TakeoverView): GateAnswer {
  if (!pause.paused) return open('not paused');
  return mode === 'handover'
    ? open('paused, which a handover ignores')
    : closed('hold', 'paused', pause.detail);
}

function observed({ lastProbe }: TakeoverView): GateAnswer {
  if (lastProbe === null)
    return closed('wait', 'starting', 'no probe has finished since the start or a stall');
  return open(lastProbe.ok ? 'the last probe succeeded' : 'the last probe failed', lastProbe.endedAt);
}

function localFit({ local }: TakeoverView): GateAnswer {
  switch (local.fit) {
    case 'fit':
      return open("this node's own HAProxy is fit", local.since);
    case 'unfit':
      return closed('hold', 'local-unfit', "this node's own HAProxy isn't fit to serve", local.since);
    case 'unknown':
      return closed('wait', 'local-unknown', "this node's own HAProxy hasn't been checked yet");
  }
}

function verdictDown({ mode, verdict, lastProbe }: TakeoverView): GateAnswer {
  if (mode === 'handover') return open(`seen ${verdict.is}, which a handover doesn't ask`, verdict.since);
  switch (verdict.is) {
    case 'up':
      return closed('hold', 'address-up', upDetail(lastProbe), verdict.since);
    case 'unknown':
      return closed('wait', 'verdict-unknown', verdict.detail, verdict.since);
    case 'down':
      if (verdict.notFailing !== null)
        return closed('wait', 'failure-not-current', verdict.notFailing, lastProbe?.endedAt ?? null);
      return open(`down: ${verdict.detail}`, verdict.since);
  }
}

function upDetail(lastProbe: TakeoverView['lastProbe']): string {
  return lastProbe?.ok === false
    ? 'the last probe failed, and the address counts as up until enough in a row have'
    : 'the address answers';
}

function wayOut({ wayOut: proof }: TakeoverView): GateAnswer {
  return proof.proven ? open(proof.detail, proof.at) : closed('wait', 'no-way-out', proof.detail, proof.at);
}

function storage({ storageFailing }: TakeoverView): GateAnswer {
  return storageFailing === null
    ? open('the disk takes writes')
    : closed('wait', 'storage-failed', `the disk doesn't take writes: ${storageFailing}`);
}

function displace({ displaces }: TakeoverView): GateAnswer {
  if (displaces.ip === null) return open('taking it throws no other address off');
  if (displaces.allowed) return open(`taking it throws ${displaces.ip} off this node, which is allowed`);
  return closed('hold', 'would-displace', `taking it would throw ${displaces.ip} off this node`);
}

function permission({ permission: known }: TakeoverView): GateAnswer {
  switch (known.kind) {
    case 'permitted':
      return open('every call of the move is permitted', known.at);
    case 'denied':
      return closed('wait', 'not-permitted', `${known.code}: ${known.message}`);
    case 'unproven':
      return closed(
        'wait',
        'permission-unproven',
        'the dry run has not been answered, or too long ago to count',
      );
  }
}

function damping({ mode, damping: damped }: TakeoverView): GateAnswer {
  if (damped.kind === 'free') return open(damped.detail);
  if (mode === 'handover') return open(`${damped.detail}, which a handover ignores`);
  return closed('hold', damped.reason, damped.detail);
}

function ownLeaseFree({ at, campaign, ownLease }: TakeoverView): GateAnswer {
  if (campaign !== null || ownLease.freeAt <= at)
    return open("this node's own lease is free, or its own already");
  const lentTo = ownLease.lentTo === null ? "can't be known since the start" : `is with ${ownLease.lentTo}`;
  return closed(
    'wait',
    'backing-off',
    `this node's own lease ${lentTo} for another ${Math.ceil(ownLease.freeAt - at)} ms`,
  );
}

function rank({ at, mode, campaign, staggerUntil }: TakeoverView): GateAnswer {
  if (mode === 'handover' || campaign !== null || at >= staggerUntil) return open("it is this node's turn");
  return closed(
    'wait',
    'staggered',
    `a better-ranked candidate has another ${Math.ceil(staggerUntil - at)} ms`,
  );
}

function agreement({ at, mode, campaign, backoff }: TakeoverView): GateAnswer {
  if (campaign?.won != null) return open(campaign.won.summary, campaign.won.at);
  if (campaign !== null)
    return closed('wait', 'ballot-open', "the voters haven't all answered", campaign.openedAt);
  if (backoff.until > at) return closed('wait', backoff.reason, backoff.detail);
  return mode === 'handover'
    ? closed('campaign', 'handover-asked', 'an operator asked for it; asking the voters')
    : closed('campaign', 'address-down', 'everything here says that it should move; asking the voters');
}

function guard({ guard: asked }: TakeoverView): GateAnswer {
  if (asked === null) return closed('guard', 'agreed', 'the voters agreed; checking the external IP');
  switch (asked.kind) {
    case 'asking':
      return closed('wait', 'guard-asked', "the external-IP service hasn't answered yet", asked.at);
    case 'refused':
      return closed('wait', 'guard-refused', asked.reason, asked.at);
    case 'passed':
      return open(`this node is seen as ${asked.ip}`, asked.at);
  }
}

function intent({ intentWritten }: TakeoverView): GateAnswer {
  if (intentWritten) return open('the intent to move is on disk');
  return closed('wait', 'intent-unwritten', 'the intent to move is being written to disk');
}

function lease({ at, campaign, leaseNeededMs }: TakeoverView): GateAnswer {
  const leftMs = (campaign?.won?.until ?? at) - at;
  if (leftMs >= leaseNeededMs) return open(`the leases last another ${Math.floor(leftMs)} ms`);
  return closed(
    'wait',
    'lease-too-short',
    `${Math.floor(leftMs)} ms are left of the leases, the calls may take ${leaseNeededMs} ms`,
  );
}

function open(detail: string, seenAt: MonotonicMs | null = null): GateOpen {
  return { kind: 'open', detail, seenAt };
}

function closed(
  outcome: Outcome,
  reason: Reason,
  detail: string,
  seenAt: MonotonicMs | null = null,
): GateClosed {
  return { kind: 'closed', outcome, reason, detail, seenAt };
}

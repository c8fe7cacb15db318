/**
 * Every fact in words, once: the log, the simulator's timeline and the explorer's stories say the same of it.
 */

import type { CheckResult, CloudRequest, ExternalIpResult } from '../model/inputs.ts';
import type { Fact, HistoryEntry } from './facts.ts';

/** One sentence, for people, about the node that tells it. */
export function factText(fact: Fact): string {
  switch (fact.kind) {
    case 'started':
      return startedText(fact);
    case 'stopping':
      return 'stopping: saying goodbye to the peers';
    case 'configured':
      return `configuration in force: ${fact.detail}`;
    case 'stalled':
      return `stalled for ${Math.round(fact.lateMs)} ms; discarding earlier observations`;
    case 'probe':
      return `probe of ${fact.address}: ${checkText(fact.result)}`;
    case 'verdict':
      return `${fact.address} is ${fact.to}: ${fact.reason}`;
    case 'local':
      return `own HAProxy is ${fact.to}: ${fact.reason}`;
    case 'way-out':
      return `way out: ${externalIpText(fact.result)}`;
    case 'heartbeat':
      return `heartbeat to ${fact.peer}: ${fact.result}`;
    case 'peer':
      return `peer ${fact.peer} is ${fact.to}: ${fact.reason}`;
    case 'rejected':
      return `message${fact.from === '' ? '' : ` from ${fact.from}`} rejected: ${fact.reason}`;
    case 'duplicate-id':
      return `two agents run with the id ${fact.peer}`;
    case 'decided':
      return `${fact.address}: ${fact.outcome}, ${fact.reason}${after(fact.detail)}`;
    case 'ballot-opened':
    case 'voted':
    case 'ballot-answered':
    case 'ballot-closed':
    case 'guard':
      return ballotText(fact);
    case 'step':
    case 'cloud-requests':
    case 'holder':
    case 'late-association':
      return moveText(fact);
    case 'readiness':
      return readinessText(fact);
    case 'concluded':
      return conclusionText(fact.entry);
    case 'blocked':
      return `${fact.address} has been down for ${Math.round(fact.downMs / 1000)} s and no node may take it: ${fact.reason}`;
    case 'notified':
    case 'notification-dropped':
      return notificationText(fact);
    case 'pause':
    case 'handover':
      return orderText(fact);
    case 'arbiter':
    case 'storage':
      return kept(fact);
  }
}

/** One request to the cloud. */
export function requestText({ service, operation, result, code, durationMs }: CloudRequest): string {
  return `${service} ${operation}: ${result}${code === null ? '' : ` (${code})`} after ${Math.round(durationMs)} ms`;
}

type FactOf<K extends Fact['kind']> = Extract<Fact, { readonly kind: K }>;

function ballotText(
  fact: FactOf<'ballot-opened' | 'voted' | 'ballot-answered' | 'ballot-closed' | 'guard'>,
): string {
  switch (fact.kind) {
    case 'ballot-opened':
      return `asking the voters about ${fact.address} (${fact.mode}, epoch ${fact.epoch})`;
    case 'voted':
      return `answered ${fact.candidate} about ${fact.address}: ${fact.answer}, ${fact.reason}`;
    case 'ballot-answered': {
      const { voter, address, answer, reason } = fact.answer;
      return `${voter} answered about ${address}: ${answer}, ${reason}`;
    }
    case 'ballot-closed':
      return `ballot ${fact.epoch} about ${fact.address} was ${fact.result}${after(fact.detail)}`;
    case 'guard':
      return `guard ${fact.passed ? 'passed' : 'refused'}: ${fact.reason}`;
  }
}

function moveText(fact: FactOf<'step' | 'cloud-requests' | 'holder' | 'late-association'>): string {
  switch (fact.kind) {
    case 'step':
      return `move of ${fact.address}: ${fact.step} took ${Math.round(fact.durationMs)} ms: ${fact.result}`;
    case 'cloud-requests':
      return fact.requests.map(requestText).join('; ');
    case 'holder':
      return `${fact.address} is held by ${fact.holder} (${fact.source})`;
    case 'late-association':
      return `the cloud applied a move of ${fact.address} to this node that had been given up`;
  }
}

function notificationText(fact: FactOf<'notified' | 'notification-dropped'>): string {
  const what = `notification ${fact.id} (${fact.notice}) to ${fact.receiver}`;
  switch (fact.kind) {
    case 'notified':
      return fact.result === 'accepted'
        ? `${what} was accepted`
        : `${what} failed and will be tried again: ${fact.detail}`;
    case 'notification-dropped':
      return `${what} is given up: ${fact.why}`;
  }
}

function orderText(fact: FactOf<'pause' | 'handover'>): string {
  switch (fact.kind) {
    case 'pause':
      return fact.paused
        ? `automatic takeovers are paused by ${fact.owner}${after(fact.reason)}`
        : `automatic takeovers are on again, by ${fact.owner}${after(fact.reason)}`;
    case 'handover':
      return `handover of ${fact.address} to ${fact.to}, ordered by ${fact.by}${after(fact.reason)}; ${fact.state}${after(fact.detail)}`;
  }
}

/** What keeps leases: the arbiter's store, the node's own disk. */
function kept(fact: FactOf<'arbiter' | 'storage'>): string {
  switch (fact.kind) {
    case 'arbiter':
      return fact.problem === ''
        ? `the arbiter can lend its lease of ${fact.address}`
        : `the arbiter lends no lease of ${fact.address}: ${fact.problem}`;
    case 'storage':
      return fact.ok
        ? 'the state directory takes writes again'
        : `the state could not be written (${fact.code}): this node lends and takes nothing`;
  }
}

function startedText({ incarnation, storage, detail }: FactOf<'started'>): string {
  const known = {
    loaded: 'state loaded',
    empty: 'no state yet',
    unreadable: 'the state is unreadable',
    foreign: 'the state of another cluster or node was found, and none of it counts',
  };
  return `started, incarnation ${incarnation}: ${known[storage]}${after(detail)}`;
}

function readinessText({ ready, problems }: FactOf<'readiness'>): string {
  if (ready) return 'ready to take over';
  // What a witness is isn't a fault of it.
  if (problems.includes('not-a-candidate')) return 'this node takes no address: it is no candidate';
  return `not ready to take over: ${problems.join('; ')}`;
}

function checkText(result: CheckResult): string {
  const took = `${Math.round(result.durationMs)} ms`;
  switch (result.kind) {
    case 'ok':
      return `${result.status} after ${took}`;
    case 'failed':
      return `${result.reason} after ${took}${after(result.detail)}`;
    case 'inconclusive':
      return `could not run${after(result.detail)}`;
  }
}

function externalIpText(result: ExternalIpResult): string {
  return result.kind === 'address' ? `seen as ${result.ip}` : `${result.reason}${after(result.detail)}`;
}

function conclusionText({ kind, address, from, to, result, reason, steps }: HistoryEntry): string {
  const total = steps.find(({ step }) => step === 'total');
  const took = total === undefined ? '' : ` in ${Math.round(total.durationMs)} ms`;
  // A refusal moves nothing.
  if (kind === 'refusal' || kind === 'blocked')
    return `${kind} of ${address}, held by ${from}, at ${to}: ${reason}`;
  return `${kind} of ${address} from ${from} to ${to}: ${result}${took}, ${reason}`;
}

function after(detail: string): string {
  return detail === '' ? '' : ` (${detail})`;
}

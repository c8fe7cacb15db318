/**
 * What is looked after while nothing happens: who holds the address, whether this node may take it, and whether it
 * could (the running preflight behind `takeover_ready`).
 */

import { takeRead } from '../membership/hearsay.ts';
import { copySurvey } from '../model/copy.ts';
import type { DriverAnswer, DriverResult } from '../model/inputs.ts';
import type { AddressState, Holder, State, Survey } from '../model/state.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  newEffectId,
  type Turn,
  tell,
} from '../model/step-context.ts';
import { type DurationMs, type EffectId, type Ip, type MonotonicMs, NEVER } from '../model/units.ts';
import { settleLate } from '../move/late.ts';
import { settle } from '../move/settling.ts';
import { PERMISSION_LASTS_MS } from '../takeover/view.ts';
import { forgetHolder, holderFrom, isSameHolder, observeHolder } from './holder.ts';
import { isWatchedClosely } from './verdict.ts';
import { ASK_IDLE_MS, familyOf } from './way-out.ts';

/** Reads share a throttling budget with the whole account: idle, one a minute and node. */
const READ_EVERY_MS: DurationMs = 60_000;
const PERMIT_EVERY_MS: DurationMs = 5 * 60_000;
/** While something stands in the way and the address is in trouble. */
const AGAIN_MS: DurationMs = 5_000;
/**
 * No lease waits for a survey, and the first calls of a run are slow. With `AGAIN_MS` it stays below 10 s, in which
 * whatever stands in the way of a move is tried again.
 */
const SURVEY_TIMEOUT_MS: DurationMs = 4_000;
/** So many reads in a row without an answer, or with a throttle, are more than a hiccup. A definite no counts at once. */
const FAILED_READS = 2;

/** Read and prove what is due. */
export function surveyWhatIsDue(turn: Turn): void {
  const { config, phase } = turn.state;
  if (config.driver === null || config.node.role !== 'candidate' || phase !== 'running') return;
  for (const ip in turn.state.addresses) {
    const address = addressOf(turn.state, ip);
    const { survey } = address;
    if (makesItsOwnCalls(turn.state, address)) continue;
    if (survey.reading === null && survey.nextReadAt <= turn.now.at) {
      const callId = newEffectId(turn);
      changeSurvey(turn, ip, {
        ...survey,
        reading: callId,
        readingAt: turn.now.at,
        nextReadAt: nextIdleRead(turn, ip),
      });
      turn.effects.push({
        kind: 'drive',
        callId,
        purpose: 'survey',
        address: ip,
        operation: { op: 'read' },
        timeoutMs: SURVEY_TIMEOUT_MS,
      });
    }
    permitIfDue(turn, ip);
  }
}

/** The answer to an idle read; one that isn't waited for any more counts for nothing. */
export function onSurveyed(turn: Turn, callId: EffectId, result: DriverResult): void {
  for (const { ip, survey } of Object.values(turn.state.addresses))
    if (survey.reading === callId) return onRead(turn, ip, survey, result);
}

/** The answer to a dry run. */
export function onPermission(turn: Turn, callId: EffectId, result: DriverResult): void {
  for (const { ip, survey } of Object.values(turn.state.addresses))
    if (survey.permitting === callId) return onPermitted(turn, ip, survey, result);
}

/** Tell when the running preflight begins or ceases to hold. */
export function tellReadiness(turn: Turn): void {
  const problems = readinessProblems(turn.state);
  const before = turn.state.ready;
  if (
    problems.length === before.problems.length &&
    problems.every((problem, i) => problem === before.problems[i])
  )
    return;
  const ready = problems.length === 0;
  change(turn, { ready: { ready, problems } });
  tell(turn, { kind: 'readiness', ready, problems });
  if (ready !== before.ready) announce(turn);
}

export function nextSurvey(state: State, address: AddressState): MonotonicMs {
  const { survey } = address;
  if (state.config.driver === null || makesItsOwnCalls(state, address)) return NEVER;
  const read = survey.reading === null ? survey.nextReadAt : NEVER;
  const permit = survey.permitting === null ? survey.nextPermitAt : NEVER;
  return Math.min(read, permit);
}

/** What would keep this node from taking an address, whatever the address's state. Codes, with the address where there is one. */
export function readinessProblems(state: State): readonly string[] {
  if (state.phase === 'new') return ['starting'];
  if (state.config.node.role !== 'candidate') return ['not-a-candidate'];
  const problems: string[] = [];
  if (isStateSetAside(state)) problems.push(`state-${state.storage.found}: ${state.storage.foundDetail}`);
  if (state.storage.failing !== null) problems.push(`storage-failed: ${state.storage.failing}`);
  if (state.local.fit !== 'fit') problems.push(`local-${state.local.fit}`);
  for (const ip in state.addresses) {
    const { survey } = addressOf(state, ip);
    const wayOut = state.wayOut[familyOf(ip)];
    const seenAt = wayOut.provenAt;
    const fresh =
      seenAt !== null &&
      state.now.at - seenAt < 2.5 * ASK_IDLE_MS &&
      (wayOut.failedAt === null || wayOut.failedAt < seenAt);
    if (!fresh) problems.push(`no-way-out: ${ip}: ${wayOut.reason}`);
    if (survey.displaces !== null && state.config.driver?.displace !== 'allow')
      problems.push(`would-displace: ${ip}: ${survey.displaces}`);
    const unread = readProblem(ip, survey);
    if (unread !== null) problems.push(unread);
    const unpermitted = permissionProblem(state, ip, survey);
    if (unpermitted !== null) problems.push(unpermitted);
  }
  return problems;
}

/** What the last run left could not be used, and so this node keeps its vote, its own included, for a lease. */
function isStateSetAside({ storage, addresses, now }: State): boolean {
  if (storage.found !== 'foreign' && storage.found !== 'unreadable') return false;
  return Object.values(addresses).some(({ lendFrom }) => lendFrom > now.at);
}

/**
 * A minute after the last read that another address has coming: one a minute and node, whatever the number of
 * addresses, and never a longer time without any, because a read also shows whether the cloud still listens to us.
 */
function nextIdleRead(turn: Turn, ip: Ip): MonotonicMs {
  const { addresses, config, now } = turn.state;
  const others = Object.values(addresses).filter((address) => address.ip !== ip);
  const last = Math.max(now.at, ...others.map(({ survey }) => survey.nextReadAt));
  return Math.min(last + READ_EVERY_MS, now.at + READ_EVERY_MS * Math.max(1, config.addresses.length));
}

function readProblem(ip: Ip, { unread }: Survey): string | null {
  if (unread === null || (!unread.refused && unread.times < FAILED_READS)) return null;
  return `${unread.refused ? 'read-refused' : 'read-failed'}: ${ip}: ${unread.code}`;
}

/**
 * A move makes its own calls. A single call has no condition, so that the read after its acceptance, which may lag, is one
 * of the survey's.
 */
function makesItsOwnCalls(state: State, { move }: AddressState): boolean {
  return move !== null && !(move.stage.kind === 'verifying' && state.config.driver?.style === 'single-call');
}

function permissionProblem(state: State, ip: Ip, { permission }: Survey): string | null {
  switch (permission.kind) {
    case 'permitted':
      return state.now.at - permission.at > PERMISSION_LASTS_MS ? `permission-unproven: ${ip}` : null;
    case 'denied':
      return `not-permitted: ${ip}: ${permission.code}`;
    case 'unproven':
      return `permission-unproven: ${ip}`;
  }
}

function permitIfDue(turn: Turn, ip: Ip): void {
  const { survey } = addressOf(turn.state, ip);
  if (survey.permitting !== null || survey.nextPermitAt > turn.now.at) return;
  const callId = newEffectId(turn);
  changeSurvey(turn, ip, { ...survey, permitting: callId, nextPermitAt: turn.now.at + PERMIT_EVERY_MS });
  turn.effects.push({
    kind: 'drive',
    callId,
    purpose: 'permission',
    address: ip,
    operation: { op: 'permit' },
    timeoutMs: SURVEY_TIMEOUT_MS,
  });
}

/** What a read, a move's too, says of whether the cloud listens to this node, and of what stands on its interface. */
export function noteRead(turn: Turn, ip: Ip, answer: DriverAnswer): void {
  const { survey } = addressOf(turn.state, ip);
  if (answer.kind === 'read') {
    // What stood in the way of the reads is gone, and was in the way of the dry run, too.
    const again = survey.unread !== null && survey.permission.kind !== 'permitted';
    const nextPermitAt = again ? turn.now.at : survey.nextPermitAt;
    changeSurvey(turn, ip, { ...survey, displaces: answer.displaces, unread: null, nextPermitAt });
    return;
  }
  const code = 'code' in answer ? answer.code : 'UnexpectedAnswer';
  const refused = answer.kind === 'refused' && !answer.throttled;
  const times = Math.min((survey.unread?.times ?? 0) + 1, FAILED_READS);
  changeSurvey(turn, ip, { ...survey, unread: { code, refused, times } });
}

function onRead(turn: Turn, ip: Ip, survey: Survey, result: DriverResult): void {
  const { answer } = result;
  changeSurvey(turn, ip, { ...survey, reading: null });
  noteRead(turn, ip, answer);
  if (answer.kind !== 'read') {
    const { survey: failed } = addressOf(turn.state, ip);
    changeSurvey(turn, ip, { ...failed, nextReadAt: turn.now.at + AGAIN_MS * 2 });
    return;
  }
  if (!takeRead(turn, ip, answer.association, survey.readingAt)) return;
  const before = addressOf(turn.state, ip).holder;
  const seen = holderFrom(turn.state, answer.association, survey.readingAt);
  observeHolder(turn, ip, seen, 'read');
  readAgainIfOvertaken(turn, ip, seen);
  settleLate(turn, ip, before, seen, survey.readingAt);
  const { move } = addressOf(turn.state, ip);
  const follows = move?.stage.kind === 'verifying' && survey.readingAt >= move.stage.acceptedAt;
  // Our single call may have taken the address from its holder without giving it to us.
  if (follows && seen.kind === 'none' && turn.state.config.driver?.style === 'single-call')
    settle(turn, ip, 'swap', null);
}

/**
 * A word that came while the read was on its way counts as newer than the read, though the cloud may have answered
 * after what the word tells of. Where the two differ neither is proof: the cloud is asked again.
 */
function readAgainIfOvertaken(turn: Turn, ip: Ip, seen: Holder): void {
  const { holder, survey } = addressOf(turn.state, ip);
  if (isSameHolder(holder, seen)) return;
  const nextReadAt = Math.max(turn.now.at, survey.readingAt + AGAIN_MS);
  if (survey.nextReadAt > nextReadAt) changeSurvey(turn, ip, { ...survey, nextReadAt });
}

function onPermitted(turn: Turn, ip: Ip, survey: Survey, result: DriverResult): void {
  const { answer } = result;
  const urgent =
    survey.permission.kind === 'unproven' || isWatchedClosely(turn.state, addressOf(turn.state, ip));
  const againMs = urgent ? AGAIN_MS : AGAIN_MS * 6;
  const nextPermitAt = turn.now.at + againMs;
  if (answer.kind === 'permitted') {
    changeSurvey(turn, ip, {
      ...survey,
      permitting: null,
      permission: { kind: 'permitted', at: turn.now.at },
    });
  } else if (answer.kind === 'refused' && !answer.throttled) {
    const permission = { kind: 'denied', code: answer.code, message: answer.message } as const;
    changeSurvey(turn, ip, { ...survey, permitting: null, nextPermitAt, permission });
  } else changeSurvey(turn, ip, { ...survey, permitting: null, nextPermitAt });
}

/** In trouble, what stands in the way, or may have changed, is tried again soon. */
export function hastenSurvey(turn: Turn, ip: Ip): void {
  const { survey, late, guard, verdict, holder, doubt } = addressOf(turn.state, ip);
  const soon = turn.now.at + AGAIN_MS;
  const permission = survey.permission;
  const permitted = permission.kind === 'permitted' && turn.now.at - permission.at <= PERMISSION_LASTS_MS;
  if (!permitted && survey.nextPermitAt > soon) changeSurvey(turn, ip, { ...survey, nextPermitAt: soon });
  // Down, and held by this node: the belief may be wrong, and nothing else would ever correct it.
  const heldInVain = verdict === 'down' && holder.node === turn.state.config.node.id;
  const doubtful =
    doubt !== null || survey.displaces !== null || late !== null || guard?.kind === 'refused' || heldInVain;
  const now = addressOf(turn.state, ip).survey;
  if (doubtful && now.nextReadAt > soon) changeSurvey(turn, ip, { ...now, nextReadAt: soon });
}

/**
 * The association by which the holder is known has ended, and nobody that is heard has said who holds the address now:
 * the cloud is asked. Else an old holder that is cut off from the new one would take itself for the holder until the
 * next idle read. Who can't ask the cloud doesn't know any more who holds it.
 */
export function readIfEnded(turn: Turn, ip: Ip): void {
  const { holder, ended, survey } = addressOf(turn.state, ip);
  if (holder.associationId === null || !ended.includes(holder.associationId)) return;
  const { driver, node } = turn.state.config;
  if (driver === null || node.role !== 'candidate') return forgetHolder(turn, ip);
  const nextReadAt = Math.max(turn.now.at, survey.readingAt + AGAIN_MS);
  if (survey.nextReadAt > nextReadAt) changeSurvey(turn, ip, { ...survey, nextReadAt });
}

function changeSurvey(turn: Turn, ip: Ip, survey: Survey): void {
  changeAddress(turn, ip, { survey: copySurvey(survey) });
}

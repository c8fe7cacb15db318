/**
 * Taking a handover back, and what may be promised then (PROTOCOL.md, "Operators").
 *
 * Only its target acts upon a handover. So that it won't happen any more is known once the target has stored its end, or
 * once its time is certainly over; before, it is said until when it may still happen.
 */

import type { Handover, State } from '../model/state.ts';
import type { Ip } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import { isoTime } from '../reporting/iso-time.ts';
import type { StepContext } from '../step-context.ts';
import { maxEchoAgeMs } from '../wire/freshness.ts';
import type { Command, CommandOutcome, HandoverRecord } from '../wire/messages.ts';
import { isMovePastRecall, isOpen, orderedBy, standingOf, withdrawHandover } from './handover.ts';

/** Over how many nodes a handover comes to its target at most, each a message later than the one before. */
const HOPS = 2;

/** Takes a handover back, and says whether it can still happen. Given again, it says so anew. */
export function cancelHandover(
  ctx: StepContext,
  command: Extract<Command, { kind: 'handover-cancel' }>,
): CommandOutcome {
  const known = meant(ctx.state, command);
  if (typeof known === 'string') return failed(command.id ?? '', known);
  const { owner, reason } = command;
  if (isOpen(ctx.state, known))
    withdrawHandover(ctx, known, owner, `taken back by ${owner}${reason === '' ? '' : `: ${reason}`}`);
  const { id } = known.record;
  const now = ctx.state.handovers.find(({ record }) => record.id === id) ?? known;
  return howFar(ctx.state, now);
}

/** Which handover; else why none. */
function meant(
  state: State,
  { id, address }: Extract<Command, { kind: 'handover-cancel' }>,
): Handover | string {
  if (id !== null)
    return state.handovers.find(({ record }) => record.id === id) ?? 'no such handover is known here';
  const ip = address ?? onlyAddress(state);
  if (ip === null || state.addresses[ip] === undefined) return askWhichAddress(state);
  const open = state.handovers.find((one) => one.record.address === ip && isOpen(state, one));
  return open ?? `no handover of ${ip} is open`;
}

function howFar(state: State, known: Handover): CommandOutcome {
  const { record, ending } = known;
  const { id, to, detail } = record;
  const standing = standingOf(record);
  if (ending !== null || isMovePastRecall(state, record))
    return {
      state: 'working',
      id,
      detail: `${to} is moving it, which can't be recalled; how it ends follows`,
    };
  switch (standing) {
    case 'done':
      return failed(id, `it is too late: done: ${detail}`);
    case 'failed':
      return { state: 'done', id, detail: `it has failed already: ${detail}` };
    case 'open':
    case 'expired':
    case 'withdrawn':
      return promiseOf(state, known, standing === 'withdrawn' ? 'withdrawn' : 'its time is over');
  }
}

/** Whether it can happen no more. What its target had begun before it was out of reach is seen through all the same. */
function promiseOf(state: State, { record, expiresAt }: Handover, what: string): CommandOutcome {
  const { id, to } = record;
  const told = toldBy(state, record);
  if (told === 'ended') return { state: 'done', id, detail: `${what}: ${to} has stored it` };
  const silent = to !== state.config.node.id && isSilent(state, to);
  const surelyOverAt = expiresAt + HOPS * maxEchoAgeMs(state.config.gossip.deadMs);
  if (state.now.at < surelyOverAt) {
    const until = isoTime(state.now.wall + surelyOverAt - state.now.at);
    const why = silent ? `${to} isn't heard` : `${to} hasn't stored it yet`;
    return { state: 'working', id, detail: `${what} here, but ${why}: until ${until} it may still happen` };
  }
  if (told === 'open' && !silent)
    return { state: 'working', id, detail: `its time is over, but ${to} has begun the move and finishes it` };
  return { state: 'done', id, detail: `${what}, and no node begins it any more` };
}

/** What its target last said that it has stored of it. */
function toldBy(state: State, { id, to }: HandoverRecord): 'open' | 'ended' | 'nothing' {
  const { storage } = state;
  if (to === state.config.node.id)
    return storage.failing === null && storage.durable >= storage.latest ? 'ended' : 'nothing';
  const said = state.peers[to]?.record ?? null;
  const known = said?.handovers.find((one) => one.id === id);
  if (known === undefined) return 'nothing';
  if (known.state === 'open') return 'open';
  return said?.unstored === true ? 'nothing' : 'ended';
}

/** A handover in words, for people. */
export function describeHandover({ address, to, by, reason }: HandoverRecord): string {
  return `the handover of ${address} to ${to}, ${orderedBy({ by, reason })}`;
}

/** The address that is meant where none is named; null: there are several. */
export function onlyAddress(state: State): Ip | null {
  const ips = Object.keys(state.addresses);
  return ips.length === 1 ? (ips[0] ?? null) : null;
}

/** Asks for the address, where none was named or it isn't known. */
export function askWhichAddress(state: State): string {
  return `which address? Known here: ${Object.keys(state.addresses).join(', ')}`;
}

/** The final answer to a command that isn't carried out, with the reason for people. */
export function failed(id: string, detail: string): CommandOutcome {
  return { state: 'failed', id, detail };
}

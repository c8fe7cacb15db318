/**
 * Two runs with one id: what betrays them, and how both hear of it.
 *
 * A peer that hears both sees a session come back that was replaced, and says so to whoever speaks with that id. Where the
 * two reach each other, each finds its own id in a message that isn't its own: in an answer, which its request has made
 * fresh, or in a request that echoes this very run.
 */

import { nodesVoting } from '../election/quorum.ts';
import type { Peer } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, NodeId } from '../model/units.ts';
import { change, changePeer, emitFact, type StepContext } from '../step-context.ts';
import { echoIsFresh, type OwnSession } from '../wire/freshness.ts';
import type { Echo, Envelope } from '../wire/messages.ts';

/** For so long after the last sign of it an id counts as in use twice. */
export const DUPLICATE_MS: DurationMs = 30_000;

/** A replaced session of the peer's has come back. */
export function onDuplicateOfPeer(ctx: StepContext, peer: Peer): void {
  changePeer(ctx, peer.id, { duplicateUntil: ctx.now.at + DUPLICATE_MS });
  // Two runs that both speak change places with every message; people are told of it once.
  if (peer.duplicateUntil <= ctx.now.at) emitFact(ctx, { kind: 'duplicate-id', peer: peer.id });
}

/**
 * A peer says that two runs use this node's id. One that lies could keep it from lending and asking for ever, so it takes two that say so, or
 * the other of a pair. Whoever sees the two runs itself lends them nothing, whatever they know.
 */
export function onToldOfDuplicate(ctx: StepContext, from: NodeId, forMs: DurationMs): void {
  const { config, now } = ctx.state;
  const untilAt = now.at + Math.min(forMs, DUPLICATE_MS);
  changePeer(ctx, from, { saysDuplicateUntil: untilAt });
  const others = Object.values(ctx.state.peers).filter(
    ({ id, saysDuplicateUntil }) => id !== from && saysDuplicateUntil > now.at,
  );
  const voters = nodesVoting(config);
  const isOtherOfPair = voters.length <= 2 && voters.includes(from);
  if (others.length > 0 || isOtherOfPair) onDuplicateOfSelf(ctx, forMs);
}

/** Another run uses this node's id: for as long as it counts, this one neither lends nor asks. */
export function onDuplicateOfSelf(ctx: StepContext, forMs: DurationMs): void {
  const { id } = ctx.state.config.node;
  const { duplicateUntil } = ctx.state;
  if (duplicateUntil <= ctx.now.at) emitFact(ctx, { kind: 'duplicate-id', peer: id });
  const until = ctx.now.at + Math.min(forMs, DUPLICATE_MS);
  change(ctx, { duplicateUntil: Math.max(duplicateUntil, until) });
}

/** What to tell a peer whose id runs twice; undefined: nothing. */
export function duplicateFor(peer: Peer, state: State): DurationMs | undefined {
  const left = Math.floor(peer.duplicateUntil - state.now.at);
  return left > 0 ? left : undefined;
}

/** A request with this node's id. Only one that echoes this very run lately shows another run: any other may be a replay. */
export function onRequestOfOwnId(ctx: StepContext, own: OwnSession, request: Envelope): void {
  const other = request.session !== ctx.state.session && request.re === null;
  if (other && echoIsFresh(request.echo, own)) onDuplicateOfSelf(ctx, DUPLICATE_MS);
}

/** An answer to a request of this run's, with this node's id: another run answers at the peer's URL, or this one does. */
export function onAnswerOfOwnId(ctx: StepContext, asked: NodeId, answer: Envelope): void {
  if (answer.session === ctx.state.session) return;
  onDuplicateOfSelf(ctx, DUPLICATE_MS);
  // The next request is to show the other run the same.
  changePeer(ctx, asked, { usurped: { session: answer.session, t: answer.t } });
}

/** What to echo to a peer in whose place another run of this node's answers; null: it is the peer as far as is known. */
export function echoToUsurper(peer: Peer | undefined): Echo | null {
  return peer?.usurped ?? null;
}

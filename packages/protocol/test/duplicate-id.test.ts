/** Two runs with one id: both hear of it, by peers or from each other, and nobody by a replay. */
import { describe, expect, test } from 'vitest';
import { DUPLICATE_MS } from '../src/membership/duplicate-id.ts';
import { onAnswered, onRequest } from '../src/membership/gossip.ts';
import { flush } from '../src/membership/sending.ts';
import type { State } from '../src/model/state.ts';
import { newContext, type StepContext, speakTo } from '../src/step-context.ts';
import type { Envelope } from '../src/wire/messages.ts';
import { AT, envelopeOf, PEER, SELF, stateOf, WALL, withPeer } from './support/fixtures.ts';

const OTHER = 'otherRun';

function turnOf(state: State): StepContext {
  return newContext(state, { at: AT, wall: WALL });
}

function toldOf(ctx: StepContext): readonly string[] {
  return ctx.facts.flatMap((fact) => (fact.kind === 'duplicate-id' ? [fact.peer] : []));
}

/** The next message to the peer. */
function sentBy(ctx: StepContext): Envelope {
  speakTo(ctx, PEER);
  flush(ctx, ctx.state);
  const sent = ctx.effects.flatMap((effect) => (effect.kind === 'send' ? [effect] : [])).at(-1);
  if (sent === undefined) throw new Error('nothing was sent');
  return sent.message;
}

describe('a peer that has heard both', () => {
  test('says so in every message to that id while it counts, and no longer', () => {
    const state = withPeer(stateOf(), PEER, { duplicateUntil: AT + 12_000 });
    expect(sentBy(turnOf(state)).payload.duplicateMs).toBe(12_000);
    const over = withPeer(stateOf(), PEER, { duplicateUntil: AT });
    expect(sentBy(turnOf(over)).payload.duplicateMs).toBeUndefined();
  });

  test('is believed by the run that it says it to, which tells it once and abstains for as long', () => {
    const ctx = turnOf(stateOf());
    const { session, startedAt } = ctx.state;
    const t = Math.floor(AT - startedAt);
    const known = ctx.state.peers[PEER]?.channel.session ?? OTHER;
    for (const seq of [500, 501]) {
      const payload = { version: 0, ack: 0, duplicateMs: 10 * DUPLICATE_MS };
      const request = envelopeOf({
        from: PEER,
        to: SELF,
        session: known,
        seq,
        echo: { session, t },
        payload,
      });
      onRequest(ctx, seq, request);
    }
    expect(toldOf(ctx)).toEqual([SELF]);
    expect(ctx.state.duplicateUntil).toBe(AT + DUPLICATE_MS);
  });
});

describe('two runs that reach each other', () => {
  /** The answer of another run with this node's id, at the peer's URL. */
  function answered(ctx: StepContext, parts: Partial<Envelope> = {}): void {
    const { session, seq } = sentBy(ctx);
    const sendId = ctx.state.pendingSends.at(-1)?.sendId ?? 0;
    const re = { session, seq };
    const payload = { version: 0, ack: 0, refused: 'reflected' as const };
    onAnswered(
      ctx,
      sendId,
      envelopeOf({ from: SELF, to: SELF, session: OTHER, t: 77, re, payload, ...parts }),
    );
  }

  test('the one that asks knows by the answer, and echoes the other run from then on', () => {
    const ctx = turnOf(stateOf());
    answered(ctx);
    expect(toldOf(ctx)).toEqual([SELF]);
    expect(ctx.state.duplicateUntil).toBe(AT + DUPLICATE_MS);
    expect(sentBy(ctx).echo).toEqual({ session: OTHER, t: 77 });
  });

  test('once the peer itself is heard there, it is echoed again', () => {
    const ctx = turnOf(withPeer(stateOf(), PEER, { usurped: { session: OTHER, t: 77 } }));
    const { session, seq } = sentBy(ctx);
    const sendId = ctx.state.pendingSends.at(-1)?.sendId ?? 0;
    const known = ctx.state.peers[PEER]?.channel.session ?? '';
    onAnswered(ctx, sendId, envelopeOf({ from: PEER, to: SELF, session: known, re: { session, seq } }));
    expect(sentBy(ctx).echo?.session).toBe(known);
  });

  test('a peer’s URL that leads to this run itself shows no other', () => {
    const ctx = turnOf(stateOf());
    answered(ctx, { session: ctx.state.session });
    expect(toldOf(ctx)).toEqual([]);
  });

  test('the one that is asked knows by a request that echoes it lately', () => {
    const ctx = turnOf(stateOf());
    const t = Math.floor(AT - ctx.state.startedAt);
    onRequest(
      ctx,
      1,
      envelopeOf({ from: SELF, to: PEER, session: OTHER, echo: { session: ctx.state.session, t } }),
    );
    expect(toldOf(ctx)).toEqual([SELF]);
  });

  test.each<readonly [string, Partial<Envelope> | ((state: State) => Partial<Envelope>)]>([
    [
      'echoes another run, as a recorded one of an earlier run does',
      { session: OTHER, echo: { session: 'earlierRun', t: 5 } },
    ],
    ['echoes nobody', { session: OTHER, echo: null }],
    ['is this run’s own', (state) => ({ session: state.session, echo: { session: state.session, t: 1 } })],
    [
      'is of another cluster',
      (state) => ({
        cluster: 'staging',
        session: OTHER,
        echo: { session: state.session, t: Math.floor(AT - state.startedAt) },
      }),
    ],
  ])('a request that %s tells nothing', (_, parts) => {
    const ctx = turnOf(stateOf());
    const given = typeof parts === 'function' ? parts(ctx.state) : parts;
    onRequest(ctx, 1, envelopeOf({ from: SELF, to: PEER, ...given }));
    expect(toldOf(ctx)).toEqual([]);
    expect(ctx.state.duplicateUntil).toBe(0);
  });
});

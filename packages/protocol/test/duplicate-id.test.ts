/** Two runs with one id: both hear of it, by peers or from each other, and nobody by a replay. */
import { describe, expect, test } from 'vitest';
import { DUPLICATE_MS } from '../src/membership/duplicate-id.ts';
import { flush, onAnswered, onRequest } from '../src/membership/gossip.ts';
import type { State } from '../src/model/state.ts';
import { newTurn, speakTo, type Turn } from '../src/model/step-context.ts';
import type { Envelope } from '../src/wire/messages.ts';
import { AT, envelopeOf, PEER, SELF, stateOf, WALL, withPeer } from './support/fixtures.ts';

const OTHER = 'otherRun';

function turnOf(state: State): Turn {
  return newTurn(state, { at: AT, wall: WALL });
}

function toldOf(turn: Turn): readonly string[] {
  return turn.facts.flatMap((fact) => (fact.kind === 'duplicate-id' ? [fact.peer] : []));
}

/** The next message to the peer. */
function sentBy(turn: Turn): Envelope {
  speakTo(turn, PEER, { hurried: true });
  flush(turn);
  const sent = turn.effects.flatMap((effect) => (effect.kind === 'send' ? [effect] : [])).at(-1);
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
    const turn = turnOf(stateOf());
    const { session, startedAt } = turn.state;
    const t = Math.floor(AT - startedAt);
    const known = turn.state.peers[PEER]?.channel.session ?? OTHER;
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
      onRequest(turn, seq, request);
    }
    expect(toldOf(turn)).toEqual([SELF]);
    expect(turn.state.duplicateUntil).toBe(AT + DUPLICATE_MS);
  });
});

describe('two runs that reach each other', () => {
  /** The answer of another run with this node's id, at the peer's URL. */
  function answered(turn: Turn, parts: Partial<Envelope> = {}): void {
    const { session, seq } = sentBy(turn);
    const sendId = turn.state.pendingSends.at(-1)?.sendId ?? 0;
    const re = { session, seq };
    const payload = { version: 0, ack: 0, refused: 'reflected' as const };
    onAnswered(
      turn,
      sendId,
      envelopeOf({ from: SELF, to: SELF, session: OTHER, t: 77, re, payload, ...parts }),
    );
  }

  test('the one that asks knows by the answer, and echoes the other run from then on', () => {
    const turn = turnOf(stateOf());
    answered(turn);
    expect(toldOf(turn)).toEqual([SELF]);
    expect(turn.state.duplicateUntil).toBe(AT + DUPLICATE_MS);
    expect(sentBy(turn).echo).toEqual({ session: OTHER, t: 77 });
  });

  test('once the peer itself is heard there, it is echoed again', () => {
    const turn = turnOf(withPeer(stateOf(), PEER, { usurped: { session: OTHER, t: 77 } }));
    const { session, seq } = sentBy(turn);
    const sendId = turn.state.pendingSends.at(-1)?.sendId ?? 0;
    const known = turn.state.peers[PEER]?.channel.session ?? '';
    onAnswered(turn, sendId, envelopeOf({ from: PEER, to: SELF, session: known, re: { session, seq } }));
    expect(sentBy(turn).echo?.session).toBe(known);
  });

  test('a peer’s URL that leads to this run itself shows no other', () => {
    const turn = turnOf(stateOf());
    answered(turn, { session: turn.state.session });
    expect(toldOf(turn)).toEqual([]);
  });

  test('the one that is asked knows by a request that echoes it lately', () => {
    const turn = turnOf(stateOf());
    const t = Math.floor(AT - turn.state.startedAt);
    onRequest(
      turn,
      1,
      envelopeOf({ from: SELF, to: PEER, session: OTHER, echo: { session: turn.state.session, t } }),
    );
    expect(toldOf(turn)).toEqual([SELF]);
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
    const turn = turnOf(stateOf());
    const given = typeof parts === 'function' ? parts(turn.state) : parts;
    onRequest(turn, 1, envelopeOf({ from: SELF, to: PEER, ...given }));
    expect(toldOf(turn)).toEqual([]);
    expect(turn.state.duplicateUntil).toBe(0);
  });
});

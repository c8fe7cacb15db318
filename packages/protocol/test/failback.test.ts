import { describe, expect, test } from 'vitest';
import { onConfigured, onStall } from '../src/lifecycle.ts';
import type { FailbackConfig, ProtocolConfig } from '../src/model/config.ts';
import type { State } from '../src/model/state.ts';
import { failBack, homeView, isSpanOpen, spanOf } from '../src/orders/failback.ts';
import { setHandoverState } from '../src/orders/handover.ts';
import { whyOf } from '../src/reporting/status.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { bestCandidate, configuredRank, liveRank } from '../src/takeover/damping.ts';
import {
  AT,
  addressIn,
  clusterOf,
  heardPeer,
  heldBy,
  IP,
  PEER,
  recordOf,
  SELF,
  seenUp,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

const AFTER_MS = 60_000;
const DAY_MS = 86_400_000;
const NOON = WALL - (WALL % DAY_MS) + DAY_MS / 2;

function withHome(
  failback: Partial<FailbackConfig> | null,
  home: string,
  base = clusterOf(PEER),
): ProtocolConfig {
  return {
    ...base,
    addresses: base.addresses.map((address) => ({ ...address, home })),
    ...(failback === null ? {} : { failback: { afterMs: AFTER_MS, window: null, ...failback } }),
  };
}

/** This node holds the peer's address, which is up; the peer is heard, fit and ready. */
function away(failback: Partial<FailbackConfig> | null = {}): State {
  return seenUp(heldBy(stateOf(withHome(failback, PEER)), SELF));
}

/** So much later, with the peer heard a moment ago. */
function later(state: State, ms: number, wall: number = NOON): StepContext {
  const at = state.now.at + ms;
  const now = { at, wall };
  const peer = state.peers[PEER];
  const heard = peer?.heardAt === null ? state : withPeer(state, PEER, { heardAt: at - 100 });
  return newContext({ ...heard, now }, now);
}

function ordered(ctx: StepContext): readonly string[] {
  failBack(ctx);
  return ctx.state.handovers.flatMap(({ record }) =>
    record.state === 'open' ? [`${record.address} to ${record.to}`] : [],
  );
}

/** The home has been seen ready since `AT`. */
function seenReady(state: State): State {
  const ctx = newContext(state, { at: AT, wall: NOON });
  failBack(ctx);
  return ctx.state;
}

const GOES = [`${IP} to ${PEER}`];

describe('an address goes home', () => {
  test('once its home has been ready for so long, and not before', () => {
    expect(ordered(later(seenReady(away()), AFTER_MS - 1))).toEqual([]);
    expect(ordered(later(seenReady(away()), AFTER_MS))).toEqual(GOES);
  });

  test('never without a failback, a home, or an order that a node may give', () => {
    expect(ordered(later(seenReady(away(null)), AFTER_MS))).toEqual([]);
    const homeless = { ...away(), config: { ...away().config, addresses: clusterOf(PEER).addresses } };
    expect(ordered(later(seenReady(homeless), AFTER_MS))).toEqual([]);
    const signed: State = { ...away(), config: { ...away().config, orders: 'proven' } };
    expect(ordered(later(seenReady(signed), AFTER_MS))).toEqual([]);
  });

  const holds: readonly (readonly [why: string, change: (state: State) => State])[] = [
    ['this node is no holder', (state) => heldBy(state, PEER)],
    [
      'automatic moves are paused',
      (state) => ({ ...state, pause: { ...state.pause, paused: true, owner: 'ann' } }),
    ],
    [
      'the address moved lately',
      (state) => withAddress(state, { changes: [AT + 1], changedTo: ['aabbccdd'] }),
    ],
    ['the address is not up', (state) => withAddress(state, { verdict: 'unknown' })],
    [
      'it has moved too often',
      (state) =>
        withAddress(state, {
          changes: Array.from({ length: state.config.flap.moves }, (_, n) => AT - n),
          changedTo: [],
        }),
    ],
  ];
  test.each(holds)('not while %s', (_why, change) => {
    expect(ordered(later(change(seenReady(away())), AFTER_MS))).toEqual([]);
  });

  const unready: readonly (readonly [why: string, change: (state: State) => State])[] = [
    ['is silent', (state) => silenced(state, PEER)],
    ['is unfit', (state) => withPeer(state, PEER, { record: recordOf(PEER, { fit: 'unfit' }) })],
    ['is not ready', (state) => withPeer(state, PEER, { record: recordOf(PEER, { ready: false }) })],
    ['leaves', (state) => withPeer(state, PEER, { record: recordOf(PEER, { leaving: true }) })],
  ];
  test.each(unready)('counted anew when its home %s', (_why, change) => {
    const ctx = newContext(change(seenReady(away())), { at: AT + 10_000, wall: NOON });
    failBack(ctx);
    expect(addressIn(ctx.state).homing.ableSince).toBeNull();
  });

  test('counted anew after a standstill, and when the configuration changes', () => {
    const stalled = newContext(seenReady(away()), { at: AT + AFTER_MS, wall: NOON });
    onStall(stalled, AFTER_MS);
    const reloaded = newContext(seenReady(away()), { at: AT + 1_000, wall: NOON });
    onConfigured(reloaded, reloaded.state.config, []);
    for (const ctx of [stalled, reloaded]) expect(addressIn(ctx.state).homing.ableSince).toBeNull();
  });

  test('within the window', () => {
    const state = seenReady(away({ window: '02:00-05:00 UTC' }));
    expect(ordered(later(state, AFTER_MS))).toEqual([]);
    expect(homeView(later(state, AFTER_MS).state, IP)).toMatchObject({
      because: 'it goes within 02:00-05:00 UTC',
    });
    expect(ordered(later(state, AFTER_MS, NOON - 9 * 3_600_000))).toEqual(GOES);
  });

  test('one that its home did not take rests, each time twice as long', () => {
    let state = seenReady(away());
    for (const rest of [AFTER_MS, 2 * AFTER_MS]) {
      const ctx = later(state, AFTER_MS);
      expect(ordered(ctx)).toEqual(GOES);
      setHandoverState(ctx, ctx.state.handovers.at(-1)?.record.id ?? '', 'failed', 'refused');
      failBack(ctx);
      expect(addressIn(ctx.state).homing.restsUntil).toBe(ctx.now.at + rest);
      expect(ordered(later(ctx.state, rest - 1))).toEqual([]);
      state = { ...ctx.state, now: { at: ctx.now.at + rest - AFTER_MS, wall: NOON } };
    }
  });
});

describe('an address with a home', () => {
  test('says where it stands', () => {
    expect(homeView(stateOf(), IP)).toBeNull();
    expect(homeView(heldBy(away(), PEER), IP)).toEqual({ node: PEER, word: 'home', because: '' });
    const why = whyOf(away(null), IP, { at: AT, wall: NOON });
    expect(why?.home).toEqual(homeView(away(null), IP));
    expect(whyOf(stateOf(), IP, { at: AT, wall: NOON })).not.toHaveProperty('home');
    expect(homeView(away(null), IP)).toMatchObject({
      word: 'away',
      because: expect.stringContaining('never'),
    });
    expect(homeView(later(seenReady(away()), 20_000).state, IP)).toMatchObject({
      because: `${PEER} has been ready for 20 s of 60 s`,
    });
  });

  test('is its home’s before anybody else’s', () => {
    const cluster = withHome(null, 'zeta', clusterOf('alpha', 'zeta'));
    const state = heldBy(stateOf(cluster), 'alpha');
    expect(bestCandidate(state, IP)).toBe('zeta');
    expect([liveRank(state, IP), configuredRank(state, IP)]).toEqual([1, 1]);
    const own = heldBy(stateOf(withHome(null, SELF, clusterOf('alpha', 'beta'))), 'beta');
    expect([liveRank(own, IP), configuredRank(own, IP)]).toEqual([0, 0]);
  });
});

test('what one holder has lost is shared among those who are left', () => {
  const base = clusterOf('alpha', 'zeta');
  const [first] = base.addresses;
  if (first === undefined) throw new Error('no address');
  const other = { ...first, ip: '198.51.100.77' };
  const config = { ...base, addresses: [first, other] };
  const state = stateOf(config);
  const lost = {
    kind: 'node',
    node: 'zeta',
    instanceId: 'i-zeta',
    at: 0,
    toldBy: null,
    firsthand: true,
  } as const;
  const addresses = Object.fromEntries(
    Object.values(state.addresses).map((address, n) => [
      address.ip,
      { ...address, verdict: 'down' as const, holder: { ...lost, associationId: `eipassoc-${n}` } },
    ]),
  );
  const after = { ...state, addresses };
  expect([bestCandidate(after, IP), bestCandidate(after, other.ip)]).toEqual(['alpha', SELF]);
  const one = {
    ...after,
    addresses: { ...addresses, [IP]: { ...addressIn(after), verdict: 'up' as const } },
  };
  expect(bestCandidate(one, other.ip)).toBe('alpha');
  expect(heardPeer(after, 'alpha').state).toBe('alive');
});

test.each([
  ['02:00-05:00 UTC', [120, 300]],
  ['22:30-01:15 UTC', [1_350, 75]],
  ['00:00-00:00 UTC', null],
  ['2:00-5:00 UTC', null],
  ['02:00-25:00 UTC', null],
  ['02:00-05:00', null],
])('%s is a span of the day: %s', (text, span) => {
  expect(spanOf(text)).toEqual(span);
});

test('a span may go on past midnight', () => {
  const at = (hour: number): number => NOON + (hour - 12) * 3_600_000;
  expect([21, 22, 23, 0, 1, 2].map((hour) => isSpanOpen('22:00-01:30 UTC', at(hour)))).toEqual([
    ...[false, true, true],
    ...[true, true, false],
  ]);
});

import { describe, expect, test } from 'vitest';
import { electorateDigest, electorateFaults, majorityOf, votersOf } from '../src/election/quorum.ts';
import {
  contactPeriodMs,
  deadAfterMs,
  peerStateNow,
  silenceLimits,
  suspectAfterMs,
} from '../src/membership/detector.ts';
import type { PeerConfig, ProtocolConfig } from '../src/model/config.ts';
import type { Peer } from '../src/model/peer-state.ts';
import type { State } from '../src/model/state.ts';
import { bestCandidate, configuredRank, dampingOf, liveRank, staggerUntil } from '../src/takeover/damping.ts';
import type { PeerState } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  CHECK,
  candidate,
  clusterOf,
  EXPECTS,
  heldBy,
  IP,
  PAIR,
  PEER,
  recordOf,
  SELF,
  seenDown,
  silenced,
  stateOf,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

const HELD = withAddress(heldBy(stateOf(), PEER), { changes: [AT - 20_000], served: true });
const MINUTE = 60_000;

describe('damping', () => {
  const rows: readonly (readonly [string, State, string])[] = [
    ['nothing has changed', withAddress(HELD, { changes: [] }), 'free'],
    ['its holder is heard, fit and has served', HELD, 'held-down'],
    ['the hold-down is over', withAddress(HELD, { changes: [AT - MINUTE] }), 'free'],
    ['its holder is silent', silenced(HELD, PEER), 'free'],
    [
      'its holder says that it is unfit',
      withPeer(HELD, PEER, { record: recordOf(PEER, { fit: 'unfit' }) }),
      'free',
    ],
    ['nobody holds it', heldBy(HELD, null), 'free'],
    ['it has not served in 15 s', withAddress(HELD, { served: false }), 'free'],
    [
      'it has had less than 15 s to serve',
      withAddress(HELD, { served: false, changes: [AT - 14_999] }),
      'held-down',
    ],
    [
      'an instance that no node claims holds it',
      withAddress(HELD, { holder: { ...addressIn(HELD).holder, kind: 'other', node: null } }),
      'free',
    ],
    [
      'it changed as often as the budget allows',
      withAddress(HELD, { changes: [2, 3, 4, 9].map((minutes) => AT - minutes * MINUTE) }),
      'flapping',
    ],
    [
      'one of those changes is just outside the budget',
      withAddress(HELD, { changes: [2, 3, 4, 10].map((minutes) => AT - minutes * MINUTE) }),
      'free',
    ],
    [
      'it flaps, but its holder is silent',
      silenced(withAddress(HELD, { changes: [2, 3, 4, 9].map((minutes) => AT - minutes * MINUTE) }), PEER),
      'free',
    ],
  ];
  test.each(rows)('when %s', (_, state, expected) => {
    const damping = dampingOf(state, addressIn(state));
    expect(damping.kind === 'damped' ? damping.reason : damping.kind).toBe(expected);
  });

  test('ends when it says', () => {
    const damping = dampingOf(HELD, addressIn(HELD));
    expect(damping).toMatchObject({ kind: 'damped', until: AT + 40_000 });
    const later = { ...HELD, now: { ...HELD.now, at: AT + 40_000 } };
    expect(dampingOf(withPeer(later, PEER, { heardAt: AT + 39_999 }), addressIn(later)).kind).toBe('free');
  });
});

describe('rank', () => {
  const named = (...peers: readonly PeerConfig[]): State => heldBy(stateOf(clusterOf(...peers)), 'holder');
  const told = (state: State, id: string, priority: number): State =>
    withPeer(state, id, { record: recordOf(id, { priority }) });
  const rows: readonly (readonly [string, State, number, number])[] = [
    ['alone', named(candidate('holder')), 0, 0],
    [
      'a higher priority goes first',
      told(named(candidate('holder'), candidate('zeta', 200)), 'zeta', 200),
      1,
      1,
    ],
    [
      'a lower priority goes later',
      told(named(candidate('holder'), candidate('beta', 50)), 'beta', 50),
      0,
      0,
    ],
    [
      'of equals the smaller id goes first',
      named(candidate('holder'), candidate('beta'), candidate('zeta')),
      1,
      1,
    ],
    ['a silent one is not waited for, though configured', silenced(named(candidate('beta')), 'beta'), 0, 1],
    [
      'an unfit one is not waited for, though configured',
      withPeer(named(candidate('beta')), 'beta', { record: recordOf('beta', { fit: 'unfit' }) }),
      0,
      1,
    ],
    ['a witness is nobody to wait for', named({ id: 'beta', role: 'witness', priority: 500 }), 0, 0],
    ['the holder is nobody to wait for', heldBy(stateOf(clusterOf('beta')), 'beta'), 0, 0],
  ];
  test.each(rows)('%s', (_, state, live, configured) => {
    expect([liveRank(state, IP), configuredRank(state, IP)]).toEqual([live, configured]);
  });

  test('who holds fewer addresses goes first among equals', () => {
    const config: ProtocolConfig = {
      ...clusterOf('alpha', 'holder'),
      addresses: [IP, '203.0.113.8'].map((ip) => ({ ip, probe: CHECK, expects: EXPECTS })),
    };
    const state = heldBy(stateOf(config), 'holder');
    const second = state.addresses['203.0.113.8'] ?? never();
    const holder = { ...second.holder, kind: 'node', node: 'alpha' } as const;
    const busy = { ...state, addresses: { ...state.addresses, '203.0.113.8': { ...second, holder } } };
    expect([liveRank(state, IP), liveRank(busy, IP)]).toEqual([1, 0]);
  });

  test('each place waits one gossip time-out from when it could go; a call without a condition two calls', () => {
    const state = seenDown(heldBy(stateOf(clusterOf('beta')), null));
    const since = addressIn(state).verdictSince;
    expect(staggerUntil(state, addressIn(state), 2_500)).toBeGreaterThanOrEqual(since + 400);
    const driver = { style: 'single-call', swap: false, displace: 'refuse' } as const;
    const blunt = { ...state, config: { ...state.config, driver } };
    expect(staggerUntil(blunt, addressIn(blunt), 2_500)).toBeGreaterThanOrEqual(since + 5_000);
  });

  test('the best candidate for a handover is heard, fit, stays, and is not the holder', () => {
    const state = heldBy(stateOf(clusterOf(candidate('alpha', 100), candidate('beta', 100))), SELF);
    expect(bestCandidate(state, IP)).toBe('alpha');
    expect(bestCandidate(silenced(state, 'alpha'), IP)).toBe('beta');
    const leaving = withPeer(state, 'alpha', { record: recordOf('alpha', { leaving: true }) });
    expect(bestCandidate(leaving, IP)).toBe('beta');
    expect(bestCandidate(silenced(silenced(state, 'alpha'), 'beta'), IP)).toBeNull();
  });
});

function never(): never {
  throw new Error('the fixture lacks it');
}

describe('the electorate', () => {
  test('is the configured one: candidates and witnesses, this node among them, sorted', () => {
    const config = clusterOf(
      'mars',
      { id: 'alpha', role: 'witness', priority: 1 },
      { id: 'beta', role: 'member', priority: 1 },
    );
    expect(votersOf(config)).toEqual(['alpha', 'mars', 'saturn']);
    expect(votersOf({ ...config, node: { ...config.node, role: 'member' } })).toEqual(['alpha', 'mars']);
  });

  test('has a digest that all its voters share, and that changes with any voter', () => {
    const mine = clusterOf('mars', 'venus');
    const theirs = { ...clusterOf(SELF, 'venus'), node: { ...PAIR.node, id: 'mars' } };
    expect(electorateDigest(mine)).toBe(electorateDigest(theirs));
    expect(electorateDigest(mine)).not.toBe(electorateDigest(clusterOf('mars')));
    expect(electorateDigest(clusterOf('a', 'bc'))).not.toBe(electorateDigest(clusterOf('ab', 'c')));
  });

  test('has the digest of the published FNV-1a', () => {
    const config = { ...PAIR, peers: [], node: { ...PAIR.node, id: 'foobar' } };
    expect(electorateDigest(config)).toBe('bf9cf968'); // from the test vectors of draft-eastlake-fnv
  });

  test('has a strict majority', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majorityOf)).toEqual([1, 2, 2, 3, 3, 4, 4]);
  });

  test('is refused with more than seven voters, or one named twice', () => {
    expect(electorateFaults(clusterOf('b', 'c', 'd', 'e', 'f', 'g'))).toEqual([]);
    expect(electorateFaults(clusterOf('b', 'c', 'd', 'e', 'f', 'g', 'h'))).toHaveLength(1);
    expect(electorateFaults(clusterOf('b', 'b'))).toEqual(['two voters have the same id']);
  });
});

describe('the detector', () => {
  const quiet = (quietMs: number, parts: Partial<Peer> = {}): Partial<Peer> => ({
    heardAt: AT - quietMs,
    ...parts,
  });
  const vouched = (agoMs: number): Partial<Peer> => ({ vouchedAt: AT - agoMs });
  const rumouredDead = { rumoured: 'dead' } as const;
  const rows: readonly (readonly [string, Partial<Peer>, PeerState])[] = [
    ['heard just now', quiet(0), 'alive'],
    ['heard a moment ago', quiet(1_499), 'alive'],
    ['not heard for half of dead', quiet(1_500), 'suspect'],
    ['not heard for nearly dead', quiet(2_999), 'suspect'],
    ['not heard for dead', quiet(3_000), 'dead'],
    ['suspect here and heard by another', quiet(2_000, vouched(100)), 'alive'],
    ['dead here and heard by another', quiet(3_000, vouched(100)), 'suspect'],
    ['dead here, and the word of another is old', quiet(3_000, vouched(3_000)), 'dead'],
    ['suspect here and dead to another', quiet(2_000, rumouredDead), 'dead'],
    ['alive here though dead to another', quiet(100, rumouredDead), 'alive'],
    ['never heard, and time enough has passed', { heardAt: null }, 'dead'],
  ];
  test.each(rows)('%s', (_, parts, expected) => {
    const peer = stateOf().peers[PEER] ?? never();
    expect(peerStateNow(stateOf(), { ...peer, ...parts }, silenceLimits(stateOf(), 'candidate')).state).toBe(
      expected,
    );
  });

  test('knows nothing of a peer until it could have been heard, from the start or a stall', () => {
    const peer = { ...(stateOf().peers[PEER] ?? never()), heardAt: null };
    const state = { ...stateOf(), observedFrom: AT - 2_999 };
    expect(peerStateNow(state, peer, silenceLimits(state, 'candidate')).state).toBe('unknown');
    const heard = { ...peer, heardAt: AT - 60_000 };
    expect(peerStateNow(state, heard, silenceLimits(state, 'candidate')).state).toBe('suspect');
  });

  test('gives peers that take turns the time of their turns', () => {
    const many = stateOf(clusterOf('b', 'c', 'd', 'e', 'f', 'g'));
    expect([contactPeriodMs(stateOf(), 'candidate'), contactPeriodMs(many, 'candidate')]).toEqual([
      500, 1_000,
    ]);
    expect([suspectAfterMs(stateOf(), 'candidate'), suspectAfterMs(many, 'candidate')]).toEqual([
      1_500, 2_400,
    ]);
    expect(deadAfterMs(many, 'candidate')).toBe(3_000);
    const members = Array.from(
      { length: 8 },
      (_, i) => ({ id: `m${i}`, role: 'member', priority: 1 }) as const,
    );
    expect(deadAfterMs(stateOf(clusterOf(...members)), 'member')).toBe(12_400);
  });
});

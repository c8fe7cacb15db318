import { describe, expect, test } from 'vitest';
import { GATES, REASONS } from '../src/model/reasons.ts';
import { ladder } from '../src/takeover/ladder.ts';
import { decide, RULE, type TakeoverView } from '../src/takeover/takeover.ts';
import { AT } from './support/fixtures.ts';
import { OPEN_VIEW, ROWS, type TakeoverRow } from './support/takeover-table.ts';

function viewOf(row: TakeoverRow): TakeoverView {
  return { ...OPEN_VIEW, ...row.change };
}

/** What the rule would say if it asked only these gates. */
function decideOver(rule: typeof RULE, view: TakeoverView): string {
  for (const { ask } of rule) {
    const answer = ask(view);
    if (answer.kind === 'closed') return `${answer.outcome} ${answer.reason}`;
  }
  return 'move guard-passed';
}

describe('each gate alone decides', () => {
  test.each(ROWS)('$when: $outcome, $reason', (row) => {
    const { outcome, reason, gate } = decide(viewOf(row));
    expect({ outcome, reason, gate }).toEqual({ outcome: row.outcome, reason: row.reason, gate: row.gate });
  });

  test('every reason code has a row, and every gate', () => {
    expect(new Set(ROWS.map((row) => row.reason))).toEqual(new Set(REASONS));
    expect(new Set(ROWS.flatMap((row) => (row.gate === null ? [] : [row.gate])))).toEqual(new Set(GATES));
  });
});

describe('no gate is redundant', () => {
  test.each(GATES)('without the gate %s its rows are decided otherwise', (gate) => {
    const without = RULE.filter(({ name }) => name !== gate);
    const rows = ROWS.filter((row) => row.gate === gate);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(decideOver(RULE, viewOf(row))).toBe(`${row.outcome} ${row.reason}`);
      expect(decideOver(without, viewOf(row))).not.toBe(`${row.outcome} ${row.reason}`);
    }
  });
});

describe('the order of the gates', () => {
  test('what is unfinished and what is dangerous comes before what merely waits', () => {
    expect(RULE.map(({ name }) => name)).toEqual([
      'unfinished-move',
      'role',
      'running',
      'not-holder',
      'paused',
      'observed',
      'local',
      'verdict',
      'way-out',
      'storage',
      'displace',
      'permission',
      'damping',
      'own-lease',
      'rank',
      'agreement',
      'guard',
      'intent',
      'lease',
    ]);
    expect(RULE.map(({ name }) => name)).toEqual(GATES);
  });

  test('of two closed gates the earlier one decides', () => {
    let pairs = 0;
    for (const first of ROWS) {
      for (const second of ROWS) {
        if (first.gate === null || second.gate === null) continue;
        if (GATES.indexOf(first.gate) >= GATES.indexOf(second.gate)) continue;
        const overlap = Object.keys(first.change).some((key) => key in second.change);
        if (overlap || 'mode' in first.change || 'mode' in second.change) continue;
        pairs += 1;
        const { outcome, reason } = decide({ ...OPEN_VIEW, ...second.change, ...first.change });
        const expected = `${first.outcome} ${first.reason}`;
        expect(`${outcome} ${reason}`, `${first.when}, and ${second.when}`).toBe(expected);
      }
    }
    expect(pairs).toBeGreaterThan(300);
  });
});

describe('a handover', () => {
  const ignored: readonly (readonly [string, Partial<TakeoverView>])[] = [
    ['a pause', { pause: { paused: true, detail: '' } }],
    [
      'an address that answers',
      { verdict: { is: 'up', since: AT, notFailing: 'the last probe succeeded', detail: '' } },
    ],
    [
      'an address of which nothing is known',
      { verdict: { is: 'unknown', since: AT, notFailing: 'the last probe succeeded', detail: '' } },
    ],
    ['a last probe that succeeded', { lastProbe: { ok: true, endedAt: AT } }],
    ['a hold-down', { damping: { kind: 'damped', reason: 'held-down', until: AT + 1, detail: '' } }],
    ['a spent flap budget', { damping: { kind: 'damped', reason: 'flapping', until: AT + 1, detail: '' } }],
  ];
  test.each(ignored)('goes on in spite of %s', (_, change) => {
    expect(decide({ ...OPEN_VIEW, mode: 'handover', ...change }).outcome).toBe('move');
  });

  test('does not wait for better-ranked candidates', () => {
    const view = {
      ...OPEN_VIEW,
      mode: 'handover',
      staggerUntil: AT + 1,
      campaign: null,
      guard: null,
    } as const;
    expect(decide(view).reason).toBe('handover-asked');
  });

  const kept = ROWS.filter(
    ({ gate, reason }) =>
      gate !== null && !['paused', 'verdict', 'damping', 'rank'].includes(gate) && reason !== 'address-down',
  );
  test.each(kept)('is stopped as a takeover is when $when', (row) => {
    const { outcome, reason } = decide({ ...viewOf(row), mode: 'handover' });
    expect({ outcome, reason }).toEqual({ outcome: row.outcome, reason: row.reason });
  });
});

describe('bounds', () => {
  test('an allowed displacement is no obstacle', () => {
    const displaces = { ip: '203.0.113.9', allowed: true };
    expect(decide({ ...OPEN_VIEW, displaces }).outcome).toBe('move');
  });

  test('the turn has come at the very moment of the stagger, the lease is free and the back-off is over', () => {
    const view: TakeoverView = {
      ...OPEN_VIEW,
      campaign: null,
      guard: null,
      staggerUntil: AT,
      ownLease: { freeAt: AT, lentTo: null },
      backoff: { ...OPEN_VIEW.backoff, until: AT },
    };
    expect(decide(view).reason).toBe('address-down');
  });

  test('an open ballot is not given up because a better-ranked candidate reappears', () => {
    expect(decide({ ...OPEN_VIEW, staggerUntil: AT + 60_000 }).outcome).toBe('move');
  });

  test('leases that last exactly as long as the calls may take are enough', () => {
    expect(decide({ ...OPEN_VIEW, leaseNeededMs: 9_000 }).outcome).toBe('move');
  });

  test('a passed guard is worth nothing without a mandate', () => {
    expect(decide({ ...OPEN_VIEW, campaign: null }).outcome).toBe('campaign');
  });
});

test('the ladder shows every gate in order, each as the rule sees it', () => {
  const row = ROWS.find(({ reason }) => reason === 'no-way-out');
  if (row === undefined) throw new Error('no such row');
  const rungs = ladder(viewOf(row));
  expect(rungs.map(({ name }) => name)).toEqual(GATES);
  const closed = rungs.filter(({ answer }) => answer.kind === 'closed').map(({ name }) => name);
  expect(closed).toEqual(['way-out']);
});

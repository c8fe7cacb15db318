import { type Fact, type HistoryEntry, type Instant, initialState, type State } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import type { HistoryLine } from '../src/history-line.ts';
import { HistoryRecorder } from '../src/observe/history-recorder.ts';
import { ADDRESS as IP, PROTOCOL_CONFIG } from './support/protocol-config.ts';

type AddressState = State['addresses'][string];

const WALL = Date.UTC(2026, 0, 31, 12);

const entry: HistoryEntry = {
  id: 'saturn-1-1',
  kind: 'takeover',
  address: IP,
  from: 'neptune',
  to: 'saturn',
  result: 'served',
  reason: 'address-down',
  epoch: 3,
  at: 1000,
  steps: [],
  requestIds: [],
};

const holder = (is: string): Fact => ({ kind: 'holder', address: IP, holder: is, source: 'gossip' });
const vote = (epoch: number, answer: 'grant' | 'pending' | 'refuse', candidate = 'neptune'): Fact => ({
  kind: 'voted',
  address: IP,
  candidate,
  epoch,
  answer,
  reason: answer === 'grant' ? 'down' : answer === 'refuse' ? 'up' : 'undecided',
});

const ADDRESS = newAddress();

function newAddress(): AddressState {
  const address = initialState(PROTOCOL_CONFIG).addresses[IP];
  if (address === undefined) throw new Error(`${IP} is not configured`);
  return address;
}

/** As it is known right after a read: by a node's id, or by an instance that nobody is known to have. */
function held(name: string): AddressState['holder'] {
  const known = { associationId: null, at: 0, toldBy: null, firsthand: true };
  if (name === 'nobody') return { ...known, kind: 'none', node: null, instanceId: null };
  if (name.startsWith('i-')) return { ...known, kind: 'other', node: null, instanceId: name };
  return { ...known, kind: 'node', node: name, instanceId: `i-${name}` };
}

/** The history of `saturn`, which is told these facts. */
function recordedBy(before: readonly HistoryLine[] = []) {
  const lines: HistoryLine[] = [...before];
  const store = { append: (added: HistoryLine) => void lines.push(added), newest: () => lines.toReversed() };
  const recorder = new HistoryRecorder(store);
  let at = 60_000;
  let address = ADDRESS;
  const state: State = { ...initialState(PROTOCOL_CONFIG), phase: 'running', startedAt: 50_000 };
  return {
    lines,
    tell(facts: readonly Fact[], change: Partial<State['addresses'][string]> = {}, laterMs = 100): void {
      at += laterMs;
      const now: Instant = { at, wall: WALL + at };
      for (const fact of facts)
        if (fact.kind === 'holder') address = { ...address, holder: held(fact.holder) };
      address = { ...address, ...change };
      recorder.observe(facts, { ...state, addresses: { [IP]: address }, now }, now);
    },
    added: () =>
      lines.slice(before.length).map(({ kind, from, to, result, epoch }) => [kind, from, to, result, epoch]),
  };
}

test('what is concluded is kept as it is', () => {
  const story = recordedBy();
  story.tell([
    { kind: 'stalled', lateMs: 5000 },
    { kind: 'concluded', entry },
  ]);
  expect(story.lines).toEqual([entry]);
});

describe('the node that loses the address', () => {
  test('has its answer to the ballot, and who has it now', () => {
    const story = recordedBy();
    story.tell([holder('saturn')]);
    story.tell([vote(7, 'pending')]);
    story.tell([vote(7, 'grant')], { verdict: 'down', verdictReason: '3 probes failed' });
    story.tell([holder('nobody')]);
    story.tell([holder('neptune')]);
    expect(story.added()).toEqual([
      ['vote', 'saturn', 'neptune', 'grant', 7],
      ['change', 'saturn', 'neptune', 'lost', 7],
    ]);
    expect(story.lines[0]).toMatchObject({
      node: 'saturn',
      reason: 'down; saturn saw it down: 3 probes failed',
    });
    expect(story.lines[1]?.reason).toContain(
      "learned from a peer; had answered neptune's ballot with grant (down)",
    );
  });

  test('that ran again only after the move has it from its own history', () => {
    const story = recordedBy([entry]);
    story.tell([holder('neptune')]);
    expect(story.added()).toEqual([['change', 'saturn', 'neptune', 'lost', 0]]);
  });

  test('that ran again only after its first move has it from a peer that tells of it', () => {
    const story = recordedBy();
    story.tell([holder('neptune')]);
    expect(story.added()).toEqual([]);
    story.tell([], { changes: [45_000] });
    story.tell([], { changes: [45_000] });
    expect(story.added()).toEqual([['change', 'unknown', 'neptune', 'seen', 0]]);
    expect(story.lines[0]?.at).toBe(WALL + 45_000);
  });
});

test('a holder that is known by its instance at first is no other holder', () => {
  const story = recordedBy([{ ...entry, id: 'saturn-0-9', to: 'neptune', from: 'saturn' }]);
  story.tell([holder('i-neptune')]);
  story.tell([], { holder: held('neptune') });
  expect(story.added()).toEqual([]);
  // A stranger stays one.
  story.tell([holder('i-elsewhere')]);
  expect(story.added()).toEqual([]);
  story.tell([], {}, 20_000);
  expect(story.added()).toEqual([['change', 'neptune', 'i-elsewhere', 'seen', 0]]);
});

describe('a voter', () => {
  test('sees the address change hands between others', () => {
    const story = recordedBy();
    story.tell([holder('neptune')]);
    story.tell([holder('mars')]);
    expect(story.added()).toEqual([['change', 'neptune', 'mars', 'seen', 0]]);
  });

  test('writes the same refusal once, however often it is asked, and anew after a change or ten minutes', () => {
    const story = recordedBy();
    story.tell([holder('saturn')]);
    for (const epoch of [1, 2, 3]) story.tell([vote(epoch, 'refuse')]);
    expect(story.added()).toHaveLength(1);
    story.tell([vote(4, 'refuse')], {}, 600_001);
    expect(story.added()).toHaveLength(2);
    story.tell([holder('neptune')]);
    story.tell([vote(5, 'refuse')]);
    expect(story.added().map(([kind]) => kind)).toEqual(['vote', 'vote', 'change', 'vote']);
  });
});

describe('nothing is written', () => {
  test('of the holder that is found at the first start of a fresh cluster', () => {
    const story = recordedBy();
    story.tell([holder('neptune')]);
    story.tell([], {}, 20_000);
    expect(story.added()).toEqual([]);
  });

  test('beside its own move of the address', () => {
    const story = recordedBy();
    story.tell([holder('neptune')]);
    story.tell([holder('saturn'), { kind: 'concluded', entry }]);
    expect(story.lines).toEqual([entry]);
  });

  test('while the address comes back from nobody to whom had it', () => {
    const story = recordedBy();
    story.tell([holder('neptune')]);
    story.tell([holder('nobody')]);
    story.tell([holder('neptune')]);
    expect(story.added()).toEqual([]);
  });
});

test('an address that was moved here by hand is seen as such', () => {
  const story = recordedBy();
  story.tell([holder('neptune')]);
  story.tell([holder('saturn')]);
  expect(story.added()).toEqual([['change', 'neptune', 'saturn', 'seen', 0]]);
});

/** The one word that people read first: protected, no standby, failing over, outage, paused. */
import { expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import { type ProtectionView, protectionView } from '../src/reporting/standby.ts';
import { statusOf } from '../src/reporting/status.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  ballotOf,
  campaignOf,
  candidate,
  clusterOf,
  cutOff,
  heardPeer,
  heldBy,
  intentOf,
  PAIR,
  PEER,
  recordOf,
  SELF,
  seenDown,
  seenUp,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withEpisode,
  withPeer,
} from './support/fixtures.ts';
import { standby } from './support/standby.ts';

const WITNESSED = clusterOf(candidate(PEER), { id: 'mars', role: 'witness', priority: 0 });

/** saturn holds the address and serves; neptune stands by. */
function serving(config = PAIR): State {
  return heldBy(seenUp(stateOf(config)), SELF);
}

/** neptune holds the address, which fails; saturn stands by. */
function failing(downForMs: number, config = PAIR): State {
  const down = heldBy(seenDown(stateOf(config)), PEER);
  return withEpisode(down, { downSince: AT - downForMs });
}

function says(state: State, ip: string, verdict: 'up' | 'down', id = PEER): State {
  return withPeer(state, id, { record: recordOf(id, { addresses: [addressRecordOf({ ip, verdict })] }) });
}

function viewOf(state: State): ProtectionView {
  return protectionView(state, addressIn(state));
}

function paused(state: State): State {
  const pause = { version: 1, by: SELF, paused: true, owner: 'ada', reason: 'kernel upgrade', until: null };
  return { ...state, pause };
}

function unfit(state: State, id: string): State {
  return withPeer(state, id, { record: recordOf(id, { fit: 'unfit' }) });
}

const lent = { candidate: PEER, epoch: 5, expiresAt: AT + 5_000 };
const openBallots = { [PEER]: { ballot: ballotOf(''), answered: 'down', heardAt: AT - 200 } } as const;

const rows: readonly (readonly [string, State, Partial<ProtectionView>])[] = [
  ['a holder with a ready standby is protected', serving(), { state: 'protected', next: PEER, reasons: [] }],
  [
    'a silent standby is none',
    silenced(serving(), PEER),
    { state: 'no-standby', next: null, reasons: [`dead: ${PEER}: it isn't heard any more`] },
  ],
  [
    'a standby whose HAProxy fails is none',
    unfit(serving(), PEER),
    { state: 'no-standby', next: null, reasons: [`local-unfit: ${PEER}`] },
  ],
  [
    'a standby whose preflight fails is none',
    withPeer(serving(), PEER, { record: recordOf(PEER, { ready: false }) }),
    { state: 'no-standby', reasons: [`preflight: ${PEER}: it shows what is missing`] },
  ],
  [
    'a cluster without another candidate has no standby',
    serving(clusterOf({ id: 'mars', role: 'witness', priority: 0 })),
    { state: 'no-standby', reasons: ['no-candidate: no other node is configured that could take it'] },
  ],
  [
    'a pause is told before anything else while the address answers',
    paused(silenced(serving(), PEER)),
    { state: 'paused', next: null, reasons: ['paused: by ada: kernel upgrade'] },
  ],
  [
    'a lost witness leaves no majority if the holder fell silent, too',
    silenced(serving(WITNESSED), 'mars'),
    {
      state: 'protected',
      next: PEER,
      reasons: [
        "no-majority: should saturn fall silent, the voters left would be 1 of 3, and 2 are needed; mars isn't heard",
      ],
    },
  ],
  [
    'a pair that holds when its other is silent is not protected against that',
    serving({ ...PAIR, agreement: { ...PAIR.agreement, silentPeer: 'hold' } }),
    {
      state: 'protected',
      reasons: ['no-majority: agreement.silentPeer is hold: should saturn fall silent, nobody takes it over'],
    },
  ],
  [
    'a pair of candidates and a witness, all heard, is protected against all',
    serving(WITNESSED),
    { state: 'protected', reasons: [] },
  ],
  [
    'an address whose way out is unproven is not called protected',
    heldBy(cutOff(stateOf()), SELF),
    { state: 'no-standby', next: null },
  ],
  [
    'the standby asks the voters',
    withAddress(failing(1_000), { campaign: campaignOf({}) }),
    { state: 'failing-over', next: SELF, reasons: ['ballot-open: the voters are being asked'] },
  ],
  [
    'ballots that are lost again and again are an outage in the end',
    withAddress(failing(15_001), { campaign: campaignOf({}) }),
    { state: 'outage', next: null },
  ],
  [
    'a move that was won may take longer',
    withAddress(failing(60_000), {
      campaign: campaignOf(
        {},
        {
          won: { at: AT, until: AT, silent: [], write: 1, consent: false, summary: '' },
        },
      ),
      intent: intentOf(),
    }),
    { state: 'failing-over', next: SELF, reasons: ['agreed: won'] },
  ],
  [
    'a handover is a failover, though the address answers',
    withAddress(heldBy(seenUp(stateOf()), PEER), { campaign: campaignOf({}, { mode: 'handover' }) }),
    { state: 'failing-over', next: SELF, reasons: ['handover: as ordered'] },
  ],
  [
    'a voter knows by the ballot who is at it',
    withAddress(withEpisode(heldBy(seenDown(stateOf()), SELF), { downSince: AT - 1_000 }), { openBallots }),
    { state: 'failing-over', next: PEER, reasons: [`ballot-open: ${PEER} asks for it`] },
  ],
  [
    'a voter that lent its lease knows it as long as the lease lasts',
    withAddress(withEpisode(heldBy(seenDown(stateOf()), SELF), { downSince: AT - 8_000 }), {
      lent,
      openBallots: { [PEER]: { ...openBallots[PEER], heardAt: AT - 7_000 } },
    }),
    { state: 'failing-over', next: PEER },
  ],
  [
    'what a ballot was about is over when its candidate has the address and it answers',
    withAddress(heldBy(seenUp(stateOf()), PEER), { lent, openBallots }),
    { state: 'no-standby' },
  ],
  [
    'it goes down, and the standby is about to begin',
    says(withEpisode(heldBy(seenDown(stateOf()), SELF), { downSince: AT - 1_000 }), '203.0.113.7', 'down'),
    {
      state: 'failing-over',
      next: PEER,
      reasons: ['address-down: a takeover is about to begin'],
    },
  ],
  [
    'a standby that does nothing for long is named',
    withEpisode(heldBy(seenDown(stateOf()), SELF), { downSince: AT - 20_000 }),
    {
      state: 'outage',
      reasons: [`address-down: ${PEER}: it is ready, and hasn't taken it: its own ladder says why`],
    },
  ],
  [
    'down and nobody to take it is an outage at once',
    silenced(withEpisode(heldBy(seenDown(stateOf()), SELF), { downSince: AT - 100 }), PEER),
    { state: 'outage', next: null, reasons: [`dead: ${PEER}: it isn't heard any more`] },
  ],
  [
    'down and paused is an outage, because of the pause',
    paused(failing(100)),
    { state: 'outage', reasons: ['paused: by ada: kernel upgrade'] },
  ],
  [
    "the standby's own refusal is the reason",
    withAddress(failing(100), {
      decision: { outcome: 'hold', reason: 'never-answered', detail: 'nobody has seen it answer', since: AT },
    }),
    { state: 'outage', reasons: [`never-answered: ${SELF}: nobody has seen it answer`] },
  ],
  [
    'in a pair that disagrees a node goes by what it sees itself',
    says(failing(20_000), '203.0.113.7', 'up'),
    { state: 'outage' },
  ],
  [
    'of three nodes two are believed',
    says(says(failing(20_000, WITNESSED), '203.0.113.7', 'up'), '203.0.113.7', 'up', 'mars'),
    { state: 'no-standby' },
  ],
];

test.each(rows)('%s', (_name, state, expected) => {
  expect(viewOf(state)).toMatchObject(expected);
});

test('of several standbys the best is next, and those that are not ready say why only where none is', () => {
  const three = serving(clusterOf(candidate(PEER, 50), candidate('mars', 90)));
  expect(viewOf(three)).toMatchObject({ state: 'protected', next: 'mars' });
  expect(viewOf(unfit(three, 'mars'))).toMatchObject({ state: 'protected', next: PEER });
  expect(viewOf(silenced(unfit(three, 'mars'), PEER)).reasons).toEqual([
    'local-unfit: mars',
    `dead: ${PEER}: it isn't heard any more`,
  ]);
});

test('a peer that is leaving, or was never heard, is told as such', () => {
  const leaving = withPeer(serving(), PEER, { record: recordOf(PEER, { leaving: true }) });
  expect(viewOf(leaving).reasons).toEqual([`stopping: ${PEER}`]);
  const unheard = withPeer(serving(), PEER, { ...heardPeer(serving(), PEER), record: null, heardAt: null });
  expect(viewOf(unheard).reasons[0]).toMatch(/^unknown: neptune: /);
});

test('a takeover is protected, then failing over step by step, then protected by nobody or somebody again', () => {
  const world = standby();
  const seen: string[] = [];
  const look = (): void => {
    const [address] = statusOf(world.state(), { at: world.now, wall: WALL }).addresses;
    const word = `${address?.protection.state} ${address?.takeover?.phase ?? '-'}`;
    if (seen.at(-1) !== word) seen.push(word);
  };
  look();
  world.serving.delete(PEER);
  for (let i = 0; i < 3_000; i += 1) {
    world.run(10);
    look();
  }
  expect(seen[0]).toBe('protected -');
  expect(seen).toContain('failing-over campaign');
  expect(seen).toContain('failing-over verifying');
  expect(seen.at(-1)).toMatch(/^(protected|no-standby) -$/);
  expect(seen.join()).not.toContain('outage');
});

test('a takeover that is under way shows the steps that are over', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('it is verified', ({ facts }) =>
    facts.some((fact) => fact.kind === 'step' && fact.step === 'take'),
  );
  const [address] = statusOf(world.state(), { at: world.now, wall: WALL }).addresses;
  expect(address?.takeover).toMatchObject({ mode: 'takeover', epoch: 1, phase: 'verifying' });
  const steps = address?.takeover?.steps.map(({ step }) => step) ?? [];
  expect([...steps.slice(0, 4), steps.at(-1)]).toEqual(['detect', 'agree', 'guard', 'read', 'take']);
  expect(address?.takeover?.forMs).toBeGreaterThan(0);
});

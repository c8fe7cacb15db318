/** A liar: what it makes up is read, what it says is admitted, and the rest comes right all the same. */
import { decodeMessage, type Envelope, encodeMessage, PAYLOAD_FORM, type Payload } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { planOf, runSeed } from '../src/swarm/index.ts';
import { ADDRESS, createCluster, createRandom, FAST_SETTINGS } from '../src/world/index.ts';
import { bentValue, type Interesting, madeUp } from '../src/world/liar/generate.ts';
import { Liar } from '../src/world/liar/liar.ts';
import { TOPICS, VOTES } from '../src/world/liar/strategies.ts';

const KNOWN: Interesting = {
  matching: {
    'a node id': ['a', 'b'],
    'a session id': ['AAAAAAAAAAA'],
    'an IP address': [ADDRESS],
    'a proof': ['p'],
  },
  texts: ['eipassoc-1', 'down'],
  numbers: [0, 7],
};

function fault(payload: unknown): string {
  const bytes = encodeMessage({
    v: 1,
    cluster: 'web',
    from: 'a',
    session: 'AAAAAAAAAAA',
    seq: 1,
    to: 'b',
    t: 0,
    echo: null,
    re: null,
    payload: payload as Payload, // that it is one is what the test asks
  });
  const decoded = decodeMessage(bytes);
  return decoded.kind === 'message' ? '' : decoded.detail;
}

test('whatever is made up from the forms of the codec is read by it', () => {
  const random = createRandom(1);
  for (let i = 0; i < 300; i += 1) {
    const made = madeUp(PAYLOAD_FORM, random, KNOWN);
    const detail = fault(made);
    if (!detail.startsWith('more than')) expect(detail).toBe('');
    expect(fault(bentValue(PAYLOAD_FORM, { version: 1, ack: 1 }, 300, random, KNOWN))).toMatch(
      /^$|more than/,
    );
  }
});

test('every part of a payload that the codec knows is made up now and then', () => {
  const random = createRandom(2);
  const seen = new Set<string>();
  for (let i = 0; i < 200; i += 1)
    for (const name of Object.keys(madeUp(PAYLOAD_FORM, random, KNOWN) as Payload)) seen.add(name);
  const form = PAYLOAD_FORM.kind === 'object' ? PAYLOAD_FORM : { required: {}, optional: {} };
  expect([...seen].sort()).toEqual([...Object.keys(form.required), ...Object.keys(form.optional)].sort());
});

test.each(TOPICS)('what a liar says about %s counts as heard, and no node gives in to it', (says) => {
  const world = createCluster({
    seed: 1,
    nodes: [
      { id: 'a', role: 'candidate' },
      { id: 'b', role: 'candidate' },
      { id: 'w', role: 'witness' },
    ],
    settings: FAST_SETTINGS,
  });
  for (const { id } of world.spec.nodes) world.start(id);
  world.runFor(3_000);
  const stop = world.lie('w', 'identities', { says, votes: VOTES[1] }, 5);
  world.runFor(6_000);
  expect(world.violation()).toBeNull();
  expect(world.process('a')?.view.state().peers.w?.state).toBe('alive');
  stop();
  world.runFor(2_000);
  expect(world.process('b')?.view.state().peers.w?.state).toBe('alive');
});

test('no node keeps an order to itself because somebody else has the one key', () => {
  const world = createCluster({
    seed: 1,
    nodes: [{ id: 'a' }, { id: 'b' }, { id: 'w', role: 'witness' }],
    settings: FAST_SETTINGS,
  });
  for (const { id } of world.spec.nodes) world.start(id);
  world.runFor(3_000);
  const stop = world.lie('w', 'shared-key', { says: TOPICS[0], votes: VOTES[0] }, 5);
  world.runFor(3_000);
  stop();
  world.order('a', { kind: 'pause', owner: 'operator', reason: 'test', forMs: null });
  world.runFor(2_000);
  for (const id of ['a', 'b', 'w']) expect(world.process(id)?.view.state().pause.owner).toBe('operator');
});

test('who has the one key leaves every message as it is once it lies no more', () => {
  const liar = new Liar({
    mode: 'shared-key',
    manner: { says: TOPICS[0], votes: VOTES[0] },
    record: undefined,
    signed: false,
    random: createRandom(3),
    now: () => 0,
    view: () => expect.fail('it makes nothing up'),
  });
  const said = (seq: number): Envelope => ({
    ...{
      v: 1,
      cluster: 'web',
      from: 'a',
      session: 'AAAAAAAAAAA',
      seq,
      to: 'b',
      t: seq,
      echo: null,
      re: null,
    },
    payload: { version: 0, ack: 0 },
  });
  const bent = () =>
    Array.from({ length: 200 }, (_, seq) => said(seq)).filter((each) => liar.forged(each) !== each);
  expect(bent()).not.toEqual([]);
  liar.fallSilent();
  expect(bent()).toEqual([]);
});

test('a seed with a liar has a witness that lies to the end, and is the same every time', () => {
  const plan = planOf(3, { actions: ['liar'] });
  const entry = plan.timeline.find(({ action }) => action === 'liar');
  expect(plan.world.nodes.find(({ id }) => id === entry?.with.node)?.role).toBe('witness');
  expect(entry?.forMs).toBeNull();
  expect(planOf(3, { actions: ['liar'] })).toEqual(plan);
});

test.each([2, 5])('seed %i with a liar breaks nothing', (seed) => {
  const { finding } = runSeed({ seed, focus: null }, { actions: ['liar'] });
  expect(finding).toBeNull();
});

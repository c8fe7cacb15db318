import {
  type Effect,
  type Input,
  step as protocolStep,
  type State,
  type StepResult,
} from '@failtome/protocol';
import { describe, expect, it } from 'vitest';
import type { Global } from '../src/explore/explored-world.ts';
import {
  type Bounds,
  CLUSTER_KINDS,
  DEFAULT_BOUNDS,
  type ExploreResult,
  explore,
} from '../src/explore/index.ts';

type Step = typeof protocolStep;

const SMALL: Bounds = { ...DEFAULT_BOUNDS, faults: 0, reasons: ['server-dead'], phases: 1, horizonMs: 1_800 };

/** The holder is gone, so that the pair needs its arbiter. */
const ARBITER_ALONE: Bounds = { ...SMALL, cluster: 'pair-arbiter', reasons: ['machine-gone'] };

describe('exploring the protocol', () => {
  it('finds no violation in any history of a pair whose holder vanishes, with any one fault', () => {
    const result = explore({ ...DEFAULT_BOUNDS, reasons: ['machine-gone'], phases: 1, faults: 1 });
    expect(violationOf(result)).toBeNull();
    expect(result).toMatchObject({ complete: true, frontier: 0, beyond: { inFlight: 0, epochs: 0 } });
    // None of it holds vacuously.
    expect(Object.keys(result.seen.faults).length).toBeGreaterThan(40);
    expect(result.seen.moves).toMatchObject({ 'takeover served': expect.any(Number) });
    expect(result.seen.calls).toMatchObject({
      'settle somebody holds it': expect.any(Number),
      'take unknown: Timeout': expect.any(Number),
    });
  });

  it('finds no violation in any order of events of a pair, for every reason to move', () => {
    const result = explore({ ...DEFAULT_BOUNDS, faults: 0, phases: 2, orders: 'all' });
    expect(violationOf(result)).toBeNull();
    expect(result.complete).toBe(true);
    expect(result.seen.votes).toMatchObject({ 'grant down': expect.any(Number) });
  });

  it.each(CLUSTER_KINDS.filter((cluster) => cluster !== 'pair'))(
    'finds no violation in a cluster of kind %s',
    (cluster) => {
      const result = explore({ ...SMALL, cluster });
      expect(violationOf(result)).toBeNull();
      expect(result.complete).toBe(true);
      expect(result.seen.moves).toMatchObject({ 'takeover served': expect.any(Number) });
    },
    60_000,
  );

  it('finds no violation in a pair whose holder vanishes, whatever goes wrong twice with the store of its arbiter', () => {
    const bounds = { ...DEFAULT_BOUNDS, cluster: 'pair-arbiter', faults: 2, faultKinds: ['store'] } as const;
    const result = explore({ ...bounds, reasons: ['machine-gone'] });
    expect(violationOf(result)).toBeNull();
    expect(result.complete).toBe(true);
    expect(result.seen.votes).toMatchObject({
      'arbiter: blind arbiter': expect.any(Number),
      'arbiter: refuse lease-unknown': expect.any(Number),
    });
    expect(Object.keys(result.seen.faults)).toContain("b's swap of the arbiter: applied-hang");
  });

  it('counts no message twice, whoever dies after it was sent, and none of two receivers as one', () => {
    for (const faults of [2, 3]) {
      const kinds = ['message', 'crash'] as const;
      const result = explore(
        { ...DEFAULT_BOUNDS, cluster: 'three', faults, faultKinds: kinds },
        { limits: { depth: 3, states: 20_000 } },
      );
      expect(violationOf(result)).toBeNull();
    }
  });

  it('is deterministic', () => {
    expect(explore(SMALL)).toEqual(explore(SMALL));
  });

  it('leaves every state as it was handed out, so that branches can share it', () => {
    const frozen: Step = (state, input) => deepFrozen(protocolStep(state, input));
    expect(violationOf(explore({ ...SMALL, faults: 0 }, { step: frozen }))).toBeNull();
  });
});

describe('the bounds of a search', () => {
  it('stops at a depth, and says that it is not complete', () => {
    const result = explore(SMALL, { limits: { depth: 3 } });
    expect(result).toMatchObject({ complete: false, violation: null, depth: 3 });
    expect(result.frontier).toBeGreaterThan(0);
  });

  it('stops when it has seen so many states', () => {
    const result = explore({ ...SMALL, faults: 1 }, { limits: { states: 200 } });
    expect(result.complete).toBe(false);
    expect(result.states).toBeLessThan(1_000);
  });

  it('stops when its time is over', () => {
    expect(explore(SMALL, { limits: { expired: () => true } })).toMatchObject({ complete: false, states: 1 });
  });

  it('counts what it leaves alone beyond the bound on messages in flight', () => {
    const result = explore({ ...SMALL, inFlight: 1 });
    expect(result.beyond.inFlight).toBeGreaterThan(0);
  });

  it('tells how far it is', () => {
    const depths: number[] = [];
    explore(SMALL, { progress: ({ depth }) => depths.push(depth) });
    expect(depths.slice(0, 3)).toEqual([1, 2, 3]);
  });
});

describe('what is taken for the same', () => {
  it.each([
    ['without faults', { ...SMALL, horizonMs: 500, orders: 'all' }],
    ['with a fault of a message', { ...SMALL, horizonMs: 500, faults: 1, faultKinds: ['message'] }],
    [
      'with an arbiter whose store fails',
      { ...ARBITER_ALONE, horizonMs: 2_800, faults: 2, faultKinds: ['store'], orders: 'one' },
    ],
    ['with a crash', { ...SMALL, horizonMs: 600, faults: 1, faultKinds: ['crash'], orders: 'one' }],
  ] satisfies [string, Bounds][])(
    'is the same: a search that merges nothing sees no more, %s',
    (_, bounds) => {
      const merged = visitsOf(bounds, false);
      const apart = visitsOf(bounds, true);
      expect([...apart.seen].sort()).toEqual([...merged.seen].sort());
      expect(apart.count).toBeGreaterThan(merged.count);
    },
    60_000,
  );
});

describe('exploring a protocol with a rule taken out', () => {
  it.each<[string, string, Step, Partial<Bounds>]>([
    ['words leave before they are written', 'I6', unwritten, {}],
    ['the guard passes whatever it is answered', 'I1', unguarded, {}],
    ['a failed probe needs no way-out proof', 'I2', unproven, { faults: 1, faultKinds: ['server'] }],
    ['a call is repeated after an unknown answer', 'I14', repeating, { faults: 1, faultKinds: ['call'] }],
    ['a released address is not taken', 'I12', withoutTake, { orders: 'one' }],
    ['no ballot leaves its candidate', 'L1', unasked, { orders: 'one' }],
    [
      'a message counts as often as it comes',
      'I18',
      unnumbered,
      { faults: 1, faultKinds: ['message'], orders: 'one' },
    ],
    [
      "the arbiter's lease counts as over at once",
      'I29',
      impatient,
      { cluster: 'pair-arbiter', faults: 1, faultKinds: ['crash'], orders: 'one' },
    ],
    [
      'a voter forgets whom it lent to',
      'I5',
      forgetful,
      { cluster: 'three', faults: 1, faultKinds: ['message'], orders: 'one' },
    ],
  ])(
    'finds that %s',
    (_, invariant, step, bounds) => {
      const result = explore({ ...SMALL, ...bounds }, { step });
      expect(result.complete).toBe(false);
      expect(result.violation?.invariant).toBe(invariant);
      // How it came about, one line a transition, ends with what is broken.
      expect(result.violation?.path.at(-1)).toContain(invariant === 'L1' ? 'ms' : `BROKEN ${invariant}`);
    },
    60_000,
  );
});

function violationOf({ violation }: ExploreResult): string | null {
  return violation === null ? null : [violation.detail, ...violation.path].join('\n');
}

function visitsOf(bounds: Bounds, apart: boolean): { seen: Set<string>; count: number } {
  const seen = new Set<string>();
  const endMs = 6_000 + bounds.horizonMs;
  let count = 0;
  const result = explore(bounds, {
    apart,
    limits: { depth: bounds.horizonMs / 100 },
    visit(g) {
      count += 1;
      if (g.t < endMs) seen.add(projectionOf(g));
    },
  });
  expect(violationOf(result)).toBeNull();
  return { seen, count };
}

/** What a person would call the same situation. */
function projectionOf({ t, nodes, wire, calls, items, servers, faultsLeft }: Global): string {
  const views = nodes.map(({ life, core, disk }) => {
    const { addresses, peers, local } = core.state;
    return {
      life: life.kind,
      fit: local.fit,
      heard: Object.values(peers).map(({ state }) => state),
      writing: disk.writing !== null,
      addresses: Object.values(addresses).map((address) => ({
        verdict: address.verdict,
        reason: address.decision.reason,
        holder: address.holder.node,
        epoch: address.epoch,
        lent: address.lent,
        answers: address.campaign?.answers,
        stage: address.move?.stage.kind,
      })),
    };
  });
  const words = wire.map(({ kind, from, to, message: { payload } }) =>
    JSON.stringify([kind, from, to, payload.ballots, payload.answers, payload.releases]),
  );
  // Which of its names an item was made under nobody can tell.
  const stored = Object.values(items).map((text) => text.replace(/"founded":"[^"]*",/, ''));
  const ops = calls.map(({ node, purpose }) => `${node} ${purpose}`);
  return JSON.stringify([t, faultsLeft, servers, views, words.sort(), ops.sort(), stored]);
}

function deepFrozen(result: StepResult): StepResult {
  freeze(result);
  return result;
}

function freeze(value: object): void {
  if (Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
}

function unwritten(state: State, input: Input): StepResult {
  const result = protocolStep(state, input);
  return { ...result, effects: result.effects.map(atOnce) };
}

function atOnce(effect: Effect): Effect {
  if (!('after' in effect)) return effect;
  const { after: _, ...rest } = effect;
  return rest;
}

function unguarded(state: State, input: Input): StepResult {
  const result = protocolStep(state, input);
  const addresses = Object.entries(result.state.addresses).map(([ip, address]) => {
    const asking = address.guard?.kind === 'asking';
    const guard = asking ? ({ kind: 'passed', at: input.at, ip: '203.0.113.9' } as const) : address.guard;
    return [ip, { ...address, guard }];
  });
  return { ...result, state: { ...result.state, addresses: Object.fromEntries(addresses) } };
}

/** As if the outside had answered at the start of every input. */
function unproven(state: State, input: Input): StepResult {
  const wayOut = state.wayOut['4'];
  const proven = { ...wayOut, provenAt: input.at, provenSince: 0 };
  return protocolStep({ ...state, wayOut: { ...state.wayOut, '4': proven } }, input);
}

function repeating(state: State, input: Input): StepResult {
  if (input.kind !== 'driven' || input.result.answer.kind !== 'unknown') return protocolStep(state, input);
  const answer = { kind: 'refused', throttled: true, code: 'Throttling', message: '' } as const;
  return protocolStep(state, { ...input, result: { ...input.result, answer } });
}

function withoutTake(state: State, input: Input): StepResult {
  const result = protocolStep(state, input);
  return {
    ...result,
    effects: result.effects.filter((effect) => effect.kind !== 'drive' || effect.operation.op !== 'take'),
  };
}

function unasked(state: State, input: Input): StepResult {
  const result = protocolStep(state, input);
  const asks = (effect: Effect): boolean =>
    (effect.kind === 'send' || effect.kind === 'reply') && effect.message.payload.ballots !== undefined;
  return { ...result, effects: result.effects.filter((effect) => !asks(effect)) };
}

/** Every number is new. */
function unnumbered(state: State, input: Input): StepResult {
  const peers = Object.entries(state.peers).map(([id, peer]) => {
    const channel = { ...peer.channel, highest: 0, window: 0 };
    return [id, { ...peer, channel }];
  });
  return protocolStep({ ...state, peers: Object.fromEntries(peers) }, input);
}

/** What it has lent to others is forgotten when another candidate asks: before that it stays on the disk. */
function forgetful(state: State, input: Input): StepResult {
  const asking = input.kind === 'received' || input.kind === 'answered' ? input.message.payload.ballots : [];
  const own = state.config.node.id;
  const addresses = Object.entries(state.addresses).map(([ip, address]) => {
    const { lent } = address;
    const isAsked = asking?.some((ballot) => ballot.address === ip && ballot.candidate !== lent?.candidate);
    const forgets = isAsked === true && lent !== null && lent.candidate !== own;
    return [ip, forgets ? { ...address, lent: null, epoch: 0 } : address];
  });
  return protocolStep({ ...state, addresses: Object.fromEntries(addresses) }, input);
}

/** As if everything in the store had stood there for ever. */
function impatient(state: State, input: Input): StepResult {
  const addresses = Object.entries(state.addresses).map(([ip, address]) => {
    const { seen } = address.arbiter;
    if (seen?.text?.includes('"over":false') !== true) return [ip, address];
    const arbiter = { ...address.arbiter, seen: { ...seen, since: -1e9 }, lookAt: 0 };
    return [ip, { ...address, arbiter }];
  });
  return protocolStep({ ...state, addresses: Object.fromEntries(addresses) }, input);
}

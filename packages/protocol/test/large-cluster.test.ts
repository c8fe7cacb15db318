import { describe, expect, it } from 'vitest';
import { contactPeriodMs, deadAfterMs, peerStateNow, silenceLimits } from '../src/membership/detector.ts';
import { turns } from '../src/membership/gossip.ts';
import { detect, findAlive, onRumours, repeatRumour, takeRumours } from '../src/membership/membership.ts';
import { flush } from '../src/membership/sending.ts';
import type { PeerConfig, ProtocolConfig } from '../src/model/config.ts';
import type { Peer } from '../src/model/peer-state.ts';
import type { State } from '../src/model/state.ts';
import { MANY_NODES, neighbourhoodOf } from '../src/neighbours.ts';
import { newContext, type StepContext, speakTo } from '../src/step-context.ts';
import type { Rumour } from '../src/wire/messages.ts';
import { AT, PAIR, stateOf, WALL, withPeer } from './support/fixtures.ts';

const VOTERS = 3;

function nodesOf(count: number): readonly PeerConfig[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `n${index}`,
    role: index < VOTERS ? (index < 2 ? 'candidate' : 'witness') : 'member',
    priority: 100,
  }));
}

/** The configuration of one of so many nodes. */
function configOf(count: number, index: number): ProtocolConfig {
  const nodes = nodesOf(count);
  const self = nodes[index] ?? { id: '', role: 'member' };
  return {
    ...PAIR,
    node: { ...PAIR.node, id: self.id, role: self.role },
    peers: nodes.filter(({ id }) => id !== self.id),
  };
}

function turnOf(state: State): StepContext {
  return newContext(state, { at: AT, wall: WALL });
}

/** A member of forty, the ids of a neighbour and of a node that isn't one. */
const CONFIG = configOf(40, 20);
const { neighbours, watchedIds } = neighbourhoodOf(CONFIG);
const NEAR = neighbours.find(({ role }) => role === 'member')?.id ?? '';
const FAR = CONFIG.peers.find(({ id, role }) => role === 'member' && !watchedIds.has(id))?.id ?? '';

const peerIn = (ctx: StepContext, id: string): Peer => {
  const peer = ctx.state.peers[id];
  if (peer === undefined) throw new Error(`${id} is not configured`);
  return peer;
};
const saying = (state: Rumour['state'], incarnation: number, id = FAR): readonly Rumour[] => [
  { id, incarnation, state },
];

describe('whom a node watches', () => {
  it('is everybody, up to as many nodes as all speak to each other in', () => {
    const config = configOf(MANY_NODES, 5);
    expect(neighbourhoodOf(config)).toMatchObject({ isLarge: false, neighbours: [] });
    expect(neighbourhoodOf(config).watched).toBe(config.peers);
    expect(neighbourhoodOf(configOf(MANY_NODES + 1, 5)).isLarge).toBe(true);
  });

  it.each([11, 40, 200])('is mutual among %i nodes, and eight neighbours at most', (count) => {
    const near = new Map(
      nodesOf(count).map(({ id }, index) => [
        id,
        new Set(neighbourhoodOf(configOf(count, index)).neighbours.map((peer) => peer.id)),
      ]),
    );
    for (const [id, others] of near) {
      expect(others.size).toBeGreaterThanOrEqual(2);
      expect(others.size).toBeLessThanOrEqual(8);
      for (const other of others) expect(near.get(other)?.has(id)).toBe(true);
    }
  });

  it('reaches all two hundred in few hops from any of them', () => {
    const near = new Map(
      nodesOf(200).map(({ id }, index) => [
        id,
        neighbourhoodOf(configOf(200, index)).neighbours.map((peer) => peer.id),
      ]),
    );
    let reached = new Set(['n0']);
    let hops = 0;
    while (reached.size < 200 && hops < 20) {
      reached = new Set([...reached, ...[...reached].flatMap((id) => near.get(id) ?? [])]);
      hops += 1;
    }
    expect(hops).toBeLessThanOrEqual(5);
  });

  it('has the other voters among it, for a voter', () => {
    const ids = neighbourhoodOf(configOf(40, 0)).watchedIds;
    expect([ids.has('n1'), ids.has('n2')]).toEqual([true, true]);
  });

  it("doesn't depend on the order of the list", () => {
    const turned = { ...CONFIG, peers: [...CONFIG.peers].reverse() };
    expect(neighbourhoodOf(turned).watchedIds).toEqual(watchedIds);
  });
});

describe('turns in a large cluster', () => {
  it('are, for a voter, those of the other voters, and of its neighbours among the members', () => {
    const config = configOf(40, 0);
    const { voters, members, forVoters, forMembers } = turns(stateOf(config));
    expect([voters, forVoters, forMembers]).toEqual([['n1', 'n2'], 2, 1]);
    const near = neighbourhoodOf(config).neighbours.filter(({ role }) => role === 'member');
    expect(members).toEqual(near.map(({ id }) => id));
  });

  it('are, for a member, its neighbours, and a voter every so many rounds, so that each voter hears one in a round', () => {
    const count = 60;
    const rounds = 38;
    const spoken = new Map(nodesOf(VOTERS).map(({ id }) => [id, 0]));
    const busiest: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      let now = 0;
      for (let index = VOTERS; index < count; index += 1) {
        const config = configOf(count, index);
        const state = stateOf(config, {
          gossip: { nextRoundAt: 0, voterCursor: 0, memberCursor: round * 3, rumours: [] },
        });
        const { voters, members, forVoters, forMembers } = turns(state);
        expect(forMembers).toBe(3);
        expect(members).toEqual(neighbourhoodOf(config).neighbours.map(({ id }) => id));
        if (forVoters === 0) continue;
        now += 1;
        spoken.set(voters[0] ?? '', (spoken.get(voters[0] ?? '') ?? 0) + 1);
      }
      busiest.push(now);
    }
    const total = [...spoken.values()].reduce((sum, times) => sum + times, 0);
    expect(total).toBe((rounds * (count - VOTERS)) / 19);
    for (const times of spoken.values()) expect(times).toBeGreaterThan(total / 6);
    expect(Math.max(...busiest)).toBeLessThan(12);
  });
});

describe('silence in a large cluster', () => {
  it('is judged by how often a neighbour speaks, whatever the size; between voters as ever', () => {
    for (const count of [40, 400]) {
      const member = stateOf(configOf(count, 20));
      expect(contactPeriodMs(member, 'member')).toBeLessThanOrEqual(1_500);
      expect(deadAfterMs(member, 'candidate')).toBe(deadAfterMs(member, 'member'));
      expect(deadAfterMs(member, 'member')).toBeLessThanOrEqual(4_900);
      expect(deadAfterMs(stateOf(configOf(count, 0)), 'candidate')).toBe(PAIR.gossip.deadMs);
    }
  });

  it("of a node that isn't watched says nothing", () => {
    let state = stateOf(CONFIG);
    for (const id of [NEAR, FAR]) state = withPeer(state, id, { heardAt: AT - 60_000, state: 'alive' });
    const ctx = turnOf(state);
    detect(ctx);
    expect([peerIn(ctx, NEAR).state, peerIn(ctx, FAR).state]).toEqual(['dead', 'alive']);
    expect(takeRumours(ctx).filter(({ id }) => id === NEAR || id === FAR)).toEqual([
      { id: NEAR, incarnation: 1, state: 'dead' },
    ]);
  });

  it('counts only from when the node is watched', () => {
    const peer = { ...peerIn(turnOf(stateOf(CONFIG)), NEAR), heardAt: null, watchedFrom: AT - 100 };
    expect(peerStateNow(stateOf(CONFIG), peer, silenceLimits(stateOf(CONFIG), 'member')).state).toBe(
      'unknown',
    );
  });
});

describe('what is told of a node in a large cluster', () => {
  it.each<[string, Rumour['state'], number, Rumour['state'], number, Rumour['state']]>([
    ['worse of the same incarnation counts', 'suspect', 1, 'dead', 1, 'dead'],
    ['better of the same incarnation does not', 'dead', 1, 'alive', 1, 'dead'],
    ['of a higher one anything counts', 'dead', 1, 'alive', 2, 'alive'],
    ['of a lower one nothing does', 'alive', 3, 'dead', 2, 'alive'],
  ])('%s', (_, known, knownAt, told, toldAt, expected) => {
    const before = withPeer(stateOf(CONFIG), FAR, {
      state: known,
      told: { state: known, incarnation: knownAt },
    });
    const ctx = turnOf(before);
    onRumours(ctx, NEAR, saying(told, toldAt));
    expect(peerIn(ctx, FAR).state).toBe(expected);
    expect(takeRumours(ctx).length > 0).toBe(expected !== known);
  });

  it('is believed, told as a fact, and passed on as often as reaches all, without asking that node', () => {
    const ctx = turnOf(stateOf(CONFIG));
    onRumours(ctx, NEAR, saying('dead', 1));
    expect(ctx.facts).toContainEqual(expect.objectContaining({ kind: 'peer', peer: FAR, to: 'dead' }));
    expect(ctx.outgoing.has(FAR)).toBe(false);
    let times = 0;
    while (takeRumours(ctx).length > 0) times += 1;
    expect(times).toBe(3 * Math.ceil(Math.log2(41)));
    onRumours(ctx, NEAR, saying('dead', 1));
    expect(takeRumours(ctx)).toEqual([]);
  });

  it('of a neighbour is passed on too, and that one is asked', () => {
    const ctx = turnOf(withPeer(stateOf(CONFIG), NEAR, { state: 'alive', heardAt: AT }));
    onRumours(ctx, NEAR, saying('dead', 1, NEAR));
    expect(peerIn(ctx, NEAR).state).toBe('alive');
    expect(ctx.outgoing.has(NEAR)).toBe(true);
    expect(takeRumours(ctx)).toEqual(saying('dead', 1, NEAR));
  });

  it("isn't believed of an incarnation that no node can have come to", () => {
    const ctx = turnOf(stateOf(CONFIG));
    onRumours(ctx, NEAR, saying('dead', 2 ** 52));
    expect(peerIn(ctx, FAR)).toMatchObject({ state: 'alive', told: null });
    expect(ctx.facts).toContainEqual(expect.objectContaining({ kind: 'rejected', reason: 'implausible' }));
  });

  it('is told to the accused first, and refuted by it to all', () => {
    const accused = withPeer(stateOf(CONFIG), NEAR, { told: { state: 'suspect', incarnation: 4 } });
    const ctx = turnOf(accused);
    for (let index = 0; index < 10; index += 1) onRumours(ctx, NEAR, saying('dead', 1, `n${21 + index}`));
    speakTo(ctx, NEAR);
    flush(ctx, accused);
    const [sent] = ctx.effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message.payload] : []));
    expect(sent?.rumours?.[0]).toEqual({ id: NEAR, incarnation: 4, state: 'suspect' });
    expect(sent?.rumours).toHaveLength(8);
    const own = turnOf(stateOf(CONFIG));
    onRumours(own, NEAR, saying('suspect', own.state.incarnation, CONFIG.node.id));
    expect(takeRumours(own)).toEqual(saying('alive', own.state.incarnation, CONFIG.node.id));
    expect(own.state.incarnation).toBe(2);
  });

  it('stays what it is when that node itself is heard, until it has raised its incarnation', () => {
    const ctx = turnOf(
      withPeer(stateOf(CONFIG), FAR, { state: 'dead', told: { state: 'dead', incarnation: 1 } }),
    );
    findAlive(ctx, peerIn(ctx, FAR));
    expect(peerIn(ctx, FAR).state).toBe('dead');
  });

  it('is told again once a round while there is little to tell', () => {
    const ctx = turnOf(withPeer(stateOf(CONFIG), FAR, { told: { state: 'dead', incarnation: 3 } }));
    repeatRumour(ctx);
    expect(takeRumours(ctx)).toEqual(saying('dead', 3));
    expect(takeRumours(ctx)).toEqual([]);
    const quiet = turnOf(stateOf(CONFIG));
    repeatRumour(quiet);
    expect(takeRumours(quiet)).toEqual([]);
  });
});

describe('a small cluster', () => {
  it('keeps nothing of what is told, and repeats nothing', () => {
    const ctx = turnOf(stateOf(configOf(MANY_NODES, 5)));
    onRumours(ctx, 'n6', saying('dead', 1, 'n7'));
    repeatRumour(ctx);
    expect(peerIn(ctx, 'n7').told).toBeNull();
    expect(takeRumours(ctx)).toEqual([]);
  });
});

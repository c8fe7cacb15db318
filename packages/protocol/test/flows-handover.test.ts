import { describe, expect, test } from 'vitest';
import type { ProtocolConfig } from '../src/model/config.ts';
import { UNKNOWN } from './support/cloud.ts';
import { handoverOf, IP, PAIR, PEER } from './support/fixtures.ts';
import { isReading, peerOf, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

const SINGLE_CALL: ProtocolConfig = {
  ...PAIR,
  driver: { style: 'single-call', swap: false, displace: 'refuse' },
};

/** Which calls the node made, in order. */
function calls(world: World): readonly string[] {
  return world.transcript
    .text()
    .split('\n')
    .filter((line) => /> (read|release|take)/.test(line))
    .map((line) => line.replace(/^.*> /, ''));
}

function handoverStates(world: World): readonly string[] {
  return world.facts.flatMap((fact) => (fact.kind === 'handover' ? [`${fact.state}: ${fact.detail}`] : []));
}

function askForHandover(world: World): void {
  peerOf(world).say({ handovers: [handoverOf()] });
  world.speak(PEER);
}

describe('a handover', () => {
  test('with the consent of a fit holder is one call that takes it from there', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    askForHandover(world);
    world.runUntil('it is told', () => world.published.length > 0);
    expect(calls(world)).toEqual(['read', 'take from whoever has it']);
    expect(handoverStates(world).at(-1)).toBe('done: verified');
  });

  test('goes on in spite of a pause', () => {
    const world = standby();
    const pause = { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null };
    peerOf(world).say({ pause, handovers: [handoverOf()] });
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    world.speak(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  });

  test('asked for in the middle of a takeover does not carry that takeover past a pause', () => {
    const world = standby();
    world.serving.delete(PEER);
    world.cloud.faults = [{ op: 'read', answer: UNKNOWN, applied: false }];
    world.runUntil('the move waits for its read', isReading);
    const pause = { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null };
    peerOf(world).say({ pause, handovers: [handoverOf()] });
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    world.speak(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    const ends = world.facts.flatMap((fact) =>
      fact.kind === 'ballot-opened' || (fact.kind === 'concluded' && fact.entry.kind !== 'refusal')
        ? [fact]
        : [],
    );
    expect(ends).toMatchObject([
      { kind: 'ballot-opened', mode: 'takeover' },
      { kind: 'concluded', entry: { kind: 'takeover', result: 'abandoned' } },
      { kind: 'ballot-opened', mode: 'handover' },
    ]);
  });

  test('from a holder that is unfit is fenced, though it consents', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    peerOf(world).say({ fit: 'unfit', handovers: [handoverOf()] });
    world.speak(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(calls(world).slice(-3)).toEqual(['read', 'release eipassoc-1', 'take']);
  });

  test('is not made while its holder refuses, and ends when its time is over', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'lent' });
    askForHandover(world);
    world.run(121_000);
    expect(world.cloud.holder?.node).toBe(PEER);
    expect(handoverStates(world).at(-1)).toMatch(/^expired: /);
  });

  test('that was taken back while its ballot is won gives the ballot up, and moves nothing', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    askForHandover(world);
    world.runUntil('the ballot is won', ({ facts }) =>
      facts.some((fact) => fact.kind === 'ballot-closed' && fact.result === 'won'),
    );
    peerOf(world).say({
      handovers: [handoverOf({ state: 'failed', withdrawnBy: 'ann', detail: 'taken back' })],
    });
    world.speak(PEER);
    world.run(30_000);
    expect([world.cloud.taken, world.cloud.holder?.node]).toEqual([0, PEER]);
    expect(handoverStates(world).at(-1)).toBe('withdrawn: taken back');
    const dropped = world.facts.filter((fact) => fact.kind === 'concluded' && fact.entry.kind === 'handover');
    const given = world.facts.filter((fact) => fact.kind === 'ballot-closed' && fact.result === 'dropped');
    expect(dropped.length + given.length).toBe(1);
  });

  test('whose time is over does not go on as a takeover on the consent that it had', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'pending', reason: 'undecided' });
    peerOf(world).say({ handovers: [handoverOf({ ttlMs: 4_000 })] });
    world.speak(PEER);
    world.serving.clear();
    world.run(4_100);
    expect(world.facts).toContainEqual(expect.objectContaining({ kind: 'handover', state: 'expired' }));
    peerOf(world).vote = ({ mode }) =>
      mode === 'handover' ? { answer: 'grant', reason: 'consent' } : { answer: 'refuse', reason: 'up' };
    world.run(30_000);
    expect(world.facts).toContainEqual(expect.objectContaining({ kind: 'verdict', to: 'down' }));
    expect(world.cloud.taken).toBe(0);
  });

  test('whose holder cannot write and agrees is fenced', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'storage', consents: true });
    askForHandover(world);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(calls(world).slice(0, 3)).toEqual(['read', 'release eipassoc-1', 'take']);
  });

  test('is told with who ordered it and why: in the history, the log and to people', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    askForHandover(world);
    world.runUntil('it is told', () => world.published.length > 0);
    const moved = world.facts.flatMap((fact) =>
      fact.kind === 'concluded' && fact.entry.kind === 'handover' ? [fact.entry.reason] : [],
    );
    expect(moved).toEqual(['ordered by operator: maintenance']);
    const told = world.facts.find((fact) => fact.kind === 'handover');
    expect(told).toMatchObject({ by: 'operator', reason: 'maintenance' });
  });

  test('whose one call is not answered is settled by reads, and the holder keeps it where nothing was done', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: false }];
    askForHandover(world);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 30_000);
    expect(calls(world).filter((call) => call.startsWith('take')).length).toBe(2);
    expect(calls(world).slice(0, 4)).toEqual(['read', 'take from whoever has it', 'read', 'read']);
  });
});

describe('a driver with one call and no condition', () => {
  test('takes from whoever has it, and is believed after a read', () => {
    const world = standby(SINGLE_CALL);
    world.serving.delete(PEER);
    world.runUntil('it is told', () => world.published.length > 0);
    expect(calls(world)).toEqual(['read', 'take from whoever has it', 'read']);
  });

  test('whose call is not answered, though it was done, is known by a read', () => {
    const world = standby(SINGLE_CALL);
    world.serving.delete(PEER);
    world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: true }];
    world.runUntil('it is told', () => world.published.length > 0);
    expect(world.cloud.taken).toBe(1);
    expect(calls(world).slice(0, 3)).toEqual(['read', 'take from whoever has it', 'read']);
  });
});

describe('an address that stays down while nobody may take it', () => {
  test('is told once an episode, with what stands in the way', () => {
    const world = standby();
    world.serving.clear();
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'up' });
    world.run(200_000);
    expect(world.published).toMatchObject([
      { subject: 'HAProxy failover blocked', first: `${IP} is down and no node may take it` },
    ]);
    world.serving.add(PEER);
    world.run(10_000);
    world.serving.clear();
    world.run(100_000);
    expect(world.published).toHaveLength(2);
  });
});

describe('the guard', () => {
  test('refuses while this node is seen as the contested address, and is asked again soon', () => {
    const world = standby();
    world.serving.delete(PEER);
    world.seenAs = IP;
    world.run(20_000);
    expect([world.cloud.holder?.node, calls(world).filter((call) => call !== 'read')]).toEqual([PEER, []]);
    expect(world.facts).toContainEqual(expect.objectContaining({ kind: 'guard', passed: false }));
    world.seenAs = '198.51.100.1';
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 11_000);
  });

  test('refuses without an answer, though a proof was had a moment before', () => {
    const world = standby();
    world.serving.delete(PEER);
    world.runUntil('the ballot is won', ({ facts }) => facts.some(({ kind }) => kind === 'ballot-opened'));
    world.outside = 'timeout';
    world.run(20_000);
    expect([world.cloud.holder?.node, calls(world).filter((call) => call !== 'read')]).toEqual([PEER, []]);
  });
});

describe('a new configuration', () => {
  test('drops the open ballot and gives its leases back', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'pending', reason: 'undecided' });
    world.serving.delete(PEER);
    world.runUntil('it asks', () => world.facts.some(({ kind }) => kind === 'ballot-opened'));
    world.tell({ kind: 'configured', config: { ...PAIR, holdDownMs: 1_000 } });
    const dropped = world.facts.find((fact) => fact.kind === 'ballot-closed');
    expect(dropped).toMatchObject({ result: 'dropped', detail: 'the configuration has changed' });
    expect(world.state().config.holdDownMs).toBe(1_000);
  });

  test('keeps an address whose move is under way until the move has ended', () => {
    const world = standby();
    world.serving.delete(PEER);
    world.runUntil('it has released', ({ cloud }) => cloud.holder === null);
    const [address] = PAIR.addresses;
    if (address === undefined) throw new Error('the fixture has no address');
    world.tell({ kind: 'configured', config: { ...PAIR, addresses: [{ ...address, ip: '203.0.113.99' }] } });
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 5_000);
  });
});

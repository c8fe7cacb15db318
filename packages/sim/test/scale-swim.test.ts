import { describe, expect, it } from 'vitest';
import { createByteCount, type Verdict } from '../src/scale/measured-cluster.ts';
import { startSwim, swimSettings } from '../src/scale/swim-cluster.ts';
import {
  overrides,
  SwimMember,
  type SwimMessage,
  type SwimSettings,
  type SwimStatus,
} from '../src/scale/swim-member.ts';
import type { Detail } from '../src/world/details.ts';
import { Network } from '../src/world/network.ts';
import { createQueue } from '../src/world/queue.ts';
import { createRandom } from '../src/world/random.ts';
import { Subscribers } from '../src/world/subscribers.ts';

const SETTINGS: SwimSettings = {
  periodMs: 1_000,
  pingTimeoutMs: 300,
  indirect: 2,
  suspicionMs: 5_000,
  spreads: 3,
  updatesPerMessage: 2,
};

describe('plain SWIM', () => {
  it.each<[SwimStatus, number, SwimStatus, number, boolean]>([
    ['alive', 1, 'suspect', 0, true],
    ['alive', 0, 'suspect', 0, false],
    ['alive', 1, 'faulty', 0, true],
    ['alive', 0, 'faulty', 0, false],
    ['suspect', 0, 'alive', 0, true],
    ['suspect', 0, 'alive', 1, false],
    ['suspect', 0, 'suspect', 0, false],
    ['faulty', 0, 'suspect', 0, true],
    ['faulty', 0, 'alive', 1, false],
  ])(
    '%s of incarnation %i over %s of incarnation %i: %s',
    (status, incarnation, known, knownAt, expected) => {
      expect(overrides({ id: 'x', status, incarnation }, { status: known, incarnation: knownAt })).toBe(
        expected,
      );
    },
  );

  it('pings one member a period, asks k others when no ack comes, suspects, and confirms after its time', () => {
    const { queue, sent, changes } = lonely(['b', 'c', 'd']);
    while (queue.runNext(900));
    expect(sent.map(({ message: { kind } }) => kind)).toEqual(['ping', 'ping-req', 'ping-req']);
    const [ping, ...asked] = sent;
    expect(asked.map(({ message }) => message.target)).toEqual([ping?.to, ping?.to]);
    expect(new Set([ping?.to, ...asked.map(({ to }) => to)]).size).toBe(3);
    while (queue.runNext(1_100));
    expect(changes).toEqual([{ id: ping?.to, to: 'suspect' }]);
    while (queue.runNext(20_000));
    expect(changes).toContainEqual({ id: ping?.to, to: 'faulty' });
  });

  it('sends no more updates on a message than it may, and each no oftener than it may', () => {
    const { member, sent } = lonely(['b', 'c', 'd']);
    for (const id of ['b', 'c', 'd'])
      member.receive({
        kind: 'ack',
        from: 'b',
        seq: 99,
        updates: [{ id, status: 'suspect', incarnation: 0 }],
      });
    for (let seq = 1; seq <= 8; seq += 1) member.receive({ kind: 'ping', from: 'b', seq, updates: [] });
    const updates = sent.map(({ message }) => message.updates);
    expect(Math.max(...updates.map(({ length }) => length))).toBe(2);
    expect(updates.flat()).toHaveLength(3 * 3);
    for (const id of ['b', 'c', 'd']) expect(updates.flat().filter((one) => one.id === id)).toHaveLength(3);
  });

  it('refutes what is said of itself with a higher incarnation', () => {
    const { member, sent } = lonely(['b']);
    member.receive({
      kind: 'ping',
      from: 'b',
      seq: 1,
      updates: [{ id: 'a', status: 'suspect', incarnation: 4 }],
    });
    expect(sent[0]?.message.updates).toEqual([{ id: 'a', status: 'alive', incarnation: 5 }]);
  });

  it('makes a probe for another, and passes the ack on', () => {
    const { member, sent } = lonely(['b', 'c']);
    member.receive({ kind: 'ping-req', from: 'b', seq: 7, target: 'c', updates: [] });
    expect(sent[0]).toMatchObject({ to: 'c', message: { kind: 'ping' } });
    member.receive({ kind: 'ack', from: 'c', seq: sent[0]?.message.seq ?? 0, updates: [] });
    expect(sent[1]).toMatchObject({ to: 'b', message: { kind: 'ack', seq: 7 } });
  });

  it('has a member that stops for less than a suspicion called dead by nobody, and one that is gone by all', () => {
    const cluster = startSwim({ members: 12, seed: 5, lossPerMille: 0 });
    const dead: Verdict[] = [];
    cluster.onVerdict((verdict) => {
      if (verdict.to === 'dead') dead.push(verdict);
    });
    cluster.runFor(2_000);
    const [brief, gone] = [cluster.members[3] ?? '', cluster.members[4] ?? ''];
    cluster.pause(brief);
    cluster.runFor(900);
    cluster.resume(brief);
    cluster.runFor(20_000);
    expect(dead).toEqual([]);
    cluster.vanish(gone);
    const others = cluster.members.filter((id) => id !== gone);
    const at = cluster.runTill(() => others.every((id) => cluster.saysOf(id, gone) === 'dead'), 30_000);
    expect(at).not.toBeNull();
    expect(new Set(dead.map(({ of }) => of))).toEqual(new Set([gone]));
  });

  it('keeps a suspect for longer where there are more members, and tells news oftener', () => {
    expect(swimSettings(1_000).suspicionMs).toBe(3 * swimSettings(10).suspicionMs);
    expect(swimSettings(1_000).spreads).toBeGreaterThan(swimSettings(10).spreads);
  });
});

describe('datagrams', () => {
  it('arrive once, with the delay of the link, and not over one that is cut; each is counted as sent', () => {
    const queue = createQueue();
    const details = new Subscribers<Detail>();
    const network = new Network(queue, createRandom(1), () => undefined, details);
    const count = createByteCount(['a']);
    details.subscribe((detail) => {
      if (detail.kind === 'sent') count.add(detail.from, detail.bytes.length);
    });
    const arrived: string[] = [];
    network.listen('b', { state: () => 'listening', receive: ({ bytes }) => arrived.push(bytes) });
    network.datagram({ from: 'a', to: 'b', route: 'x', bytes: 'hello' });
    expect(arrived).toEqual([]);
    while (queue.runNext(100));
    expect(arrived).toEqual(['hello']);
    network.link('a', 'b').state = 'closed';
    network.datagram({ from: 'a', to: 'b', route: 'x', bytes: 'lost' });
    network.datagram({ from: 'c', to: 'b', route: 'x', bytes: 'of somebody else' });
    while (queue.runNext(200));
    expect(arrived).toEqual(['hello', 'of somebody else']);
    expect([count.bytesOf('a'), count.bytesOf('c'), count.messagesOf('a')]).toEqual([
      'hello'.length + 'lost'.length,
      0,
      2,
    ]);
  });
});

/** A member whose messages go nowhere. */
function lonely(others: readonly string[]): {
  readonly member: SwimMember;
  readonly queue: ReturnType<typeof createQueue>;
  readonly sent: { to: string; message: SwimMessage }[];
  readonly changes: { id: string; to: SwimStatus }[];
} {
  const queue = createQueue();
  const sent: { to: string; message: SwimMessage }[] = [];
  const changes: { id: string; to: SwimStatus }[] = [];
  const member = new SwimMember('a', ['a', ...others], SETTINGS, {
    send: (to, message) => sent.push({ to, message }),
    after: queue.after,
    below: () => 0,
    changed: (id, to) => changes.push({ id, to }),
  });
  member.start();
  return { member, queue, sent, changes };
}

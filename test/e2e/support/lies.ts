/** What somebody who has stolen a witness's key may say, each of which has stopped a cluster once. */
import type { BallotAnswer, NodeRecord, Payload } from '../../../packages/protocol/src/index.ts';
import type { Lie } from './rogue.ts';

const TOP = Number.MAX_SAFE_INTEGER;

function withAddresses(
  own: NodeRecord,
  change: (one: NodeRecord['addresses'][number]) => Partial<NodeRecord['addresses'][number]>,
): Pick<Payload, 'node'> {
  return { node: { ...own, addresses: own.addresses.map((one) => ({ ...one, ...change(one) })) } };
}

export const LIES: Readonly<Record<string, Lie>> = {
  'numbers near 2^53': ({ to, count, own }) => {
    const far = [TOP, TOP - 1, 2 ** 52 + 1, 2 ** 44 + count][count % 4] ?? TOP;
    const pause = { ...own.pause, version: far, by: own.id, paused: false, until: null };
    const rumour = { id: to, incarnation: far, state: 'dead' } as const;
    const answers = own.addresses.map(
      ({ ip }): BallotAnswer => ({
        address: ip,
        epoch: 1,
        candidate: to,
        voter: own.id,
        ask: 0,
        answer: 'refuse',
        reason: 'stale-epoch',
        leaseMs: 0,
        retryMs: far,
        highest: far,
      }),
    );
    return {
      node: {
        ...own,
        incarnation: far,
        pause,
        addresses: own.addresses.map((one) => ({ ...one, epoch: far })),
      },
      known: far,
      rumours: [rumour],
      answers,
      releases: own.addresses.map(({ ip }) => ({ address: ip, epoch: far, candidate: own.id })),
    };
  },
  'that the association in force has ended': ({ last, own }) =>
    withAddresses(own, ({ ip }) => ({
      ended: last.addresses
        .filter((one) => one.ip === ip)
        .flatMap(({ holder }) => holder?.associationId ?? []),
    })),
  'that whoever hears it holds the address': ({ to, count, last, own }) =>
    withAddresses(own, () => ({
      holder: {
        kind: 'node',
        node: to,
        instanceId: last.instanceId,
        associationId: `eipassoc-forged-${count}`,
        ageMs: 0,
      },
    })),
  'ballots of its own, and handovers that nobody has ordered': ({ count, last, own }) => ({
    ballots: last.addresses.map(({ ip, epoch }) => ({
      address: ip,
      epoch: epoch + 1,
      candidate: own.id,
      mode: count % 2 === 0 ? 'takeover' : 'handover',
      electorate: last.electorate,
      ask: count,
      fit: true,
      ...(count % 2 === 0 ? {} : { handover: `${own.id}-1-${count}` }),
    })),
  }),
  'news in every message': ({ count, own }) => {
    const turns = count % 2 === 0;
    const pause = {
      ...own.pause,
      version: own.pause.version + 1,
      by: own.id,
      owner: `eve ${count}`,
    };
    const told = withAddresses(own, () => ({ trouble: turns, verdict: turns ? 'up' : 'down' }));
    return { node: { ...(told.node ?? own), fit: turns ? 'fit' : 'unfit', pause } };
  },
  'texts as long as they may be': ({ to, count, own }) => {
    const long = '"\u202e\u0001漢'.repeat(128);
    const handovers = own.addresses.slice(0, 1).flatMap(({ ip }) =>
      Array.from({ length: 16 }, (_, index) => ({
        id: `${own.id}-${count}-${index}`,
        address: ip,
        to,
        by: long.slice(0, 128),
        reason: long.slice(0, 512),
        state: 'failed' as const,
        detail: long,
        ttlMs: 60_000,
        ordered: count,
      })),
    );
    return { node: { ...own, handovers } };
  },
};

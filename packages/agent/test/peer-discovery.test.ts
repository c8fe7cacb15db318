/** How the peers are found: what of an answer is believed, how often it is asked, and what is told of it. */
import type { CallOutcome } from '@failtome/ports';
import { expect, test } from 'vitest';
import { pauseMs } from '../src/adapters/discovery-pace.ts';
import { type DiscoveryNews, PeerDiscovery } from '../src/adapters/peer-discovery.ts';
import { sightingOf, type TaggedInstance, taggedIn } from '../src/adapters/tagged-instances.ts';

type Answer = CallOutcome<readonly TaggedInstance[]>;

const at = (node: string, address: string | null, instanceId = `i-${node}`): TaggedInstance => ({
  node,
  address,
  instanceId,
});
const answer = (...output: readonly TaggedInstance[]): Answer => ({ kind: 'ok', output });
const THROTTLED: Answer = {
  kind: 'failed',
  failure: { kind: 'refused', code: 'RequestLimitExceeded', message: 'slow down' } as never, // only code and message are read
};

const WHO = { sought: ['neptune', 'pluto'], configured: new Set(['saturn', 'neptune', 'pluto']) };

test('one instance that says it is a peer is believed, several are not, and others are strangers', () => {
  const { found, contested, strangers } = sightingOf(
    [
      at('saturn', '10.0.1.12'),
      at('neptune', '10.0.1.11', 'i-new'),
      at('pluto', '10.0.3.10', 'i-2'),
      at('pluto', '10.0.3.11', 'i-1'),
      at('eris', '10.0.9.9'),
    ],
    WHO,
  );
  expect(found).toEqual(new Map([['neptune', { instanceId: 'i-new', address: '10.0.1.11' }]]));
  expect(contested).toEqual(new Map([['pluto', ['i-1', 'i-2']]]));
  expect(strangers.map(({ node }) => node)).toEqual(['eris']);
});

test('an instance without an address isn’t found yet', () => {
  expect(sightingOf([at('neptune', null)], WHO).found.size).toBe(0);
});

test('of an instance counts the private IPv4 address, or else the IPv6 address, and a part of a list is none', () => {
  const Tags = [{ Key: 't', Value: 'neptune' }];
  const four = { InstanceId: 'i-4', PrivateIpAddress: '10.0.1.11', Ipv6Address: 'fd00::4', Tags };
  const six = { InstanceId: 'i-6', Ipv6Address: 'fd00::6', Tags };
  const none = { InstanceId: 'i-0', PrivateIpAddress: '10.0.1.10', Tags: [{ Key: 't', Value: '' }] };
  const Reservations = [{ Instances: [four, none] }, { Instances: [six] }];
  const $metadata = {};
  expect(taggedIn({ Reservations, $metadata }, 't')).toEqual([
    at('neptune', '10.0.1.11', 'i-4'),
    at('neptune', 'fd00::6', 'i-6'),
  ]);
  expect(taggedIn({ Reservations, NextToken: 'more', $metadata }, 't')).toBeNull();
  expect(taggedIn({ $metadata }, 't')).toBeNull();
});

test('it is asked rarely at rest, soon and ever more slowly in silence, and slowly where EC2 refuses', () => {
  const quiet = [0, 1, 2, 3, 4, 5].map((asksInSilence) => pauseMs({ asksInSilence, failures: 0 }, 0.5));
  expect(quiet).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  expect(pauseMs({ asksInSilence: null, failures: 0 }, 0.5)).toBe(300_000);
  const refused = [1, 2, 3, 4, 5, 6, 7].map((failures) => pauseMs({ asksInSilence: 0, failures }, 0.5));
  expect(refused).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  expect([0, 1].map((random) => pauseMs({ asksInSilence: null, failures: 0 }, random))).toEqual([
    240_000, 360_000,
  ]);
});

interface Stage {
  readonly search: PeerDiscovery;
  readonly news: DiscoveryNews[];
  readonly found: ReadonlyMap<string, string>[];
  readonly silent: Set<string>;
  /** What EC2 says from now on. */
  says(answer: Answer): void;
  /** When it is asked next, from now; null: never. */
  nextInMs(): number | null;
  /** Let the next ask come, and its answer. */
  pass(): Promise<void>;
}

function stage(known: ReadonlyMap<string, string> = new Map()): Stage {
  const news: DiscoveryNews[] = [];
  const found: ReadonlyMap<string, string>[] = [];
  const silent = new Set(['neptune', 'pluto']);
  let said: Answer = answer();
  let nowMs = 0;
  let next: { readonly atMs: number; readonly work: () => void } | null = null;
  const search = new PeerDiscovery({ tag: 't', ...WHO }, known, {
    ask: async () => said,
    isSilent: (peer) => silent.has(peer),
    onFound: (addresses) => found.push(addresses),
    onNews: (one) => news.push(one),
    monotonicMs: () => nowMs,
    later(ms, work) {
      const made = { atMs: nowMs + ms, work };
      next = made;
      return () => {
        if (next === made) next = null;
      };
    },
    random: () => 0.5,
  });
  return {
    search,
    news,
    found,
    silent,
    says: (one) => {
      said = one;
    },
    nextInMs: () => (next === null ? null : next.atMs - nowMs),
    async pass() {
      if (next === null) throw new Error('nothing is to come');
      const { atMs, work } = next;
      next = null;
      nowMs = atMs;
      work();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('what is found is told once, and again when it is elsewhere', async () => {
  const { search, says, pass, found, news, silent, nextInMs } = stage();
  search.start();
  expect(nextInMs()).toBe(0);
  says(answer(at('neptune', '10.0.1.11'), at('pluto', '10.0.3.10')));
  await pass();
  expect(found).toEqual([
    new Map([
      ['neptune', '10.0.1.11'],
      ['pluto', '10.0.3.10'],
    ]),
  ]);
  expect(nextInMs()).toBe(5_000);
  silent.clear();
  await pass();
  expect(nextInMs()).toBe(300_000);
  expect(found).toHaveLength(1);
  says(answer(at('neptune', '10.0.1.99', 'i-new'), at('pluto', '10.0.3.10')));
  await pass();
  expect(found.at(-1)?.get('neptune')).toBe('10.0.1.99');
  expect(news.filter(({ kind }) => kind === 'found')).toHaveLength(3);
  expect(news.at(-1)).toEqual({
    kind: 'found',
    peer: 'neptune',
    instanceId: 'i-new',
    address: '10.0.1.99',
    before: '10.0.1.11',
  });
});

test('a peer that falls silent is looked for soon, and no sooner where EC2 refuses', async () => {
  const { search, says, pass, silent, nextInMs } = stage();
  search.start();
  silent.clear();
  await pass();
  expect(nextInMs()).toBe(300_000);
  search.peerSilent('somebody else');
  expect(nextInMs()).toBe(300_000);
  silent.add('neptune');
  search.peerSilent('neptune');
  expect(nextInMs()).toBe(5_000);
  await pass();
  expect(nextInMs()).toBe(10_000);
  says(THROTTLED);
  await pass();
  await pass();
  expect(nextInMs()).toBe(20_000);
  search.peerSilent('pluto');
  expect(nextInMs()).toBe(20_000);
});

test('two that say they are one peer are not believed, are told once, and the known address stays', async () => {
  const { search, says, pass, found, news } = stage(new Map([['neptune', '10.0.1.11']]));
  search.start();
  const both = answer(
    at('neptune', '10.0.1.11', 'i-old'),
    at('neptune', '10.0.1.66', 'i-66'),
    at('pluto', '10.0.3.10'),
  );
  says(both);
  await pass();
  await pass();
  expect(news).toEqual([
    { kind: 'contested', peer: 'neptune', instanceIds: ['i-66', 'i-old'] },
    { kind: 'found', peer: 'pluto', instanceId: 'i-pluto', address: '10.0.3.10', before: null },
  ]);
  expect(found.at(-1)?.get('neptune')).toBe('10.0.1.11');
  expect(search.states).toEqual(
    new Map([
      ['neptune', 'contested'],
      ['pluto', 'found'],
    ]),
  );
  says(answer(at('neptune', '10.0.1.66', 'i-66'), at('pluto', '10.0.3.10')));
  await pass();
  expect(found.at(-1)?.get('neptune')).toBe('10.0.1.66');
});

test('a peer that no instance is any more keeps its address, one that never was found is told of, a stranger once', async () => {
  const { search, says, pass, found, news } = stage(new Map([['neptune', '10.0.1.11']]));
  search.start();
  says(answer(at('eris', '10.0.9.9')));
  await pass();
  await pass();
  expect(news).toEqual([
    { kind: 'stranger', node: 'eris', instanceId: 'i-eris' },
    { kind: 'absent', peer: 'pluto' },
  ]);
  expect(found).toEqual([]);
  expect(search.states).toEqual(
    new Map([
      ['neptune', 'absent'],
      ['pluto', 'absent'],
    ]),
  );
});

test('that EC2 does not answer is told once, and so is that it does again', async () => {
  const { search, says, pass, news, found } = stage(new Map([['neptune', '10.0.1.11']]));
  search.start();
  says(THROTTLED);
  await pass();
  await pass();
  expect(news.map((one) => (one.kind === 'failing' ? (one.failure?.code ?? null) : one.kind))).toEqual([
    'RequestLimitExceeded',
  ]);
  expect(found).toEqual([]);
  says(answer(at('neptune', '10.0.1.11'), at('pluto', '10.0.3.10')));
  await pass();
  expect(news[1]).toEqual({ kind: 'failing', failure: null });
});

test('nothing is asked where nobody is sought, and nothing once it is closed', async () => {
  const { search, nextInMs, pass, found, says } = stage();
  search.reconfigure({ tag: 't', ...WHO, sought: [] }, new Map());
  search.start();
  expect(nextInMs()).toBeNull();
  search.reconfigure({ tag: 't', ...WHO }, new Map());
  expect(nextInMs()).toBe(0);
  says(answer(at('neptune', '10.0.1.11')));
  const passing = pass();
  search.close();
  await passing;
  expect([nextInMs(), found]).toEqual([null, []]);
});

/** `failtome why`: the ladder of gates, and what would have to change. */
import { GATES, initialState, statusOf, type WhyView, whyOf } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { BALLOT_ADVICE, REASON_ADVICE } from '../src/cli/advice.ts';
import { checkConfig } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import { CONFIG, cli, fakeAgent } from './support/cli.ts';

const WHY: WhyView = {
  address: '54.173.141.243',
  outcome: 'hold',
  reason: 'local-unfit',
  detail: 'its own HAProxy has been unfit for 3 s',
  mode: 'takeover',
  handovers: [],
  gates: [
    { name: 'role', state: 'passed', passed: true, reason: 'a candidate', code: null, ageMs: null },
    {
      name: 'local',
      state: 'closed',
      passed: false,
      reason: 'local-unfit: refused',
      code: 'local-unfit',
      ageMs: 400,
    },
    {
      name: 'verdict',
      state: 'closed',
      passed: false,
      reason: 'address-up: it answers',
      code: 'address-up',
      ageMs: 300,
    },
    {
      name: 'displace',
      state: 'closed',
      passed: false,
      reason: 'would-displace: 192.0.2.9',
      code: 'would-displace',
      ageMs: null,
    },
    {
      name: 'guard',
      state: 'not-asked',
      passed: null,
      reason: 'not asked while local is closed',
      code: null,
      ageMs: null,
    },
  ],
  lastBallot: '1 of 2 leases, 1 of 2 sighted see it down; saturn: grant (down), neptune: refuse (up)',
  refusals: [],
};

describe('why', () => {
  const views = { '/v1/why?ip=54.173.141.243': WHY };

  test('prints the ladder: each gate, what it saw, how old, and what would have to change', async () => {
    const { code, out } = await cli(['why'], fakeAgent({ views }));
    expect(code).toBe(0);
    expect(out).toBe(
      [
        '54.173.141.243: hold (local-unfit): its own HAProxy has been unfit for 3 s',
        '      GATE      SAW                              HOW OLD',
        'pass  role      a candidate                      -',
        'stop  local     local-unfit: refused             400 ms ago',
        'stop  verdict   address-up: it answers           300 ms ago',
        'stop  displace  would-displace: 192.0.2.9        -',
        '-     guard     not asked while local is closed  -',
        '',
        'Last ballot: 1 of 2 leases, 1 of 2 sighted see it down; saturn: grant (down), neptune: refuse (up)',
        '  saturn, down: It sees the address down, and lends its lease.',
        '  neptune, up: It sees the address up: find out why this node does not.',
        '',
        'What would have to change:',
        "  local-unfit: This node's own HAProxy has to be fit by what `local` asks: the address would fail here too.",
        '  would-displace: The other Elastic IP on this network interface has to go elsewhere, or addresses[].privateIp has to name another one.',
        '',
      ].join('\n'),
    );
  });

  test('tells that the address is away from its home, and what it waits for', async () => {
    const home = { node: 'neptune', word: 'away', because: 'it goes within 02:00-05:00 UTC' };
    const line = '54.173.141.243 is away from its home neptune: it goes within 02:00-05:00 UTC\n';
    const ask = { '/v1/why?ip=54.173.141.243': { ...WHY, home } };
    expect((await cli(['why'], fakeAgent({ views: ask }))).out).toContain(line);
    const there = { '/v1/why?ip=54.173.141.243': { ...WHY, home: { ...home, word: 'home', because: '' } } };
    expect((await cli(['why'], fakeAgent({ views: there }))).out).not.toContain('home');
  });

  test('gives no advice where nobody has to do anything', async () => {
    const gates = [
      {
        name: 'not-holder',
        state: 'closed',
        passed: false,
        reason: 'is-holder: it',
        code: 'is-holder',
        ageMs: 1,
      },
    ];
    const view = { ...WHY, reason: 'is-holder', gates, lastBallot: null };
    const { out } = await cli(['why'], fakeAgent({ views: { '/v1/why?ip=54.173.141.243': view } }));
    expect(out).toContain('stop  not-holder  is-holder: it');
    expect(out).not.toContain('What would have to change');
    expect(out).not.toContain('Nothing');
  });

  test('reads a ladder that tells only what passed', async () => {
    const gates = WHY.gates.map(({ state: _, ...gate }) => gate);
    const { out } = await cli(
      ['why'],
      fakeAgent({ views: { '/v1/why?ip=54.173.141.243': { ...WHY, gates } } }),
    );
    expect(out.match(/^(pass|stop|-) /gm)).toEqual(['pass ', 'stop ', 'stop ', 'stop ', '- ']);
  });

  test('of an address that the cluster does not share, exits with 1 and names those it does', async () => {
    const { code, err } = await cli(['why', '192.0.2.99'], fakeAgent({ views }));
    expect(code).toBe(1);
    expect(err).toContain('this cluster shares 54.173.141.243');
  });

  test('as JSON, is what the agent said', async () => {
    expect(JSON.parse((await cli(['why', '--json'], fakeAgent({ views }))).out)).toEqual(WHY);
  });
});

test('what the protocol itself shows of a node that has just started can be read', async () => {
  const loaded = checkConfig('f.yaml', Buffer.from(CONFIG), {});
  if (loaded.kind === 'faulty') throw new Error('faulty');
  const identity = { id: 'saturn', instanceId: 'i-0abc', region: null };
  const state = initialState(toProtocolConfig(loaded.config, identity, '1.2.3'));
  const now = { at: 1_000, wall: Date.UTC(2026, 0, 31, 12) };
  const agent = fakeAgent({
    status: statusOf(state, now),
    views: { '/v1/why?ip=54.173.141.243': whyOf(state, '54.173.141.243', now) },
  });
  const status = await cli(['status'], agent);
  expect(status.out).toMatch(/^54\.173\.141\.243 +no standby +unknown +- +none/m);
  expect(status.out).toMatch(/^54\.173\.141\.243 +saturn +unknown +-/m);
  expect(status.out).toMatch(/^neptune +candidate +unknown +never/m);
  const why = await cli(['why'], agent);
  expect(why.out.match(/^(pass|stop|-) /gm)).toHaveLength(GATES.length);
  expect(why.out).toContain('starting: ');
  expect(why.out).not.toContain('What would have to change:');
});

test('every reason has one sentence of advice', () => {
  for (const sentence of [...Object.values(REASON_ADVICE), ...Object.values(BALLOT_ADVICE)]) {
    expect(sentence).toMatch(/^[A-Z].*[^.]\.$/);
  }
});

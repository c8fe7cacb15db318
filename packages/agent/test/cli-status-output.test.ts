/** `failtome status` of one node: what it prints, and of whom it asks. */
import { describe, expect, test } from 'vitest';
import { cli, fakeAgent, STATUS } from './support/cli.ts';

describe('status', () => {
  test.each([
    ['the same voters', 'e1ec7043', 'alive', 'Electorate e1ec7043, the same on every node\n'],
    ['other voters', '0badcafe', 'alive', 'saturn has 0badcafe: they are configured with different voters'],
    [
      'other voters, and dead',
      '0badcafe',
      'dead',
      'Electorate e1ec7043, the same on every node that is heard\n',
    ],
  ])('a peer with %s is told', async (_, electorate, state, expected) => {
    const peers = STATUS.peers.map((peer) => ({ ...peer, id: 'saturn', electorate, state }));
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, peers } }));
    expect(out).toContain(expected);
  });

  test('of an agent that tells of itself alone, shows what it knows of the others', async () => {
    const { http, requests } = fakeAgent();
    const { code, out } = await cli(['status'], { http });
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'Cluster web, as told by 1 of 2 nodes (saturn was asked, failtome 1.2.3)',
        '',
        'ADDRESS         STATE      HOLDER   NEXT    HOLD-DOWN',
        '54.173.141.243  protected  neptune  saturn  45 s left',
        '',
        'NODE     ROLE       STATE      HEARD       FIT  READY   VERSION',
        'saturn   candidate  this node  -           fit  yes     1.2.3',
        'neptune  candidate  alive      200 ms ago  fit  holder  1.2.3',
        '',
        'ADDRESS         SEEN BY  VERDICT  HOW OLD     DECISION',
        '54.173.141.243  saturn   up       300 ms ago  hold (address-up)',
        '54.173.141.243  neptune  up       700 ms ago  -',
        '',
        'ADDRESS         BALLOT OF  VOTER    VOTE    REASON',
        '54.173.141.243  saturn     saturn   grant   down',
        '54.173.141.243  saturn     neptune  refuse  up',
        '',
        'Electorate e1ec7043, the same on every node',
        '',
      ].join('\n'),
    );
    expect(requests.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:8741/v1/cluster',
      // It is of an earlier version.
      'http://127.0.0.1:8741/v1/status',
    ]);
  });

  test('says who paused, until when and why', async () => {
    const pause = {
      ...STATUS.pause,
      paused: true,
      owner: 'ann',
      reason: 'new HAProxy',
      until: Date.UTC(2026, 1, 1),
    };
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, pause } }));
    expect(out).toContain('Automatic takeover is paused by ann until 2026-02-01 00:00:00Z: new HAProxy\n');
  });

  test('colours a terminal only, and not under NO_COLOR', async () => {
    const { http } = fakeAgent();
    const sequence = '\u001b[';
    expect((await cli(['status'], { http, isTTY: true })).out).toContain(sequence);
    expect((await cli(['status'], { http, isTTY: false })).out).not.toContain(sequence);
    expect((await cli(['status'], { http, isTTY: true, env: { NO_COLOR: '1' } })).out).not.toContain(
      sequence,
    );
  });

  test('READY has a word for who need not be ready, or cannot be asked', async () => {
    const peer = STATUS.peers[0];
    const peers = (['not-ready', 'dead', 'witness', 'unknown'] as const).map((word) => ({
      ...peer,
      id: `n-${word}`,
      readiness: { word, because: [] },
    }));
    const { out } = await cli(['status'], fakeAgent({ status: { ...STATUS, peers } }));
    const shown = [...out.matchAll(/^n-(\S+) .* fit +(\S+) /gm)].map(
      ([, word, ready]) => `${word}: ${ready}`,
    );
    expect(shown).toEqual(['not-ready: no', 'dead: dead', 'witness: witness', 'unknown: unknown']);
  });

  test('says what would stand in the way of this node', async () => {
    const readiness = { word: 'not-ready', because: ['paused: by ann', 'lent: to mars'] };
    const status = { ...STATUS, node: { ...STATUS.node, readiness } };
    const { out } = await cli(['status'], fakeAgent({ status }));
    expect(out).toContain('saturn is not ready to take over: paused: by ann; lent: to mars\n');
  });

  test('of an agent that tells only whether its preflight holds, shows that', async () => {
    const { readiness: _, ...node } = STATUS.node;
    const { out } = await cli(
      ['status'],
      fakeAgent({ status: { ...STATUS, node: { ...node, ready: false } } }),
    );
    expect(out).toMatch(/^saturn .* fit +no /m);
  });

  test('lets nothing from another machine control the terminal', async () => {
    const status = { ...STATUS, cluster: 'web\u001b[2J\r\nforged: \u202eenil\u2069' };
    const { out } = await cli(['status'], { ...fakeAgent({ status }), isTTY: false });
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(out.split('\n')[0]).toContain('forged:  enil');
    const { out: json } = await cli(['status', '--json'], { ...fakeAgent({ status }), isTTY: false });
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(json)).toMatchObject({ cluster: status.cluster });
  });

  test('reads an agent that tells less, or something else', async () => {
    const sparse = {
      version: '0.9',
      cluster: 'web',
      node: { id: 'saturn' },
      addresses: [{ ip: '192.0.2.1' }],
      peers: 5,
    };
    const { code, out } = await cli(['status'], fakeAgent({ status: sparse }));
    expect(code).toBe(0);
    expect(out).toMatch(/^192\.0\.2\.1 +saturn +unknown +-/m);
  });

  test('prints what the agent said as JSON', async () => {
    const { out } = await cli(['status', '--json', '--node'], fakeAgent());
    expect(JSON.parse(out)).toEqual(STATUS);
  });

  test('exits with 1 when nobody answers, and says what to look at', async () => {
    const { code, err } = await cli(['status']);
    expect(code).toBe(1);
    expect(err).toBe(
      'http://127.0.0.1:8741 gave no answer: nobody listens there. Does the agent run there?\n',
    );
  });

  test('asks where the agent listens', async () => {
    const { http, requests } = fakeAgent();
    await cli(['status', '--node'], { http, env: { FAILTOME_LISTEN: '[::]:9000' } });
    await cli(['status', '--node'], { http, env: { FAILTOME_LISTEN: '10.0.1.12:9000' } });
    await cli(['status', '--node', '--url', 'http://peer.example:8741/'], { http });
    expect(requests.map(({ url }) => url)).toEqual([
      'http://[::1]:9000/v1/status',
      'http://10.0.1.12:9000/v1/status',
      'http://peer.example:8741/v1/status',
    ]);
  });
});

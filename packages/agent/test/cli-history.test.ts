import { describe, expect, test } from 'vitest';
import type { CliDependencies } from '../src/cli/dependencies.ts';
import { cli, fakeAgent, STATUS } from './support/cli.ts';

describe('history', () => {
  const entry = {
    id: 'saturn-3-1',
    kind: 'takeover',
    address: '54.173.141.243',
    from: 'neptune',
    to: 'saturn',
    result: 'served',
    reason: 'address-down',
    at: Date.UTC(2026, 0, 31, 11, 59, 30),
    steps: [
      { step: 'detect', durationMs: 2100 },
      { step: 'total', durationMs: 4200 },
    ],
    requestIds: ['req-1', 'req-2'],
  };

  test('shows when, who, why, each step and the request ids', async () => {
    const { code, out } = await cli(['history'], fakeAgent({ views: { '/v1/history?limit=1000': [entry] } }));
    expect(code).toBe(0);
    expect(out).toBe(
      [
        '2026-01-31 11:59:30Z  takeover of 54.173.141.243, neptune -> saturn: served',
        '  why: address-down',
        '  detect 2.1 s, total 4.2 s',
        '  requests: req-1, req-2',
        '  saturn-3-1',
        '',
      ].join('\n'),
    );
  });

  const vote = {
    id: 'neptune-vote-saturn-7-54.173.141.243',
    kind: 'vote',
    node: 'neptune',
    address: '54.173.141.243',
    from: 'neptune',
    to: 'saturn',
    result: 'grant',
    reason: 'down; neptune saw it down: refused',
    epoch: 7,
    at: Date.UTC(2026, 0, 31, 11, 59, 27),
    steps: [],
    requestIds: [],
  };
  const lost = {
    ...vote,
    id: 'neptune-change-1-54.173.141.243',
    kind: 'change',
    result: 'lost',
    reason: 'learned from a peer',
    at: Date.UTC(2026, 0, 31, 11, 59, 29),
  };
  const refusal = {
    ...vote,
    id: 'neptune-2-1',
    kind: 'refusal',
    node: undefined,
    from: 'saturn',
    to: 'neptune',
    result: 'refused',
    reason: 'held-down: moved 20000 ms ago',
    at: Date.UTC(2026, 0, 31, 12, 1),
  };

  /** saturn and neptune, each with its own history; null: it doesn't answer. */
  function pair(saturn: readonly object[] | null, neptune: readonly object[] | null) {
    const http: CliDependencies['http'] = async (request) => {
      const isPeer = request.url.startsWith('http://10.0.1.11:8741/');
      const own = fakeAgent({ views: { '/v1/history?limit=1000': isPeer ? neptune : saturn } });
      const isGone = (isPeer ? neptune : saturn) === null;
      return isGone ? { kind: 'failed', detail: 'nobody listens there' } : await own.http(request);
    };
    return { http };
  }

  test('merges what all nodes tell: each event once, with what the others answered and saw', async () => {
    const told = { ...entry, epoch: 7 };
    // neptune has heard of saturn's own entry, too: an event has one id.
    const { code, out, err } = await cli(['history'], pair([told], [refusal, lost, vote, told]));
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(
      [
        '2026-01-31 12:01:00Z  refusal of 54.173.141.243, held by saturn, at neptune: refused',
        '  why: held-down: moved 20000 ms ago',
        '  neptune-2-1',
        '2026-01-31 11:59:30Z  takeover of 54.173.141.243, neptune -> saturn: served',
        '  why: address-down',
        '  detect 2.1 s, total 4.2 s',
        '  requests: req-1, req-2',
        '  2026-01-31 11:59:27Z  vote of neptune on 54.173.141.243 for saturn: grant, down; neptune saw it down: refused',
        '  2026-01-31 11:59:29Z  neptune lost 54.173.141.243 to saturn: lost, learned from a peer',
        '  saturn-3-1',
        '',
      ].join('\n'),
    );
  });

  test('without a common ballot, what lies close together is one event, what lies apart is not', async () => {
    const unasked = { ...lost, epoch: 0 };
    const late = { ...unasked, id: 'neptune-change-2-x', at: Date.UTC(2026, 0, 31, 12, 30) };
    const { out } = await cli(['history'], pair([entry], [late, unasked]));
    expect(out.split('\n').filter((line) => line.startsWith('2026'))).toEqual([
      '2026-01-31 12:30:00Z  neptune lost 54.173.141.243 to saturn: lost',
      '2026-01-31 11:59:30Z  takeover of 54.173.141.243, neptune -> saturn: served',
    ]);
  });

  test('as JSON, is one list, newest event first and what was seen of it behind, each once and with who tells it', async () => {
    const { out } = await cli(
      ['history', '--json'],
      pair([{ ...entry, epoch: 7 }], [refusal, lost, vote, entry]),
    );
    const list: { id: string; node: string }[] = JSON.parse(out);
    expect(list.map(({ id, node }) => [id, node])).toEqual([
      ['neptune-2-1', 'neptune'],
      ['saturn-3-1', 'saturn'],
      ['neptune-vote-saturn-7-54.173.141.243', 'neptune'],
      ['neptune-change-1-54.173.141.243', 'neptune'],
    ]);
  });

  test.each([[[]], [['--json']]])(
    'says which node could not be asked, and shows the others (%j)',
    async (json) => {
      const { code, out, err } = await cli(['history', ...json], pair([entry], null));
      expect(code).toBe(0);
      expect(out).toContain('saturn-3-1');
      expect(err).toBe(
        'neptune could not be asked: http://10.0.1.11:8741 gave no answer: nobody listens there. Does the agent run there?\n',
      );
    },
  );

  test('where the own agent is gone, asks the others that the configuration names', async () => {
    const { code, out, err } = await cli(['history'], pair(null, [lost]));
    expect(code).toBe(0);
    expect(out).toContain('neptune lost 54.173.141.243 to saturn');
    expect(err).toContain('saturn could not be asked');
    expect((await cli(['history'], pair(null, null))).code).toBe(1);
  });

  test("with --node, is this node's alone", async () => {
    const { out } = await cli(['history', '--node'], pair([entry], [lost]));
    expect(out).toContain('saturn-3-1');
    expect(out).not.toContain('neptune lost');
    expect(JSON.parse((await cli(['history', '--node', '--json'], pair([entry], null))).out)).toEqual([
      entry,
    ]);
  });

  test('of a URL, asks the nodes that the agent there names', async () => {
    const peers = [{ ...STATUS.peers[0], url: 'http://10.0.1.99:8741' }];
    const asked: string[] = [];
    const agent = fakeAgent({ status: { ...STATUS, peers }, views: { '/v1/history?limit=1000': [] } });
    const http: CliDependencies['http'] = async (request) => {
      asked.push(request.url);
      return await agent.http(request);
    };
    await cli(['history', '--url', 'http://saturn.example:8741'], { http });
    expect(asked).toEqual([
      'http://saturn.example:8741/v1/status',
      'http://saturn.example:8741/v1/history?limit=1000',
      'http://10.0.1.99:8741/v1/history?limit=1000',
    ]);
  });

  test('says so when there is none', async () => {
    expect((await cli(['history'], fakeAgent({ views: { '/v1/history?limit=1000': [] } }))).out).toBe(
      'Nothing has happened yet.\n',
    );
  });
});

import { createSecretKey } from 'node:crypto';
import type { CommandOutcome } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { AgentError } from '../src/errors.ts';
import { answered, cli, fakeAgent, STATUS } from './support/cli.ts';

describe('pause and resume', () => {
  const pausedBy = (stored: readonly string[]) => ({
    ...STATUS,
    pause: { ...STATUS.pause, paused: true, version: 4, stored },
  });

  test('a pause carries its length, reason and owner, and is done when a majority has stored it', async () => {
    let looks = 0;
    const agent = fakeAgent({ outcome: () => ({ state: 'working', id: '4', detail: '' }) });
    const http: typeof agent.http = async (request) => {
      if (request.method !== 'GET') return agent.http(request);
      looks += 1;
      return answered(200, looks < 4 ? pausedBy(['saturn']) : pausedBy(['saturn', 'neptune']));
    };
    const { code, out } = await cli(['pause', '--for', '1h', '--reason', 'new HAProxy'], { http });
    expect([code, out]).toEqual([0, 'No automatic takeover in the whole cluster for 1 h.\n']);
    expect(agent.commands).toEqual([
      { kind: 'pause', forMs: 3_600_000, reason: 'new HAProxy', owner: 'ann@saturn' },
    ]);
  });

  test('is not done when no majority stores it in time, and says who has', async () => {
    const agent = fakeAgent({
      status: pausedBy(['saturn']),
      outcome: () => ({ state: 'working', id: '4', detail: '' }),
    });
    const { code, out, err } = await cli(['pause', '--timeout', '5s'], { http: agent.http });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('stored by saturn, where 2 are needed');
    expect(agent.commands).toHaveLength(1);
  });

  test('is not done when somebody else’s order came later', async () => {
    const status = { ...STATUS, pause: { ...STATUS.pause, paused: false, owner: 'bob', version: 5 } };
    const agent = fakeAgent({ status, outcome: () => ({ state: 'working', id: '4', detail: '' }) });
    const { code, err } = await cli(['pause'], { http: agent.http });
    expect([code, err]).toEqual([1, 'Overtaken by a later resume of bob.\n']);
  });

  test('a pause names the one that stays, because it lasts longer, and the handovers that it ends', async () => {
    const detail =
      'stored here; spreading; in force stays, because it lasts longer, the pause of bob, until resumed: switch; it ends the handover of 54.173.141.243 to neptune, ordered by carl';
    const agent = fakeAgent({ outcome: () => ({ state: 'done', id: '4', detail }) });
    const { code, out } = await cli(['pause', '--for', '5m'], { http: agent.http });
    expect([code, out]).toEqual([
      0,
      'Automatic takeover stays paused, longer than asked for (`--replace` replaces that). In force stays, because it lasts longer, the pause of bob, until resumed: switch. It ends the handover of 54.173.141.243 to neptune, ordered by carl.\n',
    ]);
  });

  test('a pause that is to replace a longer one says so to the agent', async () => {
    const agent = fakeAgent({ outcome: () => ({ state: 'done', id: '4', detail: '' }) });
    await cli(['pause', '--for', '5m', '--replace'], { http: agent.http });
    expect(agent.commands).toMatchObject([{ kind: 'pause', replace: true }]);
  });

  test('is not done when another node was asked at the same moment, and its order stands', async () => {
    const pause = { ...STATUS.pause, paused: true, by: 'neptune', owner: 'bob', version: 4 };
    const stored = ['saturn', 'neptune'];
    const agent = fakeAgent({
      status: { ...STATUS, pause: { ...pause, stored } },
      outcome: () => ({ state: 'working', id: '4', detail: '' }),
    });
    const { code, err } = await cli(['pause'], { http: agent.http });
    expect([code, err]).toEqual([1, 'Overtaken by a later pause of bob.\n']);
  });

  test('resume is one command, and done at once where the agent says so', async () => {
    const agent = fakeAgent({ outcome: () => ({ state: 'done', id: '5', detail: '' }) });
    const { code, out } = await cli(['resume'], { http: agent.http });
    expect([code, out]).toEqual([0, 'Automatic takeover is on again.\n']);
    expect(agent.commands).toEqual([{ kind: 'resume', reason: '', owner: 'ann@saturn' }]);
    expect(
      agent.requests.filter(({ method }) => method === 'POST').map(({ url }) => new URL(url).pathname),
    ).toEqual(['/v1/resume', '/v1/resume']);
  });

  test('as JSON', async () => {
    const agent = fakeAgent({ outcome: () => ({ state: 'failed', id: '', detail: 'the disk is full' }) });
    const { code, out } = await cli(['pause', '--json'], { http: agent.http });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ done: false, detail: 'the disk is full' });
  });
});

describe('handover', () => {
  test('asks for the end until it is done', async () => {
    const agent = fakeAgent({
      outcome: (command, count) => {
        if (command.kind === 'handover') return { state: 'working', id: 'h1', detail: 'asking the voters' };
        return count < 3
          ? { state: 'working', id: 'h1', detail: 'moving' }
          : { state: 'done', id: 'h1', detail: 'neptune holds 54.173.141.243, which answers' };
      },
    });
    const { code, out, err } = await cli(
      ['handover', '54.173.141.243', '--to', 'neptune', '--reason', 'patch day'],
      {
        http: agent.http,
      },
    );
    expect([code, out]).toEqual([0, 'neptune holds 54.173.141.243, which answers\n']);
    expect(err).toBe('asking the voters\nmoving\n');
    expect(agent.commands.slice(0, 2)).toEqual([
      {
        kind: 'handover',
        address: '54.173.141.243',
        to: 'neptune',
        reason: 'patch day',
        owner: 'ann@saturn',
        forMs: 65_000,
      },
      { kind: 'handover-status', id: 'h1' },
    ]);
  });

  test('is not done when a voter refuses, and says why', async () => {
    const agent = fakeAgent({ outcome: () => ({ state: 'failed', id: 'h1', detail: 'neptune is not fit' }) });
    const { code, err } = await cli(['handover'], { http: agent.http });
    expect([code, err]).toEqual([1, 'Not done: neptune is not fit\n']);
    expect(agent.commands).toMatchObject([{ kind: 'handover', address: null, to: null }]);
  });

  /** Whatever is asked before it is taken back, it is under way. */
  const underWay = (taken: (count: number) => CommandOutcome) =>
    fakeAgent({
      outcome: (command, count) =>
        command.kind === 'handover-cancel'
          ? taken(count)
          : { state: 'working', id: 'h1', detail: 'asking the voters' },
    });

  test('takes it back after --timeout, and says that its target has stored that', async () => {
    const agent = underWay(() => ({ state: 'done', id: 'h1', detail: 'withdrawn: neptune has stored it' }));
    const { code, err } = await cli(['handover', '--timeout', '3s'], { http: agent.http });
    expect(code).toBe(1);
    expect(err).toContain(
      'Not done: not done within 3.0 s (asking the voters); withdrawn: neptune has stored it\n',
    );
    expect(agent.commands[0]).toMatchObject({ kind: 'handover', forMs: 8_000 });
    expect(agent.commands.at(-1)).toMatchObject({ kind: 'handover-cancel', id: 'h1', owner: 'ann@saturn' });
  });

  test('says until when it may still happen where nobody can promise that it will not', async () => {
    const detail = "withdrawn here, but neptune isn't heard: until 2026-01-02T03:06:17Z it may still happen";
    const agent = underWay(() => ({ state: 'working', id: 'h1', detail }));
    const { code, err } = await cli(['handover', '--timeout', '3s'], { http: agent.http });
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`not done within 3.0 s (asking the voters); ${detail}`),
    ]);
    expect(agent.commands.filter(({ kind }) => kind === 'handover-cancel').length).toBeGreaterThan(2);
  });

  test('that was done at the last moment is done', async () => {
    const agent = fakeAgent({
      outcome: (command) => {
        const cancelled = agent.commands.some(({ kind }) => kind === 'handover-cancel');
        if (command.kind === 'handover-cancel')
          return { state: 'failed', id: 'h1', detail: 'it is too late' };
        return cancelled
          ? { state: 'done', id: 'h1', detail: 'done: verified' }
          : { state: 'working', id: 'h1', detail: '' };
      },
    });
    const { code, out } = await cli(['handover', '--timeout', '3s'], { http: agent.http });
    expect([code, out]).toEqual([0, 'done: verified\n']);
  });

  test('that a pause has ended is not called over before its target has stored that', async () => {
    const agent = fakeAgent({
      outcome: (command) =>
        command.kind === 'handover-cancel'
          ? { state: 'done', id: 'h1', detail: 'withdrawn: neptune has stored it' }
          : { state: 'failed', id: 'h1', detail: 'withdrawn: ended by the pause of bob' },
    });
    const { code, err } = await cli(['handover', '--keep'], { http: agent.http });
    const why = 'withdrawn: ended by the pause of bob; withdrawn: neptune has stored it';
    expect([code, err]).toEqual([1, `Not done: ${why}\n`]);
  });

  test('with --keep it may still happen, and the command says so and takes nothing back', async () => {
    const agent = underWay(() => ({ state: 'done', id: 'h1', detail: '' }));
    const { code, err } = await cli(['handover', '--keep', '--timeout', '3s'], { http: agent.http });
    expect(code).toBe(1);
    expect(err).toContain('not done within 3.0 s (asking the voters), and kept: it may still happen');
    expect(agent.commands[0]).not.toHaveProperty('forMs');
    expect(agent.commands.every(({ kind }) => kind !== 'handover-cancel')).toBe(true);
  });

  test('--cancel asks until it is certain, by the id that it was told', async () => {
    const agent = fakeAgent({
      outcome: (_, count) =>
        count < 3
          ? { state: 'working', id: 'h1', detail: "withdrawn here, but neptune hasn't stored it yet" }
          : { state: 'done', id: 'h1', detail: 'withdrawn: neptune has stored it' },
    });
    const options = ['handover', '--cancel', '54.173.141.243', '--reason', 'not today'];
    const { code, out } = await cli(options, { http: agent.http });
    expect([code, out]).toEqual([0, 'withdrawn: neptune has stored it\n']);
    const cancel = { kind: 'handover-cancel', reason: 'not today', owner: 'ann@saturn' };
    expect(agent.commands[0]).toEqual({ ...cancel, id: null, address: '54.173.141.243' });
    expect(agent.commands.at(-1)).toMatchObject({ ...cancel, id: 'h1' });
  });

  test('--cancel is not done while it is not certain', async () => {
    const detail = "withdrawn here, but neptune isn't heard: until 2026-01-02T03:06:17Z it may still happen";
    const agent = fakeAgent({ outcome: () => ({ state: 'working', id: 'h1', detail }) });
    const { code, err } = await cli(['handover', '--cancel', '--timeout', '2s'], { http: agent.http });
    expect([code, err]).toEqual([1, `Not done: ${detail}\n`]);
  });

  test.each([['--to', 'neptune'], ['--keep']])('--cancel goes with no %s', async (...more) => {
    const agent = fakeAgent();
    const { code } = await cli(['handover', '--cancel', ...more], { http: agent.http });
    expect([code, agent.commands]).toEqual([2, []]);
  });
});

describe('what is open', () => {
  const handover = {
    id: 'h1',
    address: '54.173.141.243',
    to: 'neptune',
    state: 'open',
    detail: 'no-way-out',
    by: 'bob@mars',
    reason: 'patch day',
    until: Date.UTC(2026, 0, 2, 3, 4, 5),
    leftMs: 60_000,
  } as const;
  const shown = 'Handover of 54.173.141.243 to neptune is open until';
  const who = 'ordered by bob@mars: patch day (waits: no-way-out)';

  test('is shown by status with who, why and until when, and what has ended is not', async () => {
    const status = {
      ...STATUS,
      handovers: [handover, { ...handover, id: 'h2', state: 'withdrawn' as const }],
    };
    const { out } = await cli(['status'], { http: fakeAgent({ status }).http });
    expect(out.split('\n').filter((line) => line.includes('Handover of'))).toEqual([
      expect.stringMatching(new RegExp(`^${shown}.*${who.replace(/[()]/g, '\\$&')}$`)),
    ]);
  });
});

describe('a signed command', () => {
  test('proves its freshness with the challenge, once, in one session', async () => {
    const agent = fakeAgent({ outcome: () => ({ state: 'done', id: '5', detail: '' }) });
    await cli(['resume'], { http: agent.http });
    const sent = agent.requests.flatMap(({ body }) => (body === undefined ? [] : [JSON.parse(body)]));
    expect(sent).toMatchObject([
      { cluster: 'web', to: 'saturn', seq: 1, echo: null },
      { cluster: 'web', to: 'saturn', seq: 2, echo: { session: 'agentSessio' } },
    ]);
    expect(sent[0].from).toMatch(/^operator\.[A-Za-z0-9_-]+$/);
    expect(sent[0].session).toHaveLength(11);
    expect([sent[1].from, sent[1].session]).toEqual([sent[0].from, sent[0].session]);
  });

  test.each<readonly [what: string, options: Parameters<typeof fakeAgent>[0], detail: string]>([
    ['a refusal', { refuse: 'not-for-me' }, 'saturn refused the command: not-for-me'],
    [
      'endless challenges',
      { refuse: 'session' },
      'saturn did not accept the proof that the command is fresh',
    ],
    [
      'an answer whose body was changed on the way',
      {
        outcome: () => ({ state: 'failed', id: '', detail: '' }),
        tamper: (result) =>
          result.kind === 'answered' ? { ...result, body: result.body.replace('failed', 'done') } : result,
      },
      'is not signed with this key',
    ],
    [
      'an answer whose status was changed on the way',
      { tamper: (result) => (result.kind === 'answered' ? { ...result, status: 200 } : result) },
      'is not signed with this key',
    ],
    ['an answer to something else', { tamper: replay() }, 'is not signed with this key'],
  ])('is not done after %s', async (_, options, detail) => {
    const agent = fakeAgent(options);
    const { code, out, err } = await cli(['resume'], { http: agent.http });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(detail);
  });

  /** Answers everything with the first answer. */
  function replay() {
    let first: Parameters<NonNullable<NonNullable<Parameters<typeof fakeAgent>[0]>['tamper']>>[0] | null =
      null;
    return (result: NonNullable<typeof first>) => {
      first ??= result;
      return first;
    };
  }

  test('under another key is refused by the agent, and nothing of the key is shown', async () => {
    const secret = Buffer.alloc(32, 9);
    const agent = fakeAgent();
    const { code, err } = await cli(['resume'], {
      http: agent.http,
      readKeys: async () => ({ keys: [createSecretKey(secret)], warnings: [] }),
    });
    expect(code).toBe(1);
    expect(err).toContain('does not accept this key: the signature is not of this message');
    expect(err).not.toContain(secret.toString('base64'));
    expect(agent.commands).toEqual([]);
  });

  test('is not sent to an agent of another cluster', async () => {
    const agent = fakeAgent({ status: { ...STATUS, cluster: 'staging' } });
    const { code, err } = await cli(['resume'], { http: agent.http });
    expect(code).toBe(1);
    expect(err).toContain('is an agent of the cluster staging, not of web');
    expect(agent.requests).toHaveLength(1);
  });

  test('needs a key that can be read: exit 2', async () => {
    const readKeys = () =>
      Promise.reject(new AgentError('KEY_FILE_MISSING', 'key file /k does not exist', 'fatal'));
    const { code, err } = await cli(['resume', '--url', 'http://saturn:8741', '--key-file', '/k'], {
      readKeys,
    });
    expect([code, err]).toEqual([2, 'key file /k does not exist\n']);
  });
});

/** `failtome status` of the whole cluster, from whichever node answers, and the watch on it. */
import { describe, expect, test } from 'vitest';
import type { HttpClient } from '../src/cli/http.ts';
import { answered, cli, fakeAgent, STATUS } from './support/cli.ts';

type Status = typeof STATUS & { readonly configDigest?: string };

const NEPTUNE: Status = {
  ...STATUS,
  node: { ...STATUS.node, id: 'neptune', readiness: { word: 'holder', because: [] } },
  addresses: STATUS.addresses.map((address) => ({
    ...address,
    ageMs: 100,
    ballot: null,
    decision: 'is-holder' as const,
  })),
};

const AWAY = { node: 'neptune', word: 'away', because: 'neptune has been ready for 3 s of 5 s' } as const;

interface Told {
  readonly saturn?: Status;
  readonly neptune?: Status | null;
  readonly ageMs?: number;
  readonly failure?: string;
}

/** What `/v1/cluster` of saturn answers. */
function clusterOf({ saturn = STATUS, neptune = NEPTUNE, ageMs = 250, failure }: Told = {}) {
  const own = {
    id: 'saturn',
    role: 'candidate',
    self: true,
    url: null,
    state: null,
    ageMs: 0,
    failure: null,
  };
  const other = {
    id: 'neptune',
    role: 'candidate',
    self: false,
    url: 'http://10.0.1.11:8741',
    state: 'alive',
  };
  return {
    cluster: 'web',
    at: STATUS.at,
    node: 'saturn',
    nodes: [
      { ...own, status: saturn, decisions: [], history: [] },
      {
        ...other,
        ageMs: neptune === null ? null : ageMs,
        failure: failure === undefined ? null : { code: 'timeout', message: failure },
        status: neptune,
        decisions: null,
        history: null,
      },
    ],
  };
}

function agentOf(told: Told = {}) {
  return fakeAgent({ views: { '/v1/cluster': clusterOf(told) } });
}

describe('the cluster', () => {
  test('is shown as each node tells it', async () => {
    const { code, out } = await cli(['status'], agentOf());
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, -6)).toEqual([
      'Cluster web, as told by 2 of 2 nodes (saturn was asked, failtome 1.2.3)',
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
      '54.173.141.243  neptune  up       350 ms ago  hold (is-holder)',
      '',
    ]);
  });

  test.each<readonly [string, Told, string]>([
    [
      'nodes that disagree on the holder',
      {
        neptune: {
          ...NEPTUNE,
          addresses: NEPTUNE.addresses.map((one) => ({ ...one, holder: { kind: 'node', node: 'saturn' } })),
        },
      },
      'The nodes disagree on who holds 54.173.141.243: saturn says neptune, neptune says saturn\n',
    ],
    [
      'nodes with different configurations',
      { saturn: { ...STATUS, configDigest: 'aaaa' }, neptune: { ...NEPTUNE, configDigest: 'bbbb' } },
      'The nodes are configured differently: saturn says aaaa, neptune says bbbb\n',
    ],
    [
      'nodes of different versions',
      { neptune: { ...NEPTUNE, version: '1.3.0' } },
      'The nodes run different versions: saturn says 1.2.3, neptune says 1.3.0\n',
    ],
    [
      'a node that has fallen silent',
      { failure: 'no answer within 3 s', ageMs: 12_000 },
      'neptune told this 12 s ago, and nothing since: no answer within 3 s\n',
    ],
    [
      "another node's faults",
      {
        neptune: {
          ...NEPTUNE,
          node: { ...NEPTUNE.node, readiness: { word: 'not-ready', because: ['local-unfit: refused'] } },
        },
      },
      'neptune is not ready to take over: local-unfit: refused\n',
    ],
    [
      'an address that nobody could take',
      {
        saturn: {
          ...STATUS,
          addresses: STATUS.addresses.map((one) => ({
            ...one,
            protection: { state: 'no-standby', next: null, reasons: ['dead: neptune: not heard for 5 s'] },
          })),
        },
      },
      '54.173.141.243: no standby: dead: neptune: not heard for 5 s\n',
    ],
    [
      'an address that is away from its home',
      { saturn: { ...STATUS, addresses: STATUS.addresses.map((one) => ({ ...one, home: AWAY })) } },
      '54.173.141.243 is away from its home neptune: neptune has been ready for 3 s of 5 s\n',
    ],
  ])('of %s, a line says so', async (_, told, line) => {
    expect((await cli(['status'], agentOf(told))).out).toContain(line);
    expect((await cli(['status'], agentOf())).out).not.toContain(line.slice(0, 20));
  });

  test('a node that has never told is shown by what the asked one knows', async () => {
    const { out } = await cli(['status'], agentOf({ neptune: null, failure: 'refused' }));
    expect(out).toContain('as told by 1 of 2 nodes');
    expect(out).toMatch(/^54\.173\.141\.243 +neptune +up +700 ms ago +-$/m);
  });

  test('as JSON is what the asked node says, with what every node says of itself', async () => {
    const { out } = await cli(['status', '--json'], agentOf({ failure: 'refused' }));
    expect(JSON.parse(out)).toEqual({
      ...STATUS,
      nodes: [
        { id: 'saturn', role: 'candidate', self: true, state: null, ageMs: 0, failure: null, status: STATUS },
        {
          id: 'neptune',
          role: 'candidate',
          self: false,
          state: 'alive',
          ageMs: 250,
          failure: 'refused',
          status: NEPTUNE,
        },
      ],
    });
  });

  test('is told by another node where the own agent is gone, and that is said', async () => {
    const { http } = agentOf();
    const reached: string[] = [];
    const gone: HttpClient = (request) => {
      reached.push(request.url);
      return request.url.includes('10.0.1.11')
        ? http(request)
        : Promise.resolve({ kind: 'failed', detail: 'nobody listens there' });
    };
    const { code, out, err } = await cli(['status'], { http: gone });
    expect([code, reached.at(-1)]).toEqual([0, 'http://10.0.1.11:8741/v1/cluster']);
    expect(err).toBe(
      'http://127.0.0.1:8741 gave no answer: nobody listens there. Does the agent run there?; saturn was asked\n',
    );
    expect(out).toContain('as told by 2 of 2 nodes');
    expect((await cli(['status', '--node'], { http: gone })).code).toBe(1);
  });

  test("is not told by another cluster's agent at a peer's address", async () => {
    const other = { ...STATUS, cluster: 'mail' };
    const { http } = agentOf({ saturn: other });
    const world: HttpClient = (request) =>
      request.url.includes('10.0.1.11') ? http(request) : Promise.resolve({ kind: 'failed', detail: 'gone' });
    expect((await cli(['status'], { http: world })).code).toBe(1);
  });

  test('what answers, and is no agent, is said', async () => {
    const http: HttpClient = async () => answered(200, { nodes: [] });
    const { code, err } = await cli(['status'], { http });
    expect([code, err]).toEqual([
      1,
      'http://127.0.0.1:8741 is no failtome agent: its answer names no node\n',
    ]);
  });

  test.each([80, 100])('fits %i columns with the longest ids, IPv6 addresses and reasons', async (width) => {
    const long = 'n'.repeat(64);
    const ip = '2001:db8:1111:2222:3333:4444:5555:6666';
    const [address] = STATUS.addresses;
    const status: Status = {
      ...STATUS,
      node: {
        ...STATUS.node,
        readiness: { word: 'not-ready', because: ['paused: by ann', 'lent: to mars '.repeat(20)] },
      },
      addresses: STATUS.addresses.map((one) => ({
        ...one,
        ip,
        next: long,
        holder: { kind: 'node', node: long },
      })),
      peers: STATUS.peers.map((peer) => ({ ...peer, id: long })),
      pause: {
        ...STATUS.pause,
        paused: true,
        owner: 'ann@a-host.example.org',
        reason: 'the move of the racks '.repeat(5),
      },
    };
    expect(address).toBeDefined();
    const agent = { ...agentOf({ saturn: status, neptune: null }), env: { COLUMNS: String(width) } };
    const { out } = await cli(['status'], agent);
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
    expect(out).toContain(ip);
    expect(out).toContain(long);
  });
});

describe('a watch', () => {
  const looks = (http: HttpClient, count: number) => {
    let asked = 0;
    const counting: HttpClient = (request) => {
      asked += 1;
      return http(request);
    };
    return { http: counting, interrupted: () => asked >= count };
  };

  test('looks again until it is interrupted, each time under a clock', async () => {
    const { code, out } = await cli(['status', '--watch'], looks(agentOf().http, 3));
    expect(code).toBe(0);
    const clocks = Array.from(
      out.matchAll(/^2026-01-31 12:00:0(\d)Z, every second$/gm),
      ([, second]) => second,
    );
    expect(clocks).toEqual(['0', '1', '2']);
  });

  test('as JSON prints one line a look', async () => {
    const { out } = await cli(['status', '--watch', '--json'], looks(agentOf().http, 2));
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ cluster: 'web', nodes: [{}, {}] });
  });

  test('on a terminal draws in place, never more lines than there are, and leaves it as it was', async () => {
    const world = { ...looks(agentOf().http, 2), isTTY: true, rows: 8, columns: 100 };
    const { out } = await cli(['status', '--watch'], world);
    const [enter, leave] = ['\u001b[?1049h\u001b[?25l', '\u001b[?25h\u001b[?1049l'];
    expect(out.startsWith(`${enter}\u001b[H`)).toBe(true);
    expect(out.endsWith(leave)).toBe(true);
    const frames = out.slice(enter.length, -leave.length).split('\u001b[H').slice(1);
    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(frame.endsWith('\u001b[J')).toBe(true);
      expect(frame.match(/\n/g)).toHaveLength(7);
      expect(frame.split('\u001b[K\n')).toHaveLength(8);
      expect(frame).toContain('more lines: a taller window shows them');
    }
  });

  test('keeps what it saw last when nobody answers any more, and says how old that is', async () => {
    const { http } = agentOf();
    let asked = 0;
    const failing: HttpClient = (request) => {
      asked += 1;
      return asked === 1 ? http(request) : Promise.resolve({ kind: 'failed', detail: 'gone' });
    };
    const { out } = await cli(['status', '--watch'], { http: failing, interrupted: () => asked >= 3 });
    const second = out.slice(out.lastIndexOf('every second'));
    expect(second).toMatch(/gone.*; what follows is \d\.0 s old\n/);
    expect(second).toContain('as told by 2 of 2 nodes');
  });

  test('says at once that nobody answers, and goes on asking', async () => {
    let asked = 0;
    const http: HttpClient = async () => {
      asked += 1;
      return { kind: 'failed', detail: 'gone' };
    };
    const { code, out } = await cli(['status', '--watch'], { http, interrupted: () => asked >= 4 });
    expect(code).toBe(0);
    expect(out.match(/gave no answer/g)?.length).toBeGreaterThan(1);
  });
});

test('homes are a column of their own where an address has one', async () => {
  const addresses = STATUS.addresses.map((one) => ({
    ...one,
    home: { node: 'neptune', word: 'home', because: '' } as const,
  }));
  const { out } = await cli(['status'], agentOf({ saturn: { ...STATUS, addresses } }));
  expect(out).toMatch(/ADDRESS +STATE +HOLDER +HOME +NEXT/);
  expect(out).not.toContain('away from');
  expect((await cli(['status'], agentOf())).out).not.toContain('HOME');
});

import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ClusterKeys } from '../src/auth/keys.ts';
import type { CheckSteps } from '../src/cli/check-steps.ts';
import { AgentError } from '../src/errors.ts';
import { CHECKS, CONFIG, cli, type FakeAgentOptions, fakeAgent, KEYS, STATUS } from './support/cli.ts';

describe('check', () => {
  const peer = {
    ...STATUS,
    node: { ...STATUS.node, id: 'neptune' },
  };
  const nothingKnown = { state: 'failed', id: 'check', detail: 'no such handover is known here' } as const;
  const withPeer = (status: unknown, options: FakeAgentOptions = {}) => ({
    http: fakeAgent({ status, outcome: () => nothingKnown, ...options }).http,
  });

  test('prints one line a question, and exits with 0 when none failed', async () => {
    const { code, out } = await cli(['check'], withPeer(peer));
    expect(code).toBe(0);
    expect(out).toBe(
      [
        '    PART           CHECK                    FOUND',
        'ok  configuration  file                     /etc/failtome/failtome.yaml',
        'ok  configuration  identity                 saturn (i-0abc)',
        'ok  configuration  state directory          /var/lib/failtome takes writes',
        'ok  configuration  API                      0.0.0.0:8741 is free to listen on',
        'ok  key            key file                 /etc/failtome/cluster.key: 1 key',
        "ok  key            identities               shared-key: messages are authenticated by the cluster's key alone",
        'ok  peers          peer neptune             answers at http://10.0.1.11:8741',
        'ok  peers          peer neptune: key        each verifies what the other signs',
        'ok  peers          peer neptune: voters     the same as here',
        'ok  peers          peer neptune: clock      agrees with the one here',
        'ok  probes         probe of 54.173.141.243  status 200 in 12 ms',
        'ok  probes         own HAProxy              status 200 in 2 ms',
        'ok  way out        external IPv4 address    192.0.2.7',
        'ok  cloud          AWS identity             arn:aws:sts::1:x',
        '',
        'Ready.',
        '',
      ].join('\n'),
    );
  });

  test('looks at the listener for the reading routes and at the file of tokens', async () => {
    const files = {
      '/etc/failtome/failtome.yaml': CONFIG.replace(
        'api: { ',
        'api: { observe: "127.0.0.1:9741", read: token, readTokenFile: /t, ',
      ),
    };
    const good = await cli(['check'], { ...withPeer(peer), files });
    expect([good.code, good.out]).toEqual([
      0,
      expect.stringMatching(/reading routes +127\.0\.0\.1:9741 is free/),
    ]);
    expect(good.out).toMatch(/ok +key +token file +\/t/);
    const listen: CheckSteps['listen'] = async ({ port }) => (port === 9_741 ? 'EADDRINUSE' : 'free');
    const readTokens = (): Promise<never> =>
      Promise.reject(new AgentError('TOKEN_FILE_FAULTY', 'token file /t holds no token', 'fatal'));
    const bad = await cli(['check'], { ...withPeer(peer), files, readTokens, checks: { ...CHECKS, listen } });
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(
      /fail +configuration +reading routes +cannot listen on 127\.0\.0\.1:9741: EADDRINUSE/,
    );
    expect(bad.out).toMatch(/fail +key +token file +token file \/t holds no token/);
  });

  const faults: readonly (readonly [
    what: string,
    world: Parameters<typeof cli>[1],
    line: RegExp,
    fix: string,
  ])[] = [
    ['a peer that does not answer', {}, /^fail +peers +peer neptune +http/m, 'Start the agent on neptune'],
    [
      'a peer of another cluster',
      withPeer({ ...peer, cluster: 'staging' }),
      /of the cluster staging/,
      'Make cluster the same',
    ],
    ['another node at the peer’s URL', withPeer(STATUS), /is the node saturn/, 'name the same node'],
    [
      'a peer with another role',
      withPeer({ ...peer, node: { ...peer.node, role: 'witness' } }),
      /it is a witness, and peers says candidate/,
      'the same as node.role there',
    ],
    [
      'a peer with other voters',
      withPeer({ ...peer, electorate: { voters: [], digest: '00000000' } }),
      /^fail +peers +peer neptune: voters/m,
      'list the same voters',
    ],
    [
      'a key that cannot be read',
      {
        ...withPeer(peer),
        readKeys: () => Promise.reject(new AgentError('KEY_FILE_EMPTY', 'key file /k holds no key', 'fatal')),
      },
      /^fail +key +key file +key file \/k holds no key/m,
      "Copy the cluster's key into",
    ],
    [
      'a key that may not be read',
      {
        ...withPeer(peer),
        readKeys: () =>
          Promise.reject(
            new AgentError('KEY_FILE_UNREADABLE', 'key file /k: EACCES; owner uid 0, mode 0600', 'fatal'),
          ),
      },
      /^fail +key +key file +.*owner uid 0, mode 0600/m,
      "Let the service's user read it",
    ],
    [
      'a peer with another key',
      withPeer(peer, { keys: [createSecretKey(Buffer.alloc(32, 9))] }),
      /^fail +peers +peer neptune: key +http:\/\/10\.0\.1\.11:8741 does not accept this key/m,
      'the same auth.keyFile',
    ],
    [
      'a peer that signs with a key that this node has not',
      // It still accepts the key of this node, as in the middle of a change of keys.
      withPeer(peer, { keys: [createSecretKey(Buffer.alloc(32, 9)), ...KEYS] }),
      /^fail +peers +peer neptune: key +the answer of http:\/\/10\.0\.1\.11:8741 is not signed with this key/m,
      'of several keys the first signs',
    ],
    [
      'a peer that shares other addresses',
      withPeer({ ...peer, addresses: [{ ...STATUS.addresses[0], ip: '192.0.2.99' }] }),
      /^fail +peers +peer neptune: addresses +it doesn't know 54\.173\.141\.243/m,
      'Make addresses the same',
    ],
    [
      'a port that another program has',
      { ...withPeer(peer), checks: { ...CHECKS, listen: async () => 'EADDRINUSE' } },
      /^fail +configuration +API +.*taken by the agent neptune/m,
      'give this one another port',
    ],
    [
      'an address to listen on that the machine lacks',
      { ...withPeer(peer), checks: { ...CHECKS, listen: async () => 'EADDRNOTAVAIL' } },
      /^fail +configuration +API +cannot listen on 0\.0\.0\.0:8741: EADDRNOTAVAIL/m,
      'Set api.listen to an address of this machine',
    ],
    [
      'a state directory that takes no writes',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          files: async () => [{ name: 'state directory', state: 'fail', found: 'EROFS', fix: 'Mount it.' }],
        },
      },
      /^fail +configuration +state directory +EROFS/m,
      'Mount it.',
    ],
    [
      'a name of a peer that leads to the shared address',
      {
        ...withPeer(peer),
        files: { '/etc/failtome/failtome.yaml': CONFIG.replace('10.0.1.11', 'neptune.example') },
        checks: { ...CHECKS, resolve: async () => ['54.173.141.243'] },
      },
      /^fail +configuration +peers\[0\]\.url +neptune\.example is the shared address/m,
      'leads to whichever node holds it',
    ],
    [
      'an address that does not answer',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          probe: async () => ({
            kind: 'failed',
            reason: 'timeout',
            detail: 'no connection',
            durationMs: 1000,
          }),
        },
      },
      /^fail +probes +probe of 54.173.141.243 +timeout: no connection/m,
      'A node must reach its own address too.',
    ],
    [
      'an address that answers with another status',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          probe: async () => ({
            kind: 'failed',
            reason: 'status',
            detail: 'answered with status 404',
            durationMs: 1,
          }),
        },
      },
      /^fail +probes +probe of 54.173.141.243 +status: answered with status 404/m,
      'correct addresses[].probe',
    ],
    [
      'services that disagree',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          externalIp: async () => [
            {
              family: 4,
              result: { kind: 'failed', reason: 'disagree', detail: 'a says 1, b says 2', durationMs: 9 },
            },
          ],
        },
      },
      /^fail +way out +external IPv4 address +disagree/m,
      'See what guard.urls answer',
    ],
    [
      'an unfit HAProxy',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          local: async () => ({ kind: 'failed', reason: 'refused', detail: 'refused', durationMs: 1 }),
        },
      },
      /^fail +probes +own HAProxy/m,
      'Start HAProxy on this node',
    ],
    [
      'no way out',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          externalIp: async () => [
            {
              family: 4,
              result: { kind: 'failed', reason: 'timeout', detail: 'no answer', durationMs: 3000 },
            },
          ],
        },
      },
      /^fail +way out +external IPv4 address +timeout: no answer/m,
      'it can never take over',
    ],
    [
      'an identity that metadata does not tell',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          identity: () =>
            Promise.reject(new AgentError('METADATA_UNREACHABLE', 'no metadata; set node.id', 'retryable')),
        },
      },
      /^fail +configuration +identity +no metadata/m,
      'Set node.id and driver.instanceId.',
    ],
    [
      'a permission that is missing',
      {
        ...withPeer(peer),
        checks: {
          ...CHECKS,
          cloud: async () => [{ name: 'permission', state: 'fail', found: 'no', fix: 'Allow it.' }],
        },
      },
      /^fail +cloud +permission +no/m,
      'permission: Allow it.',
    ],
  ];

  test.each(faults)('%s fails it, with a fix', async (_, world, line, fix) => {
    const { code, out } = await cli(['check'], world);
    expect(code).toBe(1);
    expect(out).toMatch(line);
    expect(out.slice(out.indexOf('What to do:'))).toContain(fix);
    expect(out).toMatch(/Not ready: \d+ of \d+ checks failed\./);
  });

  test.each([
    [
      'a clock that is off',
      withPeer({ ...peer, at: Date.UTC(2026, 0, 31, 12, 1) }),
      /its clock is 60 s ahead/,
    ],
    [
      'a pause',
      withPeer({ ...peer, pause: { ...STATUS.pause, paused: true, owner: 'ann', reason: 'kernel' } }),
      /paused by ann: kernel/,
    ],
    ['another version', withPeer({ ...peer, version: '1.1.0' }), /it runs 1\.1\.0, and this is 1\.2\.3/],
  ])('%s is only a warning', async (_, world, line) => {
    const { code, out } = await cli(['check'], world);
    expect(code).toBe(0);
    expect(out).toMatch(line);
    expect(out).toContain('Ready, with 1 warning.');
  });

  describe('with the agent running on this node', () => {
    const inUse = { ...CHECKS, listen: async () => 'EADDRINUSE' };
    const hearing = (state: string) => ({
      ...peer,
      peers: [{ ...STATUS.peers[0], id: 'saturn', state }],
    });
    /** The peer at its URL, and this node's own agent at the loopback address. */
    const both = (status: unknown, ownKeys: ClusterKeys = KEYS): Parameters<typeof cli>[1] => {
      const there = withPeer(status).http;
      const here = withPeer(STATUS, { keys: ownKeys }).http;
      return {
        checks: inUse,
        http: (request) => (request.url.startsWith('http://127.0.0.1:8741') ? here(request) : there(request)),
      };
    };

    test('its port in use is as it should be, and the peer hears it', async () => {
      const { code, out } = await cli(['check'], both(hearing('alive')));
      expect(code).toBe(0);
      expect(out).toContain('the agent runs here, and listens on 0.0.0.0:8741');
      expect(out).toMatch(/^ok +peers +peer neptune: hears this node +lately/m);
    });

    test('a peer that does not hear it fails the check: the way back is closed', async () => {
      const { code, out } = await cli(['check'], both(hearing('dead')));
      expect(code).toBe(1);
      expect(out).toMatch(/^fail +peers +peer neptune: hears this node +this node is dead to it/m);
    });

    test('an agent that has not read the key file again fails the check', async () => {
      const old: ClusterKeys = [createSecretKey(Buffer.alloc(32, 9))];
      const { code, out } = await cli(['check'], both(hearing('alive'), old));
      expect(code).toBe(1);
      expect(out).toMatch(/^fail +configuration +running agent +it has another key than the file/m);
      expect(out).toContain('systemctl reload failtome');
    });
  });

  test('a service that does not answer is a warning while another one does', async () => {
    const files = {
      '/etc/failtome/failtome.yaml': `${CONFIG}guard: { urls: ["http://a.example", "http://b.example"] }\n`,
    };
    const externalIp: CheckSteps['externalIp'] = async (config) =>
      config.guard.urls.length === 1 && config.guard.urls[0] === 'http://b.example'
        ? [
            {
              family: 4,
              result: { kind: 'failed', reason: 'timeout', detail: 'b.example: no answer', durationMs: 9 },
            },
          ]
        : CHECKS.externalIp(config);
    const { code, out } = await cli(['check'], {
      ...withPeer(peer),
      files,
      checks: { ...CHECKS, externalIp },
    });
    expect(code).toBe(0);
    expect(out).toMatch(/^warn +way out +external IPv4 address +timeout: b\.example: no answer/m);
  });

  test('a witness is asked for neither HAProxy nor cloud', async () => {
    const files = { '/f.yaml': CONFIG.replace('id: saturn', 'id: saturn, role: witness') };
    const never = () => Promise.reject(new Error('a witness has none'));
    const { code } = await cli(['check', '-c', '/f.yaml'], {
      ...withPeer(peer),
      files,
      checks: { ...CHECKS, local: never, cloud: never },
    });
    expect(code).toBe(0);
  });

  test('a faulty configuration is exit 2, as everywhere', async () => {
    const { code, err } = await cli(['check', '-c', '/f.yaml'], { files: { '/f.yaml': 'cluster: [' } });
    expect(code).toBe(2);
    expect(err).toContain('/f.yaml:');
  });

  test('as JSON', async () => {
    const json = JSON.parse((await cli(['check', '--json'], withPeer(peer))).out);
    expect(json).toMatchObject({
      ok: true,
      lines: expect.arrayContaining([expect.objectContaining({ name: 'identity' })]),
    });
  });
});

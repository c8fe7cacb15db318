import { describe, expect, test } from 'vitest';
import { AgentError } from '../src/errors.ts';
import { CHECKS, CONFIG, cli, fakeAgent, STATUS } from './support/cli.ts';

describe('check', () => {
  const peer = {
    ...STATUS,
    node: { ...STATUS.node, id: 'neptune' },
  };
  const withPeer = (status: unknown) => ({ http: fakeAgent({ status }).http });

  test('prints one line a question, and exits with 0 when none failed', async () => {
    const { code, out } = await cli(['check'], withPeer(peer));
    expect(code).toBe(0);
    expect(out).toBe(
      [
        '    PART           CHECK                    FOUND',
        'ok  configuration  file                     /etc/failtome/failtome.yaml',
        'ok  configuration  identity                 saturn (i-0abc)',
        'ok  key            key file                 /etc/failtome/cluster.key: 1 key',
        'ok  peers          peer neptune             answers at http://10.0.1.11:8741',
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
      '`failtome keygen` makes one',
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
    ['another version', withPeer({ ...peer, version: '1.1.0' }), /it runs 1\.1\.0, and this is 1\.2\.3/],
  ])('%s is only a warning', async (_, world, line) => {
    const { code, out } = await cli(['check'], world);
    expect(code).toBe(0);
    expect(out).toMatch(line);
    expect(out).toContain('Ready, with 1 warning.');
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

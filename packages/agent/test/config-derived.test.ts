/** What follows from a configuration: its effective form with origins, what the protocol gets, and warnings. */
import { NOTICE_KINDS, TOPIC } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { checkConfig, warningLines } from '../src/config/load.ts';
import { effectiveJson, effectiveValues, effectiveYaml } from '../src/config/print.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import { configOf, FULL, loaded, MINIMAL } from './support/whole-config.ts';

test('a word switches recording off, and `failtome config` says so', () => {
  const yaml = `${MINIMAL}recorder: off\n`;
  expect(configOf(yaml).recorder).toBeNull();
  const loaded = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (loaded.kind === 'faulty') throw new Error(JSON.stringify(loaded.faults));
  const printed = effectiveYaml(loaded.settings, 'f.yaml');
  expect(printed).toMatch(/^recorder: off # f\.yaml:\d+: nothing is recorded$/m);
  expect(configOf(printed)).toEqual(configOf(yaml));
  expect(effectiveJson(loaded.settings).config).toMatchObject({ recorder: 'off' });
});

describe('the effective configuration', () => {
  test('names the origin of every value', () => {
    const { settings } = loaded(MINIMAL, { FAILTOME_PRIORITY: '7' });
    const values = new Map(effectiveValues(settings).map((value) => [value.path, value]));
    expect(values.get('cluster')).toMatchObject({ value: 'web', origin: { kind: 'file', line: 1 } });
    expect(values.get('peers[0].url')).toMatchObject({ origin: { kind: 'file', line: 2 } });
    expect(values.get('peers[0].priority')).toMatchObject({ value: 100, origin: { kind: 'default' } });
    expect(values.get('node.priority')).toMatchObject({
      value: 7,
      origin: { kind: 'environment', variable: 'FAILTOME_PRIORITY' },
    });
  });

  test.each([
    ['minimal', MINIMAL],
    ['full', FULL],
  ])('loads again as the same configuration (%s)', (_, yaml) => {
    const first = loaded(yaml, { FAILTOME_PRIORITY: '7' });
    const text = effectiveYaml(first.settings, 'f.yaml');
    expect(configOf(text)).toEqual(first.config);
    expect(text).toContain('  priority: 7 # FAILTOME_PRIORITY\n');
    expect(text).toContain('cluster: web # f.yaml:1\n');
  });

  test('says which of its values a witness passes over', () => {
    const yaml = MINIMAL.concat('node: { id: saturn, role: witness }\n');
    expect(effectiveYaml(loaded(yaml).settings, 'f.yaml')).toContain(
      'kind: ec2 # f.yaml:5: ignored, because node.role is witness',
    );
  });
});

describe('for the protocol', () => {
  const identity = { id: 'saturn', instanceId: 'i-0abc', region: 'us-east-1' };

  test('the node’s own entry is left out, and only what the protocol needs is kept', () => {
    const config = toProtocolConfig(configOf(FULL), identity, '1.2.3');
    expect(config.node).toEqual({
      id: 'saturn',
      role: 'candidate',
      priority: 200,
      instanceId: 'i-0abc',
      version: '1.2.3',
    });
    expect(config.peers).toEqual([
      { id: 'neptune', role: 'candidate', priority: 50 },
      { id: 'pluto', role: 'witness', priority: 100 },
    ]);
    const probe = { intervalMs: 2000, fastIntervalMs: 250, timeoutMs: 500, fall: 4, rise: 1 };
    const expects = 'GET https://www.example.org/up?x=1 on port 443 answers 200,301-302';
    expect(config.addresses).toEqual([{ ip: '54.173.141.243', probe, expects, home: 'neptune' }]);
    expect(config.notify).toEqual({
      receivers: [
        { ...TOPIC, events: ['taken'] },
        { name: 'ops', events: NOTICE_KINDS, timeoutMs: 2_000 },
        { name: 'exec', events: ['lost', 'paused'], timeoutMs: 10_000 },
      ],
      blockedAfterMs: 120_000,
    });
    expect(config.local).toEqual({
      intervalMs: 1000,
      fastIntervalMs: 200,
      timeoutMs: 1000,
      fall: 3,
      rise: 2,
    });
  });

  test.each([
    ['ec2', 'kind: ec2', { style: 'fenced', swap: true, displace: 'refuse' }],
    ['opsworks', 'kind: opsworks', { style: 'single-call', swap: false, displace: 'refuse' }],
    ['exec', 'kind: exec, command: [x]', { style: 'fenced', swap: false, displace: 'refuse' }],
  ])('the driver %s moves in its own style', (_, driver, expected) => {
    const yaml = MINIMAL.replace('kind: ec2', driver);
    expect(toProtocolConfig(configOf(yaml), identity, '1').driver).toEqual(expected);
  });

  test.each(['witness', 'member'])('a %s has neither driver, local check nor notification', (role) => {
    const own = '  - { id: saturn, url: "http://10.0.1.12:9000" }\n';
    const yaml = FULL.replace('role: candidate, priority: 200', `role: ${role}`).replace(own, '');
    const config = toProtocolConfig(configOf(yaml), identity, '1');
    expect([config.driver, config.local, config.notify.receivers]).toEqual([null, null, []]);
  });
});

describe('what is legal and risky is told', () => {
  const risky: readonly (readonly [yaml: string, path: string])[] = [
    [`${MINIMAL}agreement: { silentPeer: hold }`, 'agreement.silentPeer'],
    [`${MINIMAL}agreement: { lease: 2s }`, 'agreement.lease'],
    [`${MINIMAL}holdDown: 0s`, 'holdDown'],
    [`${MINIMAL}stateDir: /tmp/x`, 'stateDir'],
    [`${MINIMAL}stateDir: state`, 'stateDir'],
    [`${MINIMAL}api: { listen: "127.0.0.1:0" }`, 'api.listen'],
    [MINIMAL.replace('kind: ec2', 'kind: ec2, displace: allow'), 'driver.displace'],
    [MINIMAL.replace('kind: ec2', 'kind: opsworks, instanceId: i-0abc'), 'driver.instanceId'],
    [
      MINIMAL.replace('ip: 54.173.141.243', 'ip: 54.173.141.243, probe: { fall: 1 }'),
      'addresses[0].probe.fall',
    ],
    [
      MINIMAL.replace('ip: 54.173.141.243', 'ip: 54.173.141.243, probe: { port: 443 }'),
      'addresses[0].probe.port',
    ],
    [MINIMAL.replace('[{ ip: 54.173.141.243 }]', '[{ ip: 192.0.2.1 }, { ip: 192.0.2.2 }]'), 'addresses'],
    [
      MINIMAL.replace('[{ id', '[{ id: a, url: "http://a" }, { id: b, url: "http://b" }, { id').concat(
        'node: { id: saturn }',
      ),
      'peers',
    ],
  ];

  test.each(risky)('%s', (yaml, path) => {
    expect(loaded(yaml).warnings.map((warning) => warning.path)).toContain(path);
  });

  test('and a configuration with everything in it and no risk has no warning', () => {
    const safe = FULL.replace('displace: allow', 'displace: refuse')
      .replace('holdDown: 0s', 'holdDown: 60s')
      .replace('silentPeer: hold', 'silentPeer: takeover')
      .replace('plain: accept', 'plain: refuse')
      .replace(/^failback: .*\n/m, '')
      .replaceAll(/http:\/\/10[\w.]+:[89]/g, (url) => url.replace('http', 'https'));
    expect(warningLines(loaded(safe).warnings)).toEqual([]);
  });
});

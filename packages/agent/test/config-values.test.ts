/** What is read from a configuration: every key in its place, defaults, and the environment. */
import { formatDuration, parseDuration } from '@failtome/config';
import { NOTICE_KINDS } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import * as discoveryTable from '../src/config/discovery-keys.ts';
import { identityFaults } from '../src/config/electorate.ts';
import * as table from '../src/config/file-keys.ts';
import { ALL_KEYS } from '../src/config/file-keys.ts';
import * as homeTable from '../src/config/home-keys.ts';
import * as notifyTable from '../src/config/notify-keys.ts';
import { effectiveValues } from '../src/config/print.ts';
import * as storeTable from '../src/config/store-keys.ts';
import { ANNS, configOf, FULL, loaded, MINIMAL, NEPTUNES, PLUTOS, SATURNS } from './support/whole-config.ts';

/** A public key as a test compares it: by its text. */
const publicKey = (text: string | undefined) => expect.objectContaining({ text });

test('what is required is enough, and everything else has its default', () => {
  expect(configOf(MINIMAL)).toEqual({
    cluster: 'web',
    node: { id: null, role: 'candidate', priority: 100 },
    api: {
      listen: { host: '0.0.0.0', port: 8741 },
      advertise: null,
      hosts: [],
      read: 'anyone',
      readTokenFile: null,
      observe: null,
      tls: null,
    },
    peers: [
      {
        id: 'neptune',
        url: 'http://10.0.1.11:8741',
        isSought: false,
        role: 'candidate',
        priority: 100,
        publicKeys: [],
      },
    ],
    discovery: null,
    auth: { keyFile: '/etc/failtome/cluster.key', identity: null, operators: [] },
    addresses: [
      {
        ip: '54.173.141.243',
        allocationId: null,
        privateIp: null,
        home: null,
        probe: {
          scheme: 'http',
          host: '54.173.141.243',
          port: 80,
          path: '/',
          intervalMs: 1000,
          fastIntervalMs: 200,
          timeoutMs: 1000,
          fall: 3,
          rise: 2,
          expect: [{ from: 200, to: 399 }],
        },
      },
    ],
    local: null,
    gossip: { intervalMs: 500, timeoutMs: 250, deadMs: 2000, fanout: 3 },
    agreement: { silentPeer: 'takeover', arbiter: false, leaseMs: 10_000 },
    guard: { urls: ['http://checkip.amazonaws.com'], timeoutMs: 3000, allowPrivate: false },
    driver: {
      kind: 'ec2',
      region: null,
      instanceId: null,
      assumeRole: null,
      networkInterfaceId: null,
      displace: 'refuse',
    },
    store: null,
    notify: { sns: null, webhooks: [], exec: null, blockedAfterMs: null },
    holdDownMs: 60_000,
    flap: { moves: 4, withinMs: 600_000 },
    failback: null,
    handover: { on: ['shutdown', 'spot', 'scale-in', 'maintenance'] },
    stateDir: '/var/lib/failtome',
    recorder: { keepMs: 21_600_000, sizeBytes: 64_000_000 },
    log: { level: 'info' },
  });
});

test('every key is read into its place', () => {
  expect(configOf(FULL)).toEqual({
    cluster: 'web',
    node: { id: 'saturn', role: 'candidate', priority: 200 },
    api: {
      listen: { host: '::', port: 9000 },
      advertise: 'http://10.0.1.12:9000',
      hosts: ['saturn.example', '10.0.1.12'],
      read: 'token',
      readTokenFile: '/etc/failtome/tokens',
      observe: { host: '127.0.0.1', port: 9741 },
      tls: {
        ...{ certFile: '/c', keyFile: '/k', caFile: '/a' },
        ...{ clientAuth: 'required', plain: 'accept', observe: 'plain' },
      },
    },
    peers: [
      {
        id: 'saturn',
        url: 'http://10.0.1.12:9000',
        isSought: false,
        role: 'candidate',
        priority: 100,
        publicKeys: [],
      },
      {
        id: 'neptune',
        url: 'http://10.0.1.11:8741',
        isSought: false,
        role: 'candidate',
        priority: 50,
        publicKeys: [publicKey(NEPTUNES), publicKey(SATURNS)],
      },
      {
        id: 'pluto',
        url: null,
        isSought: true,
        role: 'witness',
        priority: 100,
        publicKeys: [publicKey(PLUTOS)],
      },
    ],
    discovery: { tag: 'failtome-web', port: 9000, scheme: 'https' },
    auth: {
      keyFile: '/etc/failtome/cluster.key',
      identity: '/etc/failtome/saturn.key',
      operators: [{ name: 'ann', publicKeys: [publicKey(ANNS)] }],
    },
    addresses: [
      {
        ip: '54.173.141.243',
        allocationId: 'eipalloc-0abc',
        privateIp: '10.0.1.12',
        home: 'neptune',
        probe: {
          scheme: 'https',
          host: 'www.example.org',
          port: 443,
          path: '/up?x=1',
          intervalMs: 2000,
          fastIntervalMs: 250,
          timeoutMs: 500,
          fall: 4,
          rise: 1,
          expect: [
            { from: 200, to: 200 },
            { from: 301, to: 302 },
          ],
        },
      },
    ],
    local: {
      socket: '/run/haproxy/admin.sock',
      command: ['/usr/local/bin/fit'],
      need: 'any',
      url: 'http://127.0.0.1/',
      intervalMs: 1000,
      fastIntervalMs: 200,
      timeoutMs: 1000,
      fall: 3,
      rise: 2,
    },
    gossip: { intervalMs: 200, timeoutMs: 150, deadMs: 1000, fanout: 2 },
    agreement: { silentPeer: 'hold', arbiter: false, leaseMs: 20_000 },
    guard: { urls: ['https://a.example/ip', 'http://b.example'], timeoutMs: 1000, allowPrivate: true },
    driver: { kind: 'exec', command: ['/usr/local/bin/move-ip', '--fast'], displace: 'allow' },
    store: {
      kind: 'etcd',
      endpoints: ['https://10.0.3.1:2379', 'https://10.0.3.2:2379'],
      prefix: '/x/',
      caFile: '/e.ca',
      certFile: '/e.crt',
      keyFile: '/e.key',
      login: { user: 'failtome', passwordFile: '/e.pw' },
    },
    notify: {
      sns: { topicArn: 'arn:aws:sns:us-east-1:123456789012:failover', events: ['taken'] },
      webhooks: [
        {
          name: 'ops',
          form: 'json',
          url: null,
          urlFile: '/u',
          keyFile: '/h',
          timeoutMs: 2_000,
          events: NOTICE_KINDS,
        },
      ],
      exec: { command: ['/usr/local/bin/tell'], timeoutMs: 10_000, events: ['lost', 'paused'] },
      blockedAfterMs: 120_000,
    },
    holdDownMs: 0,
    flap: { moves: 2, withinMs: 3_600_000 },
    failback: { afterMs: 1_200_000, window: '02:00-05:00 UTC' },
    handover: { on: [] },
    stateDir: '/srv/failtome',
    recorder: { keepMs: 5_400_000, sizeBytes: 2_000_000_000 },
    log: { level: 'debug' },
  });
});

test.each([
  ['probe: { interval: 100ms }', 100],
  ['probe: { interval: 5s }', 200],
])('a default that would contradict what was chosen gives way: %s', (probe, fastIntervalMs) => {
  const config = configOf(MINIMAL.replace('ip: 54.173.141.243', `ip: 54.173.141.243, ${probe}`));
  expect(config.addresses[0]?.probe.fastIntervalMs).toBe(fastIntervalMs);
});

test('the heartbeat’s time-out gives way to a short time to death, and not without need', () => {
  expect(configOf(`${MINIMAL}gossip: { interval: 100ms, dead: 350ms }`).gossip.timeoutMs).toBe(150);
  expect(configOf(`${MINIMAL}gossip: { interval: 100ms, dead: 1s }`).gossip.timeoutMs).toBe(250);
});

test.each([
  ['interval: 200ms', 2_000],
  ['interval: 1s', 4_000],
  ['interval: 20s', 80_000],
])('the time to death gives way to a long interval, and to nothing else: %s', (written, deadMs) => {
  expect(configOf(`${MINIMAL}gossip: { ${written} }`).gossip).toMatchObject({ deadMs, timeoutMs: 250 });
});

test('a section whose keys are all commented out is the same as an absent one', () => {
  expect(configOf(`${MINIMAL}gossip:\n  # interval: 1s\nlocal:\nnotify:\n  sns:\n`)).toEqual(
    configOf(MINIMAL),
  );
});

test('one anchor may serve several places', () => {
  const yaml = MINIMAL.replace(
    '[{ ip: 54.173.141.243 }]',
    '[{ ip: 54.173.141.243, privateIp: 10.0.1.12, probe: &probe { fall: 5 } }, { ip: 54.173.141.244, privateIp: 10.0.1.13, probe: *probe }]',
  );
  expect(configOf(yaml).addresses.map(({ ip, probe }) => [ip, probe.host, probe.fall])).toEqual([
    ['54.173.141.243', '54.173.141.243', 5],
    ['54.173.141.244', '54.173.141.244', 5],
  ]);
});

test('the environment overrides the file, and an empty variable does not', () => {
  const environment = {
    FAILTOME_NODE_ID: '42',
    FAILTOME_PRIORITY: '7',
    FAILTOME_LISTEN: '127.0.0.1:9999',
    FAILTOME_ADVERTISE: 'http://10.0.1.99:9999',
    FAILTOME_KEY_FILE: '/run/key',
    FAILTOME_IDENTITY: '/run/identity',
    FAILTOME_STATE_DIR: '/srv/state',
    FAILTOME_LOG_LEVEL: 'warn',
    FAILTOME_INSTANCE_ID: 'i-0abc',
  };
  const { node, api, auth, stateDir, log, driver } = configOf(MINIMAL, environment);
  expect({ node, api, auth, stateDir, log, driver }).toEqual({
    node: { id: '42', role: 'candidate', priority: 7 },
    api: {
      listen: { host: '127.0.0.1', port: 9999 },
      advertise: 'http://10.0.1.99:9999',
      hosts: [],
      read: 'anyone',
      readTokenFile: null,
      observe: null,
      tls: null,
    },
    auth: { keyFile: '/run/key', identity: '/run/identity', operators: [] },
    stateDir: '/srv/state',
    log: { level: 'warn' },
    driver: {
      kind: 'ec2',
      region: null,
      instanceId: 'i-0abc',
      assumeRole: null,
      networkInterfaceId: null,
      displace: 'refuse',
    },
  });
  const empty = Object.fromEntries(Object.keys(environment).map((name) => [name, '']));
  expect(configOf(MINIMAL, empty)).toEqual(configOf(MINIMAL));
});

test('a key file from the environment need not stand in the file', () => {
  const yaml = MINIMAL.replace(/^auth:.*\n/m, '');
  expect(configOf(yaml, { FAILTOME_KEY_FILE: '/run/key' }).auth.keyFile).toBe('/run/key');
});

test.each(['witness', 'member'])('a %s needs no driver, and has none when one is given', (role) => {
  const peers = `peers: [{ id: neptune, url: "http://10.0.1.11:8741" }, { id: pluto, url: "http://10.0.1.13:8741" }]`;
  const yaml = FULL.replace('role: candidate, priority: 200', `role: ${role}`).replace(
    '  - { id: saturn, url: "http://10.0.1.12:9000" }\n',
    '',
  );
  const { driver, local, notify } = configOf(yaml);
  expect({ driver, local, sns: notify.sns }).toEqual({ driver: null, local: null, sns: null });
  const bare = `cluster: web\nnode: { id: saturn, role: ${role} }\n${peers}\nauth: { keyFile: /k }\naddresses: [{ ip: 192.0.2.1 }]\n`;
  expect(configOf(bare).driver).toBeNull();
});

describe('an id that only instance metadata knows', () => {
  test('is checked against the peers once it is known', () => {
    const config = configOf(MINIMAL);
    expect(identityFaults(config, 'saturn')).toEqual([]);
    expect(identityFaults(config, 'neptune').map(({ found }) => found)).toEqual(['no node but this one']);
  });
});

describe('the table of keys', () => {
  test('lists every key that is defined', () => {
    const defined = [
      ...Object.values(table),
      ...Object.values(notifyTable),
      ...Object.values(storeTable),
      ...Object.values(homeTable),
      ...Object.values(discoveryTable),
    ].filter((value) => typeof value === 'object' && value !== null && 'path' in value && 'kind' in value);
    expect(new Set(ALL_KEYS)).toEqual(new Set(defined));
  });

  test('has no default that its own kind refuses', () => {
    const full = effectiveValues(loaded(FULL.replace(/^driver:.*$/m, 'driver: { kind: ec2 }')).settings);
    expect(full.length).toBeGreaterThanOrEqual(ALL_KEYS.length - 2);
  });
});

describe('durations', () => {
  test.each([
    ['0s', 0],
    ['500ms', 500],
    ['2s', 2000],
    ['1m', 60_000],
    ['1h', 3_600_000],
  ])('%s is read, and written the same', (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
    expect(formatDuration(ms)).toBe(written);
  });

  test.each(['', '5', 's', '1.5s', '-1s', '1S', ' 1s', '1s ', '1d', '9999999999s'])(
    '"%s" is none',
    (written) => {
      expect(parseDuration(written)).toBeNull();
    },
  );
});

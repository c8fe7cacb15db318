/**
 * Validation and the adapters hold together: whatever a configuration check accepts, every adapter takes apart without an
 * error, at the start and on a reload.
 */
import { createSecretKey } from 'node:crypto';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createClock } from '../src/adapters/clock.ts';
import { externalIpTarget } from '../src/adapters/external-ip.ts';
import type { ExchangeTarget } from '../src/adapters/http-exchange.ts';
import { requestOver } from '../src/adapters/http-exchange.ts';
import { localCheckOf } from '../src/adapters/local.ts';
import { Names } from '../src/adapters/names.ts';
import { PeerConnection } from '../src/adapters/peer-connection.ts';
import { probeCheckOf } from '../src/adapters/prober.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import type { ClusterKeys } from '../src/auth/keys.ts';
import { isOnAws } from '../src/config/driver-kinds.ts';
import { httpUrl } from '../src/config/http-url.ts';
import { checkConfig } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import type { AgentConfig, Identity } from '../src/config/types.ts';
import { Inbox } from '../src/http/inbox.ts';
import { Adapters, clientsFor } from '../src/ports.ts';

const KEYS: ClusterKeys = [createSecretKey(Buffer.alloc(32, 7))];

/** Pieces that some program reads in a way of its own, and anything else. */
const piece = fc.oneof(
  fc.constantFrom(
    '%',
    '%zz',
    '%ff',
    '%00',
    '%0a',
    '%3A',
    '@',
    ':',
    '/',
    '\\',
    '#',
    '?',
    '[',
    ']',
    '..',
    ' ',
    '\t',
  ),
  fc.constantFrom(
    '\u0000',
    '\r\n',
    '\u00ad',
    'ü',
    '１',
    '\ud800',
    '😀',
    '127.0.0.1',
    '010.0.0.1',
    '0x7f.1',
    '::1',
  ),
  fc.constantFrom('example.org', 'xn--a', 'a_b', '-', 'user', 'pass', '65536', '0', '8741', '203.0.113.10'),
  fc.string({ maxLength: 6, unit: 'binary' }),
);
const hostile = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''));

const host = fc.oneof(
  fc.constantFrom('127.0.0.1', 'example.org', '[::1]', '10.0.1.11', 'a_b.example.'),
  hostile,
);
const url = fc
  .record({
    scheme: fc.constantFrom('http://', 'https://', 'HTTP://', 'http:/', ''),
    user: fc.oneof(
      fc.constant(''),
      hostile.map((text) => `${text}@`),
    ),
    host,
    port: fc.oneof(
      fc.constant(''),
      fc.integer({ min: -1, max: 70_000 }).map((port) => `:${port}`),
    ),
    rest: fc.oneof(
      fc.constant('/'),
      hostile.map((text) => `/${text}`),
      hostile,
    ),
  })
  .map((parts) => parts.scheme + parts.user + parts.host + parts.port + parts.rest);
const origin = fc.oneof(
  url,
  fc.tuple(fc.constantFrom('http://', 'https://'), host).map(([scheme, name]) => `${scheme}${name}:8741`),
);
const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV6().map((text) => text.toUpperCase()),
  hostile,
);

/** A default often enough for a configuration to be accepted at all. */
const rarely = <T>(value: fc.Arbitrary<T>, usual: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: value });

const file = fc
  .record({
    listen: rarely(
      fc.tuple(host, fc.nat(70_000)).map(([name, port]) => `${name}:${port}`),
      '0.0.0.0:8741',
    ),
    peer: rarely(origin, 'http://10.0.1.11:8741'),
    ip: rarely(ip, '203.0.113.10'),
    probeHost: rarely(host, 'www.example.org'),
    path: rarely(
      hostile.map((text) => `/${text}`),
      '/',
    ),
    scheme: fc.constantFrom('http', 'https'),
    local: rarely(url, 'http://user:100%25@127.0.0.1:8404/'),
    guard: rarely(fc.array(url, { maxLength: 3 }), ['http://checkip.amazonaws.com']),
    kind: fc.constantFrom('ec2', 'ec2-private-ip', 'ec2-route', 'opsworks', 'exec'),
    region: rarely(fc.oneof(hostile, fc.constantFrom('us-east-1a', 'eu-west-1')), 'us-east-1'),
    instanceId: rarely(hostile, 'i-0abc'),
    command: rarely(fc.array(hostile, { maxLength: 3 }), ['/bin/true']),
    topic: rarely(hostile, 'arn:aws:sns:us-east-1:123456789012:failover'),
  })
  .map((one) => ({
    cluster: 'web',
    node: { id: 'saturn' },
    api: { listen: one.listen },
    peers: [{ id: 'neptune', url: one.peer }],
    auth: { keyFile: '/etc/failtome/cluster.key' },
    addresses: [{ ip: one.ip, probe: { scheme: one.scheme, host: one.probeHost, path: one.path } }],
    local: { url: one.local },
    guard: { urls: one.guard },
    driver:
      one.kind === 'exec'
        ? { kind: one.kind, command: one.command }
        : { kind: one.kind, region: one.region, instanceId: one.instanceId },
    notify: { sns: { topicArn: one.topic } },
  }));

/** JSON is YAML, and quotes whatever stands in it. */
function accepted(content: unknown): AgentConfig | null {
  const result = checkConfig('f.yaml', Buffer.from(JSON.stringify(content)), {});
  return result.kind === 'loaded' ? result.config : null;
}

function identityOf({ driver }: AgentConfig): Identity {
  const region = isOnAws(driver) ? driver.region : null;
  return { id: 'saturn', instanceId: 'i-0abc', region };
}

/** Everything that is built of the configuration, down to the requests. Nothing connects. */
function takeApart(config: AgentConfig): void {
  toProtocolConfig(config, identityOf(config), '1.2.3');
  const local = localCheckOf(config.local);
  const targets: ExchangeTarget[] = [
    ...(local === null ? [] : [local.target]),
    ...config.addresses.map((address) => probeCheckOf(address).target),
    ...config.guard.urls.flatMap((text) => [
      externalIpTarget(httpUrl(text), 4),
      externalIpTarget(httpUrl(text), 6),
    ]),
  ];
  for (const target of targets) {
    expect(target.port).toBeGreaterThanOrEqual(1);
    expect(target.port).toBeLessThanOrEqual(65_535);
    const request = requestOver(new Duplex({ read: () => undefined }), target);
    request.on('error', () => undefined);
    request.destroy();
  }
  for (const { url: peer } of config.peers) {
    if (peer === null) continue;
    new PeerConnection({ origin: httpUrl(peer).origin, connectTimeoutMs: 100, secure: null }).destroy();
  }
}

const SECRETS = { url: 'https://hooks.example.org/x', signing: [], integrationKey: '', warnings: [] };

function adaptersOf(config: AgentConfig): Adapters {
  const clock = createClock();
  const identity = identityOf(config);
  const nothing = (): void => undefined;
  return new Adapters(
    {
      config,
      identity,
      keys: KEYS,
      identities: SHARED_KEY,
      clients: clientsFor(config, identity),
      certificate: null,
      webhooks: config.notify.webhooks.map(() => SECRETS),
      store: null,
    },
    {
      clock,
      names: new Names({ monotonicMs: () => clock.monotonicMs() }),
      post: nothing,
      reply: nothing,
      mayWrite: () => Promise.resolve(null),
      onForeignState: () => undefined,
      onCertificate: nothing,
      logStderr: nothing,
      logNotifier: nothing,
      logCredentials: nothing,
      relay: {
        inbox: new Inbox({}, { post: nothing }),
        trust: () => ({
          keys: KEYS,
          identities: SHARED_KEY,
          receiver: { cluster: config.cluster, node: identity.id },
        }),
        onRejected: nothing,
        onNews: nothing,
      },
    },
  );
}

const GOOD = accepted({
  cluster: 'web',
  node: { id: 'saturn' },
  peers: [{ id: 'neptune', url: 'http://10.0.1.11:8741' }],
  auth: { keyFile: '/etc/failtome/cluster.key' },
  addresses: [{ ip: '203.0.113.10' }],
  driver: { kind: 'exec', command: ['/bin/true'] },
});

test('what the check of a configuration accepts, every adapter can be built of, and can take over on a reload', () => {
  let count = 0;
  fc.assert(
    fc.property(file, (content) => {
      const config = accepted(content);
      if (config === null || GOOD === null) return;
      count += 1;
      takeApart(config);
      adaptersOf(config).close();
      const running = adaptersOf(GOOD);
      running.reconfigure(
        config,
        KEYS,
        SHARED_KEY,
        null,
        config.notify.webhooks.map(() => SECRETS),
      );
      running.close();
    }),
    { numRuns: 600 },
  );
  // Otherwise the property would hold of nothing.
  expect(count).toBeGreaterThan(20);
});

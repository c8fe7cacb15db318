/** What programs read differently, or what would break later, is refused with its path before anything starts. */
import { describe, expect, test } from 'vitest';
import { checkConfig, faultLines, warningLines } from '../src/config/load.ts';
import { effectiveValues } from '../src/config/print.ts';

interface Parts {
  readonly listen?: string;
  readonly advertise?: string;
  readonly peer?: string;
  readonly address?: Readonly<Record<string, unknown>>;
  readonly local?: string;
  readonly guard?: string;
  readonly driver?: Readonly<Record<string, unknown>>;
  readonly topic?: string;
  readonly role?: string;
}

/** JSON is YAML, and quotes whatever stands in it. */
function configOf(parts: Parts): Buffer {
  const { listen, advertise, peer, address, local, guard, driver, topic, role } = parts;
  return Buffer.from(
    JSON.stringify({
      cluster: 'web',
      node: { id: 'saturn', role },
      api: { listen, advertise },
      peers: [
        { id: 'neptune', url: peer ?? 'http://10.0.1.11:8741' },
        { id: 'pluto', url: 'http://10.0.1.13:8741' },
      ],
      auth: { keyFile: '/etc/failtome/cluster.key' },
      addresses: [{ ip: '203.0.113.10', ...address }],
      ...(local === undefined ? {} : { local: { url: local } }),
      ...(guard === undefined ? {} : { guard: { urls: [guard] } }),
      driver: driver ?? { kind: 'ec2', region: 'us-east-1' },
      ...(topic === undefined ? {} : { notify: { sns: { topicArn: topic } } }),
    }),
  );
}

function faultsOf(parts: Parts, environment: Readonly<Record<string, string>> = {}): readonly string[] {
  const result = checkConfig('f.yaml', configOf(parts), environment);
  return result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
}

test('the configuration that the faulty ones are made from has no fault', () => {
  expect(faultsOf({})).toEqual([]);
});

describe('a host that programs read differently is refused, with what they read', () => {
  const decimal = 'an IPv4 address has four decimal numbers from 0 to 255, without leading zeros';
  test.each<[Parts, string, string]>([
    [
      { peer: 'http://010.000.001.012:8741' },
      'peers[0].url',
      `${decimal}; some programs read this one as 8.0.1.10`,
    ],
    [
      { local: 'http://127.0.0.010:8404/' },
      'local.url',
      `${decimal}; some programs read this one as 127.0.0.8`,
    ],
    [{ guard: 'http://0x7f.1:8080/' }, 'guard.urls', `${decimal}; some programs read this one as 127.0.0.1`],
    [{ local: 'http://10.1/' }, 'local.url', `${decimal}; some programs read this one as 10.0.0.1`],
    [{ local: 'http://167772161/' }, 'local.url', `${decimal}; some programs read this one as 10.0.0.1`],
    [{ local: 'http://127.0.0.1./' }, 'local.url', `${decimal}; some programs read this one as 127.0.0.1`],
    [{ listen: '0177.0.0.1:8741' }, 'api.listen', `${decimal}; some programs read this one as 127.0.0.1`],
    [
      { advertise: 'http://10.0.1.012:8741' },
      'api.advertise',
      `${decimal}; some programs read this one as 10.0.1.10`,
    ],
    [
      { address: { ip: '203.0.113.010' } },
      'addresses[0].ip',
      `${decimal}; some programs read this one as 203.0.113.8`,
    ],
    [{ address: { probe: { host: '010.0.0.1' } } }, 'addresses[0].probe.host', `${decimal}; some programs`],
    [{ address: { probe: { host: 'cafe:80' } } }, 'addresses[0].probe.host', ''],
    [{ address: { probe: { host: '::::' } } }, 'addresses[0].probe.host', ''],
    [{ address: { probe: { host: 'a..b' } } }, 'addresses[0].probe.host', ''],
    [
      { address: { probe: { host: 'www.bücher.example' } } },
      'addresses[0].probe.host',
      'write www.xn--bcher-kva.example',
    ],
    [{ local: 'http://bücher.example/' }, 'local.url', 'write xn--bcher-kva.example'],
    [{ local: 'http://%31%32%37.0.0.1/' }, 'local.url', ''],
    [{ local: 'http://127.0.0.1\\@example.org/' }, 'local.url', ''],
    [{ local: 'http:127.0.0.1' }, 'local.url', ''],
    [{ local: '\u0001http://127.0.0.1/' }, 'local.url', ''],
    [{ local: 'http://127.0.0.1/a\u0000b' }, 'local.url', ''],
    [{ local: 'http://127.0.0.1:0/' }, 'local.url', 'nobody can listen on port 0'],
    [{ local: 'http://127.0.0.1/#' }, 'local.url', 'leave out the fragment'],
    [{ address: { ip: '::ffff:203.0.113.10' } }, 'addresses[0].ip', 'write 203.0.113.10'],
    [{ address: { ip: '224.0.0.1' } }, 'addresses[0].ip', 'no machine can have it'],
    [{ address: { ip: '0.0.0.0' } }, 'addresses[0].ip', 'no machine can have it'],
    [{ address: { ip: 'ff02::1' } }, 'addresses[0].ip', 'no machine can have it'],
    [{ address: { probe: { path: '/index.html#top' } } }, 'addresses[0].probe.path', 'no #'],
  ])('%j', (parts, path, remark) => {
    const lines = faultsOf(parts);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(`${path}: found `);
    expect(lines[0]).toContain(remark);
  });
});

describe('a user and password in local.url', () => {
  test.each([
    ['http://monitor:100%@127.0.0.1:8404/', 'in user and password write % as %25, @ as %40 and / as %2F'],
    ['http://monitor:%ff@127.0.0.1:8404/', 'in user and password write % as %25, @ as %40 and / as %2F'],
    ['http://mon%3Aitor:x@127.0.0.1:8404/', 'a user name holds no colon'],
    ['http://monitor:%0A@127.0.0.1:8404/', 'user and password hold no control characters'],
  ])('%s is refused, and not repeated', (url, hint) => {
    const [line, ...others] = faultsOf({ local: url });
    expect(others).toEqual([]);
    expect(line).toBe(
      `local.url: found "http://…@127.0.0.1:8404/", expected an http or https URL, or none; ${hint} (f.yaml:1)`,
    );
  });

  test.each([
    'http://ann:p@ss/word@127.0.0.1/',
    'http://ann:sec#ret@127.0.0.1/',
    'ftp://ann:secret@127.0.0.1/',
  ])('a password in the refused %s is in no message', (url) => {
    expect(faultsOf({ local: url }).join()).toMatch(/^local\.url: found "[a-z]+:\/\/…@127/);
  });

  test('with its percent sign written out they are accepted', () => {
    expect(faultsOf({ local: 'http://monitor:100%25@127.0.0.1:8404/' })).toEqual([]);
  });
});

describe('a key that has to mean one machine and names a shared address is refused, with why', () => {
  test.each<[Parts, string, string]>([
    [
      { peer: 'http://203.0.113.10:8741' },
      'peers[0].url',
      'the shared address leads to whichever node holds it',
    ],
    [{ advertise: 'http://203.0.113.10:8741' }, 'api.advertise', 'leads to whichever node holds it'],
    [{ listen: '203.0.113.10:8741' }, 'api.listen', 'the API would be reached at the holder alone'],
    [
      { local: 'http://203.0.113.10/' },
      'local.url',
      "it would tell of the holder's HAProxy, not of this node's",
    ],
    [{ local: 'http://[::ffff:203.0.113.10]/' }, 'local.url', "it would tell of the holder's HAProxy"],
    [{ guard: 'http://203.0.113.10/ip' }, 'guard.urls', 'it could not be asked while the address is down'],
    [
      { address: { ip: '2001:db8::10' }, local: 'http://[2001:DB8:0:0::10]/' },
      'local.url',
      "it would tell of the holder's HAProxy",
    ],
  ])('%j', (parts, path, why) => {
    const [line, ...others] = faultsOf(parts);
    expect(others).toEqual([]);
    expect(line).toMatch(`${path}: found `);
    expect(line).toMatch(/which is addresses\[0\]\.ip/);
    expect(line).toContain(why);
  });

  test('a witness ignores the local check, and is told so', () => {
    const result = checkConfig('f.yaml', configOf({ role: 'witness', local: 'http://203.0.113.10/' }), {});
    expect(result.kind).toBe('loaded');
    expect(warningLines(result.warnings).join('\n')).toMatch(
      /local\.url: .*ignored, because node\.role is witness/,
    );
  });
});

test('an IPv6 address counts in its one canonical form, so that two nodes with two spellings mean the same', () => {
  const result = checkConfig('f.yaml', configOf({ address: { ip: '2001:DB8:0:0::0A' } }), {});
  expect(result).toMatchObject({ kind: 'loaded', config: { addresses: [{ ip: '2001:db8::a' }] } });
  if (result.kind !== 'loaded') return;
  const shown = effectiveValues(result.settings).find(({ path }) => path === 'addresses[0].ip');
  expect(shown?.value).toBe('2001:db8::a');
});

describe('the AWS SDK’s own variables are checked before the SDK fails on them', () => {
  const zone =
    'AWS_REGION: found "us-east-1a", expected an AWS region such as us-east-1 (not a zone such as us-east-1a); did you mean us-east-1?';
  const noRegion: Parts = { driver: { kind: 'ec2' } };
  const exec: Parts = { driver: { kind: 'exec', command: ['/bin/false'] } };
  test.each<[Parts, Readonly<Record<string, string>>, readonly string[]]>([
    [noRegion, { AWS_REGION: 'us-east-1a' }, [zone]],
    [
      noRegion,
      { AWS_REGION: '', AWS_DEFAULT_REGION: 'us-west-2-lax-1a' },
      [expect.stringContaining('did you mean us-west-2?')],
    ],
    [noRegion, { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'nonsense' }, []],
    [{}, { AWS_REGION: 'us-east-1a' }, []],
    [
      {},
      { AWS_ENDPOINT_URL_EC2: 'localhost:4566' },
      [
        'AWS_ENDPOINT_URL_EC2: found "localhost:4566", expected an http or https URL; did you mean http://localhost:4566?',
      ],
    ],
    [
      {},
      { AWS_EC2_METADATA_SERVICE_ENDPOINT: '169.254.169.254' },
      [expect.stringContaining('did you mean http://169.254.169.254?')],
    ],
    [exec, { AWS_REGION: 'us-east-1a', AWS_ENDPOINT_URL: 'localhost:4566' }, []],
    [{ role: 'witness' }, { AWS_REGION: 'us-east-1a', AWS_ENDPOINT_URL: 'localhost:4566' }, []],
  ])('%j with %j', (parts, environment, expected) => {
    expect(faultsOf(parts, environment)).toEqual(expected);
  });
});

test.each([
  ['arn:aws:sns:us-east-1a:123456789012:failover', 'did you mean us-east-1?'],
  ['arn:aws:sns:nowhere:123456789012:failover', 'nowhere is no region'],
  ['arn:aws:sns:us-east-1:123456789012:failover.fifo', 'a FIFO topic notifies no people'],
])('the topic %s is refused, with why', (topic, hint) => {
  expect(faultsOf({ topic })).toEqual([expect.stringMatching(/^notify\.sns\.topicArn: /)]);
  expect(faultsOf({ topic })[0]).toContain(hint);
});

test.each([
  [
    './move-ip',
    'driver.command: ./move-ip is relative, and so depends on the directory that the agent is started in',
  ],
  ['move-ip', 'driver.command: move-ip is looked up in PATH, which a service has another of than a shell'],
])('the program %s is warned of', (program, warning) => {
  const parts: Parts = { driver: { kind: 'exec', command: [program] } };
  expect(warningLines(checkConfig('f.yaml', configOf(parts), {}).warnings)).toContain(warning);
});

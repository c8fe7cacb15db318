import { expect, test } from 'vitest';
import {
  configFromStackJson,
  type FoundStack,
  type StackConfigOptions,
} from '../src/config/from-stack-json.ts';
import { checkConfig, faultLines } from '../src/config/load.ts';

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:failover';
const CUSTOM = { stack: { primary_ip: '54.173.141.243', failover_topic: TOPIC } };

/** What OpsWorks adds, after the example in its user guide. */
const OPSWORKS = {
  stack: { name: 'My Stack' },
  instance: {
    id: '45ef378d-b87c-42be-a1b9-b67c48edafd4',
    aws_instance_id: 'i-32037f00',
    hostname: 'saturn',
    region: 'us-east-1',
    availability_zone: 'us-east-1a',
    private_ip: '10.0.1.12',
    layers: ['lb'],
  },
  layers: {
    'php-app': { instances: { 'php-app1': { private_ip: '10.0.2.1', region: 'us-east-1' } } },
    lb: {
      name: 'HAProxy',
      instances: {
        saturn: { private_ip: '10.0.1.12', aws_instance_id: 'i-32037f00' },
        neptune: { private_ip: '10.0.1.11', aws_instance_id: 'i-34037f06' },
      },
    },
  },
};

function converted(json: unknown, options?: StackConfigOptions) {
  const result = configFromStackJson(JSON.stringify(json), options);
  if (result.kind === 'fault') throw new Error(result.detail);
  return result;
}

function load(yaml: string) {
  return checkConfig('stack.yaml', Buffer.from(yaml), {});
}

test('a stack’s JSON as an instance has it becomes a configuration that loads as it is', () => {
  const { yaml, missing } = converted({ ...CUSTOM, opsworks: OPSWORKS });
  expect(missing).toEqual([]);
  const result = load(yaml);
  expect(result.kind === 'faulty' ? faultLines(result.faults, 'stack.yaml') : []).toEqual([]);
  expect(result).toMatchObject({
    kind: 'loaded',
    config: {
      cluster: 'My-Stack',
      node: { id: 'saturn' },
      api: { advertise: 'http://10.0.1.12:8741' },
      peers: [{ id: 'neptune', url: 'http://10.0.1.11:8741', role: 'candidate' }],
      addresses: [
        {
          ip: '54.173.141.243',
          probe: { scheme: 'http', port: 80, path: '/', intervalMs: 60_000, timeoutMs: 30_000, fall: 3 },
        },
      ],
      guard: { urls: ['http://checkip.amazonaws.com'] },
      driver: { kind: 'opsworks', region: 'us-east-1', instanceId: '45ef378d-b87c-42be-a1b9-b67c48edafd4' },
      notify: { sns: { topicArn: TOPIC } },
    },
  });
});

test('the custom JSON alone leaves marked placeholders, which do not load, and load once they are filled in', () => {
  const { yaml, missing } = converted(CUSTOM);
  expect(missing.map((line) => line.split(':')[0])).toEqual([
    'node.id',
    'peers',
    'driver.region',
    'driver.instanceId',
  ]);
  expect(yaml.match(/# REPLACE$/gm)).toHaveLength(5);
  const unfilled = load(yaml);
  const paths = unfilled.kind === 'faulty' ? unfilled.faults.map((fault) => fault.path) : [];
  expect(paths).toEqual(['node.id', 'peers[0].id', 'peers[0].url', 'driver.region', 'driver.instanceId']);
  const filled = yaml
    .replace('"<the hostname of this instance>"', 'saturn')
    .replace('"<the hostname of the other instance>"', 'neptune')
    .replace(/"<http:.*>"/, 'http://10.0.1.11:8741')
    .replace('"<the region of this instance>"', 'us-east-1')
    .replace('"<the OpsWorks id of this instance>"', '45ef378d-b87c-42be-a1b9-b67c48edafd4');
  expect(load(filled).kind).toBe('loaded');
});

test.each<readonly [what: string, json: unknown, missing: string]>([
  ['the address', { stack: { failover_topic: TOPIC }, opsworks: OPSWORKS }, 'addresses[0].ip: '],
  [
    'the address, still as the instructions print it',
    { stack: { primary_ip: '<my EIP>', failover_topic: TOPIC }, opsworks: OPSWORKS },
    'addresses[0].ip: ',
  ],
  ['the topic', { stack: { primary_ip: '54.173.141.243' }, opsworks: OPSWORKS }, 'notify.sns.topicArn: '],
  [
    'the instance id',
    { ...CUSTOM, opsworks: { ...OPSWORKS, instance: { ...OPSWORKS.instance, id: undefined } } },
    'driver.instanceId: ',
  ],
  ['the peers', { ...CUSTOM, opsworks: { ...OPSWORKS, layers: {} } }, 'peers: '],
  [
    'a peer’s address',
    { ...CUSTOM, opsworks: { ...OPSWORKS, layers: { lb: { instances: { saturn: {}, neptune: {} } } } } },
    'peers[0].url: ',
  ],
])('%s is named when it is missing', (_, json, path) => {
  const { missing } = converted(json);
  expect(missing).toHaveLength(1);
  expect(missing[0]?.startsWith(path)).toBe(true);
});

test('an instance in several layers has the peers of the HAProxy layer', () => {
  const instance = { ...OPSWORKS.instance, layers: ['php-app', 'lb'] };
  const result = load(converted({ ...CUSTOM, opsworks: { ...OPSWORKS, instance } }).yaml);
  expect(result.kind === 'loaded' && result.config.peers.map((peer) => peer.id)).toEqual(['neptune']);
});

test('text that cannot come from a stack writes nothing', () => {
  expect(configFromStackJson('not json').kind).toBe('fault');
  expect(configFromStackJson('[]').kind).toBe('fault');
});

test('a value cannot break out of its quotation marks', () => {
  const { yaml } = converted({
    stack: { primary_ip: '1.2.3.4"\nevil: true', failover_topic: TOPIC },
    opsworks: OPSWORKS,
  });
  expect(yaml).not.toContain('evil');
});

const FOUND: FoundStack = {
  region: 'us-east-1',
  ec2InstanceId: 'i-32037f00',
  opsworksInstanceId: '45ef378d-b87c-42be-a1b9-b67c48edafd4',
  hostname: 'saturn',
  privateIp: '10.0.1.12',
  stackName: 'My Stack',
  peers: [{ hostname: 'neptune', privateIp: '10.0.1.11' }],
  obstacle: null,
};

test.each([
  ['ec2', { kind: 'ec2', region: 'us-east-1', instanceId: 'i-32037f00' }],
  ['opsworks', { kind: 'opsworks', region: 'us-east-1', instanceId: FOUND.opsworksInstanceId }],
] as const)(
  'for the %s driver the ids are its own, said by the JSON or found on the instance',
  (driver, expected) => {
    const fromJson = converted({ ...CUSTOM, opsworks: OPSWORKS }, { driver, found: null });
    const fromInstance = converted(CUSTOM, { driver, found: FOUND });
    for (const { yaml, missing } of [fromJson, fromInstance]) {
      expect(missing).toEqual([]);
      expect(load(yaml)).toMatchObject({
        kind: 'loaded',
        config: {
          cluster: 'My-Stack',
          node: { id: 'saturn' },
          api: { advertise: 'http://10.0.1.12:8741' },
          peers: [{ id: 'neptune', url: 'http://10.0.1.11:8741' }],
          driver: expected,
        },
      });
    }
  },
);

test('what the JSON says counts before what the instance found', () => {
  const found = { ...FOUND, hostname: 'pluto', peers: [{ hostname: 'neptune', privateIp: '10.9.9.9' }] };
  const { yaml } = converted({ ...CUSTOM, opsworks: OPSWORKS }, { driver: 'ec2', found });
  expect(load(yaml)).toMatchObject({
    config: { node: { id: 'saturn' }, peers: [{ url: 'http://10.0.1.11:8741' }] },
  });
});

test('for EC2 neither region nor instance id has to be filled in: the instance knows them', () => {
  const { yaml, missing } = converted(CUSTOM, { driver: 'ec2', found: null });
  expect(missing.map((line) => line.split(':')[0])).toEqual(['node.id', 'peers']);
  const filled = yaml
    .replace('"<the hostname of this instance>"', 'saturn')
    .replace('"<the hostname of the other instance>"', 'neptune')
    .replace(/"<http:.*>"/, 'http://10.0.1.11:8741');
  expect(load(filled)).toMatchObject({
    kind: 'loaded',
    config: { driver: { kind: 'ec2', region: null, instanceId: null } },
  });
});

test('an address is not told as blocked before a failover by these timings can be over', () => {
  const result = load(converted({ ...CUSTOM, opsworks: OPSWORKS }).yaml);
  if (result.kind !== 'loaded') throw new Error('it has faults');
  const { addresses, notify, agreement } = result.config;
  const probe = addresses[0]?.probe;
  if (probe === undefined) throw new Error('it has no address');
  const toDownMs = probe.intervalMs + (probe.fall - 1) * probe.fastIntervalMs + probe.timeoutMs;
  const toUpMs = probe.rise * probe.fastIntervalMs + probe.timeoutMs;
  expect(notify.blockedAfterMs).toBeGreaterThan(toDownMs + 2 * agreement.leaseMs + toUpMs);
});

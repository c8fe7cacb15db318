/** Configuration as an operator meets it: through the built program, by its exit codes and what it prints. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'vitest';
import { DRIVER_KIND_NAMES } from '../../packages/agent/src/config/driver-kinds.ts';
import { startCloud } from '../../packages/cloud/src/embedded/index.ts';
import { failtome, temporaryFolder } from './support/command.ts';

/** Writes a file of this test's own, and says where. */
async function file(context: TestContext, text: string, name = 'failtome.yaml'): Promise<string> {
  const path = join(await temporaryFolder(context), name);
  await writeFile(path, text);
  return path;
}

/** The effective configuration of a file that has no faults. */
async function configIn(path: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { code, stdout, stderr } = await failtome(['config', '-c', path, '--json'], { env });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout).config;
}

const sound = `
cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://192.0.2.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 198.51.100.7 }]
local: { url: "http://127.0.0.1/" }
driver: { kind: ec2, region: us-east-1, instanceId: i-0abc }
notify: { sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:failover" } }
`;

const faulty = `
clutser: web
node: { id: "sat urn", role: judge, priority: high }
api: { listen: "0.0.0.0:99999" }
peers: []
auth: {}
addresses: [{ ip: 198.51.100.999, probe: { timeout: 2 } }]
gossip: { dead: 100ms }
driver: { kind: ec3 }
agreement: { silentPeer: maybe, lease: "-1s" }
`;

/** The paths that have something wrong with them, each with what its line must name. */
const faults: readonly (readonly [path: string, ...words: readonly string[]])[] = [
  ['clutser', 'unknown key', 'did you mean cluster?'],
  ['cluster', 'found nothing'],
  ['node.id', '"sat urn"', 'expected a name'],
  ['node.role', '"judge"', 'candidate, witness or member'],
  ['node.priority', '"high"', 'whole number'],
  ['api.listen', '0.0.0.0:99999', 'host:port'],
  ['peers', 'at least one'],
  ['auth.keyFile', 'found nothing', 'FAILTOME_KEY_FILE'],
  ['addresses[0].ip', '198.51.100.999', 'IPv4 or IPv6'],
  ['addresses[0].probe.timeout', 'without a unit', '2s'],
  ['gossip.timeout', '100ms'],
  ['driver.kind', '"ec3"', new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(DRIVER_KIND_NAMES)],
  ['agreement.silentPeer', '"maybe"', 'takeover or hold'],
  ['agreement.lease', '-1s', 'duration'],
];

describe.concurrent('a configuration with faults', () => {
  test.for(['run', 'check', 'status', 'handover', 'resume'])(
    '%s refuses it with 2, every fault at once, one line each',
    async (verb, context) => {
      const { expect } = context;
      const { code, stdout, stderr } = await failtome([verb, '-c', await file(context, faulty)]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      const lines = stderr.trimEnd().split('\n');
      for (const [path, ...words] of faults) {
        const line = lines.find((each) => each.startsWith(`${path}: found `));
        expect(line, `${path} in:\n${stderr}`).toBeDefined();
        for (const word of words) expect(line).toContain(word);
      }
      expect(lines).toHaveLength(faults.length);
    },
  );

  test('as JSON, config and check list the same faults', async (context) => {
    const { expect } = context;
    const path = await file(context, faulty);
    const plain = (await failtome(['config', '-c', path])).stderr.trimEnd().split('\n');
    for (const verb of ['config', 'check']) {
      const { code, stdout } = await failtome([verb, '-c', path, '--json']);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ faults: plain });
    }
  });

  test.for([
    ['nothing at all', ''],
    ['a list', '- cluster: web\n'],
    ['text that is not YAML', 'cluster: [web\n'],
    ['one key twice', `${sound}cluster: web\n`],
    ['an alias', `${sound}flap: &a { moves: 3 }\nlog: *a\n`],
    [
      'two peers of one name',
      sound.replace('peers: [', 'peers: [{ id: neptune, url: "http://192.0.2.12:8741" }, '),
    ],
    ['nobody but itself among the peers', sound.replace('id: neptune', 'id: saturn')],
    ['an address twice', sound.replace('{ ip: 198.51.100.7 }', '{ ip: 198.51.100.7 }, { ip: 198.51.100.7 }')],
    ['a driver that needs a command', sound.replace('kind: ec2', 'kind: exec')],
  ] as const)('that is %s is refused with 2 and a sentence', async ([, text], context) => {
    const { expect } = context;
    const path = await file(context, text);
    const { code, stdout, stderr } = await failtome(['run', '-c', path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^\S+: found .+, expected .+/);
    expect(stderr).not.toContain('    at ');
  });

  test.for([
    [
      'local.url: found "http://…@127.0.0.1:8404/"',
      (text: string) => text.replace('"http://127.0.0.1/"', '"http://monitor:100%@127.0.0.1:8404/"'),
    ],
    ['peers[0].url: found', (text: string) => text.replace('192.0.2.11', '192.0.02.011')],
    [
      'addresses[0].probe.path: found',
      (text: string) => text.replace('198.51.100.7 }', '198.51.100.7, probe: { path: "/#top" } }'),
    ],
    ['local.url: found', (text: string) => text.replace('"http://127.0.0.1/"', '"http://198.51.100.7/"')],
    ['guard.urls: found', (text: string) => `${text}guard: { urls: ["http://198.51.100.7/ip"] }\n`],
    ['peers[0].url: found', (text: string) => text.replace('192.0.2.11', '198.51.100.7')],
    ['api.listen: found', (text: string) => `${text}api: { listen: "198.51.100.7:8741" }\n`],
  ] as const)('config, check and run refuse it in the same words: %s', async ([words, change], context) => {
    const { expect } = context;
    const path = await file(context, change(sound));
    const told = await Promise.all(['config', 'check', 'run'].map((verb) => failtome([verb, '-c', path])));
    for (const { code, stderr } of told) {
      expect(code).toBe(2);
      expect(stderr.startsWith(words), stderr).toBe(true);
      expect(stderr).toBe(told[0]?.stderr);
    }
  });

  test('a zone for a region and an endpoint without its scheme are told by the name of the variable', async (context) => {
    const { expect } = context;
    const path = await file(context, sound.replace('region: us-east-1, ', ''));
    const env = { AWS_REGION: 'us-east-1a', AWS_ENDPOINT_URL_SNS: 'localhost:4566' };
    for (const verb of ['config', 'check', 'run']) {
      const { code, stderr } = await failtome([verb, '-c', path], { env });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^AWS_REGION: found "us-east-1a", .*did you mean us-east-1\?$/m);
      expect(stderr).toMatch(/^AWS_ENDPOINT_URL_SNS: found "localhost:4566", .*did you mean http:/m);
    }
  });

  test('a file that is not there is refused with 2, by its name', async ({ expect }) => {
    const { code, stderr } = await failtome(['run', '-c', '/nonexistent/failtome.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^\/nonexistent\/failtome\.yaml: found no such file, expected /);
  });
});

describe.concurrent('the effective configuration', () => {
  test('has every default, and says where each value came from', async (context) => {
    const { expect } = context;
    const path = await file(context, sound);
    const { code, stdout, stderr } = await failtome(['config', '-c', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await configIn(path)).toMatchObject({
      cluster: 'web',
      node: { id: 'saturn', role: 'candidate', priority: 100 },
      gossip: { interval: '500ms', timeout: '250ms', dead: '2s', fanout: 3 },
      agreement: { silentPeer: 'takeover', lease: '10s' },
      guard: { urls: ['http://checkip.amazonaws.com'], timeout: '3s' },
      holdDown: '60s',
      flap: { moves: 4, within: '10m' },
      stateDir: '/var/lib/failtome',
    });
    expect(stdout).toMatch(/^cluster: web # .*failtome\.yaml:2$/m);
    expect(stdout).toMatch(/^holdDown: 60s # default$/m);
  });

  test('can be fed back as a configuration, and is then the same', async (context) => {
    const { expect } = context;
    const path = await file(context, sound);
    const { stdout: yaml } = await failtome(['config', '-c', path]);
    expect(await configIn(await file(context, yaml))).toEqual(await configIn(path));
  });

  test('what differs by host comes from the environment', async (context) => {
    const { expect } = context;
    const env = {
      FAILTOME_NODE_ID: 'pluto',
      FAILTOME_PRIORITY: '7',
      FAILTOME_LISTEN: '192.0.2.13:9000',
      FAILTOME_ADVERTISE: 'http://192.0.2.13:9000',
      FAILTOME_KEY_FILE: '/run/key',
      FAILTOME_STATE_DIR: '/run/state',
      FAILTOME_LOG_LEVEL: 'debug',
      FAILTOME_INSTANCE_ID: 'i-0def',
    };
    const path = await file(context, sound);
    const { code, stdout } = await failtome(['config', '-c', path], { env });
    expect(code).toBe(0);
    expect(await configIn(path, env)).toMatchObject({
      node: { id: 'pluto', priority: 7 },
      api: { listen: '192.0.2.13:9000', advertise: 'http://192.0.2.13:9000' },
      auth: { keyFile: '/run/key' },
      stateDir: '/run/state',
      log: { level: 'debug' },
      driver: { instanceId: 'i-0def' },
    });
    for (const name of Object.keys(env)) expect(stdout).toContain(`# ${name}`);
  });

  test('a bad value in the environment is refused by the name of its variable', async (context) => {
    const { expect } = context;
    const env = { FAILTOME_PRIORITY: 'high' };
    const { code, stderr } = await failtome(['run', '-c', await file(context, sound)], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^node\.priority: found "high".*FAILTOME_PRIORITY/);
  });
});

describe.concurrent('the JSON of an OpsWorks stack', () => {
  const stack = { primary_ip: '198.51.100.7', failover_topic: 'arn:aws:sns:us-east-1:123456789012:failover' };
  const opsworks = {
    stack: { name: 'My Web' },
    instance: {
      id: '3d3f2a1c-7f55-4c5f-9d54-6f4f4c1f9b11',
      hostname: 'saturn',
      region: 'us-east-1',
      private_ip: '192.0.2.12',
      layers: ['lb'],
    },
    layers: {
      lb: { instances: { saturn: { private_ip: '192.0.2.12' }, neptune: { private_ip: '192.0.2.11' } } },
    },
  };

  test('of the seed alone gives placeholders, named, and 1', async (context) => {
    const { expect } = context;
    const path = await file(context, JSON.stringify({ stack }), 'stack.json');
    const { code, stdout, stderr } = await failtome(['config', '--from-stack-json', path]);
    expect(code).toBe(1);
    for (const missing of ['node.id', 'peers', 'driver.region', 'driver.instanceId']) {
      expect(stderr).toContain(`  ${missing}: `);
    }
    for (const line of [
      `  - ip: "${stack.primary_ip}"`,
      '      interval: 60s',
      '      timeout: 30s',
      '      fall: 3',
      '  kind: opsworks',
      `    topicArn: "${stack.failover_topic}"`,
    ]) {
      expect(stdout.split('\n')).toContain(line);
    }
    const refused = await failtome(['config', '-c', await file(context, stdout)]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('node.id: found "<');
  });

  test('with what OpsWorks adds on an instance gives a file that is used as it is', async (context) => {
    const { expect } = context;
    const path = await file(context, JSON.stringify({ stack, opsworks }), 'stack.json');
    const { code, stdout, stderr } = await failtome(['config', '--from-stack-json', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await configIn(await file(context, stdout))).toMatchObject({
      node: { id: 'saturn' },
      peers: [{ id: 'neptune', url: 'http://192.0.2.11:8741' }],
      driver: { kind: 'opsworks', region: 'us-east-1', instanceId: opsworks.instance.id },
    });
  });

  test('of the seed alone, on an instance, is completed by what the instance finds out', async (context) => {
    const { expect } = context;
    const cloud = await startCloud({
      instances: [
        { id: 'i-0000000000000a001', hostname: 'saturn' },
        { id: 'i-0000000000000b002', hostname: 'neptune' },
      ],
      addresses: [{ publicIp: stack.primary_ip, holder: 'i-0000000000000b002' }],
    });
    context.onTestFinished(() => cloud.close());
    const env = cloud.environmentFor('i-0000000000000a001');
    const path = await file(context, JSON.stringify({ stack }), 'stack.json');
    for (const driver of ['ec2', 'opsworks']) {
      const args = ['config', '--from-stack-json', path, '--driver', driver];
      const { code, stdout, stderr } = await failtome(args, { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await configIn(await file(context, stdout, `${driver}.yaml`))).toMatchObject({
        node: { id: 'saturn' },
        peers: [{ id: 'neptune' }],
        addresses: [{ probe: { interval: '60s' } }],
        driver: {
          kind: driver,
          region: 'us-east-1',
          instanceId: driver === 'ec2' ? 'i-0000000000000a001' : expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
      });
    }
  });

  test('--driver is of no use without it', async ({ expect }) => {
    const { code, stderr } = await failtome(['config', '--driver', 'ec2']);
    expect(code).toBe(2);
    expect(stderr).toContain('--from-stack-json');
  });

  test('that is no JSON is 2', async (context) => {
    const { expect } = context;
    const path = await file(context, 'not json', 'stack.json');
    const { code, stdout, stderr } = await failtome(['config', '--from-stack-json', path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('found text that is not JSON');
  });
});

describe.concurrent('usage', () => {
  test.for([
    ['an unknown verb', ['promote']],
    ['an unknown option', ['status', '--verbose']],
    ['no verb', []],
    ['a length that is none', ['pause', '--for', 'long', '--url', 'http://127.0.0.1:8741']],
    ['a URL that is none', ['status', '--url', 'saturn']],
    ['an order without a key', ['pause', '--url', 'http://127.0.0.1:8741']],
    ['a URL for a verb about a file', ['check', '--url', 'http://127.0.0.1:8741']],
  ] as const)('%s is 2, and said', async ([, args], { expect }) => {
    const { code, stdout, stderr } = await failtome(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  test('help and version are 0', async ({ expect }) => {
    const help = await failtome(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const verb of [
      'run',
      'check',
      'status',
      'why',
      'history',
      'handover',
      'pause',
      'resume',
      'keygen',
      'config',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    }
    expect(await failtome(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
    });
  });

  test('keygen prints a new key of 32 bytes each time', async ({ expect }) => {
    const keys = await Promise.all([failtome(['keygen']), failtome(['keygen'])]);
    for (const { code, stdout } of keys) {
      expect(code).toBe(0);
      expect(Buffer.from(stdout, 'base64')).toHaveLength(32);
      expect(stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    }
    expect(keys[0].stdout).not.toBe(keys[1].stdout);
    expect(JSON.parse((await failtome(['keygen', '--json'])).stdout).key).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  test('where nobody listens, a view is 1 and names the URL', async ({ expect }) => {
    for (const verb of ['status', 'why', 'history']) {
      const { code, stdout, stderr } = await failtome([verb, '--url', 'http://127.0.0.1:8']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^(this node could not be asked: )?http:\/\/127\.0\.0\.1:8 gave no answer: /);
    }
  });
});

/** The Chef cookbook, run by Ruby with its resources recorded, and with the real command where a recipe runs failtome. */
import { readFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../../packages/cloud/src/embedded/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { program, runToEnd, temporaryFolder } from './support/command.ts';

const root = join(import.meta.dirname, '../..');
const cookbook = join(root, 'packages/agent/deploy/chef/failtome');
const KEY = 'Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyMDA=';
const URL = 'https://packages.example.org/failtome_0.1.0_amd64.deb';
const SHA256 = 'a'.repeat(64);

/** As the seed's page gives it to the stack. */
const SEED = {
  stack: { primary_ip: '54.173.141.243', failover_topic: 'arn:aws:sns:us-east-1:123456789012:failover' },
};

/** What OpsWorks adds on an instance while these are online. */
function withOpsworks(...online: readonly string[]) {
  const instances = Object.fromEntries(
    online.map((name, index) => [name, { private_ip: `10.0.1.${11 + index}` }]),
  );
  const instance = {
    id: 'a-uuid',
    hostname: 'saturn',
    region: 'us-east-1',
    private_ip: '10.0.1.11',
    layers: ['lb'],
  };
  return { ...SEED, opsworks: { stack: { name: 'shop' }, instance, layers: { lb: { instances } } } };
}

interface Declared {
  readonly type: string;
  readonly name: string;
  readonly action: readonly string[];
  readonly notifies: readonly (readonly string[])[];
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Recorded {
  readonly resources: readonly Declared[];
  readonly warnings: readonly string[];
  readonly metadata: readonly (readonly string[])[];
}

interface Scenario {
  readonly recipe: string;
  readonly attributes?: object;
  readonly family?: string;
  readonly existing?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Another one than ours. */
  readonly cookbook?: string;
}

type Context = Parameters<typeof temporaryFolder>[0];

async function ran(context: Context, { family = 'debian', environment, cookbook: other, ...rest }: Scenario) {
  const cache = await temporaryFolder(context);
  const file = join(cache, 'scenario.json');
  const scenario = {
    ...rest,
    platform_family: family,
    cache,
    failtome: [process.execPath, program],
    environment: environment ?? { AWS_EC2_METADATA_DISABLED: 'true' },
  };
  await writeFile(file, JSON.stringify(scenario));
  const ended = await runToEnd('ruby', [
    '-w',
    join(root, 'test/ways/chef-recorder.rb'),
    other ?? cookbook,
    file,
  ]);
  const nothing: Recorded = { resources: [], warnings: [], metadata: [] };
  const record: Recorded = ended.stdout === '' ? nothing : JSON.parse(ended.stdout);
  return { code: ended.code, stderr: ended.stderr, record };
}

/** A run that went well. */
async function recorded(context: Context, scenario: Scenario): Promise<Recorded> {
  const { code, stderr, record } = await ran(context, scenario);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return record;
}

/** Whatever is declared, without what depends on the machine. */
const outline = ({ resources }: Recorded): readonly string[] =>
  resources.map(({ type, name, action }) => `${type}[${name.replace(/.*\//, '…/')}] ${action.join(' ')}`);

const propertiesOf = ({ resources }: Recorded, name: string) =>
  resources.find((each) => each.name.endsWith(name))?.properties ?? {};

describe.skipIf(!has('ruby'))('the Chef cookbook', () => {
  test("its setup recipe takes the seed's custom JSON as it is, and the stack's configuration comes out", async (context) => {
    const failtome = { package_url: URL, package_sha256: SHA256, key: KEY };
    const record = await recorded(context, {
      recipe: 'setup',
      attributes: { ...withOpsworks('saturn', 'neptune'), failtome },
    });
    expect(outline(record)).toEqual([
      'remote_file[…/failtome.deb] create',
      'dpkg_package[failtome] upgrade',
      'service[failtome] nothing',
      'file[…/cluster.key] create',
      'file[…/failtome-stack.json] create',
      'file[…/failtome.yaml] create_if_missing',
      'service[failtome] enable start',
    ]);
    expect(propertiesOf(record, 'failtome.deb')).toMatchObject({ source: URL, checksum: SHA256 });
    expect(propertiesOf(record, 'cluster.key')).toMatchObject({
      content: `${KEY}\n`,
      owner: 'root',
      group: 'failtome',
      mode: '0640',
      sensitive: true,
    });
    // The recorder has carried out its verification: failtome accepts it.
    const { content, verify } = propertiesOf(record, 'failtome.yaml');
    expect(String(verify)).toContain('failtome config -c');
    for (const part of ['54.173.141.243', SEED.stack.failover_topic, 'neptune', 'http://10.0.1.12:8741'])
      expect(content).toContain(part);
    expect(record.warnings).toEqual([]);
  });

  test('while the other node is not online nothing is configured or started, and it says so', async (context) => {
    const record = await recorded(context, { recipe: 'setup', attributes: withOpsworks('saturn') });
    expect(outline(record)).toEqual([
      'package[failtome] install',
      'service[failtome] nothing',
      'file[…/failtome-stack.json] create',
      'service[failtome] enable',
    ]);
    expect(record.warnings.join('\n')).toContain('peers: the other instances of the layer');
    expect(record.warnings.join('\n')).toContain('there is no /etc/failtome/cluster.key yet');
  });

  test('of three nodes all have to be known before a configuration is written', async (context) => {
    const attributes = { ...withOpsworks('saturn', 'neptune'), failtome: { nodes: 3, key: KEY } };
    const record = await recorded(context, { recipe: 'setup', attributes });
    expect(outline(record)).not.toContain('file[…/failtome.yaml] create_if_missing');
    expect(record.warnings[0]).toContain('1 of 2 other nodes are known');
  });

  test('a given configuration is written as it is given, on Amazon Linux by rpm', async (context) => {
    const config = {
      cluster: 'shop',
      node: { id: 'saturn' },
      peers: [{ id: 'neptune', url: 'http://10.0.1.12:8741' }],
      auth: { keyFile: '/etc/failtome/cluster.key' },
      addresses: [{ ip: '54.173.141.243' }],
      local: { url: 'http://127.0.0.1/' },
      driver: { kind: 'ec2' },
    };
    const failtome = { config, package_url: URL, package_sha256: SHA256 };
    const scenario = { recipe: 'default', family: 'amazon', existing: ['/etc/failtome/cluster.key'] };
    const record = await recorded(context, { ...scenario, attributes: { failtome } });
    expect(outline(record)).toContain('rpm_package[failtome] upgrade');
    expect(JSON.parse(String(propertiesOf(record, 'failtome.yaml').content))).toEqual(config);
    expect(outline(record).at(-1)).toBe('service[failtome] enable start');
    const text = await recorded(context, {
      ...scenario,
      attributes: { failtome: { config: JSON.stringify(config) } },
    });
    expect(JSON.parse(String(propertiesOf(text, 'failtome.yaml').content))).toEqual(config);
  });

  test('the key comes from a secret where one is named, and is not asked for again', async (context) => {
    const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome-AbCdEf';
    const cloud = await startCloud({
      instances: [{ id: 'i-saturn' }],
      addresses: [],
      secrets: new Map([[arn, KEY]]),
    });
    context.onTestFinished(() => cloud.close());
    const scenario = {
      recipe: 'setup',
      attributes: { ...withOpsworks('saturn', 'neptune'), failtome: { key_secret: arn } },
      environment: cloud.environmentFor('i-saturn'),
    };
    const record = await recorded(context, scenario);
    expect(propertiesOf(record, 'cluster.key')).toMatchObject({ content: `${KEY}\n`, sensitive: true });
    await recorded(context, { ...scenario, existing: ['/etc/failtome/cluster.key'] });
    expect(cloud.calls.filter(({ action }) => action === 'secretsmanager:GetSecretValue')).toHaveLength(1);
  });

  test("the monit script's files go, and monit is told", async (context) => {
    const record = await recorded(context, { recipe: 'leave_monit' });
    expect(outline(record)).toEqual([
      'service[monit] nothing',
      'file[…/haproxywatch.monitrc] delete',
      'file[…/failtome.sh] delete',
    ]);
    expect(record.resources[1]?.notifies).toEqual([['reload', 'service[monit]', 'immediately']]);
  });

  test.each([
    ['a package without its hash', { package_url: URL }, 'package_url needs package_sha256'],
    ['a hash of another form', { package_url: URL, package_sha256: 'x' }, "package_sha256 can't be"],
    ['a driver that does not exist', { driver: 'ec3' }, "driver can't be"],
    ['a configuration that failtome refuses', { config: { cluster: 'shop' } }, 'verification failed'],
  ])('%s is refused', async (_, failtome, message) => {
    const recipe = 'config' in failtome ? 'default' : 'setup';
    const { code, stderr } = await ran(
      { onTestFinished },
      { recipe, attributes: { ...withOpsworks('saturn'), failtome } },
    );
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  test('its version and its needs are told to Chef', async (context) => {
    const { metadata } = await recorded(context, { recipe: 'leave_monit' });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(metadata).toContainEqual(['version', version]);
    // Chef Infra's release notes: unified_mode came with 15.3.
    expect(metadata).toContainEqual(['chef_version', '>= 15.3']);
  });

  test.each([
    ['unified_mode true', 'unified_mode false', 'not in unified mode'],
    ["mode '0600'", "mod '0600'", 'file has no property mod'],
    ["'service[failtome]', :delayed", "'service[haproxy]', :delayed", 'nobody declared service[haproxy]'],
    ['%i(enable start) : :enable', '%i(enable begin) : :enable_it', 'service has no action enable_it'],
  ])('the recorder refuses what Chef would: %s as %s', async (from, to, message) => {
    const context = { onTestFinished };
    const copy = join(await temporaryFolder(context), 'failtome');
    await cp(cookbook, copy, { recursive: true });
    const file = join(copy, 'resources/agent.rb');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(from, to));
    const attributes = { ...withOpsworks('saturn'), failtome: { key: KEY } };
    const { code, stderr } = await ran(context, { recipe: 'setup', attributes, cookbook: copy });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

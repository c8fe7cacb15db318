/** `failtome init`: what it writes, what it asks, and that it overwrites nothing. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createFiles, existing, type NewFile } from '../src/adapters/new-files.ts';
import { generateKey, readKeyFile } from '../src/auth/keys.ts';
import { checkConfig, faultLines } from '../src/config/load.ts';
import { AgentError } from '../src/errors.ts';
import { cli, type World } from './support/cli.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'failtome-init-'));
  folders.push(made);
  return made;
}

const PAIR = ['--ip', '54.173.141.243', '--node', 'saturn=10.0.1.12', '--node', 'neptune=10.0.1.11'];
const REAL: World = { existing, createFiles, generateKey };

/** What would be written, by its name, and what was said. */
async function planned(argv: readonly string[], world: World = {}) {
  const files: NewFile[] = [];
  const ran = await cli(['init', '--dir', '/srv/failtome', ...argv, '--yes'], {
    ...world,
    createFiles: async (each) => void files.push(...each),
  });
  return { ...ran, files: new Map(files.map((file) => [file.path, file])) };
}

function configIn(text: string, env: Readonly<Record<string, string>>, addresses: readonly string[] = []) {
  const result = checkConfig('failtome.yaml', Buffer.from(text), env, addresses);
  expect(result.kind === 'faulty' ? faultLines(result.faults, '') : []).toEqual([]);
  return result.kind === 'loaded' ? result : expect.unreachable();
}

test('it writes a configuration, a key and the next steps, with the modes that they need', async () => {
  const dir = join(await folder(), 'new');
  const topic = ['--topic', 'arn:aws:sns:us-east-1:123456789012:failover'];
  const { code, out, err } = await cli(['init', ...PAIR, ...topic, '--dir', dir, '--yes'], REAL);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect((await readdir(dir)).sort()).toEqual(['NEXT-STEPS.md', 'cluster.key', 'failtome.yaml']);
  const modes = await Promise.all(
    ['failtome.yaml', 'cluster.key'].map(async (name) => (await stat(join(dir, name))).mode & 0o777),
  );
  expect(modes).toEqual([0o644, 0o640]);
  const { keys, warnings } = await readKeyFile(join(dir, 'cluster.key'));
  expect({ count: keys.length, warnings }).toEqual({ count: 1, warnings: [] });
  expect(out).not.toContain((await readFile(join(dir, 'cluster.key'), 'utf8')).trim());
  expect(out).toContain(`${dir}/NEXT-STEPS.md`);
  const printed = await cli(['config', '-c', join(dir, 'failtome.yaml')], {
    readFile: async (path) => readFile(path),
  });
  expect({ code: printed.code, err: printed.err }).toEqual({ code: 0, err: '' });
});

test('the same file makes each node itself: by its address, by its name, and a witness in its role', async () => {
  const { files } = await planned([...PAIR, '--witness', 'pluto=10.0.2.10']);
  const text = files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  const byAddress = ['10.0.1.12', '10.0.1.11', '10.0.2.10'].map(
    (ip) => configIn(text, {}, [ip, '172.17.0.1']).config,
  );
  expect(byAddress.map(({ node }) => [node.id, node.role])).toEqual([
    ['saturn', 'candidate'],
    ['neptune', 'candidate'],
    ['pluto', 'witness'],
  ]);
  expect(byAddress.map(({ driver }) => driver?.kind ?? null)).toEqual(['ec2', 'ec2', null]);
  const byName = configIn(text, { FAILTOME_NODE_ID: 'pluto' });
  expect(byName.config.node).toMatchObject({ id: 'pluto', role: 'witness' });
  expect(byName.warnings.filter(({ path }) => path !== 'notify')).toEqual([]);
});

test('the next steps name every rule, every copy and the directory', async () => {
  const { files } = await planned([...PAIR, '--witness', 'pluto=10.0.2.10']);
  const text = files.get('/srv/failtome/NEXT-STEPS.md')?.text ?? '';
  for (const rule of [
    '| saturn | TCP 8741 | 10.0.1.11/32 | the agent of neptune |',
    '| saturn | TCP 8741 | 10.0.2.10/32 | the agent of pluto |',
    '| neptune | TCP 8741 | 10.0.1.12/32 | the agent of saturn |',
    '| pluto | TCP 8741 | 10.0.1.12/32 | the agent of saturn |',
    '| saturn | TCP 80 | 0.0.0.0/0 | clients, and the probes of all nodes |',
  ])
    expect(text).toContain(rule);
  expect(text).not.toContain('| pluto | TCP 80 |');
  expect(text).toContain('failtome iam -c /srv/failtome/failtome.yaml');
  expect(text.match(/^sudo tar .*ssh 10\.0\.\d\.\d+ /gm)).toHaveLength(3);
});

test('nothing is overwritten, and all that is there is told', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'cluster.key'), 'mine\n');
  await symlink('/nowhere', join(dir, 'failtome.yaml'));
  const { code, err } = await cli(['init', ...PAIR, '--dir', dir, '--yes'], REAL);
  expect(code).toBe(1);
  expect(err).toContain(join(dir, 'cluster.key'));
  expect(err).toContain(join(dir, 'failtome.yaml'));
  expect(await readFile(join(dir, 'cluster.key'), 'utf8')).toBe('mine\n');
});

test('what comes into being meanwhile stays, and what was written before it goes again', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'cluster.key'), 'mine\n');
  const { code, err } = await cli(['init', ...PAIR, '--dir', dir, '--yes'], {
    ...REAL,
    existing: async () => [],
  });
  expect(code).toBe(1);
  expect(err).toContain('EEXIST');
  expect(await readdir(dir)).toEqual(['cluster.key']);
});

test('a directory that cannot be made is told', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'file'), '');
  const { code, err } = await cli(['init', ...PAIR, '--dir', join(dir, 'file', 'deeper'), '--yes'], REAL);
  expect(code).toBe(1);
  expect(err).toMatch(/Nothing was written: .*ENOTDIR/);
});

test('without a terminal and --yes it shows everything and writes nothing', async () => {
  const dir = await folder();
  const { code, out, err } = await cli(['init', ...PAIR, '--dir', dir], REAL);
  expect(code).toBe(1);
  expect(out).toContain('url: "http://10.0.1.12:8741"');
  expect(err).toContain('--yes');
  expect(await readdir(dir)).toEqual([]);
});

test.each([
  ['y', 0],
  ['Yes', 0],
  ['', 1],
  ['n', 1],
])('on a terminal the answer %j decides', async (answer, code) => {
  const dir = await folder();
  const ran = await cli(['init', ...PAIR, '--dir', dir], { ...REAL, ask: async () => answer });
  expect(ran.code).toBe(code);
  expect(await readdir(dir)).toHaveLength(code === 0 ? 3 : 0);
});

test('as JSON it tells the files and whether they were written, never the key, and asks nothing', async () => {
  const dir = join(await folder(), 'new');
  const ask = () => expect.unreachable();
  const shown = await cli(['init', ...PAIR, '--dir', dir, '--json'], { ...REAL, ask });
  expect(shown.code).toBe(1);
  const { written, files } = JSON.parse(shown.out);
  expect(written).toBe(false);
  expect(files).toEqual([
    { path: `${dir}/failtome.yaml`, mode: '0644', text: expect.stringContaining('54.173.141.243') },
    { path: `${dir}/cluster.key`, mode: '0640', text: null },
    { path: `${dir}/NEXT-STEPS.md`, mode: '0644', text: expect.stringContaining('Next steps') },
  ]);
  const done = await cli(['init', ...PAIR, '--dir', dir, '--json', '--yes'], { ...REAL, ask });
  expect([done.code, JSON.parse(done.out).written]).toEqual([0, true]);
  expect(done.out).not.toContain((await readFile(join(dir, 'cluster.key'), 'utf8')).trim());
});

test('on a terminal it asks for what it can neither find nor was given, and for nothing else', async () => {
  const asked: string[] = [];
  const answers = ['54.173.141.243'];
  const ask = async (question: string): Promise<string> => {
    asked.push(question);
    return answers.shift() ?? '';
  };
  const { code } = await planned(PAIR.slice(2), { ask });
  expect(code).toBe(0);
  expect(asked).toEqual(['The Elastic IP that the nodes share: ']);
});

test('elsewhere it says all that is to be given', async () => {
  const { code, err, files } = await planned([]);
  expect({ code, count: files.size }).toEqual({ code: 2, count: 0 });
  expect(err).toContain('--ip IP');
  expect(err).toContain('--node ID=ADDRESS');
  expect(err).toContain('(looked up in vain: no instance metadata)');
});

test('what is found on an instance is written, and what is given counts before it', async () => {
  const nodes = [
    { id: 'saturn', role: 'candidate', address: '10.0.1.12' },
    { id: 'neptune', role: 'candidate', address: '10.0.1.11' },
    { id: 'pluto', role: 'witness', address: '10.0.2.10' },
  ] as const;
  const lookUpCluster = async () => ({ cluster: 'shop', ips: ['54.173.141.243'], nodes, obstacles: [] });
  const found = await planned([], { lookUpCluster });
  const text = found.files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  const { config } = configIn(text, {}, ['10.0.2.10']);
  expect(config).toMatchObject({ cluster: 'shop', node: { id: 'pluto', role: 'witness' } });
  const given = await planned(['--ip', '54.173.141.244', '--cluster', 'web'], { lookUpCluster });
  const other = given.files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  expect(configIn(other, {}, ['10.0.1.12']).config).toMatchObject({
    cluster: 'web',
    addresses: [{ ip: '54.173.141.244' }],
  });
});

test.each([
  ['--ip', 'here'],
  ['--node', 'saturn'],
  ['--node', 'saturn='],
  ['--node', 'sat urn=10.0.1.12'],
  ['--node', 'saturn=http://10.0.1.12'],
  ['--topic', 'failover'],
  ['--table', 'no'],
  ['--cluster', 'a b'],
])('%s %j is refused', async (option, value) => {
  expect((await cli(['init', option, value])).code).toBe(2);
});

test('a pair with a table has a relay by it, and an arbiter where one is asked for', async () => {
  const relayed = await planned([...PAIR, '--table', 'failtome-web']);
  const text = relayed.files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  const { config } = configIn(text, {}, ['10.0.1.12']);
  expect(config.store).toMatchObject({ kind: 'dynamodb', table: 'failtome-web' });
  expect(config.agreement.arbiter).toBe(false);
  const steps = relayed.files.get('/srv/failtome/NEXT-STEPS.md')?.text ?? '';
  expect(steps).toContain('aws dynamodb create-table --table-name failtome-web');
  expect(steps).toContain('EC2, DynamoDB and STS');
  const voted = await planned([...PAIR, '--table', 'failtome-web', '--arbiter']);
  const other = voted.files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  expect(configIn(other, {}, ['10.0.1.12']).config.agreement.arbiter).toBe(true);
});

test.each([
  ['without a table', []],
  ['beside a witness', ['--table', 'failtome', '--witness', 'pluto=10.0.2.10']],
])('an arbiter %s is refused before anything is written', async (_, more) => {
  const { code, err, files } = await planned([...PAIR, '--arbiter', ...more]);
  expect({ code, count: files.size }).toEqual({ code: 2, count: 0 });
  expect(err).toContain('agreement.arbiter');
});

test('a node given twice, or at the shared address, is refused before anything is written', async () => {
  const twice = await planned([...PAIR, '--node', 'saturn=10.0.1.13']);
  expect({ code: twice.code, count: twice.files.size }).toEqual({ code: 2, count: 0 });
  expect(twice.err).toContain('peers');
  const shared = await planned(['--ip', '10.0.1.12', ...PAIR.slice(2)]);
  expect(shared.code).toBe(2);
});

test('a directory with a name that a shell would take apart is quoted in the commands', async () => {
  const dir = join(await folder(), "it's here");
  await mkdir(dir);
  await cli(['init', ...PAIR, '--dir', dir, '--yes'], REAL);
  expect(await readFile(join(dir, 'NEXT-STEPS.md'), 'utf8')).toContain(`'${dir.replace("'", `'\\''`)}'`);
});

test.each(['docs/set-up.md', 'README.md'])('the commands of %s do what it says', async (page) => {
  const text = await readFile(new URL(`../../../${page}`, import.meta.url), 'utf8');
  const commands = [...text.matchAll(/^failtome (init|iam)(.*?)(?: > .*)?$/gm)].map(
    ([, verb = '', rest = '']) => [verb, ...rest.split(' ').slice(1)],
  );
  expect(commands.length).toBeGreaterThan(0);
  const { files } = await planned((commands[0] ?? []).slice(1));
  const config = files.get('/srv/failtome/failtome.yaml')?.text ?? '';
  for (const [verb = '', ...rest] of commands.slice(1)) {
    const lookUpForIam = async () => ({
      region: 'us-east-1',
      account: '123456789012',
      allocationIds: new Map<string, string>(),
      profiles: ['arn:aws:iam::123456789012:instance-profile/haproxy'],
      subnets: ['subnet-0a1b'],
      stackId: null,
      obstacles: [],
    });
    const world = {
      files: { '/etc/failtome/failtome.yaml': config },
      env: { FAILTOME_NODE_ID: 'saturn' },
      lookUpForIam,
    };
    const { code, err } = await cli([verb, ...rest], world);
    expect({ code, err }, rest.join(' ')).toEqual({ code: 0, err: '' });
  }
});

const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome/web-AbCdEf';

test('with a secret the key comes from there, is shown nowhere, and every node makes its own copy', async () => {
  const asked: string[] = [];
  const { code, files, out } = await planned([...PAIR, '--key-secret', SECRET], {
    readKeySecret: async (arn) => {
      asked.push(arn);
      return 'the-shared-key\n';
    },
  });
  expect({ code, asked }).toEqual({ code: 0, asked: [SECRET] });
  expect(files.get('/srv/failtome/cluster.key')).toMatchObject({ text: 'the-shared-key\n', mode: 0o640 });
  expect(out).not.toContain('the-shared-key');
  const steps = files.get('/srv/failtome/NEXT-STEPS.md')?.text ?? '';
  expect(steps).not.toContain('ssh');
  expect(steps).toContain(`failtome iam -c /srv/failtome/failtome.yaml --key-secret ${SECRET} >`);
});

test('a key that cannot be had is told, and nothing is written', async () => {
  const { code, err, files } = await planned([...PAIR, '--key-secret', SECRET], {
    readKeySecret: async () => {
      throw new AgentError(
        'KEY_SECRET_UNREADABLE',
        'secretsmanager:GetSecretValue: AccessDenied',
        'retryable',
      );
    },
  });
  expect({ code, count: files.size }).toEqual({ code: 1, count: 0 });
  expect(err).toContain('secretsmanager:GetSecretValue: AccessDenied');
});

test.each(['failtome/web', 'arn:aws:sns:us-east-1:123456789012:failover', `${SECRET}:json-key`])(
  '%s is not the whole ARN of a secret',
  async (written) => {
    const { code, err } = await planned([...PAIR, '--key-secret', written]);
    expect(code).toBe(2);
    expect(err).toContain('whole ARN');
  },
);

test('fewer or more nodes than expected are refused, so that none is forgotten while others start', async () => {
  const found = (...names: readonly string[]): World => ({
    lookUpCluster: async () => ({
      cluster: 'shop',
      ips: ['54.173.141.243'],
      nodes: names.map((id, index) => ({ id, role: 'candidate', address: `10.0.1.${index + 1}` })),
      obstacles: [],
    }),
  });
  const few = await planned(['--expect', '3'], found('a', 'b'));
  expect({ code: few.code, count: few.files.size }).toEqual({ code: 1, count: 0 });
  expect(few.err).toContain('expected 3 nodes, found 2: a, b');
  expect(await planned(['--expect', '2'], found('a', 'b', 'c'))).toMatchObject({ code: 1 });
  expect(await planned(['--expect', '2'], found('a', 'b'))).toMatchObject({ code: 0 });
  expect(await planned(['--expect', '1'], found('a', 'b'))).toMatchObject({ code: 2 });
});

test('a path is what both the address and the own HAProxy are asked for', async () => {
  const { files } = await planned([...PAIR, '--path', '/healthz']);
  const { config } = configIn(files.get('/srv/failtome/failtome.yaml')?.text ?? '', {
    FAILTOME_NODE_ID: 'saturn',
  });
  expect(config.addresses.map(({ probe }) => probe.path)).toEqual(['/healthz']);
  expect(JSON.stringify(config.local)).toContain('127.0.0.1/healthz');
  expect(await planned([...PAIR, '--path', 'healthz'])).toMatchObject({ code: 2 });
});

test('failtome keygen prints the key of a secret, for key files that something else writes', async () => {
  const read: World = { readKeySecret: async () => 'one\ntwo\n' };
  expect(await cli(['keygen', '--from-secret', SECRET], read)).toMatchObject({ code: 0, out: 'one\ntwo\n' });
  const json = await cli(['keygen', '--from-secret', SECRET, '--json'], read);
  expect(JSON.parse(json.out)).toEqual({ keys: ['one', 'two'] });
  const failed = await cli(['keygen', '--from-secret', SECRET], {
    readKeySecret: () =>
      Promise.reject(new AgentError('KEY_SECRET_UNREADABLE', 'no such secret', 'retryable')),
  });
  expect(failed).toMatchObject({ code: 1, out: '', err: 'no such secret\n' });
  expect(await cli(['keygen', '--from-secret', SECRET, '--identity'], read)).toMatchObject({ code: 2 });
});

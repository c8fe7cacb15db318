/** The command line itself, and the verbs run, keygen and config. */
import { describe, expect, test } from 'vitest';
import { generateIdentity, parseIdentity } from '../src/auth/identity.ts';
import type { RunRequest } from '../src/cli/dependencies.ts';
import { CONFIG, cli } from './support/cli.ts';

describe('the command line', () => {
  test.each<readonly [argv: readonly string[], message: string]>([
    [[], 'Usage: failtome'],
    [['fly'], "unknown command 'fly'"],
    [['statsu'], '(Did you mean status?)'],
    [['status', '--colour'], "unknown option '--colour'"],
    [['why', 'one', 'two'], 'too many arguments'],
    [['config', '--from-stack-json'], 'argument missing'],
    [['pause', '--for', '10'], 'Write a duration such as 30s, 10m or 1h.'],
    [['pause', '--for', '0s'], 'Write a duration such as 30s, 10m or 1h.'],
    [['handover', '--timeout', 'soon'], 'Write a duration such as 30s, 10m or 1h.'],
    [['pause', '--reason', 'x'.repeat(201)], 'At most 200 characters, and it has 201.'],
    [['status', '--url', '10.0.1.12:8741'], '--url: found "10.0.1.12:8741", expected an http or https URL'],
    [['status', '-c', '/missing.yaml'], '/missing.yaml: found no such file'],
    [
      ['check', '--url', 'http://10.0.1.12:8741'],
      '--url: found "http://10.0.1.12:8741", expected --config FILE',
    ],
    [
      ['pause', '--url', 'http://10.0.1.12:8741'],
      '--key-file: found nothing, expected the path of the cluster key',
    ],
  ])('%j is a fault of usage: exit 2, and it says so', async (argv, message) => {
    const { code, out, err } = await cli(argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(out).toBe('');
  });

  test.each([['--help'], ['--version'], ['help']])('%s is no fault', async (argument) => {
    const { code, out } = await cli([argument]);
    expect(code).toBe(0);
    expect(out).not.toBe('');
  });

  test('every verb takes --json', async () => {
    const { out } = await cli(['--help']);
    const verbs = Array.from(out.matchAll(/^ {2}([a-z]+) /gm), ([, verb = '']) => verb).filter(
      (verb) => verb !== 'help',
    );
    expect(verbs.length).toBeGreaterThan(10);
    for (const verb of verbs) {
      const { err } = await cli([verb, '--json', '--no-such-option']);
      expect(err, verb).toContain("unknown option '--no-such-option'");
    }
  });

  test('every verb tells its options', async () => {
    const verbs = [
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
    ];
    const { out } = await cli(['--help']);
    for (const verb of verbs) {
      expect(out).toContain(`  ${verb}`);
      expect((await cli([verb, '--help'])).out).toContain(`Usage: failtome ${verb}`);
    }
  });
});

describe('run', () => {
  test('does not start with a faulty configuration: exit 2, one line a fault', async () => {
    const started: RunRequest[] = [];
    const files = {
      '/f.yaml': CONFIG.replace('cluster: web', 'clustr: web').replace('kind: ec2', 'kind: gce'),
    };
    const { code, err } = await cli(['run', '--config', '/f.yaml'], {
      files,
      runAgent: async (request) => {
        started.push(request);
        return 0;
      },
    });
    expect(code).toBe(2);
    expect(started).toEqual([]);
    expect(
      err
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['clustr', 'driver.kind', 'cluster']);
    expect(err).toContain('did you mean cluster?');
  });

  test('hands the configuration over, and ends as the agent ends', async () => {
    const started: RunRequest[] = [];
    const { code, err } = await cli(['run', '-c', '/f.yaml'], {
      files: { '/f.yaml': CONFIG.replace('{ kind: ec2 }', '{ kind: ec2, displace: allow }') },
      env: { FAILTOME_PRIORITY: '7' },
      runAgent: async (request) => {
        started.push(request);
        return 2;
      },
    });
    expect([code, err]).toEqual([2, '']);
    expect(started).toMatchObject([
      { file: '/f.yaml', config: { cluster: 'web', node: { id: 'saturn', priority: 7 } }, version: '1.2.3' },
    ]);
    expect(started[0]?.warnings).toEqual([
      'driver.displace: allow: taking an address may throw another Elastic IP off this node',
    ]);
  });
});

describe('keygen', () => {
  test('prints the key and nothing else', async () => {
    expect(await cli(['keygen'])).toEqual({ code: 0, out: 'a-new-key\n', err: '' });
  });

  test('prints an identity as its file, and the public half where a redirected output does not hide it', async () => {
    const { code, out, err } = await cli(['keygen', '--identity']);
    expect(code).toBe(0);
    const { publicKey } = parseIdentity(out, 'saturn.key');
    expect(out.split('\n')).toEqual([
      `# The public key of this identity: ${publicKey.text}`,
      expect.any(String),
      '',
    ]);
    expect(err).toBe(`public key: ${publicKey.text}\n`);
    expect((await cli(['keygen', '--identity'], { isTTY: true })).err).toBe('');
  });

  test('prints the public half of an identity that is there, and says what is wrong with a file that holds none', async () => {
    const { privateKey, publicKey } = generateIdentity();
    const files = { '/saturn.key': privateKey, '/public.key': publicKey };
    expect(await cli(['keygen', '--public', '/saturn.key'], { files })).toEqual({
      code: 0,
      out: `${publicKey}\n`,
      err: '',
    });
    const asJson = await cli(['keygen', '--public', '/saturn.key', '--json'], { files });
    expect(JSON.parse(asJson.out)).toEqual({ publicKey });
    const wrong = await cli(['keygen', '--public', '/public.key'], { files });
    expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringContaining('line 1: a public key') });
    expect((await cli(['keygen', '--public', '/gone'], { files })).code).toBe(2);
  });

  test('prints both halves of an identity as JSON', async () => {
    const { out, err } = await cli(['keygen', '--identity', '--json']);
    const { privateKey, publicKey } = JSON.parse(out);
    expect(parseIdentity(privateKey, 'saturn.key').publicKey.text).toBe(publicKey);
    expect(err).toBe('');
  });
});

describe('config', () => {
  test('prints what counts and where it came from', async () => {
    const { code, out, err } = await cli(['config'], { env: { FAILTOME_PRIORITY: '7' } });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('  priority: 7 # FAILTOME_PRIORITY\n');
    expect(out).toContain('  kind: ec2 # /etc/failtome/failtome.yaml:8\n');
    expect(out).toContain('holdDown: 60s # default\n');
  });

  test('as JSON, has the shape of the file and an origin for each value', async () => {
    const json = JSON.parse((await cli(['config', '--json'])).out);
    expect(json).toMatchObject({
      file: '/etc/failtome/failtome.yaml',
      config: { cluster: 'web', addresses: [{ ip: '54.173.141.243', probe: { interval: '1s' } }] },
      origins: { cluster: { kind: 'file', line: 1 }, 'addresses[0].probe.interval': { kind: 'default' } },
      warnings: [],
    });
  });

  test('never shows the password of the own check', async () => {
    const files = { '/f.yaml': CONFIG.replace('http://127.0.0.1/', 'http://ann:hunter2@127.0.0.1/') };
    for (const json of [[], ['--json']]) {
      const { code, out, err } = await cli(['config', '-c', '/f.yaml', ...json], { files });
      expect(code).toBe(0);
      expect(out + err).not.toContain('hunter2');
    }
  });

  test('from a stack’s JSON with parts missing: prints what it can, names the rest, exits with 1', async () => {
    const files = {
      '/stack.json': JSON.stringify({
        stack: { primary_ip: '54.173.141.243', failover_topic: '<my SNS ARN>' },
      }),
    };
    const { code, out, err } = await cli(['config', '--from-stack-json', '/stack.json'], { files });
    expect(code).toBe(1);
    expect(out).toContain('  - ip: "54.173.141.243"\n');
    expect(err).toContain('notify.sns.topicArn: ');
    expect((await cli(['config', '--from-stack-json', '/none.json'])).code).toBe(2);
    expect((await cli(['config', '--from-stack-json', '/bad'], { files: { '/bad': '[' } })).code).toBe(2);
  });
});

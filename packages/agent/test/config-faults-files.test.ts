/** What is wrong with a whole file, with the environment, and with what a role has no use for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_FILE_BYTES } from '@failtome/config';
import { describe, expect, test } from 'vitest';
import { faultLines, loadConfig } from '../src/config/load.ts';
import { GOOD, linesOf, warningsOf, withSection } from './support/faulty-config.ts';

const wholeFiles: readonly (readonly [what: string, yaml: string, lines: readonly string[]])[] = [
  [
    'an empty file lacks all that is required',
    '',
    [
      'cluster: found nothing, expected a name of 1 to 64 letters, digits, dots, hyphens and underscores',
      'peers: found nothing, expected a list of at least one { id, url, role }',
      'auth.keyFile: found nothing, expected the path of the file that holds the key; or set FAILTOME_KEY_FILE',
      'addresses: found nothing, expected a list of at least one { ip, probe }',
      'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec, because node.role is candidate; a node that never takes an address has role: witness',
    ],
  ],
  [
    'faults of several kinds are told at once, in the order of the file',
    `${GOOD}gossip: { intervall: 5, timeout: 5 }\nholdown: 60s\nlocal: { fall: 0 }\nagreement: { lease: 10 }\n`,
    [
      'gossip.timeout: found 5 (a number without a unit), expected a duration from 20ms to 1m, such as 500ms, 2s or 1m; write 5s for seconds or 5ms (f.yaml:9)',
      'gossip.intervall: found an unknown key, expected one of interval, dead, timeout and fanout; did you mean interval? (f.yaml:9)',
      'holdown: found an unknown key, expected one of cluster, preset, node, api, peers, auth, addresses, local, gossip, agreement, guard, driver, store, failback, notify, holdDown, flap, handover, stateDir, recorder and log; did you mean holdDown? (f.yaml:10)',
      'local.fall: found 0, expected a whole number from 1 to 100 (f.yaml:11)',
      'agreement.lease: found 10 (a number without a unit), expected a duration from 2s to 5m, such as 500ms, 2s or 1m; write 10s for seconds or 10ms (f.yaml:12)',
    ],
  ],
  [
    'a key that stands twice',
    `${GOOD}holdDown: 60s\nholdDown: 30s\n`,
    ['holdDown: found the key twice, first on line 9, expected it once (f.yaml:10)'],
  ],
  [
    'a key that stands twice inside a list',
    GOOD.replace('ip: 54.173.141.243', 'ip: 54.173.141.243, ip: 54.173.141.244'),
    ['addresses[0].ip: found the key twice, first on line 7, expected it once (f.yaml:7)'],
  ],
  [
    'a syntax error, with its line',
    `${GOOD}gossip: { interval: 1s\n`,
    [
      'f.yaml:10: found invalid YAML (Flow map in block collection must be sufficiently indented and end with a }), expected one valid YAML document',
    ],
  ],
  [
    'a tab for indentation',
    `${GOOD}gossip:\n\tinterval: 1s\n`,
    [
      'f.yaml:10: found invalid YAML (Tabs are not allowed as indentation), expected one valid YAML document; YAML is indented with spaces, not tabs',
    ],
  ],
  [
    'two documents',
    `${GOOD}---\n${GOOD}`,
    ['f.yaml:9: found the start of a second document, expected one valid YAML document'],
  ],
  ['a list', '- cluster: web\n', ["f.yaml: found a list, expected a map of the configuration's sections"]],
  ['prose', 'hello\n', ['f.yaml: found "hello", expected a map of the configuration\'s sections']],
  ['binary data', 'cluster: \0\n', ['f.yaml: found binary data, expected text in UTF-8']],
  [
    'an alias without an anchor',
    GOOD.replace('cluster: web', 'cluster: *name'),
    ['cluster: found an alias, *name, without its anchor, expected &name at an earlier value (f.yaml:1)'],
  ],
  [
    'aliases that multiply',
    `${GOOD}a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n${[...'bcdefghi']
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`)
      .join('\n')}`,
    [
      'f.yaml: found more values, aliases or levels than a file can need, expected at most 50000 values, 100 aliases and 16 levels',
    ],
  ],
  [
    'an anchor that contains itself',
    `${GOOD}loop: &loop [*loop]\n`,
    [
      'f.yaml: found more values, aliases or levels than a file can need, expected at most 50000 values, 100 aliases and 16 levels',
    ],
  ],
];

describe('whole files', () => {
  test.each(wholeFiles)('%s', (_, yaml, lines) => {
    expect(linesOf(yaml)).toEqual(lines);
  });

  test('no message breaks its line, whatever the file holds', () => {
    for (const line of linesOf(withSection('cluster: "a\\nb\\u001b[31m\\u0085c"'))) {
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });

  test('a password in a URL and a key in the place of its path are never repeated', () => {
    const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
    const yaml = GOOD.replace('/etc/failtome/cluster.key', key).replace(
      '10.0.1.11',
      'root:hunter2@10.0.1.11',
    );
    const output = linesOf(yaml).join('\n');
    expect(output).toContain('auth.keyFile');
    expect(output).toContain('peers[0].url');
    expect(output).not.toContain(key.slice(0, 8));
    expect(output).not.toContain('hunter2');
  });
});

describe('the environment', () => {
  test.each([
    ['FAILTOME_NODE_ID', 'two words', 'node.id: found "two words", expected a name of'],
    ['FAILTOME_PRIORITY', 'high', 'node.priority: found "high", expected a whole number'],
    ['FAILTOME_LISTEN', '8741', 'api.listen: found "8741", expected host:port'],
    ['FAILTOME_ADVERTISE', 'http://0.0.0.0:8741', 'api.advertise: found "http://0.0.0.0:8741", expected'],
    ['FAILTOME_KEY_FILE', '/etc/', 'auth.keyFile: found "/etc/", expected the path of the file'],
    ['FAILTOME_LOG_LEVEL', 'loud', 'log.level: found "loud", expected debug, info, warn or error'],
    ['FAILTOME_INSTANCE_ID', 'saturn', 'driver.instanceId: found "saturn", expected an EC2 instance id'],
    ['FAILTOME_NETWORK_INTERFACE_ID', 'ens5', 'driver.networkInterfaceId: found "ens5", expected the id of'],
  ])('%s=%s is checked like the key it overrides, and named', (variable, value, beginning) => {
    const [line, ...others] = linesOf(GOOD, { [variable]: value });
    expect(others).toEqual([]);
    expect(line).toContain(beginning);
    expect(line).toMatch(new RegExp(` \\(environment variable ${variable}\\)$`));
  });

  test('a variable that looks like one of ours and is none is told, and refuses nothing', () => {
    expect(linesOf(GOOD, { FAILTOME_NODEID: 'saturn' })).toEqual([]);
    expect(warningsOf(GOOD, { FAILTOME_NODEID: 'saturn' })).toContain(
      'FAILTOME_NODEID: is not a variable that is read; did you mean FAILTOME_NODE_ID?',
    );
  });
});

describe('what a witness or a member has no use for', () => {
  test.each(['witness', 'member'])(
    'a %s passes over a faulty driver, local and notify, and says so',
    (role) => {
      const yaml = GOOD.replace('id: saturn', `id: saturn, role: ${role}`)
        .replace('- { id: neptune', '- { id: pluto, url: "http://10.0.1.13:8741" }\n  - { id: neptune')
        .replace('kind: ec2', 'kind: gcp')
        .concat('local: { fall: 0 }\nnotify: { sns: { topicArn: nowhere } }\n');
      expect(linesOf(yaml)).toEqual([]);
      expect(warningsOf(yaml)).toEqual([
        `local.fall: found 0, expected a whole number from 1 to 100; ignored, because node.role is ${role}`,
        `driver.kind: found "gcp", expected ec2, ec2-private-ip, ec2-route, opsworks or exec; ignored, because node.role is ${role}`,
        'notify.sns.topicArn: found "nowhere", expected the ARN of a standard SNS topic such as ' +
          `arn:aws:sns:us-east-1:123456789012:failover; ignored, because node.role is ${role}`,
      ]);
    },
  );
});

describe('a file that cannot be read', () => {
  async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'failtome-config-'));
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function linesOfFile(file: string): Promise<readonly string[]> {
    const result = await loadConfig(file, {});
    return result.kind === 'faulty' ? faultLines(result.faults, file) : [];
  }

  test('is named, with what is wrong with it', async () => {
    await inFolder(async (folder) => {
      const missing = join(folder, 'missing.yaml');
      expect(await linesOfFile(missing)).toEqual([
        `${missing}: found no such file, expected a YAML file of at most 1 MiB; name the file with --config FILE`,
      ]);
      expect(await linesOfFile(folder)).toEqual([
        `${folder}: found a directory, expected a YAML file of at most 1 MiB; name the file in it`,
      ]);
    });
  });

  test('is not read beyond the largest size', async () => {
    await inFolder(async (folder) => {
      const huge = join(folder, 'huge.yaml');
      await writeFile(huge, '#'.repeat(MAX_FILE_BYTES + 1));
      expect(await linesOfFile(huge)).toEqual([
        `${huge}: found more than 1 MiB, expected a YAML file of at most 1 MiB`,
      ]);
    });
  });

  test('that the system refuses to open is told as such', async () => {
    const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const result = await loadConfig('/etc/f.yaml', {}, () => Promise.reject(refused));
    expect(result.kind === 'faulty' && faultLines(result.faults, '/etc/f.yaml')).toEqual([
      '/etc/f.yaml: found a file that may not be read, expected a YAML file of at most 1 MiB; give the user that runs failtome the right to read it',
    ]);
  });
});

/** The user data of the templates makes two bare machines a pair that fails over, and nobody logs in to them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../../packages/cluster/src/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { deployed } from '../ways/blocks.ts';
import { isFields, parseTemplate, stackOf } from '../ways/cloudformation-template.ts';
import { temporaryFolder } from './support/command.ts';
import { ids, sharedAddress, topicArn } from './support/namespaces.ts';
import { packageIn } from './support/package.ts';
import { packageUrl, secretArn, UserDataPair } from './support/user-data-pair.ts';

const timeout = 600_000;
const canRun = has('root') && has('ip') && has('debootstrap');
const missing = canRun ? '' : ' (skipped: needs root, ip and debootstrap)';

/** What EC2 would hand to an instance of the stack. */
function ofCloudFormation(sha256: string): string {
  const given = {
    PackageUrl: packageUrl,
    PackageSha256: sha256,
    ElasticIp: sharedAddress,
    AllocationId: 'eipalloc-1',
  };
  const known = { Key: secretArn, Topic: topicArn };
  const { resources } = stackOf(parseTemplate(deployed('cloudformation/failtome.yaml')), given, known);
  const data = resources.NodeTemplate?.Properties;
  const launch = isFields(data) ? data.LaunchTemplateData : null;
  return isFields(launch ?? null) && typeof launch === 'object' && launch !== null && 'UserData' in launch
    ? String(launch.UserData)
    : expect.unreachable();
}

/** First with another hash than the package's, which has to be refused, and then with the right one. */
function afterRefusal(wrong: string, right: string): string {
  return `#!/bin/sh
sh <<'WRONG'
${wrong}
WRONG
[ $? -eq 1 ] || { echo 'a package with another hash was not refused'; exit 9; }
! command -v failtome || exit 8
${right}`;
}

/** What cloud-init would do with the user data, its settings filled in: write the files, and run the command. */
function ofCloudInit(sha256: string): string {
  const settings: Readonly<Record<string, string>> = {
    FAILTOME_PACKAGE_URL: packageUrl,
    FAILTOME_PACKAGE_SHA256: sha256,
    FAILTOME_KEY_SECRET: secretArn,
    FAILTOME_NODES: '2',
    FAILTOME_IP: sharedAddress,
    FAILTOME_TOPIC: topicArn,
  };
  const text = deployed('cloud-init/user-data.yaml').replace(
    /^( +)(FAILTOME_\w+)='.*'$/gm,
    (_, indent: string, name: string) => `${indent}${name}='${settings[name] ?? ''}'`,
  );
  const config: {
    readonly write_files: readonly {
      readonly path: string;
      readonly permissions: string;
      readonly content: string;
    }[];
    readonly runcmd: readonly (readonly string[])[];
  } = parse(text);
  const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  const files = config.write_files.map(
    ({ path, permissions, content }) =>
      `mkdir -p "$(dirname ${path})"\nprintf %s ${quoted(content)} >${path}\nchmod ${permissions} ${path}`,
  );
  const commands = config.runcmd.map((words) => words.map(quoted).join(' '));
  return ['#!/bin/sh', 'set -e', ...files, ...commands, ''].join('\n');
}

describe.skipIf(!canRun)(`two bare machines with nothing but user data${missing}`, () => {
  test('refuse another package, become a pair that takes its address, and fail over', {
    timeout,
  }, async (context) => {
    const deb = packageIn(await temporaryFolder(context));
    const sha256 = createHash('sha256').update(readFileSync(deb)).digest('hex');
    const pair = new UserDataPair();
    context.onTestFinished(() => pair.close());
    await pair.start(deb, {
      saturn: afterRefusal(ofCloudFormation('0'.repeat(64)), ofCloudFormation(sha256)),
      neptune: ofCloudInit(sha256),
    });
    try {
      await until('both nodes to be set up', () => ids.every((id) => pair.isSetUp(id)), {
        withinMs: 60_000,
      });

      const [holder = '', ...others] = pair.takers();
      expect(others, 'the address has been taken once').toEqual([]);
      expect(pair.output('saturn')).toContain('has another SHA-256');
      const config = '/etc/failtome/failtome.yaml';
      expect(pair.readFile('saturn', config)).toBe(pair.readFile('neptune', config));
      expect(pair.readFile('saturn', '/etc/failtome/cluster.key')).toBe(
        pair.readFile('neptune', '/etc/failtome/cluster.key'),
      );
      for (const id of ids)
        expect(pair.run(id, 'stat', '-c', '%a %U:%G', '/etc/failtome/cluster.key').trim()).toBe(
          '640 root:failtome',
        );

      const [served, standby] = holder === 'i-saturn' ? ids : ids.toReversed();
      if (served === undefined || standby === undefined) return expect.unreachable();
      await until(
        'the standby to be ready',
        () => JSON.parse(pair.run(standby, 'failtome', 'status', '--json')).node.ready === true,
        { withinMs: 60_000 },
      );
      pair.run(served, 'sh', '-c', 'kill $(cat /run/haproxy.pid)');
      await until('the address to move', () => pair.takers().length === 2, { withinMs: 60_000 });
      expect(pair.takers()[1]).toBe(`i-${standby}`);
      await until(
        'people to be told',
        () =>
          pair.cloud().published.some(({ message }) => message.startsWith(`Instance i-${standby} took over`)),
        { withinMs: 60_000 },
      );

      // Run again it changes nothing.
      const before = pair.readFile(standby, '/etc/haproxy/haproxy.cfg');
      pair.run(standby, 'sh', '-c', 'set -a; . /etc/default/failtome; FAILTOME_PAUSE=1; /user-data');
      expect(pair.readFile(standby, '/etc/haproxy/haproxy.cfg')).toBe(before);
      expect(pair.takers()).toHaveLength(2);
    } catch (error) {
      process.stderr.write(`${pair.transcript()}\n`);
      throw error;
    }
  });
});

/** Whoever reads all that an agent writes and answers learns no key, no signature and no credentials. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failtome } from './support/command.ts';
import { forgerOf, SIGNATURE_HEADER, strangersKeys } from './support/forge.ts';
import { listenIn } from './support/recorder.ts';
import { scenario } from './support/scenario.ts';

/** A part of a web hook's URL: whoever has it can speak there. Nobody listens, so that each try fails. */
const HOOK = 'T0-hook-s3cret';

scenario(
  'after a failover, refusals and failures at debug level, nothing secret stands anywhere',
  {
    settings: {
      log: { level: 'debug' },
      agreement: { lease: '8s' },
      notify: { webhook: { url: `http://127.0.0.1:1/hooks/${HOOK}` } },
    },
  },
  async (scene) => {
    const { cluster } = scene;
    const { cloud } = cluster;
    const neptune = cluster.node('neptune');
    const { accessKeyId, secretAccessKey } = cloud.accessKeyFor(neptune.instanceId);
    await neptune.agent.stop();
    neptune.agent.start({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
    await cluster.settled();

    const { recorder, close } = await listenIn(cluster, 'neptune', 'saturn');
    try {
      // Refused by AWS, refused by the peer, answered late, moved, reloaded badly: each with its error.
      const denied = cloud.fault.arm({
        action: 'ec2:DisassociateAddress',
        caller: neptune.instanceId,
        effect: { kind: 'expired' },
        times: 1,
        dryRun: 'exclude',
      });
      await cluster.node('saturn').web.kill();
      await cloud.waitFor('AWS to refuse the call', () => cloud.fault.hits(denied) > 0, 60_000);
      await scene.moved('neptune');
      const forger = await forgerOf(cluster);
      await forger.post(neptune.agent.api, '/v1/gossip', '{}', strangersKeys);
      await forger.post(neptune.agent.api, '/v1/gossip', '{}');
      const config = await readFile(neptune.agent.configFile, 'utf8');
      expect(config).toContain(cluster.keyFile);
      const since = neptune.agent.log.position;
      neptune.agent.reload();
      await neptune.agent.log.waitFor('configured', { since, withinMs: 60_000 });

      const env = {
        ...cloud.environmentFor(neptune.instanceId),
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      };
      const { configFile } = neptune.agent;
      const commands = await Promise.all(
        [
          ['config'],
          ['config', '--json'],
          ['check', '--json'],
          ['status', '--json'],
          ['why'],
          ['history', '--json'],
        ].map((args) => failtome([...args, '-c', configFile], { env })),
      );
      const answers = await Promise.all(
        ['/', '/v1/status', '/v1/history', '/v1/why', '/v1/holder', '/metrics', '/readyz', '/livez'].map(
          (path) => neptune.agent.api.get(path),
        ),
      );
      const stateFolder = join(neptune.folder, 'state');
      const files = await Promise.all(
        (await readdir(stateFolder, { withFileTypes: true }))
          // The lock is a socket, and holds nothing.
          .filter((entry) => entry.isFile())
          .map(({ name }) => readFile(join(stateFolder, name), 'utf8')),
      );
      const places: Readonly<Record<string, string>> = {
        log: await readFile(neptune.agent.log.file, 'utf8'),
        'log of the peer': await readFile(cluster.node('saturn').agent.log.file, 'utf8'),
        commands: commands.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
        answers: answers.map(({ body }) => body).join('\n'),
        state: files.join('\n'),
        notifications: cloud.published.map(({ message }) => message).join('\n'),
      };
      for (const [place, text] of Object.entries(places)) expect(text, place).not.toBe('');

      const key = Buffer.from((await readFile(cluster.keyFile, 'utf8')).trim(), 'base64');
      const signatures = recorder.records.flatMap(({ headers, answer }) => [
        headers[SIGNATURE_HEADER] ?? '',
        answer.headers[SIGNATURE_HEADER] ?? '',
      ]);
      expect(signatures.length).toBeGreaterThan(10);
      const secrets = [
        ...(['base64', 'base64url', 'hex', 'latin1'] as const).map((encoding) => key.toString(encoding)),
        secretAccessKey,
        HOOK,
        ...signatures.filter((signature) => signature !== ''),
      ];
      for (const [place, text] of Object.entries(places)) {
        const found = secrets.filter((secret) => text.includes(secret));
        expect(found, place).toEqual([]);
        expect(text, place).not.toMatch(/AWS4-HMAC-SHA256|x-amz-security-token/i);
      }
    } finally {
      await close();
    }
  },
);

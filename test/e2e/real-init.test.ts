/** Two nodes on a real network with the very same files, as `failtome init` wrote them: each knows itself by its address. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { failtome, temporaryFolder } from './support/command.ts';
import { ids, sharedAddress, subnets, topicArn, withNamespacedPair } from './support/namespaces.ts';

const withinMs = 60_000;
const timeout = 300_000;

const canRun = has('root') && has('ip');
const missing = canRun ? '' : ' (skipped: needs root and ip; apt-get install -y iproute2, sudo npm test)';

describe.skipIf(!canRun)(`a pair set up by failtome init${missing}`, () => {
  test('runs on one file for both, and fails over', { timeout }, async (context) => {
    const folder = await temporaryFolder(context);
    const dir = join(folder, 'etc');
    const nodes = ids.flatMap((id) => ['--node', `${id}=${subnets[id]}.2`]);
    const written = await failtome(
      ['init', '--ip', sharedAddress, ...nodes, '--topic', topicArn, '--dir', dir, '--yes'],
      { env: { AWS_EC2_METADATA_DISABLED: 'true' } },
    );
    expect({ code: written.code, stderr: written.stderr }).toEqual({ code: 0, stderr: '' });
    const file = join(dir, 'failtome.yaml');
    const asWritten = await readFile(file, 'utf8');
    // Nothing here reaches the internet's service.
    const setUp = async (guardUrl: string): Promise<string> => {
      if ((await readFile(file, 'utf8')) === asWritten)
        await appendFile(file, `guard: { urls: [${JSON.stringify(guardUrl)}] }\n`);
      return file;
    };
    await withNamespacedPair(folder, setUp, async (pair) => {
      for (const id of ids) {
        await pair.logs[id].waitFor('agent-ready', { withinMs });
        await until(
          `${id} to be settled`,
          () => {
            const { node, addresses, peers } = pair.status(id);
            expect(node.id).toBe(id);
            const knows = addresses.every(
              ({ holder, lendsInMs }) => holder.kind === 'node' && lendsInMs === 0,
            );
            return knows && node.ready && peers.every(({ state }) => state === 'alive');
          },
          { withinMs },
        );
      }
      await pair.webs.saturn.kill();
      await pair.logs.neptune.waitFor('notified', { withinMs });
      expect(pair.takers()).toEqual(['i-neptune']);
    });
  });
});

/** A pair on a real network: nodes in namespaces of their own, a link that goes down, and packets that get lost. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { failtome, temporaryFolder } from './support/command.ts';
import {
  type Id,
  ids,
  type NamespacedPair,
  sharedAddress,
  withNamespacedPair,
} from './support/namespaces.ts';

const withinMs = 60_000;
const timeout = 300_000;

/** The defaults, but for a lease and a hold-down that let a test end soon; every probe is told. */
const settings = {
  agreement: { lease: '6s' },
  holdDown: '3s',
  log: { level: 'debug' },
};

const canRun = has('root') && has('ip');
const missing = canRun ? '' : ' (skipped: needs root and ip; apt-get install -y iproute2, sudo npm test)';
const canLose = canRun && has('nft');
const missingNft = canLose
  ? ''
  : ' (skipped: needs root and nft; apt-get install -y nftables, sudo npm test)';

/** Each hears the other, knows the holder, lends its vote and would take over if it had to. */
async function settled(pair: NamespacedPair): Promise<void> {
  for (const id of ids) {
    await pair.logs[id].waitFor('agent-ready', { withinMs });
    await until(
      `${id} to be settled`,
      () => {
        const { node, addresses, peers } = pair.status(id);
        const knows = addresses.every(({ holder, lendsInMs }) => holder.kind === 'node' && lendsInMs === 0);
        return knows && node.ready && peers.every(({ state }) => state === 'alive');
      },
      { withinMs },
    );
  }
}

/** Probes that a node has finished since a position of its log. */
function probesOf({ logs }: NamespacedPair, id: Id, since: number): number {
  return logs[id].filter('probe', since).length;
}

async function concluded({ logs }: NamespacedPair, id: Id): Promise<void> {
  const conclusion = ({
    event,
    fields,
  }: {
    readonly event: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }) => event === 'concluded' && fields.result === 'served';
  await logs[id].waitFor(conclusion, { withinMs });
  await logs[id].waitFor('notified', { withinMs });
}

async function folderWithKey(context: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, 'cluster.key'), (await failtome(['keygen'])).stdout, { mode: 0o600 });
  return folder;
}

describe.skipIf(!canRun)(`a node whose link goes down${missing}`, () => {
  test('is replaced once, learns it when it is back, and takes nothing back', {
    timeout,
  }, async (context) => {
    await withNamespacedPair(await folderWithKey(context), settings, async (pair) => {
      const { network, logs } = pair;
      await settled(pair);
      network.setLink('saturn', 'down');
      await concluded(pair, 'neptune');
      await logs.neptune.waitFor(({ event, fields }) => event === 'peer' && fields.to === 'dead', {
        withinMs,
      });

      const since = logs.saturn.position;
      network.setLink('saturn', 'up');
      await logs.saturn.waitFor(({ event, fields }) => event === 'holder' && fields.holder === 'neptune', {
        since,
        withinMs,
      });
      // Without an address of its own, as for some minutes after a move, it sees nothing, and goes by its peer's word.
      const seen = logs.saturn.position;
      await until('five more probes', () => probesOf(pair, 'saturn', seen) >= 5, { withinMs });
      expect(pair.takers()).toEqual(['i-neptune']);
      const [first, ...others] = pair.cloud().published;
      expect(first?.message.split('\n')[0]).toBe(`Instance i-neptune took over ${sharedAddress}`);
      expect(others).toEqual([]);
    });
  });
});

/** Of each hundred packets, every way. */
const lossPercent = 20;
/** As many as a minute or so has. */
const probes = 60;

describe.skipIf(!canLose)(`at ${lossPercent} % packet loss${missingNft}`, () => {
  test('nothing moves needlessly, and a dead web server still does', { timeout }, async (context) => {
    await withNamespacedPair(await folderWithKey(context), settings, async (pair) => {
      const { network, logs, webs } = pair;
      await settled(pair);
      network.lose(lossPercent);
      const since = { saturn: logs.saturn.position, neptune: logs.neptune.position };
      await until(
        `${probes} probes of each`,
        () => ids.every((id) => probesOf(pair, id, since[id]) >= probes),
        { withinMs: 3 * withinMs },
      );
      expect(pair.takers()).toEqual([]);
      for (const place of [...ids, 'cloud'] as const) expect(network.lost(place), place).toBeGreaterThan(50);

      await webs.saturn.kill();
      await concluded(pair, 'neptune');
      expect(pair.takers()).toEqual(['i-neptune']);
    });
  });
});

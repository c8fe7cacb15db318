/** A pair on a real network with an arbiter in a real etcd: who reaches it decides, and no silence does. */
import { describe, expect, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { canRun, etcdIn, etcdPort, etcdUrl, folderWithKey, missing } from './support/etcd-beside.ts';
import {
  type Id,
  ids,
  type NamespacedPair,
  sharedAddress,
  withNamespacedPair,
} from './support/namespaces.ts';

const withinMs = 60_000;
const timeout = 300_000;

const settings = {
  agreement: { lease: '6s', arbiter: true },
  holdDown: '3s',
  log: { level: 'debug' },
  store: { kind: 'etcd', endpoints: [etcdUrl] },
};

interface Line {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Both run, and the arbiter that the first of them has made would lend to either. */
async function ready(pair: NamespacedPair): Promise<void> {
  for (const id of ids) await pair.logs[id].waitFor('agent-ready', { withinMs });
  for (const id of ids)
    await until(`the arbiter to lend to ${id}`, () => arbiterOf(pair, id) === '' && isReady(pair, id), {
      withinMs,
    });
}

function arbiterOf(pair: NamespacedPair, id: Id): string | undefined {
  return pair.status(id).addresses[0]?.arbiter;
}

function isReady(pair: NamespacedPair, id: Id): boolean {
  return pair.status(id).peers.every(({ state }) => state === 'alive');
}

function ballots(pair: NamespacedPair, id: Id, result: 'won' | 'lost', since: number): readonly Line[] {
  const isSo = ({ event, fields }: Line): boolean => event === 'ballot-closed' && fields.result === result;
  return pair.logs[id].filter(isSo, since);
}

describe.skipIf(!canRun)(`a pair with an arbiter${missing}`, () => {
  test('fails over from a machine that is gone by the lease of the arbiter', { timeout }, async (context) => {
    const folder = await folderWithKey(context);
    await withNamespacedPair(
      folder,
      settings,
      async (pair) => {
        await ready(pair);
        expect(pair.status('neptune').electorate.voters).toEqual(['arbiter', 'neptune', 'saturn']);
        const since = pair.logs.neptune.position;
        pair.network.setLink('saturn', 'down');
        await until('a move', () => pair.takers().length > 0, { withinMs });
        expect(pair.takers()).toEqual(['i-neptune']);
        // The log may come later than the cloud's word.
        const isWon = (): boolean => ballots(pair, 'neptune', 'won', since).length > 0;
        await until('the won ballot to be told', isWon, { withinMs });
        const [won] = ballots(pair, 'neptune', 'won', since);
        expect(won?.fields.detail).toContain('arbiter: blind (arbiter)');
        const again = (): boolean => arbiterOf(pair, 'neptune') === '';
        await until('what was lent to be given back', again, { withinMs });
      },
      etcdIn(folder),
    );
  });

  test('that is cut off moves nothing from the node that does not reach it, whatever that one sees', {
    timeout,
  }, async (context) => {
    const folder = await folderWithKey(context);
    await withNamespacedPair(
      folder,
      settings,
      async (pair) => {
        await ready(pair);
        const { network, logs } = pair;
        const since = logs.neptune.position;
        network.cutBetween();
        network.setPort('neptune', etcdPort, 'hidden');
        network.hideFrom('neptune', sharedAddress);
        const lost = (): boolean => ballots(pair, 'neptune', 'lost', since).length >= 3;
        await until('three lost ballots', lost, { withinMs });
        expect(ballots(pair, 'neptune', 'lost', since)[0]?.fields.detail).toContain(
          "the store doesn't answer",
        );
        expect(pair.takers()).toEqual([]);

        network.setLink('saturn', 'down');
        network.setPort('neptune', etcdPort, 'open');
        await until('a move', () => pair.takers().length > 0, { withinMs });
        expect(pair.takers()).toEqual(['i-neptune']);
      },
      etcdIn(folder),
    );
  });
});

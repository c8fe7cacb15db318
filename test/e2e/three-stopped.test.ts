/** A candidate that stands still in the middle of its takeover, and comes back when another has taken the address over. */
import { expect } from 'vitest';
import type { AwsAction } from '../../packages/cloud/src/model/index.ts';
import { patienceMs, scenario } from './support/scenario.ts';
import { patientSettings as settings } from './support/three-nodes.ts';

const nodes = [{ id: 'saturn' }, { id: 'neptune', priority: 200 }, { id: 'pluto' }] as const;
const standbys = ['neptune', 'pluto'] as const;

/** Where it stands still: in the call that never comes back. */
const moments: readonly { readonly at: string; readonly action: AwsAction }[] = [
  { at: 'reading who holds the address', action: 'ec2:DescribeAddresses' },
  { at: 'taking the address from its holder', action: 'ec2:DisassociateAddress' },
  { at: 'taking the address that nobody holds any more', action: 'ec2:AssociateAddress' },
];

for (const { at, action } of moments) {
  scenario(
    `a candidate stopped while ${at} does not take it back from the one that took over meanwhile`,
    { nodes, settings },
    async (scene) => {
      const { cluster } = scene;
      const { cloud } = cluster;
      const hangs = standbys.map((id) => {
        const { instanceId: caller, agent } = cluster.node(id);
        const fault = cloud.fault.arm({ action, caller, effect: { kind: 'hang' } });
        const moving = agent.log.waitFor(
          ({ event, fields }) => event === 'decided' && fields.outcome === 'move',
          { withinMs: patienceMs },
        );
        // Of the two only the first ever comes so far before the other has taken its place.
        moving.catch(() => undefined);
        return { id, fault, moving: moving.then(() => id) };
      });

      await cluster.node('saturn').web.kill();
      const first = await Promise.any(hangs.map(({ moving }) => moving));
      const second = first === 'neptune' ? 'pluto' : 'neptune';
      const { agent } = cluster.node(first);
      for (const { id, fault } of hangs) {
        if (id === first) await cloud.waitFor(`${id} to make the call`, () => cloud.fault.hits(fault) > 0);
        else cloud.fault.clear(fault);
      }
      agent.pause();
      const stopped = agent.log.position;
      await scene.moved(second);
      await scene.calls(second, first, 'dead');

      cloud.fault.clear();
      agent.resume();
      await agent.log.waitFor('stalled', { since: stopped, withinMs: patienceMs });
      await scene.sees(first, 'up');
      await scene.eventually(
        'the stopped one to know the new holder',
        async () => (await scene.view(first)).holder.node === second,
      );
      await scene.explains(first, 'that it holds still', ({ outcome }) => outcome === 'hold');
      await scene.probedMore(first, 5, 'ok');

      scene.expectOutcome({ holder: second, moves: 1 });
      const served = agent.log.filter(
        ({ event, fields }) => event === 'concluded' && fields.result === 'served',
      );
      expect(served).toEqual([]);
    },
  );
}

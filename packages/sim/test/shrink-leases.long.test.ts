/** Two candidates count on one lease. */
import type { Ip, NodeId } from '@failtome/protocol';
import { ADDRESS, type RunView, type World } from '../src/world/index.ts';
import { testDelicate } from './delicate.ts';

/** No two candidates count on one lease, whoever has given it back in whose name. */
function watchLeases(world: World): void {
  const counted = new Map<string, ReadonlyMap<NodeId, number>>();
  world.watch((event) => {
    if (event.kind === 'ended') counted.delete(event.by.run);
    if (event.kind !== 'stepped') return;
    const { by } = event;
    const mine = leasesOf(by, ADDRESS);
    counted.set(by.run, mine);
    for (const [run, others] of counted) {
      if (run.startsWith(`${by.node}#`)) continue;
      for (const [voter, untilMs] of mine) {
        // Two runs of one voter lend what each believes to be its own.
        if (world.runs().some(({ node, run: its }) => node === voter && !its.endsWith('#1'))) continue;
        if (untilMs > world.now() + 20 && (others.get(voter) ?? 0) > world.now() + 20)
          world.violate('leases', `${by.run} and ${run} count on the lease of ${voter}`);
      }
    }
  });
}

function leasesOf(by: RunView, ip: Ip): ReadonlyMap<NodeId, number> {
  const answers = Object.entries(by.state().addresses[ip]?.campaign?.answers ?? {});
  return new Map(
    answers.flatMap(([voter, { answer, leaseUntil }]) =>
      answer === 'grant' || answer === 'blind' ? [[voter, by.worldTimeOf(leaseUntil)]] : [],
    ),
  );
}

testDelicate('lease-counted-twice', watchLeases, 'leases', 6);

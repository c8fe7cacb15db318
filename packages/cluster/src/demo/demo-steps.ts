import { counted } from '@failtome/protocol';
import type { Client, Cluster, ClusterNode } from '../index.ts';
import type { DemoOutput } from './demo-output.ts';
import { showGates, showLogLines } from './log-lines.ts';

/** What every step works with. */
export interface Scene {
  readonly cluster: Cluster;
  readonly client: Client;
  readonly driver: 'ec2' | 'opsworks';
  readonly output: DemoOutput;
}

/** One step of the demo. */
export interface Step {
  readonly title: string;
  /** Rejects when something isn't as it should be. */
  readonly run: (scene: Scene) => Promise<void>;
}

/** In this order; each begins where the one before ended. */
export const steps: readonly Step[] = [
  { title: 'the cluster comes up', run: comeUp },
  { title: "saturn's web server is killed", run: failOver },
  { title: 'the notification', run: notify },
  { title: "saturn's web server is back: the address stays", run: stayPut },
  { title: 'the nodes are cut off from each other, the address is fine: no move', run: cutOff },
  { title: 'a planned move back, with `failtome handover`', run: handOver },
];

async function comeUp({ cluster, client, output }: Scene): Promise<void> {
  await cluster.ready();
  output.seen('both agents are ready: they have looked at the address and at their own web server');
  output.note('a voter that starts for the first time lends nothing for one lease; waiting for that');
  await cluster.settled();
  output.seen('they hear each other, may make every call of a move, and would take over now');
  await client.served('saturn');
  const said = await cluster.node('neptune').agent.api.status();
  const holder = said.addresses[0]?.holder;
  expect(holder?.node === 'saturn', `neptune says that saturn holds the address (${JSON.stringify(holder)})`);
  output.seen('saturn holds the address, neptune knows it, and a client out in the world gets its answers');
}

async function failOver({ cluster, client, output }: Scene): Promise<void> {
  const [saturn, neptune] = [cluster.node('saturn'), cluster.node('neptune')];
  const { log } = neptune.agent;
  const since = log.position;
  const sinceMs = Date.now();
  const hide = showLogLines({ output, cluster }, { atMs: sinceMs });
  await saturn.web.kill();
  await log.waitFor(({ event, fields }) => event === 'decided' && fields.outcome === 'move', { since });
  await showGates(output, neptune, cluster.address);
  const outage = await client.outage({ sinceMs, by: 'neptune' });
  await log.waitFor('notified', { since });
  hide();
  expectHolder(cluster, neptune, 1);
  output.seen(
    `${outage.to} serves: ${counted(outage.failed, 'request')} failed in ${outage.outageMs} ms, one every 20 ms`,
  );
}

async function notify(scene: Scene): Promise<void> {
  const { cluster, output } = scene;
  const { published } = cluster.cloud;
  const [first] = published;
  expect(
    published.length === 1 && first !== undefined,
    `one notification was published (${published.length})`,
  );
  if (first === undefined) return;
  output.note(`Subject: ${first.subject}\n${first.message}`);
  const line = `Instance ${cluster.node('neptune').nameFor(scene.driver)} took over ${cluster.address}`;
  expect(first.message.startsWith(`${line}\n`), `its first line is "${line}"`);
  output.seen('SNS accepted it once, after the move');
}

async function stayPut({ cluster, client, output }: Scene): Promise<void> {
  const saturn = cluster.node('saturn');
  await saturn.web.start();
  const rested = async (): Promise<boolean> => {
    const { node, addresses } = await saturn.agent.api.status();
    return (
      node.fit === 'fit' &&
      node.ready &&
      addresses.every(({ holdDownMs, verdict }) => holdDownMs === 0 && verdict === 'up')
    );
  };
  await cluster.until('saturn to be fit again and the hold-down to end', rested);
  await client.served('neptune');
  expectHolder(cluster, cluster.node('neptune'), 1);
  output.seen(
    'saturn is fit again and the hold-down is over; neptune keeps the address, for nobody asked for it back',
  );
}

async function cutOff({ cluster, client, output }: Scene): Promise<void> {
  const sinceMs = Date.now();
  cluster.partition(['saturn'], { kind: 'drop' });
  await Promise.all([
    believes(cluster, 'saturn', 'neptune', 'dead'),
    believes(cluster, 'neptune', 'saturn', 'dead'),
  ]);
  output.seen('each calls the other dead');
  await client.served('neptune');
  // A probe that a busy machine was too slow for passes by.
  const reason = await cluster.until('saturn to hold still, for the address answers', async () => {
    const why = await cluster.node('saturn').agent.api.why(cluster.address);
    return why.outcome === 'hold' && why.reason === 'address-up' && why.detail;
  });
  expectHolder(cluster, cluster.node('neptune'), 1);
  const gapMs = client.longestGapMs(sinceMs);
  output.seen(`nothing moved: saturn says that ${reason}; the client's longest wait was ${gapMs} ms`);
  cluster.heal();
  await Promise.all([
    believes(cluster, 'saturn', 'neptune', 'alive'),
    believes(cluster, 'neptune', 'saturn', 'alive'),
  ]);
  output.seen('the way between them is open again, and they hear each other');
}

async function handOver({ cluster, client, output }: Scene): Promise<void> {
  const saturn = cluster.node('saturn');
  const sinceMs = Date.now();
  const args = [
    'handover',
    cluster.address,
    '--to',
    'saturn',
    '--reason',
    'the demo',
    '-c',
    saturn.agent.configFile,
  ];
  output.note(`failtome ${args.slice(0, -2).join(' ')}`);
  const hide = showLogLines({ output, cluster }, { atMs: sinceMs });
  const { code, stdout, stderr } = await cluster.cli(...args);
  hide();
  expect(code === 0, `the command ends with 0 (${code}: ${stdout}${stderr})`);
  output.note(`${stdout.trim()}`);
  await client.served('saturn');
  expectHolder(cluster, saturn, 2);
  output.seen(`saturn serves again; the client's longest wait was ${client.longestGapMs(sinceMs)} ms`);
}

async function believes(cluster: Cluster, who: string, whom: string, state: string): Promise<void> {
  const { agent } = cluster.node(who);
  await cluster.until(`${who} to call ${whom} ${state}`, async () => {
    const { peers } = await agent.api.status();
    return peers.some((peer) => peer.id === whom && peer.state === state);
  });
}

function expectHolder(cluster: Cluster, node: ClusterNode, moves: number): void {
  const holder = cluster.holder()?.id ?? 'nobody';
  expect(holder === node.id, `EC2 says that ${node.id} holds the address (${holder})`);
  expect(cluster.moves() === moves, `the address has moved ${counted(moves, 'time')} (${cluster.moves()})`);
}

/** @throws when it isn't so */
function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`This should be so, and isn't: ${what}`);
}

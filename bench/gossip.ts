/** Peers: what their talk costs on the wire, how soon a dead one is known, and that a short stall moves nothing. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, ClusterNode, YamlObject } from '../packages/cluster/src/index.ts';
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { countBytes, openCounted } from './counted-cluster.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { plainExchangeBytes } from './plain-exchange.ts';
import { defaultProfile } from './profiles.ts';
import { median, type Row, spread } from './table.ts';

interface Talk {
  readonly name: string;
  readonly settings: YamlObject;
  readonly probe: YamlObject;
  readonly intervalMs: number;
  readonly deadMs: number;
}

const talks: readonly Talk[] = [
  { name: 'default', settings: {}, probe: {}, intervalMs: 500, deadMs: defaultProfile.deadMs },
  {
    name: 'gossip 150/200 ms, dead 1 s',
    settings: { gossip: { interval: '150ms', timeout: '200ms', dead: '1s' } },
    probe: { interval: '500ms', timeout: '500ms', fastInterval: '250ms' },
    intervalMs: 150,
    deadMs: 1_000,
  },
];

const names = ['saturn', 'neptune', 'pluto'] as const;
const windows = 15;
const windowMs = 1_000;
const deaths = 3;
const stallsOfEach = 15;
const stallMs = 500;
const betweenStallsMs = 500;
const deadWithinMs = 20_000;

/** All four clusters at once: they do little. */
export async function gossip(options: BenchOptions): Promise<readonly Row[]> {
  const plain = await plainExchangeBytes();
  options.note(`a plain exchange of signed JSON: ${counted(plain, 'byte')}`);
  const rows = await Promise.all(
    talks.flatMap((talk) => [2, 3].map((count) => ofCluster(options, talk, count, plain))),
  );
  // What was measured alike stands together.
  return [0, 1, 2].flatMap((kind) => rows.flatMap((each) => each[kind] ?? []));
}

async function ofCluster(
  { agentFile, times, note }: BenchOptions,
  talk: Talk,
  count: number,
  plainBytes: number,
): Promise<readonly Row[]> {
  const ids = names.slice(0, count);
  const { cluster, ways, close } = await openCounted({ agentFile, ...talk }, ids);
  try {
    await cluster.settled(settleWithinMs);
    const what = `${counted(count, 'node')}, ${talk.name}`;
    note(`gossip, ${what}: bytes`);
    const bytes = await countBytes(ids, ways, windows * times, windowMs);
    note(`gossip, ${what}: deaths`);
    const detections = await countDeaths(cluster, deaths * times);
    note(`gossip, ${what}: stalls`);
    const stalls = await countStalls(cluster, stallsOfEach * times);
    const plainRate = (plainBytes * (count - 1) * 1_000) / talk.intervalMs;
    return [bytesRow(what, bytes, plainRate), deathRow(what, detections, talk), stallRow(what, stalls)];
  } finally {
    await close();
  }
}

/** How long after a standby's machine is gone each of the others calls it dead. */
async function countDeaths(cluster: Cluster, count: number): Promise<readonly number[]> {
  const detections: number[] = [];
  const victim = cluster.nodes.at(-1);
  if (victim === undefined) return [];
  const others = cluster.nodes.filter((node) => node !== victim);
  for (let index = 0; index < count; index += 1) {
    const since = others.map(({ agent }) => agent.log.position);
    const atMs = Date.now();
    await victim.vanish();
    const found = others.map(async ({ agent }, each) => {
      const isDeath = ({
        event,
        fields,
      }: {
        event: string;
        fields: Readonly<Record<string, unknown>>;
      }): boolean => event === 'peer' && fields.peer === victim.id && fields.to === 'dead';
      const line = await agent.log.waitFor(isDeath, { since: since[each] ?? 0, withinMs: deadWithinMs });
      return line.atMs - atMs;
    });
    detections.push(...(await Promise.all(found)));
    await victim.comeBack();
    await cluster.until('everybody to be alive again', () => allAlive(cluster), { withinMs: deadWithinMs });
  }
  return detections;
}

async function allAlive(cluster: Cluster): Promise<boolean> {
  const views = await Promise.all(cluster.nodes.map(({ agent }) => agent.api.status()));
  return views.every(({ peers }) => peers.every(({ state }) => state === 'alive'));
}

interface Stalls {
  readonly count: number;
  readonly moves: number;
}

/** Stops the holder's agent, a standby's agent, and all of the holder's machine, for half a second each. */
async function countStalls(cluster: Cluster, times: number): Promise<Stalls> {
  const [holder, standby] = cluster.nodes;
  if (holder === undefined || standby === undefined) throw new Error('A cluster has two nodes at least.');
  const before = cluster.moves();
  const victims: readonly (readonly [ClusterNode, 'agent' | 'machine'])[] = [
    [holder, 'agent'],
    [standby, 'agent'],
    [holder, 'machine'],
  ];
  let count = 0;
  for (let index = 0; index < times; index += 1) {
    for (const [{ agent, web }, part] of victims) {
      agent.pause();
      if (part === 'machine') web.hang();
      await delay(stallMs);
      agent.resume();
      if (part === 'machine') web.resume();
      await delay(betweenStallsMs);
      count += 1;
    }
  }
  return { count, moves: cluster.moves() - before };
}

function bytesRow(what: string, rates: readonly number[], plainRate: number): Row {
  const ratio = median(rates) / plainRate;
  return {
    what: `bytes sent per node and second, ${what}`,
    measured: spread(rates, 'B/s'),
    yardstick: `plain signed JSON ${plainRate.toFixed(0)} B/s`,
    ratio: ratio.toFixed(2),
    bound: '<= 1',
    ok: ratio <= 1,
  };
}

function deathRow(what: string, detections: readonly number[], { deadMs }: Talk): Row {
  return {
    what: `a vanished peer is called dead, ${what}`,
    measured: spread(detections, 'ms'),
    yardstick: `gossip.dead ${deadMs} ms`,
    ratio: (median(detections) / deadMs).toFixed(2),
    bound: '',
    ok: null,
  };
}

function stallRow(what: string, { count, moves }: Stalls): Row {
  return {
    what: `takeovers because of ${counted(count, 'stall')} of ${stallMs} ms, ${what}`,
    measured: String(moves),
    yardstick: '0',
    ratio: '',
    bound: '0',
    ok: moves === 0,
  };
}

/** Failovers of a pair of real agents on the embedded cloud, one after the other: each trial ends as the next begins. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  type Cluster,
  type ClusterNode,
  type ClusterOptions,
  type LogLine,
  startCluster,
} from '../packages/cluster/src/index.ts';
import { type CloudPace, defaultProfile, type Profile, USUAL_PACE } from './profiles.ts';
import { diskMs } from './yardsticks.ts';

export type Fault = 'killed' | 'hung' | 'vanished';

/** One failover, in milliseconds since the fault. */
export interface Trial {
  readonly fault: Fault;
  readonly outage: { readonly beganAt: number; readonly endedAt: number };
  /** The first failed probe of each node: when it was known, and how long it had taken. */
  readonly firstFailure: { readonly taker: Check | null; readonly loser: Check | null };
  /** When the holder found itself unfit; null: it never said so. */
  readonly word: number | null;
  readonly down: { readonly taker: number; readonly loser: number | null };
  readonly ballotOpenedAt: number;
  readonly ballotWonAt: number;
  /** When the taker last heard the loser, where the loser fell silent. */
  readonly lastHeardAt: number | null;
  readonly guardMs: number;
  readonly stepMs: { readonly read: number; readonly release: number; readonly take: number };
  /** The last read before the move's first call, on which that rests. */
  readonly read: Read | null;
  /** Durable writes just before the fault, on the same disk and the same busy or idle machine. */
  readonly diskMs: readonly number[];
  /** When the first call of the move arrived at the cloud. */
  readonly firstCallAt: number;
}

/** A read of the association, as the cloud saw it. */
interface Read {
  readonly arrivedAt: number;
  readonly answeredAt: number;
  /** When the one before it arrived. */
  readonly earlierAt: number | null;
}

interface Check {
  readonly endedAt: number;
  readonly tookMs: number;
}

/** Between two trials, so that phases of the probes are met at random. */
const pauseMs = 400;
const trialWithinMs = 20_000;
const resetWithinMs = 90_000;
const clientEveryMs = 10;

/** A pair that fails over as often as it is asked to. */
export function startPair(
  agentFile: string,
  profile: Profile,
  env: Readonly<Record<string, string>> = {},
  pace: CloudPace = USUAL_PACE,
): Promise<Cluster> {
  return startCluster({
    ...pairOptions(agentFile, profile, pace),
    nodes: [
      { id: 'saturn', env },
      { id: 'neptune', env },
    ],
  });
}

export function pairOptions(
  agentFile: string,
  { settings, probe }: Profile = defaultProfile,
  { callMs, settlesMs }: CloudPace = USUAL_PACE,
): Omit<ClusterOptions, 'nodes'> {
  return {
    agentFile,
    // Trials follow on one another; no figure depends on these two.
    settings: { ...settings, holdDown: '1s', flap: { moves: 1_000, within: '10m' } },
    probe,
    cloud: {
      latency: { applyAfterMs: callMs / 2, answerAfterMs: callMs / 2 },
      config: { autoAddressDelayMs: 500, associationSettleMs: settlesMs },
    },
  };
}

/** Break the holder, wait until the other serves, mend what was broken. */
export async function runTrial(cluster: Cluster, fault: Fault, phase: number): Promise<Trial> {
  const loser = cluster.holder();
  const taker = cluster.nodes.find((node) => node !== loser);
  if (loser === null || taker === undefined) throw new Error('Nobody holds the address.');
  const client = cluster.client({ everyMs: clientEveryMs });
  try {
    await client.served(loser.id);
    await delay(pauseMs + phase * 1_000);
    const writes = await diskMs(cluster.folder);
    const trial = { ...(await failOver(cluster, client, { loser, taker, fault })), diskMs: writes };
    await mend(loser, fault);
    await settled(cluster, taker);
    return trial;
  } finally {
    client.stop();
  }
}

interface Scene {
  readonly loser: ClusterNode;
  readonly taker: ClusterNode;
  readonly fault: Fault;
}

async function failOver(
  cluster: Cluster,
  client: Client,
  { loser, taker, fault }: Scene,
): Promise<Omit<Trial, 'diskMs'>> {
  const since = { taker: taker.agent.log.position, loser: loser.agent.log.position };
  const calls = cluster.cloud.calls.length;
  const atMs = Date.now();
  const cloudOffsetMs = atMs - cluster.cloud.nowMs();
  if (fault === 'killed') await loser.web.kill();
  else if (fault === 'hung') loser.web.hang();
  else await loser.vanish();
  const outage = await client.outage({ sinceMs: atMs, by: taker.id, withinMs: trialWithinMs });
  client.stop();
  await taker.agent.log.waitFor('concluded', { since: since.taker, withinMs: trialWithinMs });
  const book = new Book(taker.agent.log.lines.slice(since.taker), atMs);
  const losers = new Book(loser.agent.log.lines.slice(since.loser), atMs);
  const takers = cluster.cloud.calls.filter(
    ({ caller }) => caller.kind === 'instance' && caller.instanceId === taker.instanceId,
  );
  const firstCall = takers.find(
    ({ number, action, arrivedAtMs }) =>
      number > calls &&
      action === 'ec2:DisassociateAddress' &&
      arrivedAtMs + cloudOffsetMs - atMs >= book.at('ballot-closed'),
  );
  const before = takers.slice(0, firstCall === undefined ? 0 : takers.indexOf(firstCall));
  return {
    fault,
    outage: { beganAt: outage.firstFailureAt - atMs, endedAt: outage.recoveredAt - atMs },
    firstFailure: { taker: book.firstFailure(), loser: losers.firstFailure() },
    word: losers.find(({ event, fields }) => event === 'local' && fields.to === 'unfit'),
    down: {
      taker: book.at('verdict', ({ fields }) => fields.to === 'down'),
      loser: losers.find(({ event, fields }) => event === 'verdict' && fields.to === 'down'),
    },
    ballotOpenedAt: book.at('ballot-opened'),
    ballotWonAt: book.at('ballot-closed', ({ fields }) => fields.result === 'won'),
    lastHeardAt: fault === 'vanished' ? book.lastHeardAt() : null,
    guardMs: book.duration('guard', () => true),
    stepMs: {
      read: book.duration('move-step', ({ fields }) => fields.step === 'read'),
      release: book.duration('move-step', ({ fields }) => fields.step === 'release'),
      take: book.duration('move-step', ({ fields }) => fields.step === 'take'),
    },
    read: lastRead(before, cloudOffsetMs - atMs),
    firstCallAt: (firstCall?.arrivedAtMs ?? Number.NaN) + cloudOffsetMs - atMs,
  };
}

function lastRead(calls: Cluster['cloud']['calls'], offsetMs: number): Read | null {
  const reads = calls.filter(({ action }) => action === 'ec2:DescribeAddresses');
  const [earlier, last] = [reads.at(-2), reads.at(-1)];
  if (last?.answer.kind !== 'ok') return null;
  return {
    arrivedAt: last.arrivedAtMs + offsetMs,
    answeredAt: last.answer.atMs + offsetMs,
    earlierAt: earlier === undefined ? null : earlier.arrivedAtMs + offsetMs,
  };
}

async function mend(loser: ClusterNode, fault: Fault): Promise<void> {
  if (fault === 'killed') await loser.web.start();
  else if (fault === 'hung') loser.web.resume();
  else await loser.comeBack();
}

/** Everybody is fit, sees the address up, knows its holder, and would lend. */
async function settled(cluster: Cluster, holder: ClusterNode): Promise<void> {
  await cluster.settled(resetWithinMs);
  const calm = async (): Promise<boolean> => {
    const views = await Promise.all(cluster.nodes.map(({ agent }) => agent.api.status()));
    return views.every(
      ({ node, addresses }) =>
        node.fit === 'fit' &&
        addresses.every(
          (address) =>
            address.verdict === 'up' && address.holdDownMs === 0 && address.holder.node === holder.id,
        ),
    );
  };
  await cluster.until('the pair to be calm', calm, { withinMs: resetWithinMs });
}

/** The log of one node since a moment. */
class Book {
  readonly #lines: readonly LogLine[];
  readonly #sinceMs: number;

  constructor(lines: readonly LogLine[], sinceMs: number) {
    this.#lines = lines;
    this.#sinceMs = sinceMs;
  }

  find(wanted: (line: LogLine) => boolean): number | null {
    const line = this.#lines.find(wanted);
    return line === undefined ? null : line.atMs - this.#sinceMs;
  }

  at(event: string, wanted: (line: LogLine) => boolean = () => true): number {
    return this.find((line) => line.event === event && wanted(line)) ?? Number.NaN;
  }

  duration(event: string, wanted: (line: LogLine) => boolean): number {
    const line = this.#lines.find((each) => each.event === event && wanted(each));
    return Number(line?.fields.durationMs ?? Number.NaN);
  }

  /** The first failure of a series is always told. */
  firstFailure(): Check | null {
    const line = this.#lines.find(
      ({ event, fields }) => event === 'probe' && kindOf(fields.result) === 'failed',
    );
    if (line === undefined) return null;
    const { result } = line.fields;
    const tookMs =
      typeof result === 'object' && result !== null && 'durationMs' in result ? result.durationMs : 0;
    return { endedAt: line.atMs - this.#sinceMs, tookMs: Number(tookMs) };
  }

  /** By what the taker says when it calls the loser dead. */
  lastHeardAt(): number | null {
    const line = this.#lines.find(({ event, fields }) => event === 'peer' && fields.to !== 'alive');
    const [, quietMs] = /not heard for (\d+) ms/.exec(line?.msg ?? '') ?? [];
    return line === undefined || quietMs === undefined ? null : line.atMs - this.#sinceMs - Number(quietMs);
  }
}

function kindOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'kind' in result ? result.kind : undefined;
}

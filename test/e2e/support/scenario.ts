import { expect, test } from 'vitest';
import {
  type Cluster,
  type ClusterOptions,
  type LineFilter,
  type LogLine,
  merge,
  startCluster,
  until,
  type YamlObject,
} from '../../../packages/cluster/src/index.ts';
import type { AddressView, StatusView, WhyView } from '../../../packages/protocol/src/index.ts';
import { type Ended, failtome, program } from './command.ts';
import { Slots } from './slots.ts';

/** The drivers that a scenario runs with. */
export type Driver = 'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks';

/** How long anything is waited for: far longer than it takes, because many clusters share two cores. */
export const patienceMs = 60_000;
/** One whole scenario: its turn, and several waits in a row. */
const scenarioTimeoutMs = 600_000;
/** Log lines of all agents together, and calls to the cloud, that a failure prints. */
const transcriptLines = 150;
const transcriptCalls = 40;
/** Without these a transcript is about what matters. */
const chatter = new Set(['configuration', 'warmed']);

/** Soon, but not so soon that a busy machine looks like a broken one. */
const settings: YamlObject = {
  local: { interval: '400ms', fastInterval: '200ms', timeout: '1s' },
  gossip: { interval: '250ms', timeout: '500ms', dead: '3s' },
  agreement: { lease: '4s' },
  guard: { timeout: '1500ms' },
  holdDown: '3s',
};

const probe: YamlObject = { interval: '400ms', fastInterval: '200ms', timeout: '1s', fall: 3, rise: 2 };

/** A node that has lost the address gets a public address of its own again so soon: until then it sees nothing. */
const cloudConfig = { autoAddressDelayMs: 300 };

/** Clusters of one test file that run at the same time, and that start at the same time: starting takes most. */
const running = new Slots(2);
const starting = new Slots(1);

/** A cluster as `startCluster` makes it; its settings and its probe are merged over fast ones. */
export interface ScenarioOptions extends Omit<ClusterOptions, 'agentFile' | 'nodes'> {
  /** A pair by default: saturn, which holds the address, and neptune. */
  readonly nodes?: ClusterOptions['nodes'];
  /** What is waited for before the scenario begins; `settled` by default: each node would fail over if it had to. */
  readonly begin?: 'settled' | 'ready' | 'at once';
}

/** What became of the address. */
export interface Outcome {
  /** The node that holds it by EC2's book; null: nobody of the cluster. */
  readonly holder: string | null;
  readonly moves: number;
  /** The nodes whose takeovers were told to people, in that order; the holder alone after one move, by default. */
  readonly told?: readonly string[];
  /** How often people were told that nobody may take it; never by default. */
  readonly blocked?: number;
}

/**
 * A test on real processes, beside others of its file: starts a cluster, waits until it is settled, runs, and cleans up
 * whatever happens. A failure prints what the agents logged and what the cloud was asked.
 */
export function scenario(
  title: string,
  options: ScenarioOptions,
  run: (scene: Scene) => Promise<void>,
): void {
  test.concurrent(title, { timeout: scenarioTimeoutMs }, () =>
    running.use(async () => {
      const opened: Cluster[] = [];
      try {
        const cluster = await starting.use(() => begin(options, opened));
        if ((options.begin ?? 'settled') === 'settled') await cluster.settled(patienceMs);
        await run(new Scene(cluster, options.driver ?? 'ec2'));
      } catch (error) {
        for (const cluster of opened) process.stderr.write(`\n${title}: FAILED\n${transcriptOf(cluster)}\n`);
        throw error;
      } finally {
        for (const cluster of opened) await cluster.close();
      }
    }),
  );
}

/** Starts a cluster, and has its agents' heaviest moments behind it when it resolves. */
async function begin(
  { nodes = [{ id: 'saturn' }, { id: 'neptune' }], begin: until = 'settled', ...options }: ScenarioOptions,
  opened: Cluster[],
): Promise<Cluster> {
  const cluster = await startCluster({
    agentFile: program,
    ...options,
    nodes,
    settings: merge(settings, options.settings ?? {}),
    probe: merge(probe, options.probe ?? {}),
    cloud: { ...options.cloud, config: { ...cloudConfig, ...options.cloud?.config } },
  });
  opened.push(cluster);
  if (until !== 'at once') await cluster.ready(patienceMs);
  return cluster;
}

/** A running scenario: the cluster, and what is looked at and waited for again and again. */
export class Scene {
  readonly cluster: Cluster;
  readonly driver: Driver;

  constructor(cluster: Cluster, driver: Driver) {
    this.cluster = cluster;
    this.driver = driver;
  }

  status(id: string): Promise<StatusView> {
    return answered(`${id} to show its status`, () => this.cluster.node(id).agent.api.status());
  }

  /** What a node's status says about the address. */
  async view(id: string, address: string = this.cluster.address): Promise<AddressView> {
    const { addresses } = await this.status(id);
    const found = addresses.find(({ ip }) => ip === address);
    if (found === undefined) throw new Error(`${id} doesn't know ${address}.`);
    return found;
  }

  /** A metric's value, summed over the series with these labels. */
  async metric(id: string, name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { api } = this.cluster.node(id).agent;
    const samples = await answered(`${id} to show its metrics`, () => api.metric(name));
    const wanted = Object.entries(labels);
    return samples
      .filter((sample) => wanted.every(([key, value]) => sample.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Probes of the address that a node has finished. */
  async probes(id: string, result: 'ok' | 'failed' | 'any' = 'any'): Promise<number> {
    const [all, ok] = await Promise.all([
      this.metric(id, 'probes_total'),
      this.metric(id, 'probes_total', { result: 'ok' }),
    ]);
    return { any: all, ok, failed: all - ok }[result];
  }

  /** Waits until a node has finished so many more probes: what it was to react to has been in front of it that long. */
  async probedMore(id: string, count: number, result: 'ok' | 'failed' | 'any' = 'any'): Promise<void> {
    const before = await this.probes(id, result);
    await this.eventually(
      `${id} to finish ${count} more probes`,
      async () => (await this.probes(id, result)) >= before + count,
    );
  }

  /** Waits until a node says this of a peer. */
  async calls(id: string, peer: string, state: 'alive' | 'suspect' | 'dead'): Promise<void> {
    await this.eventually(`${id} to call ${peer} ${state}`, async () => {
      const { peers } = await this.status(id);
      return peers.some((each) => each.id === peer && each.state === state);
    });
  }

  /** Waits until a node sees the address like this. */
  async sees(id: string, verdict: 'up' | 'down' | 'unknown'): Promise<void> {
    await this.eventually(
      `${id} to see the address ${verdict}`,
      async () => (await this.view(id)).verdict === verdict,
    );
  }

  why(id: string): Promise<WhyView> {
    const { address } = this.cluster;
    return answered(`${id} to say why`, () => this.cluster.node(id).agent.api.why(address));
  }

  /** Waits until a node's `why` is as it should be, and returns it. */
  async explains(id: string, what: string, holds: (why: WhyView) => boolean): Promise<WhyView> {
    let last = '';
    return until(
      `${id} to explain ${what}`,
      async () => {
        const why = await this.why(id);
        last = JSON.stringify(why);
        return holds(why) ? why : null;
      },
      { withinMs: patienceMs, seen: () => last },
    );
  }

  /** Waits for a line of a node's log. */
  logs(id: string, wanted: LineFilter): Promise<LogLine> {
    return this.cluster.node(id).agent.log.waitFor(wanted, { withinMs: patienceMs });
  }

  /** Looks again and again until it is so. */
  async eventually(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
    await until(what, look, { withinMs: patienceMs });
  }

  /** Waits for a node to hold the address and to have told people, which it does when it has seen it answer. */
  async moved(to: string): Promise<void> {
    const { cluster } = this;
    await cluster.held(to, { withinMs: patienceMs });
    await this.tells(`Instance ${cluster.node(to).nameFor(this.driver)} took over ${cluster.address}`);
  }

  /** Waits for a notification with this first line. */
  async tells(firstLine: string, withinMs: number = patienceMs): Promise<string> {
    const { cloud } = this.cluster;
    return cloud.waitFor(
      `the notification "${firstLine}"`,
      () => cloud.published.find(({ message }) => message.split('\n')[0] === firstLine)?.message,
      withinMs,
    );
  }

  /** Runs a command on one node, as its operator does. */
  command(id: string, verb: string, ...args: readonly string[]): Promise<Ended> {
    const { agent, folder, instanceId } = this.cluster.node(id);
    const env = this.cluster.cloud.environmentFor(instanceId);
    return failtome([verb, ...args, '-c', agent.configFile], { env, cwd: folder });
  }

  /** Who holds the address now, how often it moved, and what people were told: all of it, and nothing besides. */
  expectOutcome({
    holder,
    moves,
    told = moves === 0 || holder === null ? [] : [holder],
    blocked = 0,
  }: Outcome): void {
    const { cluster, driver } = this;
    const messages = cluster.cloud.published.map(({ subject, message }) => ({
      subject,
      firstLine: message.split('\n')[0],
    }));
    const takeovers = told.map((id) => ({
      subject: 'HAProxy failover notification',
      firstLine: `Instance ${cluster.node(id).nameFor(driver)} took over ${cluster.address}`,
    }));
    const isBlocked = { subject: 'HAProxy failover blocked' };
    expect({
      holder: cluster.holder()?.id ?? null,
      moves: cluster.moves(),
      told: messages.filter(({ subject }) => subject !== isBlocked.subject),
      blocked: messages.filter(({ subject }) => subject === isBlocked.subject).length,
    }).toEqual({ holder, moves, told: takeovers, blocked });
  }
}

/** Asks again where an agent was too busy to answer in time. */
function answered<T extends object>(what: string, ask: () => Promise<T>): Promise<T> {
  return until(what, ask, { withinMs: patienceMs });
}

function transcriptOf(cluster: Cluster): string {
  const lines = cluster
    .transcript(10 * transcriptLines)
    .split('\n')
    .filter((line) => !chatter.has(/^\S+ +\S+ +\S+ +([\w-]+):/.exec(line)?.[1] ?? ''));
  const calls = cluster.cloud.calls
    .filter(({ request }) => !('dryRun' in request && request.dryRun))
    .map(
      ({ at, action, caller, fault, answer }) =>
        `${at.slice(11, 23)} ${caller.kind === 'instance' ? caller.instanceId : caller.name} ${action}: ${answer.kind}${
          answer.kind === 'error' ? ` ${answer.error.code}` : ''
        }${fault === null ? '' : ` (fault: ${fault})`}`,
    );
  const associations = cluster.cloud.associationLog.map(
    ({ kind, publicIp, association }) => `${kind} ${publicIp} ${association.instanceId} ${association.id}`,
  );
  return [
    ...lines.slice(-transcriptLines),
    'Calls to the cloud:',
    ...calls.slice(-transcriptCalls),
    'Associations:',
    ...associations,
    'Published:',
    ...cluster.cloud.published.map(({ subject, message }) => `${subject}: ${message}`),
  ].join('\n');
}

/** The demo: two real agents fail an address over, and everything that it shows is checked. */
import { once } from 'node:events';
import { type Cluster, installedWebServer, startCluster } from '../index.ts';
import { DemoOutput, type Write } from './demo-output.ts';
import { describeSettings, settingsOf } from './demo-settings.ts';
import { type Scene, steps } from './demo-steps.ts';
import { stayUp } from './stay-up.ts';

/** What the demo shows, and how. */
export interface DemoOptions {
  readonly driver: 'ec2' | 'opsworks';
  /** The built agent. */
  readonly agentFile: string;
  /** Stay up afterwards until the signal comes. */
  readonly keep: boolean;
  readonly colour: boolean;
}

/** Where the demo writes, and what ends it. */
export interface DemoDependencies {
  readonly write: Write;
  /** Ends it early, and ends `keep`. */
  readonly signal: AbortSignal;
}

/** Each call to the embedded cloud takes this long, half of it until it is applied. */
const cloudLatencyMs = 120;
/** From the loss of the Elastic IP to a public address of the machine's own; minutes on EC2. */
const autoAddressDelayMs = 1_000;
const transcriptLines = 60;

/**
 * Runs the demo. Everything it started is gone when it resolves; only the logs of a demo that went wrong stay.
 *
 * @returns whether all went as it should
 */
export async function runDemo(options: DemoOptions, { write, signal }: DemoDependencies): Promise<boolean> {
  const output = new DemoOutput({ colour: options.colour }, { write });
  const webServer = installedWebServer();
  const half = cloudLatencyMs / 2;
  const cluster = await startCluster({
    agentFile: options.agentFile,
    nodes: [{ id: 'saturn' }, { id: 'neptune' }],
    driver: options.driver,
    webServer,
    ...settingsOf(),
    cloud: { latency: { applyAfterMs: half, answerAfterMs: half }, config: { autoAddressDelayMs } },
  });
  try {
    introduce(output, cluster, options);
    const client = cluster.client();
    await Promise.race([play({ cluster, output, client, driver: options.driver }), aborted(signal)]);
    output.end();
    if (options.keep) await stayUp({ output, cluster, client }, signal);
    return true;
  } catch (cause) {
    if (signal.aborted) output.note('interrupted');
    else tellFailure(output, cluster, cause);
    return false;
  } finally {
    await cluster.close();
  }
}

async function play(scene: Scene): Promise<void> {
  for (const { title, run } of steps) {
    scene.output.heading(title);
    await run(scene);
  }
}

function introduce(output: DemoOutput, cluster: Cluster, { driver }: DemoOptions): void {
  const { kind } = cluster.node('saturn').web;
  const server = kind === 'haproxy' ? 'HAProxy' : 'a small web server (HAProxy is not installed)';
  output.title('failtome: two nodes, one address');
  output.fact('nodes', `saturn and neptune, each ${server} and an agent, processes of their own`);
  output.fact(
    'address',
    `${cluster.address}, an Elastic IP of an embedded cloud; a call takes ${cloudLatencyMs} ms`,
  );
  output.fact('driver', driver);
  output.fact(
    '',
    `the loser of the address gets a public address of its own after ${autoAddressDelayMs} ms (minutes on EC2)`,
  );
  output.fact('settings', describeSettings());
}

function tellFailure(output: DemoOutput, cluster: Cluster, cause: unknown): void {
  output.failed(cause instanceof Error ? cause.message : String(cause));
  output.note(`the agents' last log lines:\n${cluster.transcript(transcriptLines)}`);
  cluster.keepFolder();
  output.note(`all logs, configurations and states are kept in ${cluster.folder}`);
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('interrupted');
}

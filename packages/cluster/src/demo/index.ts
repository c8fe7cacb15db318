/** The demo: two real agents fail an address over, and everything that it shows is checked. */
import { once } from 'node:events';
import { type Cluster, installedWebServer, startCluster } from '../index.ts';
import { stayUp } from './keep.ts';
import { Report, type Write } from './report.ts';
import { describeSettings, settingsOf } from './settings.ts';
import { type Scene, steps } from './steps.ts';

export interface DemoOptions {
  readonly driver: 'ec2' | 'opsworks';
  /** The built agent. */
  readonly agentFile: string;
  /** Stay up afterwards until the signal comes. */
  readonly keep: boolean;
  readonly colour: boolean;
}

export interface DemoDependencies {
  readonly write: Write;
  /** Ends it early, and ends `keep`. */
  readonly signal: AbortSignal;
}

/** Each call to the embedded cloud takes this long, half of it until it is applied. */
const cloudLatencyMs = 120;
/** From the loss of the Elastic IP to a public address of the machine's own; minutes on EC2. */
const autoAddressDelayMs = 1_000;
const linesOfStory = 60;

/**
 * Runs the demo. Everything it started is gone when it resolves; only the logs of a demo that went wrong stay.
 *
 * @returns whether all went as it should
 */
export async function runDemo(options: DemoOptions, { write, signal }: DemoDependencies): Promise<boolean> {
  const report = new Report({ colour: options.colour }, { write });
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
    introduce(report, cluster, options);
    const client = cluster.client();
    await Promise.race([play({ cluster, report, client, driver: options.driver }), aborted(signal)]);
    report.end();
    if (options.keep) await stayUp({ report, cluster, client }, signal);
    return true;
  } catch (cause) {
    if (signal.aborted) report.note('interrupted');
    else tellFailure(report, cluster, cause);
    return false;
  } finally {
    await cluster.close();
  }
}

async function play(scene: Scene): Promise<void> {
  for (const { title, run } of steps) {
    scene.report.heading(title);
    await run(scene);
  }
}

function introduce(report: Report, cluster: Cluster, { driver }: DemoOptions): void {
  const { kind } = cluster.node('saturn').web;
  const server = kind === 'haproxy' ? 'HAProxy' : 'a small web server (HAProxy is not installed)';
  report.title('failtome: two nodes, one address');
  report.fact('nodes', `saturn and neptune, each ${server} and an agent, processes of their own`);
  report.fact(
    'address',
    `${cluster.address}, an Elastic IP of an embedded cloud; a call takes ${cloudLatencyMs} ms`,
  );
  report.fact('driver', driver);
  report.fact(
    '',
    `the loser of the address gets a public address of its own after ${autoAddressDelayMs} ms (minutes on EC2)`,
  );
  report.fact('settings', describeSettings());
}

function tellFailure(report: Report, cluster: Cluster, cause: unknown): void {
  report.failed(cause instanceof Error ? cause.message : String(cause));
  report.note(`the agents' last log lines:\n${cluster.story(linesOfStory)}`);
  cluster.keepFolder();
  report.note(`all logs, configurations and states are kept in ${cluster.folder}`);
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('interrupted');
}

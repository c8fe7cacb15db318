/**
 * The agent: from its configuration to a node that runs, and to its orderly end.
 *
 * The API listens first, so that health checks have an answer while identity and state are still being found
 * (`agent-start.ts`); then the host loop starts, with the adapters of `ports.ts`.
 */
import { stop } from './agent-end.ts';
import { AgentParts, type ExitCode, type RunDependencies, type RunOptions } from './agent-parts.ts';
import { reload } from './agent-reload.ts';
import { startNode } from './agent-start.ts';
import { readSecrets } from './auth/secrets.ts';
import { tellSecrets } from './observe/key-news.ts';
import { StateDirectory } from './state-directory.ts';

export type { ExitCode, RunDependencies, RunOptions };

/** An agent whose API listens. */
export interface RunningAgent {
  /** Where the API listens; the port that was given where 0 was asked for. */
  readonly listening: { readonly host: string; readonly port: number };
  readonly ended: Promise<ExitCode>;
  /** Say goodbye, finish or abandon what is under way, and end. */
  stop(): void;
  /** Decide nothing any more, from this moment on: for a process that is about to end. */
  abandon(): void;
  /** Take over a changed configuration, or refuse it and say why in the log. */
  reload(): Promise<void>;
}

/**
 * Start an agent. Resolves when its API listens; the rest of the start goes on, and `/readyz` says how far it is.
 *
 * @throws AgentError when the key can't be read, another agent uses the state directory, or the API can't listen
 */
export async function runAgent(options: RunOptions, dependencies: RunDependencies): Promise<RunningAgent> {
  const { config } = options;
  const { log } = dependencies;
  const read = await readSecrets(config);
  if (read.kind === 'faulty') throw read.faults[0].error;
  const { secrets } = read;
  // Before anything in it is looked at: another agent may be writing there.
  const directory = await StateDirectory.claim(config.stateDir);
  if (directory.unprotected !== null) log.tell('warn', 'state-directory', directory.unprotected);
  tellSecrets(log, secrets);
  const agent = new AgentParts(options, dependencies, { secrets, directory });
  try {
    await open(agent);
  } catch (error) {
    await directory.release();
    throw error;
  }
  return running(agent);
}

/** @throws AgentError */
async function open(agent: AgentParts): Promise<void> {
  await agent.apis.open();
  const { host, port } = agent.apis.listening;
  agent.log.tell('info', 'api-listening', `the API listens on ${host}:${port}`, { host, port });
  const { observing } = agent.apis;
  if (observing !== null) {
    const text = `the reading routes are on ${observing.host}:${observing.port}`;
    agent.log.tell('info', 'api-listening', text, { ...observing });
  }
  agent.waitingFor = 'finding out who this node is';
  // An error in there is a fault of this program, and must end the process.
  void startNode(agent);
}

function running(agent: AgentParts): RunningAgent {
  let reloads: Promise<void> = Promise.resolve();
  return {
    get listening() {
      return agent.apis.listening;
    },
    ended: agent.ended,
    stop: () => stop(agent),
    abandon() {
      agent.ending = true;
      agent.stopping.abort();
      agent.running?.host.close();
      agent.recorder?.closeNow();
    },
    reload() {
      reloads = reloads.then(async () => {
        if (agent.toldReady) agent.service.reloading();
        await reload(agent);
        if (agent.toldReady) agent.service.ready();
      });
      return reloads;
    },
  };
}

/**
 * The agent as a process: its log, its signals, its crash.
 */
import type { ExitCode, RunRequest } from './cli/dependencies.ts';
import { loadConfig } from './config/load.ts';
import { AgentError } from './errors.ts';
import { leave, settleThreads } from './leave.ts';
import { createLog, type Log } from './observe/log.ts';
import { standardOutput } from './observe/output.ts';
import { type RunningAgent, runAgent } from './run.ts';

/** Which key of the configuration names the file that an error is about. */
const FILES = [
  ['STATE_DIR_IN_USE', 'stateDir'],
  ['KEY_', 'auth.keyFile'],
  ['IDENTITY_FILE_', 'auth.identity'],
  ['TOKEN_', 'api.readTokenFile'],
] as const;

/** Run an agent until it has stopped. A crash, or a second signal to stop, ends the process with 1. */
export async function runProcess({
  file,
  config,
  certificate,
  env,
  warnings,
  version,
}: RunRequest): Promise<ExitCode> {
  const terminal = process.stdout.isTTY === true;
  const log = createLog(
    {
      level: config.log.level,
      format: terminal ? 'text' : 'json',
      colour: terminal && (env.NO_COLOR ?? '') === '',
    },
    standardOutput(),
  );
  const control = listenForSignals(log);
  endOnCrash(log, control);
  const nodejs = process.version;
  const text = `failtome ${version} on Node ${nodejs}, configured by ${file}`;
  log.tell('info', 'agent-starting', text, { version, nodejs, file });
  for (const warning of warnings) log.tell('warn', 'configuration', warning);
  try {
    const options = { config, certificate, file, env, version };
    const agent = await runAgent(options, { log, load: () => loadConfig(file, env) });
    control.started(agent);
    return await agent.ended;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const at = FILES.find(([prefix]) => error.code.startsWith(prefix))?.[1];
    process.stderr.write(`${at === undefined ? '' : `${at}: `}${error.message}\n`);
    return at === undefined ? 1 : 2;
  } finally {
    await log.end();
    await settleThreads();
  }
}

interface Control {
  readonly started: (agent: RunningAgent) => void;
  /** Decide nothing any more: the process is about to end. */
  readonly abandon: () => void;
}

/** Hears signals from the first moment on; what comes before the agent has started waits for it. */
function listenForSignals(log: Log): Control {
  let agent: RunningAgent | null = null;
  let stopping = false;
  let leaving = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (leaving) return;
    if (stopping) {
      leaving = true;
      log.tell('warn', 'signal', `${signal} again: ending at once`, { signal });
      log.flush();
      void leave(1);
      return;
    }
    stopping = true;
    log.tell('info', 'signal', `${signal}: stopping`, { signal });
    agent?.stop();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.on('SIGHUP', (signal) => {
    log.tell('info', 'signal', `${signal}: reading the configuration again`, { signal });
    if (agent !== null) void agent.reload();
    else log.tell('error', 'reload-refused', 'still starting: send the signal again when it is ready');
  });
  return {
    started(running) {
      agent = running;
      if (leaving) agent.abandon();
      else if (stopping) agent.stop();
    },
    abandon() {
      leaving = true;
      agent?.abandon();
    },
  };
}

/**
 * A broken invariant must not go on deciding: whoever watches over the process starts a new one from what is on disk.
 * What breaks after that, while the process ends, is of no interest any more.
 */
function endOnCrash(log: Log, control: Control): void {
  let crashed = false;
  process.on('uncaughtException', (error: unknown, origin) => {
    if (crashed) return;
    crashed = true;
    control.abandon();
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
    log.tell('fatal', 'crashed', message, { origin, stack });
    log.flush();
    void leave(1);
  });
}

import { AgentApi } from './agent-api.ts';
import { Child, type Ending } from './child.ts';
import { LogBook } from './log-book.ts';
import { until, WaitError } from './wait.ts';

/** How an agent's process is run. */
export interface AgentProcessOptions {
  /** The built agent, run with plain Node. */
  readonly agentFile: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly folder: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Who hears of an agent's process. */
export interface AgentDependencies {
  /** Hears when its API begins and ceases to listen. */
  readonly onListening: (listening: boolean) => void;
}

const stopWithinMs = 30_000;

/** One node's agent: a process of its own, over as many runs as it takes. Its state directory and its log go on. */
export class AgentProcess {
  readonly api: AgentApi;
  readonly log: LogBook;
  readonly configFile: string;
  readonly #options: AgentProcessOptions;
  readonly #dependencies: AgentDependencies;
  #child: Child | null = null;

  constructor(options: AgentProcessOptions, dependencies: AgentDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.configFile = options.configFile;
    this.api = new AgentApi(options.url);
    this.log = new LogBook(options.logFile);
    this.log.subscribe(({ event }) => {
      if (event === 'api-listening') dependencies.onListening(true);
    });
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Runs it; `env` is added to its environment. Resolves at once: wait for `listening`, `ready` or a line of its log. */
  start(env: Readonly<Record<string, string>> = {}): void {
    if (this.running) throw new Error(`The agent of ${this.configFile} runs already.`);
    const { agentFile, configFile, folder } = this.#options;
    const child = new Child({
      command: process.execPath,
      args: [agentFile, 'run', '-c', configFile],
      env: { ...this.#options.env, ...env },
      cwd: folder,
    });
    this.#child = child;
    this.log.read(child);
    const ended = (): void => this.#dependencies.onListening(false);
    child.ended.then(ended, ended);
  }

  /** Resolves when `/readyz` says so. */
  async ready(withinMs?: number): Promise<void> {
    const { configFile } = this;
    await until(
      `the agent of ${configFile} to be ready`,
      async () => {
        if (!this.running) throw new WaitError(`The agent of ${configFile} has ended:\n${this.log.tail(12)}`);
        const { status, body } = await this.api.ready();
        if (status !== 200) throw new Error(body.trim());
        return true;
      },
      { ...(withinMs === undefined ? {} : { withinMs }), seen: () => `\n${this.log.tail(12)}` },
    );
  }

  /** SIGKILL: ends it at once. Its connections are reset. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGTERM, and waits for the end. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<Ending> {
    const child = this.#child;
    if (child === null) throw new Error(`The agent of ${this.configFile} has never run.`);
    child.signal(signal);
    const late = setTimeout(() => child.signal('SIGKILL'), stopWithinMs);
    const ending = await child.ended;
    clearTimeout(late);
    return ending;
  }

  /** How its latest run ended, once it has. */
  get ended(): Promise<Ending> {
    return this.#child?.ended ?? Promise.reject(new Error('It has never run.'));
  }

  /** SIGSTOP: it stands still, and its connections with it. */
  pause(): void {
    this.#child?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  /** SIGHUP: it reads its configuration again. */
  reload(): void {
    this.#child?.signal('SIGHUP');
  }

  /** Stops it in an orderly way and runs it again with the same state. */
  async restart(): Promise<void> {
    if (this.running) await this.stop();
    this.start();
    await this.ready();
  }

  async close(): Promise<void> {
    await this.kill();
    await this.log.close();
  }
}

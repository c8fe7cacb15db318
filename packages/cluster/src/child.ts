import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { atExit } from './cleanup.ts';

/** A command, and what it runs in. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a program. It never outlives this process. */
export class Child {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the process is gone and its output is read to the end. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  #ending: Ending | null = null;

  constructor({ command, args, env, cwd }: ChildOptions) {
    const child = spawn(command, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    const { pid } = child;
    const kill = (): void => this.signal('SIGKILL');
    const forget = pid === undefined ? atExit(kill) : atExit(kill, { kind: 'process', pid });
    child.once('exit', () => forget());
    this.ended = new Promise((resolve, reject) => {
      child.once('error', (cause) => {
        forget();
        reject(new Error(`${command} could not be run: ${cause.message}`, { cause }));
      });
      child.once('close', (code, signal) => {
        this.#ending = { code, signal };
        resolve(this.#ending);
      });
    });
    // Whoever waits for the end hears of it; nobody has to.
    this.ended.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#ending === null && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Sends a signal; nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal);
  }

  /** Ends it at once, stopped or not. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#process, 'exit');
    this.signal('SIGKILL');
    await gone;
  }
}

/** Nothing of this machine's own: no credentials, no configuration of the AWS SDK. */
export function baseEnvironment(home: string): Readonly<Record<string, string>> {
  return { PATH: process.env.PATH ?? '', HOME: home, NO_COLOR: '1' };
}

import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Endpoint } from '@failtome/cloud';
import { Child } from './child.ts';
import { until } from './wait.ts';

/** What serves: HAProxy, or a small server on Node where there is none. */
export type WebServerKind = 'haproxy' | 'node';

/** Which web server runs, and where. */
export interface WebServerOptions {
  readonly kind: WebServerKind;
  /** What it answers with. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly folder: string;
}

const haproxy = 'haproxy';
const startWithinMs = 20_000;

/** HAProxy where it is installed. */
export function installedWebServer(): WebServerKind {
  const { status } = spawnSync(haproxy, ['-v'], { env: { PATH: searchPath() } });
  return status === 0 ? 'haproxy' : 'node';
}

/** One node's web server: a process of its own, that can be killed and hung. It answers with its node's name. */
export class WebServer {
  readonly kind: WebServerKind;
  readonly endpoint: Endpoint;
  readonly #options: WebServerOptions;
  #child: Child | null = null;
  #flapping: NodeJS.Timeout | undefined;

  constructor(options: WebServerOptions) {
    this.kind = options.kind;
    this.endpoint = options.endpoint;
    this.#options = options;
  }

  get url(): string {
    return `http://${this.endpoint.host}:${this.endpoint.port}/`;
  }

  /** The process id, for measurements. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    if (this.#child?.running) return;
    const child = this.kind === 'haproxy' ? await this.#startHaproxy() : this.#startNode();
    this.#child = child;
    let complaints = '';
    child.stdout.resume();
    child.stderr.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString('utf8')).slice(-2_000);
    });
    const listening = async (): Promise<boolean> => {
      if (!child.running) await child.ended;
      return child.running ? takesConnections(this.endpoint) : false;
    };
    await until(`the web server of ${this.#options.name}`, listening, {
      withinMs: startWithinMs,
      seen: () => complaints,
    });
  }

  /** Ends it at once, as a crash does: connections to it are refused. */
  async kill(): Promise<void> {
    clearTimeout(this.#flapping);
    await this.#child?.kill();
  }

  /** Stops it without ending it: it takes connections and never answers. */
  hang(): void {
    this.#child?.signal('SIGSTOP');
  }

  /** Lets it go on after `hang`. */
  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Hangs and goes on in turn, until the returned function is called (which leaves it going). */
  flap({ upMs, downMs }: { readonly upMs: number; readonly downMs: number }): () => void {
    const next = (up: boolean): void => {
      if (up) this.resume();
      else this.hang();
      this.#flapping = setTimeout(() => next(!up), up ? upMs : downMs);
    };
    next(false);
    return () => {
      clearTimeout(this.#flapping);
      this.resume();
    };
  }

  async #startHaproxy(): Promise<Child> {
    const { name, folder, endpoint } = this.#options;
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, haproxyConfig(name, endpoint));
    return new Child({
      command: haproxy,
      args: ['-db', '-f', file],
      env: { PATH: searchPath() },
      cwd: folder,
    });
  }

  #startNode(): Child {
    const { name, folder, endpoint } = this.#options;
    const args = ['-e', nodeServer, name, endpoint.host, String(endpoint.port)];
    return new Child({ command: process.execPath, args, env: { PATH: searchPath() }, cwd: folder });
  }
}

/** Debian has HAProxy where only root looks. */
function searchPath(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;
}

function haproxyConfig(name: string, { host, port }: Endpoint): string {
  return `global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend web
  bind ${host}:${port}
  http-request return status 200 content-type text/plain string "${name}"
`;
}

const nodeServer = `
const [name, host, port] = process.argv.slice(1);
require('node:http')
  .createServer((request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(name))
  .listen(Number(port), host);
`;

function takesConnections({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

import { connect, type Socket } from 'node:net';
import type { InstanceId } from '../model/index.ts';
import type { Endpoint } from './togglable-listener.ts';

/** What is known of an instance's web server: does its port take connections? */
export type BackendState = 'unknown' | 'listening' | 'refused';

/** Between two looks at a port that refuses. */
const refusedAgainMs = 20;
/** Between two looks at a server that hangs up on idle connections, or can't be reached. */
const lookAgainMs = 100;

/**
 * The web servers behind the instances. Those that matter are watched through one idle connection each, so that a
 * server which dies is known at once and its address can refuse connections as the real one would.
 */
export class Backends {
  readonly #endpoints = new Map<InstanceId, Endpoint>();
  readonly #watches = new Map<InstanceId, Watch>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  endpointOf(instanceId: InstanceId): Endpoint | undefined {
    return this.#endpoints.get(instanceId);
  }

  stateOf(instanceId: InstanceId): BackendState {
    return this.#watches.get(instanceId)?.state ?? 'unknown';
  }

  /** Somebody else's connection was refused: that is news before the next look. */
  refusedBy(instanceId: InstanceId): void {
    this.#watches.get(instanceId)?.refused();
  }

  set(instanceId: InstanceId, endpoint: Endpoint): void {
    this.#endpoints.set(instanceId, endpoint);
    if (!this.#watches.has(instanceId)) return;
    this.#unwatch(instanceId);
    this.#watch(instanceId);
  }

  /** Watches the web servers of these instances, and no others. */
  watchOnly(instanceIds: ReadonlySet<InstanceId>): void {
    for (const watched of [...this.#watches.keys()]) {
      if (!instanceIds.has(watched)) this.#unwatch(watched);
    }
    for (const wanted of instanceIds) {
      if (!this.#watches.has(wanted)) this.#watch(wanted);
    }
  }

  close(): void {
    this.watchOnly(new Set());
  }

  #watch(instanceId: InstanceId): void {
    const endpoint = this.#endpoints.get(instanceId);
    if (endpoint !== undefined) this.#watches.set(instanceId, new Watch(endpoint, this.#changed));
  }

  #unwatch(instanceId: InstanceId): void {
    this.#watches.get(instanceId)?.stop();
    this.#watches.delete(instanceId);
  }
}

/** One idle connection to one web server, made again whenever it ends. */
class Watch {
  state: BackendState = 'unknown';
  readonly #endpoint: Endpoint;
  readonly #changed: () => void;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, changed: () => void) {
    this.#endpoint = endpoint;
    this.#changed = changed;
    this.#look();
  }

  /** Its port refused a connection: once the watching one has ended, look again soon. */
  refused(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), refusedAgainMs);
    this.#become('refused');
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const socket = connect({ ...this.#endpoint });
    this.#socket = socket;
    let connected = false;
    let again = lookAgainMs;
    socket.on('connect', () => {
      connected = true;
      this.#become('listening');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (connected) return;
      if (error.code === 'ECONNREFUSED') again = refusedAgainMs;
      this.#become(error.code === 'ECONNREFUSED' ? 'refused' : 'unknown');
    });
    const startedAt = Date.now();
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      // A connection that lived for a while and ended is news: look at once.
      const livedLong = connected && Date.now() - startedAt > lookAgainMs;
      this.#timer = setTimeout(() => this.#look(), livedLong ? 0 : again);
    });
    socket.resume();
  }

  #become(state: BackendState): void {
    if (state === this.state) return;
    this.state = state;
    this.#changed();
  }
}

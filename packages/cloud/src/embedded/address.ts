import { connect, createServer, type Socket } from 'node:net';
import { externalIp, type InstanceId, type PublicIp, routeOf } from '../model/index.ts';
import type { Backends } from './backends.ts';
import type { LiveAccount } from './live-account.ts';
import { type Endpoint, TogglableListener } from './togglable-listener.ts';

/** What lies between one viewer and an address. */
export type PathState = 'clear' | 'blackhole' | 'refuse';

/** What an address needs of the rest of the cloud. */
export interface AddressDependencies {
  readonly account: LiveAccount;
  readonly backends: Backends;
  /** Whose traffic comes from which source address, where that tells. */
  readonly sources: ReadonlyMap<string, InstanceId>;
  /** What becomes of connections to an address that nobody holds. */
  readonly unassociated: 'blackhole' | 'refuse';
}

/** What becomes of a connection. */
type Fate =
  | { readonly kind: 'hold' }
  | { readonly kind: 'refuse' }
  | {
      readonly kind: 'forward';
      readonly associationId: string;
      readonly instanceId: InstanceId;
      readonly backend: Endpoint;
    };

interface Connection {
  readonly viewer: InstanceId | null;
  readonly client: Socket;
  upstream: Socket | null;
  /** The association it was forwarded under. */
  associationId: string | null;
}

/** When a client's operating system sends its first packet again (RFC 6298, as Linux does it), in milliseconds. */
const synRetriesMs = [1_000, 3_000, 7_000, 15_000] as const;

/**
 * An Elastic IP that takes connections: one port for the outside world, and one for each instance that looks at it, so
 * that a path can be broken for one viewer alone. Connections go to the holder's web server, and are cut when the
 * association moves. What a network would drop is accepted and left alone.
 */
export class AddressFront {
  readonly #publicIp: PublicIp;
  readonly #dependencies: AddressDependencies;
  readonly #listeners = new Map<InstanceId | null, TogglableListener>();
  readonly #paths = new Map<InstanceId | null, PathState>();
  readonly #connections = new Set<Connection>();
  #unsubscribe: (() => void) | undefined;

  constructor(
    publicIp: PublicIp,
    bind: Endpoint,
    viewers: ReadonlyMap<InstanceId, number>,
    dependencies: AddressDependencies,
  ) {
    this.#publicIp = publicIp;
    this.#dependencies = dependencies;
    this.#listeners.set(null, new TogglableListener(() => this.#server(null), bind));
    for (const [viewer, port] of viewers) {
      this.#listeners.set(
        viewer,
        new TogglableListener(() => this.#server(viewer), { host: bind.host, port }),
      );
    }
  }

  async open(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.open()));
    this.#unsubscribe = this.#dependencies.account.subscribe((signal) => {
      if (signal.kind === 'changed') this.#review();
    });
    this.#review();
  }

  /** The port through which an instance sees the address; null: the outside world's. */
  viewOf(viewer: InstanceId | null): Endpoint {
    const listener = this.#listeners.get(viewer);
    if (listener === undefined) throw new Error(`${viewer} has no view of ${this.#publicIp}.`);
    return listener.endpoint;
  }

  /** Breaks or clears the path between one viewer and the address; null: the outside world's. */
  setPath(viewer: InstanceId | null, state: PathState): void {
    this.#paths.set(viewer, state);
    this.#review();
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    for (const { client, upstream } of this.#connections) {
      client.destroy();
      upstream?.destroy();
    }
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
  }

  #server(viewer: InstanceId | null): ReturnType<typeof createServer> {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    return createServer(options, (client) => {
      const source = viewer ?? this.#dependencies.sources.get(client.remoteAddress ?? '') ?? null;
      const connection: Connection = { viewer: source, client, upstream: null, associationId: null };
      this.#connections.add(connection);
      client.on('error', () => client.destroy());
      client.on('close', () => {
        this.#connections.delete(connection);
        connection.upstream?.destroy();
      });
      this.#start(connection, 0);
    });
  }

  #start(connection: Connection, attempt: number): void {
    const { client } = connection;
    if (client.destroyed) return;
    const fate = this.#fateFor(connection.viewer);
    switch (fate.kind) {
      case 'refuse':
        client.resetAndDestroy();
        return;
      case 'forward':
        this.#forward(connection, fate);
        return;
      case 'hold': {
        const wait = (synRetriesMs[attempt] ?? 0) - (synRetriesMs[attempt - 1] ?? 0);
        if (wait <= 0) return;
        const { account } = this.#dependencies;
        account.at(account.nowMs() + wait, () => this.#start(connection, attempt + 1));
      }
    }
  }

  #forward(connection: Connection, fate: Extract<Fate, { kind: 'forward' }>): void {
    const { client } = connection;
    const upstream = connect({ ...fate.backend, allowHalfOpen: true, noDelay: true });
    connection.upstream = upstream;
    connection.associationId = fate.associationId;
    upstream.on('connect', () => {
      client.pipe(upstream);
      upstream.pipe(client);
    });
    // The holder's refusal and its resets reach the client as such.
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') this.#dependencies.backends.refusedBy(fate.instanceId);
      if (connection.upstream === upstream) client.resetAndDestroy();
    });
    upstream.on('close', () => {
      if (connection.upstream === upstream && client.writableEnded) client.destroySoon();
    });
  }

  #fateFor(viewer: InstanceId | null): Fate {
    const { account, backends, unassociated } = this.#dependencies;
    const path = this.#paths.get(viewer) ?? 'clear';
    if (path !== 'clear') return { kind: path === 'refuse' ? 'refuse' : 'hold' };
    const now = account.nowMs();
    if (viewer !== null && externalIp(account.state, viewer, now).kind === 'none') return { kind: 'hold' };
    const route = routeOf(account.state, this.#publicIp, now);
    if (route.kind === 'nowhere') {
      const refuses = route.why === 'unassociated' && unassociated === 'refuse';
      return { kind: refuses ? 'refuse' : 'hold' };
    }
    const backend = backends.endpointOf(route.instance.id);
    if (backend === undefined || backends.stateOf(route.instance.id) === 'refused') return { kind: 'refuse' };
    return { kind: 'forward', associationId: route.association.id, instanceId: route.instance.id, backend };
  }

  /** Looks at every port and every connection again, after anything changed. */
  #review(): void {
    for (const [viewer, listener] of this.#listeners) {
      listener.set(this.#fateFor(viewer).kind === 'refuse' ? 'shut' : 'open');
    }
    const current = this.#dependencies.account.state.addresses.get(this.#publicIp)?.association?.id ?? null;
    for (const connection of this.#connections) {
      const { associationId, client, upstream, viewer } = connection;
      if (associationId === null || upstream === null) continue;
      if (associationId !== current) {
        client.resetAndDestroy();
      } else if (this.#fateFor(viewer).kind === 'hold') {
        freeze(connection);
      }
    }
  }
}

/** Lets a connection fall silent: nothing more comes, and nothing says so. */
function freeze(connection: Connection): void {
  const { client, upstream } = connection;
  if (upstream === null) return;
  connection.upstream = null;
  client.unpipe(upstream);
  upstream.unpipe(client);
  client.pause();
  upstream.destroy();
}

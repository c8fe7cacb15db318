import type { IncomingMessage, ServerResponse } from 'node:http';
import { externalIp, type InstanceId, isIpv6 } from '../model/index.ts';
import { cut, httpServer, send } from './http-parts.ts';
import type { LiveAccount } from './live-account.ts';
import { hasIpv6Loopback } from './options.ts';
import { type Endpoint, TogglableListener } from './togglable-listener.ts';

/** How the external-IP service answers. */
export type GuardBehaviour =
  | { readonly kind: 'truth' }
  /** Connections are refused (for everyone) or reset (for one asker, or one of several services). */
  | { readonly kind: 'down' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'html' }
  | { readonly kind: 'redirect' }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'error' }
  | { readonly kind: 'wrong'; readonly ip: string };

/** Whom a behaviour concerns; absent parts concern everyone. */
export interface GuardScope {
  readonly instanceId?: InstanceId;
  /** One of several services, by the name given to `guardUrlFor`. */
  readonly service?: string;
}

/** The service's answer carries this many bytes of nonsense when it is to be garbage. */
const garbageBytes = 64;
const defaultService = 'main';

/** Where the service answers. */
export interface GuardPlace extends Endpoint {
  /** Of the IPv6 loopback address, where it answers as well if an address of the account is one of IPv6 and the machine has that one. */
  readonly ipv6Port: number;
}

/**
 * The external-IP service: asked over IPv6 it tells the IPv6 address. `/ip/<instance>` and `/ip/<instance>/<service>` answer for that instance; `/` answers for the
 * instance whose registered source address asks.
 */
export class GuardService {
  readonly #account: LiveAccount;
  readonly #sources: ReadonlyMap<string, InstanceId>;
  readonly #overIpv4: TogglableListener;
  /** Null: the account has no IPv6 address, and nobody asks; or the machine has none. */
  readonly #overIpv6: TogglableListener | null;
  readonly #behaviours = new Map<string, GuardBehaviour>();

  constructor(
    { host, port, ipv6Port }: GuardPlace,
    account: LiveAccount,
    sources: ReadonlyMap<string, InstanceId>,
  ) {
    this.#account = account;
    this.#sources = sources;
    const listener = (endpoint: Endpoint, family: 4 | 6): TogglableListener =>
      new TogglableListener(
        () => httpServer((request, response) => this.#handle(request, response, family)),
        endpoint,
      );
    this.#overIpv4 = listener({ host, port }, 4);
    const hasIpv6 = [...account.state.addresses.keys()].some(isIpv6);
    this.#overIpv6 = hasIpv6 && hasIpv6Loopback() ? listener({ host: '::1', port: ipv6Port }, 6) : null;
  }

  /** All that takes connections. */
  get listeners(): readonly TogglableListener[] {
    return this.#overIpv6 === null ? [this.#overIpv4] : [this.#overIpv4, this.#overIpv6];
  }

  /** Where an instance asks one of the services, by each IP version that the account's addresses have. */
  urlsFor(instanceId: InstanceId, service: string = defaultService): readonly [string, ...string[]] {
    const path = service === defaultService ? instanceId : `${instanceId}/${service}`;
    const at = ({ url }: TogglableListener): string => `${url}/ip/${path}`;
    return [at(this.#overIpv4), ...(this.#overIpv6 === null ? [] : [at(this.#overIpv6)])];
  }

  /** Sets how the service answers; the narrowest scope that was set decides. */
  behave(behaviour: GuardBehaviour, scope: GuardScope = {}): void {
    this.#behaviours.set(keyOf(scope), behaviour);
    const isDown = this.#behaviours.get(keyOf({}))?.kind === 'down';
    for (const listener of this.listeners) listener.set(isDown ? 'shut' : 'open');
  }

  /** Back to the truth, for everyone. */
  clear(): void {
    this.#behaviours.clear();
    for (const listener of this.listeners) listener.set('open');
  }

  #handle(request: IncomingMessage, response: ServerResponse, family: 4 | 6): void {
    const asker = this.#askerOf(request);
    if (asker === null) {
      send(response, 404, 'text/plain', 'Nobody is known by this path or source address.\n');
      return;
    }
    const ip = externalIp(this.#account.state, asker.instanceId, this.#account.nowMs(), family);
    // Without a way out the question doesn't arrive.
    if (ip.kind === 'none') return;
    answer(request, response, this.#behaviourFor(asker), ip.ip);
  }

  #askerOf(request: IncomingMessage): Required<GuardScope> | null {
    const [path = ''] = (request.url ?? '/').split('?');
    const [, root, instanceId, service] = path.split('/');
    if (root === 'ip' && instanceId !== undefined) return { instanceId, service: service ?? defaultService };
    const bySource = this.#sources.get(request.socket.remoteAddress ?? '');
    return path === '/' && bySource !== undefined ? { instanceId: bySource, service: defaultService } : null;
  }

  #behaviourFor({ instanceId, service }: Required<GuardScope>): GuardBehaviour {
    const scopes: readonly GuardScope[] = [{ instanceId, service }, { instanceId }, { service }, {}];
    for (const scope of scopes) {
      const behaviour = this.#behaviours.get(keyOf(scope));
      if (behaviour !== undefined) return behaviour;
    }
    return { kind: 'truth' };
  }
}

function keyOf({ instanceId = '*', service = '*' }: GuardScope): string {
  return `${instanceId} ${service}`;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  behaviour: GuardBehaviour,
  ip: string,
): void {
  switch (behaviour.kind) {
    case 'truth':
      send(response, 200, 'text/plain', `${ip}\n`);
      return;
    case 'wrong':
      send(response, 200, 'text/plain', `${behaviour.ip}\n`);
      return;
    case 'html':
      send(
        response,
        200,
        'text/html',
        '<!doctype html><title>Log in</title><h1>Log in to this network</h1>\n',
      );
      return;
    case 'redirect':
      send(response, 302, 'text/plain', '', { location: 'http://login.example/' });
      return;
    case 'garbage':
      send(response, 200, 'text/plain', '\u0000\u001f'.repeat(garbageBytes / 2));
      return;
    case 'error':
      send(response, 503, 'text/plain', 'unavailable\n');
      return;
    case 'down':
      cut(request);
      return;
    case 'hang':
      return;
  }
}

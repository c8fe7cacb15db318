/**
 * The routes that anyone may read: status, decisions, history, health and metrics. They change nothing.
 */
import type { Ip, PeerView, StatusView, WhyView } from '@failtome/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HistoryLine } from '../history-line.ts';
import { PAGE, PAGE_HEADERS } from './page.ts';
import { refuse } from './refusals.ts';

/** The status, and what only the agent knows: where its peers are. */
export interface AgentStatus extends StatusView {
  readonly peers: readonly (PeerView & { readonly url: string | null })[];
}

/** What the node knows, asked anew for every request. */
export interface Views {
  /** The configured addresses. */
  addresses(): readonly Ip[];
  status(): AgentStatus;
  /** @param ip one of `addresses()` */
  why(ip: Ip): WhyView;
  /** @param ip one of `addresses()` */
  isHolder(ip: Ip): boolean;
  /** Newest first. */
  history(): readonly HistoryLine[];
  ready(): { readonly ready: boolean; readonly reason: string };
  /** Prometheus's text format. */
  metrics(): Promise<string>;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Add the routes. */
export function addViewRoutes(app: FastifyInstance, views: Views): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done();
  });
  app.get('/', (_request, reply) => reply.headers(PAGE_HEADERS).send(PAGE));
  app.get('/v1/status', () => views.status());
  app.get('/v1/history', () => views.history());
  app.get('/v1/why', (request, reply) => {
    const ip = askedAddress(request, reply, views);
    return ip === null ? reply : views.why(ip);
  });
  app.get('/v1/holder', (request, reply) => {
    const ip = askedAddress(request, reply, views);
    if (ip === null) return reply;
    const holder = views.isHolder(ip);
    return reply.code(holder ? 200 : 503).send({ ip, holder });
  });
  app.get('/livez', () => ({ live: true }));
  app.get('/readyz', (_request, reply) => {
    const { ready, reason } = views.ready();
    return reply.code(ready ? 200 : 503).send({ ready, reason });
  });
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_TYPE).send(await views.metrics()));
}

/** The address of `?ip=`; the only one where it isn't given. Null: already refused. */
function askedAddress(request: FastifyRequest, reply: FastifyReply, views: Views): Ip | null {
  const addresses = views.addresses();
  const asked = new URLSearchParams(request.raw.url?.split('?')[1]).getAll('ip');
  if (asked.length > 1) {
    refuse(reply, 400, 'bad-query', 'ip may be given once');
    return null;
  }
  const [ip] = asked.length === 1 ? asked : addresses;
  if (asked.length === 0 && addresses.length !== 1) {
    refuse(reply, 400, 'bad-query', `ip is needed: one of ${addresses.join(', ')}`);
    return null;
  }
  const known = addresses.find((address) => address.toLowerCase() === ip?.toLowerCase());
  if (known !== undefined) return known;
  refuse(reply, 404, 'unknown-address', `this cluster shares ${addresses.join(', ')}`);
  return null;
}

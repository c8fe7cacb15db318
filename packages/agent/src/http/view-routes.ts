/**
 * The routes that anyone may read: status, decisions, history, health and metrics. They change nothing.
 */
import { Readable } from 'node:stream';
import type { Ip } from '@failtome/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, signResponse } from '../auth/signature.ts';
import type { HistoryLine } from '../history-line.ts';
import type { ClusterStatus } from './cluster-view.ts';
import { HistoryBody } from './history-body.ts';
import type { AdvisedWhy, AgentStatus, NodeReport } from './node-report.ts';
import { operationsPage, pageHeaders, statusPage } from './page.ts';
import { asked, queryOf } from './queries.ts';
import { Rationed, type RationedDependencies } from './rationed.ts';
import { refuse } from './refusals.ts';

/** What the node knows at the moment it is asked. */
export interface Views {
  /** The configured addresses. */
  addresses(): readonly Ip[];
  status(): AgentStatus;
  /** All of it that peers and the page show. */
  report(): NodeReport;
  /** Every node's, as this one could get it. */
  cluster(): Promise<ClusterStatus>;
  /** @param ip one of `addresses()` */
  why(ip: Ip): AdvisedWhy;
  /** @param ip one of `addresses()` */
  isHolder(ip: Ip): boolean;
  /** Newest first. */
  history(): readonly HistoryLine[];
  ready(): { readonly ready: boolean; readonly reason: string };
  /** Prometheus's text format. */
  metrics(): Promise<string>;
  /** The description of the API. */
  openApi(): string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Add the routes. @param keys those of this moment: what a peer has asked for is signed with them */
export function addViewRoutes(
  app: FastifyInstance,
  views: Views,
  rationing: RationedDependencies,
  keys: () => ClusterKeys,
): void {
  const rationed = rationedViews(views, rationing);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done();
  });
  const headers = pageHeaders();
  app.get('/', async (_request, reply) => reply.headers(headers).send(await rationed.page.get()));
  app.get('/operations', (_request, reply) => reply.headers(headers).send(operationsPage()));
  app.get('/v1/status', async (request, reply) => {
    if (!asksForReport(request)) return reply.type(JSON_TYPE).send(await rationed.status.get());
    const report = await rationed.report.get();
    return signIfAsked(request, reply, report, keys()).type(JSON_TYPE).send(report);
  });
  app.get('/v1/cluster', async (_request, reply) => reply.type(JSON_TYPE).send(await rationed.cluster.get()));
  app.get('/v1/history', async (request, reply) => {
    const limit = asked('limit', request, reply);
    if (limit === null) return reply;
    const parts = (await rationed.history.get()).newest(Number(limit));
    const length = parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
    return reply.type(JSON_TYPE).header('content-length', length).send(Readable.from(parts));
  });
  app.get('/v1/why', async (request, reply) => {
    const ip = askedAddress(request, reply, views);
    return ip === null ? reply : reply.type(JSON_TYPE).send(await rationed.why(ip).get());
  });
  app.get('/v1/holder', (request, reply) => {
    const ip = askedAddress(request, reply, views);
    if (ip === null) return reply;
    const holder = views.isHolder(ip);
    return reply.code(holder ? 200 : 503).send({ ip, holder });
  });
  app.get('/openapi.json', (_request, reply) => reply.type(JSON_TYPE).send(views.openApi()));
  app.get('/livez', () => ({ live: true }));
  app.get('/readyz', (_request, reply) => {
    const { ready, reason } = views.ready();
    return reply.code(ready ? 200 : 503).send({ ready, reason });
  });
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_TYPE).send(await rationed.metrics.get()));
}

/** `?with=decisions,history`: what is unknown there is left out, as in any query. */
function asksForReport(request: FastifyRequest): boolean {
  return queryOf(request).get('with') === 'decisions,history';
}

/** Whoever signed his read can be sure that this node answered it, and him. */
function signIfAsked(
  { method, url, headers }: FastifyRequest,
  reply: FastifyReply,
  body: Buffer,
  keys: ClusterKeys,
): FastifyReply {
  const requestSignature = headers[SIGNATURE_HEADER];
  if (typeof requestSignature !== 'string') return reply;
  const signed = { method, path: url, status: 200, requestSignature, body };
  return reply.header(SIGNATURE_HEADER, signResponse(keys, signed));
}

interface RationedViews {
  readonly page: Rationed<Buffer>;
  readonly status: Rationed<Buffer>;
  readonly report: Rationed<Buffer>;
  readonly cluster: Rationed<Buffer>;
  readonly history: Rationed<HistoryBody>;
  readonly metrics: Rationed<Buffer>;
  readonly why: (ip: Ip) => Rationed<Buffer>;
}

/** Each as the bytes that all who ask are sent. */
function rationedViews(views: Views, dependencies: RationedDependencies): RationedViews {
  const json = (view: unknown): Buffer => Buffer.from(JSON.stringify(view));
  let lastHistory = new HistoryBody([]);
  const whys = new Map<Ip, Rationed<Buffer>>();
  return {
    page: new Rationed(async () => statusPage(await views.cluster()), dependencies),
    status: new Rationed(() => json(views.status()), dependencies),
    report: new Rationed(() => json(views.report()), dependencies),
    cluster: new Rationed(async () => json(await views.cluster()), dependencies),
    history: new Rationed(() => {
      const entries = views.history();
      if (!lastHistory.isOf(entries)) lastHistory = new HistoryBody(entries);
      return lastHistory;
    }, dependencies),
    metrics: new Rationed(async () => Buffer.from(await views.metrics()), dependencies),
    why(ip) {
      const known = whys.get(ip);
      if (known !== undefined) return known;
      for (const old of whys.keys()) if (!views.addresses().includes(old)) whys.delete(old);
      const why = new Rationed(() => json(views.why(ip)), dependencies);
      whys.set(ip, why);
      return why;
    },
  };
}

/** The address of `?ip=`; the only one where it isn't given. Null: already refused. */
function askedAddress(request: FastifyRequest, reply: FastifyReply, views: Views): Ip | null {
  const addresses = views.addresses();
  const given = asked('ip', request, reply);
  if (given === null) return null;
  const ip = given ?? addresses[0];
  if (given === undefined && addresses.length !== 1) {
    refuse(reply, 400, 'bad-query', `ip is needed: one of ${addresses.join(', ')}`);
    return null;
  }
  const known = addresses.find((address) => address.toLowerCase() === ip?.toLowerCase());
  if (known !== undefined) return known;
  refuse(reply, 404, 'unknown-address', `this cluster shares ${addresses.join(', ')}`);
  return null;
}

/** `GET /v1/events`: a stream of what happens at this node, or in the cluster as this node sees it. */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { EventStreams } from './event-streams.ts';
import { asked } from './queries.ts';
import { refuse } from './refusals.ts';
import { addressOf } from './sender.ts';

/** What the route needs of its server. */
export interface EventRouteDependencies {
  readonly streams: EventStreams;
  /** An answer on this connection has no end of its own. */
  readonly keepOpen: (socket: Socket) => void;
  readonly onRejected: (reason: 'overloaded', socket: Socket) => void;
}

const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const;

/** Add the route. */
export function addEventRoute(
  app: FastifyInstance,
  { streams, keepOpen, onRejected }: EventRouteDependencies,
): void {
  app.get('/v1/events', { exposeHeadRoute: false }, (request, reply) => {
    const of = asked('of', request, reply);
    if (of === null) return reply;
    const scope = of === 'cluster' ? 'cluster' : 'node';
    const { socket } = request.raw;
    const address = addressOf(socket);
    if (!streams.hasRoomFor(address)) {
      onRejected('overloaded', socket);
      return refuse(reply, 503, 'overloaded', 'there are as many streams of events as this node takes');
    }
    reply.hijack();
    keepOpen(socket);
    reply.raw.writeHead(200, HEAD);
    streams.add(reply.raw, address, scope);
    return reply;
  });
}

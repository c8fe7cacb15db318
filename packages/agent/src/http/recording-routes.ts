/**
 * The route by which an operator gathers what this node has recorded, and what it is configured with, for a bundle. Unlike
 * the views it is for those alone who sign with the cluster's key, whatever `api.read` says.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { DurationMs, MonotonicMs, NodeId, WallMs } from '@failtome/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Allowance } from '../allowance.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, signResponse } from '../auth/signature.ts';
import { asked, queryOf } from './queries.ts';
import { refuse } from './refusals.ts';

/** What a node has to tell besides its views: `GET /v1/recordings`. */
export interface RecordingsView {
  readonly node: NodeId | null;
  readonly cluster: string;
  readonly version: string;
  readonly nodejs: string;
  /** Both of its clocks, at the moment of the answer. */
  readonly wall: WallMs;
  readonly monotonicMs: MonotonicMs;
  /** As it counts, without secrets. */
  readonly configuration: unknown;
  /** Null: it records nothing. */
  readonly recorder: {
    readonly keepMs: DurationMs;
    readonly sizeBytes: number;
    readonly lost: number;
  } | null;
  /** Oldest first. */
  readonly recordings: readonly RecordingView[];
}

/** A segment of a recording. */
export interface RecordingView {
  readonly name: string;
  readonly began: WallMs;
  readonly bytes: number;
}

/** A part of a segment: `GET /v1/recordings?name=&from=`. */
export interface RecordingPiece {
  readonly name: string;
  readonly from: number;
  /** Base64; empty: nothing stands there or beyond. */
  readonly content: string;
}

/** Where recordings come from. */
export interface RecordingSource {
  list(): Promise<RecordingsView>;
  /** Null: there is none of that name. */
  read(name: string, from: number, most: number): Promise<Buffer | null>;
}

/** The path of the route. */
export const RECORDINGS_ROUTE = '/v1/recordings';

/** The bytes of one piece, at most. */
export const MAX_PIECE_BYTES = 1_048_576;

/** So many answers a second, and at once after a rest; whoever asks sooner waits. */
export const PIECES_PER_SECOND = 8;
/** How many answers may be given in a burst. */
export const PIECES_AT_ONCE = 16;
/** More don't wait. */
const MAX_WAITING = 16;

/** Add the route. @param keys those of this moment */
export function addRecordingRoute(
  app: FastifyInstance,
  source: RecordingSource,
  keys: () => ClusterKeys,
): void {
  const allowance = new Allowance(
    { perSecond: PIECES_PER_SECOND, burst: PIECES_AT_ONCE },
    { monotonicMs: () => performance.now() },
  );
  let waiting = 0;
  app.get(RECORDINGS_ROUTE, async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    const from = asked('from', request, reply);
    if (from === null) return reply;
    if (waiting >= MAX_WAITING) return refuse(reply, 503, 'overloaded', 'too many ask for recordings');
    waiting += 1;
    try {
      while (!allowance.take()) await wait(allowance.waitMs());
      return await answer(request, reply, Number(from), source, keys);
    } finally {
      waiting -= 1;
    }
  });
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  from: number,
  source: RecordingSource,
  keys: () => ClusterKeys,
): Promise<FastifyReply> {
  const name = queryOf(request).get('name');
  if (name === null) return signed(request, reply, await source.list(), keys());
  const bytes = await source.read(name, from, MAX_PIECE_BYTES);
  if (bytes === null) return refuse(reply, 404, 'not-found', 'there is no recording of that name');
  const piece: RecordingPiece = { name, from, content: bytes.toString('base64') };
  return signed(request, reply, piece, keys());
}

/** Whoever asked has signed; so is what he is answered. */
function signed(
  { method, url, headers }: FastifyRequest,
  reply: FastifyReply,
  view: RecordingsView | RecordingPiece,
  keys: ClusterKeys,
): FastifyReply {
  const body = Buffer.from(JSON.stringify(view));
  const given = headers[SIGNATURE_HEADER];
  const requestSignature = typeof given === 'string' ? given : '';
  const signature = signResponse(keys, { method, path: url, status: 200, requestSignature, body });
  return reply.header(SIGNATURE_HEADER, signature).type('application/json; charset=utf-8').send(body);
}

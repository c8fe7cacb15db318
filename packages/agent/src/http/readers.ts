/**
 * Who may read. The views change nothing, and yet tell where a cluster's nodes are and how it decides; so they can be
 * closed, and no web page may read them under a name of its own (DNS rebinding).
 */
import { isIP } from 'node:net';
import type { DurationMs, RejectReason, WallMs } from '@failtome/protocol';
import type { FastifyRequest } from 'fastify';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, TIME_HEADER, verifyRequest } from '../auth/signature.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { RefusalCode } from './refusals.ts';

/** How far the clock of one who signs a read may be off. Nothing is decided by it: it ends what a recorded request is good for. */
export const READ_CLOCK_TOLERANCE_MS: DurationMs = 300_000;

/** What a request to read is held against, at this moment. */
export interface Readers {
  /** `peers`: who signs with the cluster's key. `token`: who has a token, besides. */
  readonly read: 'anyone' | 'token' | 'peers';
  readonly tokens: Tokens;
  /** The names by which this node may be asked, in lower case; by an address and as localhost it always may. */
  readonly hosts: ReadonlySet<string>;
  readonly keys: ClusterKeys;
  readonly now: WallMs;
}

/** Why somebody may not read. */
export interface ReadRefusal {
  readonly status: number;
  readonly code: RefusalCode;
  readonly message: string;
  /** How it is counted. */
  readonly reason: RejectReason;
  /** For `WWW-Authenticate` (RFC 9110, 11.6.1). */
  readonly challenge?: string;
}

/** Open whatever `api.read` says: a supervisor and a load balancer have no key. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set(['/livez', '/readyz']);

/** Null: it may be answered. */
export function refusalOfRead(request: FastifyRequest, readers: Readers): ReadRefusal | null {
  const signature = request.headers[SIGNATURE_HEADER];
  const unsigned = typeof signature !== 'string';
  const unproven = unsigned ? null : refusalOfSignature(request, signature, readers);
  // Who signs is no web page, whatever name it asks by.
  if (!unsigned && unproven === null) return null;
  const open = readers.read === 'anyone' || OPEN_ROUTES.has(request.url.split('?')[0] ?? '');
  return refusalOfHost(request, readers) ?? (open ? null : (unproven ?? refusalOfReader(request, readers)));
}

function refusalOfHost({ headers, raw }: FastifyRequest, { hosts }: Readers): ReadRefusal | null {
  const given = raw.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (given > 1)
    return { status: 400, code: 'malformed', reason: 'malformed', message: 'Host may be given once' };
  // A monitor that speaks HTTP/1.0 may leave it out, and a browser never does.
  if (headers.host === undefined) return null;
  const host = hostOf(headers.host);
  if (host !== null && (isIP(host) !== 0 || host === 'localhost' || hosts.has(host))) return null;
  const message =
    'this node is not known by the name in Host: ask by its address, or list the name in api.hosts';
  return { status: 421, code: 'host', reason: 'malformed', message };
}

/** The host of a `Host` header, in lower case, without brackets, port and the dot at its end; null: it has none. */
function hostOf(header: string): string | null {
  const [, v6, name] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header) ?? [];
  return (v6 ?? name)?.toLowerCase().replace(/\.$/, '') ?? null;
}

function refusalOfReader({ headers }: FastifyRequest, readers: Readers): ReadRefusal | null {
  if (readers.read === 'peers') {
    const message = `only who signs with the cluster's key may read (${SIGNATURE_HEADER})`;
    return { status: 401, code: 'unsigned', reason: 'unsigned', message };
  }
  if (readers.tokens.has(tokenIn(headers.authorization ?? ''))) return null;
  const challenge = 'Bearer realm="failtome", Basic realm="failtome", charset="UTF-8"';
  const message = 'only who has a token of this node may read (Authorization)';
  return { status: 401, code: 'token', reason: 'unsigned', message, challenge };
}

function refusalOfSignature(
  request: FastifyRequest,
  signature: string,
  { keys, now }: Readers,
): ReadRefusal | null {
  const time = request.headers[TIME_HEADER];
  const at = typeof time === 'string' ? time : '';
  if (!verifyRequest(keys, { method: request.method, path: request.url, body: at }, signature)) {
    const message = 'the signature is not of this request under a key of this cluster';
    return { status: 401, code: 'signature', reason: 'signature', message };
  }
  if (/^\d{1,15}$/.test(at) && Math.abs(now - Number(at)) <= READ_CLOCK_TOLERANCE_MS) return null;
  const message = `the request was signed at another time than now (${TIME_HEADER}); compare the clocks`;
  return { status: 401, code: 'stale', reason: 'stale', message };
}

/** A bearer's token (RFC 6750, 2.1), or the password that a browser was given (RFC 7617); empty where there is none. */
function tokenIn(authorization: string): string {
  const [, scheme = '', given = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return given;
  return Buffer.from(given, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '');
}

/**
 * The signature that every message between nodes carries: HMAC-SHA256 (RFC 2104) under the cluster's key.
 *
 * What is signed begins with the protocol's name and the direction, and every field carries its length,
 * so that no message can be read as another one: not a response as a request, nor a body as part of a path.
 * A response also covers its status and the signature of the request it answers, and so belongs to that
 * request alone. Whether a message is fresh and meant for its reader is not decided here but in the protocol.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { ClusterKeys } from './keys.ts';
import { netstring } from './netstring.ts';

/** The header that carries the signature by the cluster's key. */
export const SIGNATURE_HEADER = 'x-failtome-signature';

/** When a request without a body was signed, in milliseconds since 1970: signed in the body's place. */
export const TIME_HEADER = 'x-failtome-time';

/** The characters of a signature: 32 bytes as base64url without padding. */
const SIGNATURE_CHARS = 43;

/** Changes when what is signed changes. */
const DOMAIN = 'failtome/1';

/** Of what a node or an operator signs besides, as itself: neither signature is ever the other. */
const IDENTITY_DOMAIN = 'failtome-identity/1';

/** What of a request is signed. */
export interface SignedRequest {
  readonly method: string;
  /** As it stands in the request line, with the query. */
  readonly path: string;
  readonly body: Buffer | string;
}

/** What of an answer is signed. */
export interface SignedResponse extends SignedRequest {
  readonly status: number;
  /** The signature of the request that is answered. */
  readonly requestSignature: string;
}

/** Sign a request with the first key. */
export function signRequest(keys: ClusterKeys, request: SignedRequest): string {
  return mac(keys[0], requestPrefix(request), request.body);
}

/** Sign a response with the first key. `method` and `path` are the request's. */
export function signResponse(keys: ClusterKeys, response: SignedResponse): string {
  return mac(keys[0], responsePrefix(response), response.body);
}

/** Whether one of the keys made this signature of this request. */
export function verifyRequest(keys: ClusterKeys, request: SignedRequest, signature: string): boolean {
  return verify(keys, requestPrefix(request), request.body, signature);
}

/** Whether one of the keys made this signature of this response to this request. */
export function verifyResponse(keys: ClusterKeys, response: SignedResponse, signature: string): boolean {
  return verify(keys, responsePrefix(response), response.body, signature);
}

/** What a sender signs of a request as itself (`identities.ts`). */
export function requestBytes(request: SignedRequest): Buffer {
  return joined(requestPrefix(request, IDENTITY_DOMAIN), request.body);
}

/** What a sender signs of a response as itself (`identities.ts`). */
export function responseBytes(response: SignedResponse): Buffer {
  return joined(responsePrefix(response, IDENTITY_DOMAIN), response.body);
}

function joined(prefix: string, body: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(prefix), typeof body === 'string' ? Buffer.from(body) : body]);
}

function requestPrefix({ method, path, body }: SignedRequest, domain = DOMAIN): string {
  return `${netstring(domain)}${netstring('request')}${netstring(method)}${netstring(path)}${Buffer.byteLength(body)}:`;
}

function responsePrefix(
  { method, path, body, status, requestSignature }: SignedResponse,
  domain = DOMAIN,
): string {
  const request = `${netstring(method)}${netstring(path)}${netstring(requestSignature)}`;
  return `${netstring(domain)}${netstring('response')}${request}${netstring(String(status))}${Buffer.byteLength(body)}:`;
}

function mac(key: KeyObject, prefix: string, body: Buffer | string): string {
  return createHmac('sha256', key).update(prefix).update(body).digest('base64url');
}

/** Texts are compared, not bytes, so that a signature has one spelling only; every key is tried, whichever fits. */
function verify(keys: ClusterKeys, prefix: string, body: Buffer | string, signature: string): boolean {
  const given = Buffer.from(signature);
  if (given.length !== SIGNATURE_CHARS) return false;
  let authentic = false;
  for (const key of keys) {
    if (timingSafeEqual(Buffer.from(mac(key, prefix, body)), given)) authentic = true;
  }
  return authentic;
}

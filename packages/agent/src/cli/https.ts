/** A command's request over TLS: nothing is sent before the agent has proved who it is. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { httpUrl } from '../config/http-url.ts';
import { connectSecurely, type Secure } from '../tls/connect.ts';

/** A request over TLS. */
export interface SecureRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The answer to a request over TLS. */
export interface SecureAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** Null: it is larger than `maxBytes`. */
  readonly body: string | null;
}

/** Rejects with what went wrong, or with the reason of `signal`. */
export function askSecurely(
  { method, url, headers = {}, body }: SecureRequest,
  secure: Secure,
  { signal, maxBytes }: { readonly signal: AbortSignal; readonly maxBytes: number },
): Promise<SecureAnswer> {
  const { host, port, path } = httpUrl(url);
  return new Promise((resolve, reject) => {
    let socket: Socket | null = null;
    const request = httpRequest({
      ...{ method, host, port, path, signal, defaultPort: 443 },
      headers: { ...headers, connection: 'close' },
      createConnection: (_options, created) => {
        const opening = connectSecurely({ host, port, idleMs: 0 }, secure, (result) => {
          if (result instanceof Error) created(result, opening);
          else created(null, result);
        });
        socket = opening;
        return null;
      },
    });
    request.on('error', (error) => {
      socket?.destroy();
      reject(error);
    });
    request.on('response', (response) => {
      readBounded(response, maxBytes).then((text) => {
        resolve({ status: response.statusCode ?? 0, header: (name) => headerOf(response, name), body: text });
        if (text === null) request.destroy();
      }, reject);
    });
    request.end(body);
  });
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}

async function readBounded(response: IncomingMessage, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

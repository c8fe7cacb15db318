import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Idle connections are kept so long: longer than any agent keeps them, so that it is never the cloud that closes. */
const keepAliveMs = 75_000;

/** A server whose handler may never answer. */
export function httpServer(handle: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0, noDelay: true }, handle);
  return server;
}

/** Reads a body to its end, up to a bound; null when it is longer or breaks off. */
export async function readBody(request: IncomingMessage, boundBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) return null;
      bytes += chunk.length;
      if (bytes > boundBytes) return null;
      chunks.push(chunk);
    }
  } catch {
    // The client went away; there is nobody to answer.
    return null;
  }
  return Buffer.concat(chunks);
}

/** Sends a short answer. */
export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

/** Cuts the connection without an answer, as a reset. */
export function cut(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

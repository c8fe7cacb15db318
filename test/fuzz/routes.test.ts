/** Whatever bytes a connection sends: documented answers or an end, no fault of the API, and the next message is served. */

import { connect } from 'node:net';
import fc from 'fast-check';
import { SIGNATURE_HEADER } from '../../packages/agent/src/auth/signature.ts';
import { type Api, buildApi, envelope, rawPost, signed } from '../../packages/agent/test/support/api.ts';
import { encodeMessage } from '../../packages/protocol/src/index.ts';
import { fuzz } from './fuzz.ts';
import { connection } from './requests.ts';

/** What anybody may be answered (docs/http.md). */
const documented = new Set([
  100, 200, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 431, 501, 503, 505,
]);
/** The tests' own limits, so that a connection that waits for more ends soon. */
const limits = {
  headersMs: 100,
  requestMs: 200,
  stalledMs: 400,
  keepAliveMs: 100,
  checkMs: 20,
  piecesPerSecond: 100_000,
};
/** Longer than any of them; a connection that is still open then was forgotten. */
const openMs = 20_000;

/** @returns all that was answered until the end */
function converse(port: number, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const late = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`the connection was left open; it had answered ${JSON.stringify(text.slice(0, 300))}`),
      );
    }, openMs);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined); // a reset is an answer, too
    socket.on('close', () => {
      clearTimeout(late);
      resolve(text);
    });
    const send = ([first, ...rest]: readonly Buffer[]): void => {
      if (first === undefined) return;
      socket.write(first, () => setImmediate(send, rest));
    };
    send(pieces);
  });
}

function check(answered: string, api: Api): void {
  for (const [, status] of answered.matchAll(/HTTP\/1\.1 (\d{3})[ \r]/g))
    if (!documented.has(Number(status)))
      throw new Error(`answered with ${status}: ${answered.slice(0, 500)}`);
  for (const [, length] of answered.matchAll(
    /HTTP\/1\.1 [45]\d\d [^\r]*\r\n(?:[^\r]+\r\n)*?content-length: (\d+)/gi,
  ))
    if (length === '0') throw new Error(`an error without a body: ${answered.slice(0, 500)}`);
  const [fault] = api.faults;
  if (fault !== undefined) throw new Error(`a fault of the API: ${fault.stack}`);
}

/** At once, each on a connection of its own. */
const connections = fc.array(connection, { minLength: 1, maxLength: 32 });

fuzz('requests', 40, () => {
  let served: Promise<{ readonly api: Api; readonly port: number }> | null = null;
  const open = async (): Promise<{ readonly api: Api; readonly port: number }> => {
    const api = buildApi({ limits });
    return { api, port: await api.listen() };
  };
  return fc.asyncProperty(connections, async (all) => {
    served ??= open();
    const { api, port } = await served;
    api.faults.length = 0;
    api.received.length = 0;
    api.rejected.length = 0;
    for (const answered of await Promise.all(all.map((pieces) => converse(port, pieces))))
      check(answered, api);
    const body = encodeMessage(envelope());
    const peer = rawPost('/v1/gossip', body, { ...signed('/v1/gossip', body), connection: 'close' });
    const answer = await converse(port, [Buffer.from(peer)]);
    if (!answer.startsWith('HTTP/1.1 200 OK') || !answer.toLowerCase().includes(SIGNATURE_HEADER))
      throw new Error(`the next message was answered with ${answer.slice(0, 300)}`);
  });
});

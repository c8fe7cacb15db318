/** Listens in on what two agents say to each other, as somebody on the network between them could. */

import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { Cluster } from '../../../packages/cluster/src/index.ts';
import { until } from '../../../packages/cluster/src/index.ts';
import { decodeMessage, type Envelope } from '../../../packages/protocol/src/index.ts';

/** More than any test looks through. */
const recordBound = 20_000;

/** One request as it stood on the wire, and what was answered. */
export interface Recorded {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly message: Envelope;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

/** A proxy between two agents that changes nothing and forgets nothing. */
export class Recorder {
  readonly #server: Server;
  readonly #target: string;
  readonly #records: Recorded[] = [];

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, response) => {
      void this.#forward(incoming).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.destroy(),
      );
    });
    this.#server.keepAliveTimeout = 0;
  }

  /** @returns where it listens */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The recorder has no port.');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Everything that was answered, oldest first. */
  get records(): readonly Recorded[] {
    return this.#records;
  }

  /** Waits for a message that this is true of, beginning with the newest that is there. */
  next(what: string, holds: (recorded: Recorded) => boolean = () => true): Promise<Recorded> {
    return until(what, () => this.#records.findLast(holds), { withinMs: 60_000 });
  }

  async #forward(incoming: IncomingMessage): Promise<Recorded['answer']> {
    const body = await textOf(incoming);
    const path = incoming.url ?? '/';
    const headers = headersOf(incoming);
    const answer = await new Promise<Recorded['answer']>((resolve, reject) => {
      const sent = request(
        new URL(path, this.#target),
        { method: incoming.method, headers, agent: false },
        (response) => {
          textOf(response).then(
            (text) => resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: text }),
            reject,
          );
        },
      );
      sent.on('error', reject);
      incoming.on('close', () => sent.destroy());
      sent.end(body);
    });
    const decoded = decodeMessage(body);
    if (decoded.kind === 'message' && this.#records.length < recordBound)
      this.#records.push({ path, headers, body, message: decoded.message, answer });
    return answer;
  }
}

/** Puts a recorder on the way from one node to another, and waits until something has been heard. */
export async function listenIn(
  cluster: Cluster,
  from: string,
  to: string,
): Promise<{ readonly recorder: Recorder; readonly close: () => Promise<void> }> {
  const { agent } = cluster.node(from);
  const recorder = new Recorder(cluster.link(from, to).url);
  const url = await recorder.open();
  const before = await readFile(agent.configFile, 'utf8');
  await writeFile(agent.configFile, before.replace(cluster.link(from, to).url, url));
  const since = agent.log.position;
  agent.reload();
  await agent.log.waitFor('configured', { since, withinMs: 60_000 });
  await recorder.next(`${from} to speak to ${to}`, ({ answer }) => answer.status === 200);
  return { recorder, close: () => recorder.close() };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && !['connection', 'host', 'transfer-encoding', 'keep-alive'].includes(name)
      ? [[name, value] as const]
      : [],
  );
  return Object.fromEntries(own);
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

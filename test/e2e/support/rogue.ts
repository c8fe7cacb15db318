/**
 * A peer whose machine somebody else has: with the cluster's key it speaks as the node whose key was stolen, in a
 * session that all others accept, answers what it is asked, and says whatever it is told to say.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterKeys, readKeyFile } from '../../../packages/agent/src/auth/keys.ts';
import {
  SIGNATURE_HEADER,
  signRequest,
  signResponse,
  verifyRequest,
} from '../../../packages/agent/src/auth/signature.ts';
import type { Cluster } from '../../../packages/cluster/src/index.ts';
import {
  decodeMessage,
  type Echo,
  type Envelope,
  encodeMessage,
  type NodeId,
  type NodeRecord,
  type Payload,
  WIRE_VERSION,
} from '../../../packages/protocol/src/index.ts';

/** What a lie is made of: whom it is told, for the how many-th time, and what there is to bend. */
export interface Occasion {
  readonly to: NodeId;
  readonly count: number;
  /** What that node last told of itself. */
  readonly last: NodeRecord;
  /** What an honest witness in the liar's place would tell. */
  readonly own: NodeRecord;
}

/** What is said in a message, in place of what an honest node would say. */
export type Lie = (occasion: Occasion) => Partial<Payload>;

/** More than a message may have, so that nothing that comes is cut. */
const bodyBytes = 131_072;
/** Between two rounds of its messages. */
const restMs = 5;

interface Victim {
  /** The newest session and session time that were had from it. */
  echo: Echo | null;
  /** What it last told of itself. */
  record: NodeRecord | null;
  count: number;
}

export class Rogue {
  readonly id: NodeId;
  readonly #cluster: Cluster;
  readonly #keys: ClusterKeys;
  readonly #server: Server;
  readonly #victims = new Map<NodeId, Victim>();
  /** As a run's own. */
  readonly #session = randomBytes(8).toString('base64url');
  readonly #begunAt = performance.now();
  #seq = 0;
  #lie: Lie = () => ({});

  private constructor(cluster: Cluster, id: NodeId, keys: ClusterKeys) {
    this.#cluster = cluster;
    this.id = id;
    this.#keys = keys;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Takes the place of a node whose agent doesn't run. */
  static async open(cluster: Cluster, id: NodeId): Promise<Rogue> {
    const rogue = new Rogue(cluster, id, (await readKeyFile(cluster.keyFile)).keys);
    const { hostname, port } = new URL(cluster.node(id).agent.api.url);
    await new Promise<void>((resolve, reject) => {
      rogue.#server.once('error', reject).listen(Number(port), hostname, resolve);
    });
    for (const link of cluster.links) if (link.to === id) link.setListening(true);
    return rogue;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What it says from now on, also in its answers. */
  say(lie: Lie): void {
    this.#lie = lie;
  }

  /** Speaks to each of these, `rounds` times at most, as fast as they answer but for a short rest in between. */
  async talk(to: readonly NodeId[], rounds: number, until?: AbortSignal): Promise<void> {
    for (let round = 0; round < rounds && until?.aborted !== true; round += 1) {
      await Promise.all(to.map((id) => this.speak(id)));
      await delay(restMs);
    }
  }

  /** One message; where the other side doesn't know this session, once more with its challenge. @returns its status */
  async speak(to: NodeId): Promise<number> {
    const status = await this.#send(to);
    return status === 409 ? this.#send(to) : status;
  }

  /** So many messages in one piece, as they would stand on a connection that doesn't wait for answers. */
  pipelined(to: NodeId, count: number): string {
    const { host } = new URL(this.#cluster.node(to).agent.api.url);
    return Array.from({ length: count }, () => {
      const { path, body, signature } = this.#signed(to);
      const headers = `host: ${host}\r\n${SIGNATURE_HEADER}: ${signature}\r\ncontent-length: ${Buffer.byteLength(body)}`;
      return `POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n${body}`;
    }).join('');
  }

  #signed(to: NodeId): { readonly path: string; readonly body: string; readonly signature: string } {
    const body = encodeMessage(this.#message(to, null));
    const path = '/v1/gossip';
    return { path, body, signature: signRequest(this.#keys, { method: 'POST', path, body }) };
  }

  async #send(to: NodeId): Promise<number> {
    const { api } = this.#cluster.node(to).agent;
    const { path, body, signature } = this.#signed(to);
    // An agent that is being restarted, or too busy, doesn't answer: that is no success of the attack.
    const answer = await api
      .send(path, { method: 'POST', headers: { [SIGNATURE_HEADER]: signature }, body })
      .catch(() => null);
    if (answer === null) return 0;
    const read = decodeMessage(answer.body);
    if (read.kind === 'message') this.#hear(to, read.message);
    return answer.status;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const [method, path] = [request.method ?? '', request.url ?? ''];
    const requestSignature = String(request.headers[SIGNATURE_HEADER]);
    const read = decodeMessage(body);
    const authentic = verifyRequest(this.#keys, { method, path, body }, requestSignature);
    if (!authentic || read.kind === 'fault') return void response.writeHead(400).end();
    const { from, session, seq } = read.message;
    this.#hear(from, read.message);
    const text = encodeMessage(this.#message(from, { session, seq }));
    const signed = { method, path, status: 200, requestSignature, body: text };
    response.writeHead(200, { [SIGNATURE_HEADER]: signResponse(this.#keys, signed) }).end(text);
  }

  #hear(from: NodeId, { session, t, payload }: Envelope): void {
    const victim = this.#victim(from);
    victim.echo = { session, t: victim.echo?.session === session ? Math.max(victim.echo.t, t) : t };
    victim.record = payload.node ?? victim.record;
  }

  #victim(id: NodeId): Victim {
    const known = this.#victims.get(id) ?? { echo: null, record: null, count: 0 };
    this.#victims.set(id, known);
    return known;
  }

  #message(to: NodeId, re: Envelope['re']): Envelope {
    const victim = this.#victim(to);
    this.#seq += 1;
    victim.count += 1;
    const { record } = victim;
    const honest: Payload = { version: this.#seq, ack: 0 };
    return {
      v: WIRE_VERSION,
      cluster: 'web',
      from: this.id,
      session: this.#session,
      seq: this.#seq,
      to,
      t: Math.floor(performance.now() - this.#begunAt),
      echo: victim.echo,
      re,
      payload:
        record === null
          ? honest
          : this.#bent(honest, { to, count: victim.count, last: record, own: this.#ownRecord(record) }),
    };
  }

  #bent(honest: Payload, occasion: Occasion): Payload {
    return { ...honest, node: occasion.own, ...this.#lie(occasion) };
  }

  #ownRecord(of: NodeRecord): NodeRecord {
    return {
      ...of,
      id: this.id,
      incarnation: 1,
      role: 'witness',
      instanceId: '',
      ready: false,
      leaving: false,
      handovers: [],
      addresses: of.addresses.map((one) => ({
        ...one,
        holder: null,
        ended: [],
        verdict: 'unknown',
        trouble: false,
      })),
    };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > bodyBytes) throw new Error('more than a message may have');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Messages as only somebody who has the cluster's key could write them, and some that nobody should. */
import { createSecretKey } from 'node:crypto';
import { type ClusterKeys, readKeyFile } from '../../../packages/agent/src/auth/keys.ts';
import { SIGNATURE_HEADER, signRequest } from '../../../packages/agent/src/auth/signature.ts';
import type { AgentApi, Cluster } from '../../../packages/cluster/src/index.ts';
import { type Envelope, encodeMessage, WIRE_VERSION } from '../../../packages/protocol/src/index.ts';

export { SIGNATURE_HEADER };

/** A key that no cluster has. */
export const strangersKeys: ClusterKeys = [createSecretKey(Buffer.alloc(32, 9))];

export interface Forged {
  readonly status: number;
  readonly body: string;
}

/** Signs and sends to agents of one cluster, with its own key. */
export class Forger {
  readonly keys: ClusterKeys;
  #seq = 0;

  constructor(keys: ClusterKeys) {
    this.keys = keys;
  }

  /** A message from neptune to saturn in a session of the forger's own; any part can be another. */
  message(change: Partial<Envelope> = {}): Envelope {
    this.#seq += 1;
    return {
      v: WIRE_VERSION,
      cluster: 'web',
      from: 'neptune',
      session: 'forgedforge',
      seq: this.#seq,
      to: 'saturn',
      t: 1_000 + this.#seq,
      echo: null,
      re: null,
      payload: { version: 1, ack: 0 },
      ...change,
    };
  }

  /** Sends a body with a signature of it. */
  post(api: AgentApi, path: string, body: string, keys: ClusterKeys = this.keys): Promise<Forged> {
    const signature = signRequest(keys, { method: 'POST', path, body });
    return api.send(path, { method: 'POST', headers: { [SIGNATURE_HEADER]: signature }, body });
  }

  send(api: AgentApi, path: string, change: Partial<Envelope> = {}): Promise<Forged> {
    return this.post(api, path, encodeMessage(this.message(change)));
  }
}

export async function forgerOf({ keyFile }: Cluster): Promise<Forger> {
  return new Forger((await readKeyFile(keyFile)).keys);
}

/** An independent DynamoDB, in memory: dynalite. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

import { TABLE_KEY } from '../../packages/agent/src/config/store-keys.ts';

/** It has no types of its own. */
const dynalite = createRequire(import.meta.url)('dynalite') as (options: {
  readonly createTableMs: number;
  readonly deleteTableMs: number;
}) => Server;

/** One that listens. */
export interface Dynalite {
  readonly endpoint: string;
  createTable(name: string): Promise<void>;
  deleteTable(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Start it on a free port of this machine, without any table. */
export async function startDynalite(): Promise<Dynalite> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens at a port, not at a path
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    createTable: (name) =>
      call(endpoint, 'CreateTable', {
        TableName: name,
        AttributeDefinitions: [{ AttributeName: TABLE_KEY, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: TABLE_KEY, KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    deleteTable: (name) => call(endpoint, 'DeleteTable', { TableName: name }),
    async close() {
      server.closeAllConnections();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** An operator's call. Its signature has to be there, and is looked at by nobody. */
async function call(endpoint: string, operation: string, body: unknown): Promise<void> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `DynamoDB_20120810.${operation}`,
      'X-Amz-Date': '20260101T000000Z',
      Authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${await answer.text()}`);
}

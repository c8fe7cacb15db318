/** Two instances of the embedded cloud, and real AWS clients that act as one of them. */

import { vi } from 'vitest';
import { type AwsClients, createAwsClients } from '../../packages/agent/src/adapters/aws-clients.ts';
import {
  type CloudOptions,
  type EmbeddedCloud,
  startCloud,
} from '../../packages/cloud/src/embedded/index.ts';
import type { CloudRequest, Event } from '../../packages/protocol/src/index.ts';

export const SATURN = 'i-0000000000000a001';
export const NEPTUNE = 'i-0000000000000b002';
/** TEST-NET-2 of RFC 5737. */
export const ADDRESS = '198.51.100.7';
export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:failover';

/** The clients belong to `SATURN`. */
export interface AwsWorld {
  readonly cloud: EmbeddedCloud;
  readonly clients: AwsClients;
  close(): Promise<void>;
}

export interface AwsWorldOptions {
  readonly cloud?: Partial<CloudOptions>;
  readonly credentials?: 'metadata' | 'static';
  /** The ARN of the role that the driver's calls are made with. */
  readonly role?: string;
}

/** Start a cloud, and clients that see it through the SDK's environment. */
export async function openAws({
  cloud: options,
  credentials = 'static',
  role,
}: AwsWorldOptions = {}): Promise<AwsWorld> {
  const cloud = await startCloud({
    instances: [{ id: SATURN }, { id: NEPTUNE }],
    addresses: [{ publicIp: ADDRESS }],
    topics: [TOPIC],
    ...options,
  });
  actAs(cloud, SATURN, credentials);
  const assumed = role === undefined ? null : { arn: role, nodeId: 'saturn' };
  const clients = createAwsClients({ region: null, topicArn: TOPIC, role: assumed });
  return {
    cloud,
    clients,
    async close() {
      clients.close();
      await cloud.close();
      vi.unstubAllEnvs();
    },
  };
}

/** Put the process into an instance's environment; clients read it with their first call. */
export function actAs(cloud: EmbeddedCloud, instanceId: string, credentials: 'metadata' | 'static'): void {
  vi.unstubAllEnvs();
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  for (const [name, value] of Object.entries(cloud.environmentFor(instanceId, credentials))) {
    vi.stubEnv(name, value);
  }
}

/** Collects what an adapter posts, and tells of each event. */
export interface Posts {
  readonly posted: readonly Event[];
  readonly post: (event: Event) => void;
  next(): Promise<void>;
}

export function collectPosts(): Posts {
  const posted: Event[] = [];
  const waiting: (() => void)[] = [];
  return {
    posted,
    post(event) {
      posted.push(event);
      for (const resolve of waiting.splice(0)) resolve();
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

/** The requests of one operation. */
export function requestsOf(requests: readonly CloudRequest[], operation: string): readonly CloudRequest[] {
  return requests.filter((request) => request.operation === operation);
}

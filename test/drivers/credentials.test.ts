/** The AWS clients of an agent whose credentials AWS begins to refuse, while their source offers others. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type AwsClients,
  contextFor,
  createAwsClients,
} from '../../packages/agent/src/adapters/aws-clients.ts';
import { createEc2Driver, createOpsworksDriver } from '../../packages/agent/src/adapters/aws-driver.ts';
import { readAllAddresses } from '../../packages/agent/src/adapters/ec2-calls.ts';
import { preflightCloud } from '../../packages/agent/src/adapters/preflight.ts';
import { createSnsNotifier } from '../../packages/agent/src/adapters/sns.ts';
import { checkConfig } from '../../packages/agent/src/config/load.ts';
import { type EmbeddedCloud, startCloud } from '../../packages/cloud/src/embedded/index.ts';
import type { CallOutcome } from '../../packages/ports/src/index.ts';
import type { CloudRequest } from '../../packages/protocol/src/index.ts';
import { ADDRESS, actAs, collectPosts, NEPTUNE, SATURN, TOPIC } from './aws-world.ts';

let cloud: EmbeddedCloud;
let folder: string;
let opened: AwsClients[];

beforeEach(async () => {
  opened = [];
  folder = await mkdtemp(join(tmpdir(), 'failtome-credentials-'));
  cloud = await startCloud({
    instances: [{ id: SATURN }, { id: NEPTUNE }],
    addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }],
    topics: [TOPIC],
  });
  actAs(cloud, SATURN, 'metadata');
});

afterEach(async () => {
  for (const clients of opened) clients.close();
  await cloud.close();
  await rm(folder, { recursive: true });
  vi.unstubAllEnvs();
});

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function open(): AwsClients {
  const clients = createAwsClients({ region: null, topicArn: TOPIC });
  opened.push(clients);
  return clients;
}

/** Another link of the SDK's chain each: how keys get to the clients, and how others do. */
const SOURCES: Readonly<Record<string, (key: Key) => Promise<void>>> = {
  'shared credentials file': async (key) => {
    const path = join(folder, 'credentials');
    await writeFile(path, profile('default', key));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path);
  },
  'shared credentials file, under a profile': async (key) => {
    const path = join(folder, 'credentials');
    await writeFile(path, profile('failover', key));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path);
    vi.stubEnv('AWS_PROFILE', 'failover');
  },
  'configuration file': async (key) => {
    const path = join(folder, 'config');
    await writeFile(path, profile('default', key));
    vi.stubEnv('AWS_CONFIG_FILE', path);
  },
  'command of a profile': async (key) => {
    const [path, answer] = [join(folder, 'config'), join(folder, 'answer.json')];
    const told = { Version: 1, AccessKeyId: key.accessKeyId, SecretAccessKey: key.secretAccessKey };
    await writeFile(answer, JSON.stringify(told));
    await writeFile(path, `[default]\ncredential_process = cat ${answer}\n`);
    vi.stubEnv('AWS_CONFIG_FILE', path);
  },
  environment: async (key) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', key.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', key.secretAccessKey);
  },
};

function profile(name: string, { accessKeyId, secretAccessKey }: Key): string {
  return `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

function ask(clients: AwsClients, requests: CloudRequest[] = []): Promise<CallOutcome<unknown>> {
  return readAllAddresses(
    clients,
    contextFor(20_000, (request) => requests.push(request)),
  );
}

describe.each(Object.entries(SOURCES))('credentials of the %s', (_name, give) => {
  test('that are revoked are replaced within the very call, as soon as the source has others', async () => {
    await give(cloud.accessKeyFor(SATURN));
    const clients = open();
    expect(await ask(clients)).toMatchObject({ kind: 'ok' });
    await give(cloud.replaceAccessKey(SATURN));
    const requests: CloudRequest[] = [];
    expect(await ask(clients, requests)).toMatchObject({ kind: 'ok' });
    expect(requests).toMatchObject([{ result: 'refused', code: 'AuthFailure' }, { result: 'ok' }]);
  });
});

test('a role whose session ends early goes on with the one that instance metadata offers', async () => {
  const clients = open();
  expect(await ask(clients)).toMatchObject({ kind: 'ok' });
  cloud.expireCredentials(SATURN);
  const requests: CloudRequest[] = [];
  expect(await ask(clients, requests)).toMatchObject({ kind: 'ok' });
  expect(requests).toMatchObject([{ code: 'RequestExpired' }, { result: 'ok' }]);
});

test('all clients share what one of them has found out', async () => {
  await SOURCES['shared credentials file']?.(cloud.accessKeyFor(SATURN));
  const clients = open();
  const posts = collectPosts();
  const { post } = posts;
  const opsworks = createOpsworksDriver({ instanceId: SATURN }, { clients, post });
  const sns = createSnsNotifier({ topicArn: TOPIC }, { clients, post });
  const askBoth = async (): Promise<readonly string[]> => {
    const timeoutMs = 20_000;
    let next = posts.next();
    opsworks.drive({
      kind: 'drive',
      callId: 1,
      purpose: 'move',
      address: ADDRESS,
      operation: { op: 'read' },
      timeoutMs,
    });
    await next;
    next = posts.next();
    sns.publish({ kind: 'publish', publishId: 2, subject: 'one', message: 'two', timeoutMs });
    await next;
    return posts.posted
      .slice(-2)
      .flatMap((event) =>
        event.kind === 'driven'
          ? event.result.requests
          : event.kind === 'published'
            ? [event.result.request]
            : [],
      )
      .map(({ service, result, code }) => `${service} ${result} ${code}`);
  };
  const before = await askBoth();
  await SOURCES['shared credentials file']?.(cloud.replaceAccessKey(SATURN));
  expect(await ask(clients)).toMatchObject({ kind: 'ok' });
  expect(await askBoth()).toEqual(before);
});

test('refused as they are, credentials cost a call nothing but one more question to their source', async () => {
  await SOURCES['shared credentials file']?.(cloud.accessKeyFor(SATURN));
  const clients = open();
  expect(await ask(clients)).toMatchObject({ kind: 'ok' });
  cloud.replaceAccessKey(SATURN);
  const requests: CloudRequest[] = [];
  expect(await ask(clients, requests)).toMatchObject({
    kind: 'failed',
    failure: { kind: 'refused', code: 'AuthFailure' },
  });
  expect(requests).toHaveLength(1);
});

test('a move goes on in the very call that was refused, without a second association', async () => {
  await SOURCES['shared credentials file']?.(cloud.accessKeyFor(SATURN));
  const clients = open();
  const posts = collectPosts();
  const driver = createEc2Driver(
    {
      instanceId: SATURN,
      networkInterfaceId: null,
      addresses: [{ ip: ADDRESS, allocationId: null, privateIp: null }],
    },
    { clients, post: posts.post },
  );
  const drive = async (operation: Parameters<typeof driver.drive>[0]['operation']) => {
    const next = posts.next();
    driver.drive({
      kind: 'drive',
      callId: 1,
      purpose: 'move',
      address: ADDRESS,
      operation,
      timeoutMs: 20_000,
    });
    await next;
    return posts.posted.at(-1);
  };
  expect(await drive({ op: 'read' })).toMatchObject({ result: { answer: { kind: 'read' } } });
  cloud.operatorDisassociate(ADDRESS);
  await SOURCES['shared credentials file']?.(cloud.replaceAccessKey(SATURN));
  expect(await drive({ op: 'take', reassociate: false })).toMatchObject({
    result: { answer: { kind: 'taken' } },
  });
  expect(cloud.holderOf(ADDRESS)).toBe(SATURN);
  const takes = cloud.associationLog.filter(({ kind }) => kind === 'associated');
  expect(takes.filter(({ association }) => association.instanceId === SATURN)).toHaveLength(1);
});

test('a topic that can not be read because of the credentials is a failure of the check, not a hint', async () => {
  await SOURCES['shared credentials file']?.(cloud.accessKeyFor(SATURN));
  cloud.replaceAccessKey(SATURN);
  const text = `cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: ${ADDRESS} }]
driver: { kind: ec2, region: us-east-1, instanceId: ${SATURN} }
notify: { sns: { topicArn: "${TOPIC}" } }
`;
  const loaded = checkConfig('failtome.yaml', Buffer.from(text), {});
  if (loaded.kind !== 'loaded') throw new Error(JSON.stringify(loaded.faults));
  const lines = await preflightCloud(
    loaded.config,
    { id: 'saturn', instanceId: SATURN, region: 'us-east-1' },
    open(),
    20_000,
  );
  const failed = lines.filter(({ state }) => state === 'fail').map(({ name }) => name);
  expect(failed).toEqual(expect.arrayContaining(['AWS identity', 'SNS topic']));
});

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAwsClients } from '../../packages/agent/src/adapters/aws-clients.ts';
import { createSnsNotifier } from '../../packages/agent/src/adapters/sns.ts';
import { topicRegion } from '../../packages/agent/src/config/aws-names.ts';
import type { Event, PublishResult } from '../../packages/protocol/src/index.ts';
import { type AwsWorld, openAws, SATURN, TOPIC } from './aws-world.ts';

let aws: AwsWorld;
beforeEach(async () => {
  aws = await openAws();
});
afterEach(() => aws.close());

function publish(timeoutMs = 10_000, topicArn = TOPIC): Promise<PublishResult> {
  return new Promise((resolve, reject) => {
    const post = (event: Event): void => {
      if (event.kind === 'published' && event.publishId === 7) resolve(event.result);
      else reject(new Error(`unexpected ${event.kind}`));
    };
    createSnsNotifier({ topicArn }, { clients: aws.clients, post }).publish({
      kind: 'publish',
      publishId: 7,
      subject: 'HAProxy failover notification',
      message: 'Instance i-1 took over 198.51.100.7\nnode: saturn',
      timeoutMs,
    });
  });
}

test('says that the topic does not exist', async () => {
  const { kind } = await publish(5000, `${TOPIC}-gone`);
  expect(kind).toBe('failed');
});

test('lends the notifier the permissions of the node', async () => {
  aws.cloud.setPermission(SATURN, 'sns:Publish', 'revoked');
  expect(await publish()).toMatchObject({
    kind: 'failed',
    detail: expect.stringContaining('AuthorizationError'),
  });
});

test('publishes in the region of the topic, whatever the region of the address', async () => {
  const clients = createAwsClients({
    region: 'us-east-1',
    topicArn: TOPIC.replace('us-east-1', 'eu-west-1'),
  });
  try {
    await expect(Promise.resolve(clients.sns.config.region())).resolves.toBe('eu-west-1');
    await expect(Promise.resolve(clients.ec2.config.region())).resolves.toBe('us-east-1');
  } finally {
    clients.close();
  }
});

test.each([
  ['arn:aws:sns:eu-west-1:123456789012:t', 'eu-west-1'],
  ['arn:aws-us-gov:sns:us-gov-west-1:123456789012:t', 'us-gov-west-1'],
  ['arn:aws:sqs:eu-west-1:123456789012:t', null],
  ['failover', null],
] as const)('reads the region of %s as %s', (arn, region) => {
  expect(topicRegion(arn)).toBe(region);
});
